# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# A real browser on a page of another origin: Chromium itself decides what
# the page may send and read.  Nothing drives the browser; the page tells its
# own server what it saw.  That server is the language model, too, and says the
# second word only when the page has the first.

import json
import os
import queue
import shutil
import subprocess
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import stack as stack_
import tokens

PAGE = (stack_.HERE / "page.html").read_text(encoding="utf-8")

# One process tree with a profile of its own, and nothing asked of the net.
FLAGS = """
    --headless --no-sandbox --disable-gpu --disable-quic --no-first-run
    --disable-background-networking --disable-component-update
    --disable-sync --disable-default-apps --disable-extensions
    --disable-dev-shm-usage --no-proxy-server --mute-audio
""".split()

SECONDS = 150

WORDS = "The rest comes when the page has this. 나머지는 나중에 [1]." \
    .split()


class Site(ThreadingHTTPServer):
    """Serves the page and its answers, and keeps what it reports."""

    daemon_threads = True

    def __init__(self, port):
        self.seen = queue.Queue()
        self.first = threading.Event()
        self.in_time = False
        super().__init__(("127.0.0.1", port), Handler)
        self.thread = threading.Thread(target=self.serve_forever,
                                       args=(0.05,), daemon=True)
        self.thread.start()

    def close(self):
        self.shutdown()
        self.server_close()
        self.thread.join(5)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/?"):
            self.answer(200, PAGE.replace("@token@", tokens.token("acme"))
                        .encode())
        else:
            self.answer(404, b"")

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        body = json.loads(self.rfile.read(length))

        if self.path == "/v1/chat/completions":
            self.generate()
            return

        if self.path == "/first":
            self.server.first.set()
        else:
            self.server.seen.put(body)
        self.answer(204, b"")

    def generate(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()

        self.piece({"content": WORDS[0]})
        self.server.in_time = self.server.first.wait(SECONDS / 2)
        for word in WORDS[1:]:
            self.piece({"content": " " + word})
        self.piece({}, "stop")
        self.wfile.write(b"data: [DONE]\n\n")

    def piece(self, delta, end=None):
        self.wfile.write(b"data: %s\n\n" % json.dumps({
            "id": "p", "object": "chat.completion.chunk", "created": 1,
            "model": "paced", "choices": [{
                "index": 0, "delta": delta, "finish_reason": end}]}).encode())

    def answer(self, status, body):
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def chromium():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path:
            return path
    pytest.fail("no chromium: build-aux/deps e2e installs it")


@contextmanager
def browser(url, directory):
    """Chromium on url, with a fresh profile that is its home, too."""

    with open(directory / "chromium.out", "wb") as out:
        child = subprocess.Popen(
            [chromium(), *FLAGS, "--user-data-dir=%s" % (directory / "data"),
             url],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            env={**os.environ, "HOME": str(directory)},
            preexec_fn=stack_.die_with_parent)
    try:
        yield
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait(5)


def visit(edge, port, directory):
    """What the page sees that is served on port, and whether it saw a word
    while the next one was not said yet."""

    site = Site(port)
    try:
        url = "http://127.0.0.1:%d/?edge=%s" % (port, edge.base)
        with browser(url, directory):
            return site.seen.get(timeout=SECONDS), site.in_time
    except queue.Empty:
        pytest.fail("the page never reported: %s" % (
            directory / "chromium.out").read_text(errors="replace")[-2000:])
    finally:
        site.close()


def asked(edge, port, n):
    """[(method, status)...] of the page's requests, from the access log, once
    it has n of them: nginx writes it behind the response."""

    end = time.monotonic() + 30
    while True:
        out = []
        for line in (edge.directory / "access.log").read_text().splitlines():
            if "?from=%d " % port in line:
                request, status = line.split('"')[1:3]
                out.append((request.split()[0], int(status.split()[0])))
        if len(out) >= n or time.monotonic() > end:
            return out
        time.sleep(0.02)


def test_a_page_of_a_known_origin_reads_a_stream(stack, edge, people,
                                                 tmp_path):
    port = stack.ports["page"]
    seen, in_time = visit(edge, port, tmp_path)

    answer = seen["answer"]
    assert answer.get("status") == 200, seen
    assert answer["headers"]["content-type"].startswith("text/event-stream")
    assert answer["headers"]["x-request-id"]

    events = [block.split("\n")[0] for block in
              answer["text"].split("\n\n") if block]
    assert in_time, answer["text"]
    assert events[0] == "event: sources"
    assert events.count("event: token") > 5
    assert events[-1] == "event: done"

    # a failure tells the page as much as any other client

    refusal = seen["refusal"]
    assert refusal["status"] == 400
    assert refusal["headers"]["content-type"] == "application/problem+json"
    assert refusal["headers"]["x-request-id"] \
        == json.loads(refusal["text"])["instance"]

    # one preflight, whose answer the browser keeps

    assert asked(edge, port, 3) == [("OPTIONS", 204), ("POST", 200),
                                    ("POST", 400)]


def test_a_page_of_another_origin_gets_nothing(edge, people, tmp_path):
    port = stack_.free_port()

    assert visit(edge, port, tmp_path)[0] == {
        "answer": {"error": "TypeError"}, "refusal": {"error": "TypeError"}}

    # the browser does not even ask

    assert asked(edge, port, 2) == [("OPTIONS", 403), ("OPTIONS", 403)]
