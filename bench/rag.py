# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# A RAG answer (embed, search, generate over stubs without latency) against
# bare nginx making the same three proxied calls, two ways:
#
# - "three hops": three requests of a client, one for each call, with the
#   bodies that the edge sends; their costs and latencies added up.  This is
#   what an application pays that does retrieval itself through nginx.
# - "chain": one request, in which nginx's SSI filter makes the three calls
#   one after the other.  It has the edge's number of requests, connections
#   and bytes, reads no answer and builds no body, so that what the edge adds
#   to it is what the edge itself does.  It is the stricter of the two, and
#   the only one whose p99 can be compared: three p99 added up are no p99.
#
# CPU is that of the server's processes alone, so a busy machine moves it
# less than the rest; on a virtual machine much of its kernel part is waking
# the other core, which falls as connections rise.  Requests per second and
# latencies also hold the stubs' time.  So CPU is judged at many connections
# and latency at few, where nothing waits for the worker.

import json
import os
import urllib.request

import payloads
import servers
import wrk
from report import median, spread

SECONDS = 2
FOR_CPU = 32
FOR_LATENCY = (8, 1)
HOPS = (("embedding", "/v1/embeddings"),
        ("points", "/collections/docs/points/query"),
        ("chat", "/v1/chat/completions"))
PIECE = 3000

# budgets of the design
ADDED_CPU_US = 5
ADDED_P50_MS = 0.15
ADDED_P99_MS = 0.5


def ask(port, path, files):
    with open(os.path.join(files, "question.json"), "rb") as f:
        question = f.read()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", question,
        {"Content-Type": "application/json", "X-Tenant-Id": "bench"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def record(bench):
    """Leaves the bodies of the edge's three calls beside the answers."""
    port = servers.free_port()
    with servers.script(bench, "recorder.py", port, bench.files):
        with servers.Nginx(bench, "edge.conf", module=bench.module,
                           stub=port, model=port) as edge:
            answer = ask(edge.port, "/api/v1/bench/query", bench.files)
            edge.check_log()

    if not answer["grounded"] or len(answer["sources"]) != payloads.POINTS:
        raise RuntimeError(f"no sourced answer: {answer}")


def maps(bench):
    """Each recorded body as a variable of the reference's configuration."""
    text = []
    for name, _ in HOPS:
        with open(os.path.join(bench.files, name + ".body")) as f:
            body = f.read()
        if "$" in body:
            raise RuntimeError("a body that a configuration cannot hold")
        parts = []
        for at in range(0, len(body), PIECE):
            piece = body[at:at + PIECE]
            piece = piece.replace("\\", "\\\\").replace("'", "\\'")
            parts.append(f"${name}_{at // PIECE}")
            text.append(f"map '' {parts[-1]} {{ default '{piece}'; }}")
        text.append(f"map '' ${name}_body {{ default '{''.join(parts)}'; }}")
    return "\n".join(text)


def post(bench, server, path, body, connections):
    return wrk.run(bench, server, "post.lua", path, connections, SECONDS,
                   os.path.join(bench.files, body))


def hops(bench, bare, connections):
    """Three runs, added up."""
    taken = [post(bench, bare, path, name + ".body", connections)
             for name, path in HOPS]
    return wrk.Sample(sum(s.cpu for s in taken), sum(s.user for s in taken),
                      1 / sum(1 / s.rps for s in taken),
                      sum(s.p50 for s in taken), sum(s.p99 for s in taken))


def run(bench, report):
    record(bench)

    with servers.Nginx(bench, "stub.conf", core=servers.OTHERS[0]) as stub, \
         servers.Nginx(bench, "edge.conf", module=bench.module,
                       stub=stub.port, model=stub.port) as edge, \
         servers.Nginx(bench, "bare.conf", stub=stub.port,
                       model=stub.port) as bare, \
         servers.Nginx(bench, "chain.conf", maps=maps(bench),
                       stub=stub.port) as chain:

        with open(os.path.join(bench.files, "chat.json")) as f:
            if ask(chain.port, "/chain", bench.files) != json.load(f):
                raise RuntimeError("the chain gives another answer")

        report.title("RAG answer, three calls to stubs without latency")

        for connections in (FOR_CPU, *FOR_LATENCY):
            ways = {
                "edge": lambda: post(bench, edge, "/api/v1/bench/query",
                                     "question.json", connections),
                "three hops": lambda: hops(bench, bare, connections),
                "chain": lambda: post(bench, chain, "/chain",
                                      "question.json", connections),
            }
            taken = {name: [] for name in ways}

            for _ in range(bench.rounds):
                for name, way in ways.items():
                    taken[name].append(way())

            show(report, taken, connections)

        for server in (edge, bare, chain):
            server.check_log()


def show(report, taken, connections):
    edge = taken["edge"]
    report.add(f"{connections} connection{'s'[:connections > 1]}:")
    report.add()
    report.table(
        ("", "CPU us/request", "of it user", "edge to it", "requests/s",
         "p50 ms", "p99 ms"),
        [(name,
          f"{median(s, 'cpu'):.1f} ± {spread(s, 'cpu'):.1f}",
          f"{median(s, 'user'):.1f}",
          f"{median(edge, 'cpu') / median(s, 'cpu'):.2f}",
          f"{median(s, 'rps'):.0f}",
          f"{median(s, 'p50') / 1000:.3f}",
          f"{median(s, 'p99') / 1000:.3f}")
         for name, s in taken.items()])

    if connections == FOR_CPU:
        for name in ("three hops", "chain"):
            report.target(f"CPU added to the {name}",
                          median(edge, "cpu") - median(taken[name], "cpu"),
                          ADDED_CPU_US, "us")
        report.add()
        return

    for name, field, limit in (("three hops", "p50", ADDED_P50_MS),
                               ("chain", "p50", ADDED_P50_MS),
                               ("chain", "p99", ADDED_P99_MS)):
        added = median(edge, field) - median(taken[name], field)
        report.target(f"{field} added to the {name}", added / 1000, limit,
                      "ms")
    report.add()
