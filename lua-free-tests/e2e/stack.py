# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Starts the engines and the gateway on free loopback ports, waits until they
# answer, and ends them by process id.  Knows processes, ports and
# configuration; knows no test.

import ctypes
import json
import os
import random
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import httpx
from qdrant_client import QdrantClient

import tokens

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CONTRACT = ROOT.parent / "shared/contracts/qdrant-openapi.validating.json"
MODULE = os.environ["EDGE_MODULE"]

MODULES = ("planning", "manufacturing", "support")
COLLECTION = "documents"
EMBEDDING_MODEL = "all-minilm-l6-v2"
SIZE = 384


RESERVED = []


def free_port():
    """Below the ephemeral range, so that no client socket takes it.  The name
    of an abstract socket keeps it ours until we end, as in Edge::Env."""

    for _ in range(200):
        port = random.randrange(20000, 30000)
        lock = socket.socket(socket.AF_UNIX)
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                lock.bind("\0edge-test-port-%d" % port)
                s.bind(("127.0.0.1", port))
            except OSError:
                lock.close()
                continue
            RESERVED.append(lock)
            return port
    raise RuntimeError("no free port")


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Process:
    """One server: started, awaited, ended; its output kept in a file."""

    def __init__(self, name, command, directory, ready, env=None):
        self.name = name
        self.command = [str(c) for c in command]
        self.output = Path(directory) / (name + ".out")
        self.ready = ready
        self.env = dict(os.environ, **(env or {}))
        self.child = None

    def start(self, seconds=400):
        with open(self.output, "ab") as out:
            self.child = subprocess.Popen(
                self.command, stdout=out, stderr=out, env=self.env,
                stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
        self.wait(seconds)

    def wait(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.child.poll() is not None:
                break
            try:
                if httpx.get(self.ready, timeout=10).status_code < 500:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.05)
        self.stop()
        raise RuntimeError("%s did not start:\n%s" % (
            self.name, self.output.read_text(errors="replace")[-3000:]))

    def stop(self, how=signal.SIGTERM):
        if self.child is None:
            return None
        if self.child.poll() is None:
            self.child.send_signal(how)
            try:
                self.child.wait(60)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait(5)
        status, self.child = self.child.returncode, None
        return status


class Redis(Process):
    """redis-server, which speaks no HTTP."""

    def __init__(self, port, directory):
        self.port = port
        super().__init__("redis", [
            "redis-server", "--bind", "127.0.0.1", "--port", port,
            "--save", "", "--dir", directory], directory, None)

    def ask(self, *words):
        """A command's answer as it comes, up to that of QUIT."""

        text = "*%d\r\n" % len(words) + "".join(
            "$%d\r\n%s\r\n" % (len(word), word) for word in words)
        with socket.create_connection(("127.0.0.1", self.port), 30) as s:
            s.sendall(text.encode() + b"QUIT\r\n")
            with s.makefile("rb") as answer:
                return answer.read().decode().removesuffix("+OK\r\n")

    def wait(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if self.ask("PING") == "+PONG\r\n":
                    return
            except OSError:
                pass
            time.sleep(0.05)
        self.stop()
        raise RuntimeError("redis did not start:\n"
                           + self.output.read_text(errors="replace"))


# Three modules as in the quick start.  The last two find documents of any
# module of the tenant, and their model is always out of capacity.
PIPELINES = {
    "planning": ("module", "generate /_openai/ model=edge-mock;"),
    "manufacturing": ("module", "generate /_openai/ model=edge-overcite;"),
    "support": ("module", "generate /_openai/ model=edge-mock;"),
    "limited": ("tenant", "generate /_openai/ model=edge-limited;"),
    "fallback": ("tenant", "generate /_openai/ model=edge-limited;"
                           " generate extractive;"),
    "metered": ("tenant", "generate /_openai/ model=edge-mock;"
                          " cache zone=answers valid=10m;"),
    "paced": ("tenant", "generate /_page/ model=paced;"),
}

RAG_QDRANT = """
    edge_rag {name} {{
        embed     /_embed/ model={embedding} dimensions={size};
        search    /_qdrant/ collection={collection} top_k=5
                  score_threshold=0.2 scope={scope};
        ingest    /_qdrant_write/ collection={collection};
        {generate}
        timeout   embed=10m search=10m first_token=10m total=10m;
        max_body  2m;
    }}
"""

RAG_STORE = """
    edge_rag {name} {{
        store     {store};
        generate  extractive;
        max_body  2m;
    }}
"""

MODULE_BLOCK = """
    edge_module {name} {{
        rag          {name};
        allow        $jwt_claim_modules {name};
        allow_write  $jwt_claim_scope documents:write;
    }}
"""

UPSTREAMS = """
    edge_secret $llm_key          env=E2E_LLM_KEY;
    edge_secret $embed_key        env=EMBEDDINGS_API_KEY;
    edge_secret $qdrant_key       env=E2E_QDRANT_KEY;
    edge_secret $qdrant_read_key  env=E2E_QDRANT_READ_KEY;

    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_connect_timeout 2s;
    proxy_read_timeout 10m;

    edge_cors http://127.0.0.1:@page@;

    edge_redis shared {
        server  127.0.0.1:@redis@;
        timeout 30s;
        connect_timeout 30s;
    }
    edge_cache_zone zone=answers:1m redis=shared;
    edge_limit_zone $edge_tenant zone=calls:1m redis=shared;
    map $edge_tenant $calls { default 1000r/m; globex 3r/h; }

    upstream qdrant {
        server 127.0.0.1:@qdrant@ max_fails=0;
        keepalive 16;
        keepalive_timeout 4s;
    }

    upstream embeddings {
        server 127.0.0.1:@embeddings@ max_fails=0;
        keepalive 16;
        keepalive_timeout 20s;
    }

    upstream llm {
        server 127.0.0.1:@llm@ max_fails=0;
        keepalive 16;
        keepalive_timeout 4s;
    }
"""

LOCATIONS = """
        location /api/v1/metered/ {
            auth_jwt "edge";
            edge_tenant $jwt_claim_tenant_id;
            edge_route on;
            edge_limit zone=calls requests=$calls;
            edge_acl $jwt_claim_groups;
        }

        location /_qdrant/ {
            internal;
            proxy_pass http://qdrant/;
            proxy_set_header api-key $qdrant_read_key;
            proxy_set_header Connection "";
        }

        location /_qdrant_write/ {
            internal;
            proxy_pass http://qdrant/;
            proxy_set_header api-key $qdrant_key;
            proxy_set_header Connection "";
        }

        location /_embed/ {
            internal;
            proxy_pass http://embeddings/v1/;
            proxy_set_header Authorization "Bearer $embed_key";
            proxy_set_header Connection "";
        }

        location /_openai/ {
            internal;
            proxy_pass http://llm/v1/;
            proxy_set_header Authorization "Bearer $llm_key";
            proxy_set_header Connection "";
            proxy_buffering off;
        }

        # The model of a page's own server, which the test holds in its hand.
        location /_page/ {
            internal;
            proxy_pass http://127.0.0.1:@page@/v1/;
            proxy_set_header Connection "";
            proxy_buffering off;
        }
"""


def fill(text, values):
    for name, value in values.items():
        text = text.replace("@%s@" % name, str(value))
    return text


class Gateway:
    """One nginx with the module, in a directory of its own."""

    def __init__(self, name, directory, http, locations, env):
        self.port, self.port_h2 = free_port(), free_port()
        self.base = "http://127.0.0.1:%d" % self.port
        self.base_h2 = "http://127.0.0.1:%d" % self.port_h2
        self.directory = Path(directory) / name
        self.directory.mkdir()
        # A worker that drops privileges must still write its store.
        os.chmod(self.directory, 0o777)

        conf = self.directory / "nginx.conf"
        conf.write_text(fill((HERE / "nginx.conf.in").read_text(), {
            "http": http, "locations": locations, "module": MODULE,
            "dir": self.directory, "port": self.port,
            "jwks": tokens.jwks(),
            "port_h2": self.port_h2}))

        self.process = Process(
            name, [os.environ["TEST_NGINX_BINARY"], "-c", conf,
                   "-p", self.directory,
                   "-e", self.directory / "error.log"],
            directory, self.base + "/actuator/health", env)

    def start(self):
        self.process.start()

    def errors(self):
        text = (self.directory / "error.log").read_text(errors="replace")
        return text.splitlines()


class Stack:
    def __init__(self):
        self.directory = Path(tempfile.mkdtemp(prefix="edge-e2e."))
        os.chmod(self.directory, 0o755)
        self.processes = []
        self.gateways = []
        self.keys = {name: secrets.token_hex(12) for name in (
            "E2E_LLM_KEY", "EMBEDDINGS_API_KEY", "E2E_QDRANT_KEY",
            "E2E_QDRANT_READ_KEY")}
        self.ports = {name: free_port()
                      for name in ("qdrant", "embeddings", "llm", "page",
                                   "redis")}
        self.urls = {name: "http://127.0.0.1:%d" % port
                     for name, port in self.ports.items()}
        self.journal_file = self.directory / "qdrant.journal"
        self.engines()

    def add(self, process):
        self.processes.append(process)
        return process

    def engines(self):
        engines = HERE / "engines"
        # Several wait for each other by spinning: on a busy machine all of them
        # together take ten times as long as one.
        one_thread = {"OPENBLAS_NUM_THREADS": "1"}

        self.qdrant = self.add(Process(
            "qdrant", [sys.executable, engines / "qdrant_front.py",
                       "--port", self.ports["qdrant"],
                       "--dir", self.directory / "qdrant",
                       "--api-key", self.keys["E2E_QDRANT_KEY"],
                       "--read-only-key", self.keys["E2E_QDRANT_READ_KEY"],
                       "--journal", self.journal_file,
                       "--contract", CONTRACT],
            self.directory, self.urls["qdrant"] + "/readyz"))

        self.embeddings = self.add(Process(
            "embeddings", [sys.executable, engines / "embeddings.py",
                           "--port", self.ports["embeddings"],
                           "--model", EMBEDDING_MODEL],
            self.directory, self.urls["embeddings"] + "/health",
            {**one_thread, **self.keys}))

        self.redis = self.add(Redis(self.ports["redis"], self.directory))

        self.llm = self.add(Process(
            "llm", [Path(sys.executable).parent / "litellm",
                    "--config", HERE / "litellm.yaml",
                    "--host", "127.0.0.1", "--port", self.ports["llm"],
                    "--keepalive_timeout", "30",
                    "--telemetry", "False"],
            self.directory, self.urls["llm"] + "/health/liveliness",
            {"LITELLM_LOCAL_MODEL_COST_MAP": "True",
             "LITELLM_TELEMETRY": "False", "NO_DOCS": "True",
             "DISABLE_ADMIN_UI": "True", **self.keys}))

    def qdrant_client(self, key):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")    # a key without TLS
            return QdrantClient(url=self.urls["qdrant"], timeout=60,
                                api_key=self.keys[key])

    def start(self):
        for process in (self.qdrant, self.embeddings, self.redis,
                        self.llm):
            process.start()

    def add_gateway(self, name, http, locations):
        gateway = Gateway(name, self.directory, http, locations, self.keys)
        self.add(gateway.process)
        self.gateways.append(gateway)
        gateway.start()
        return gateway

    def gateway(self):
        """On Qdrant, the embedding model and the language model."""

        http = fill(UPSTREAMS, self.ports)
        for name, (scope, generate) in PIPELINES.items():
            http += RAG_QDRANT.format(
                name=name, embedding=EMBEDDING_MODEL, size=SIZE,
                collection=COLLECTION, scope=scope, generate=generate)
            http += MODULE_BLOCK.format(name=name)
        return self.add_gateway("edge", http, fill(LOCATIONS, self.ports))

    def embedded_gateway(self):
        """On its own store, with no other service."""

        http = ""
        for name in MODULES:
            http += RAG_STORE.format(name=name, store="embedded.db")
            http += MODULE_BLOCK.format(name=name)
        return self.add_gateway("embedded", http, "")

    def broken(self):
        """Log lines that no run may leave behind."""

        return [line for g in self.gateways for line in g.errors()
                if re.search(r"\[(alert|crit|emerg)\]|exited on signal",
                             line)]

    def journal(self):
        """What Qdrant was asked, oldest first: all that it has answered, and
        perhaps more."""

        text = self.journal_file.read_text(encoding="utf-8")
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def stop(self):
        for process in reversed(self.processes):
            process.stop()
        if "E2E_KEEP" in os.environ:
            print("kept: %s" % self.directory)
        else:
            shutil.rmtree(self.directory, ignore_errors=True)
