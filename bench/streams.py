# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Streams held at the same time, through the edge (embed, search, then the
# model's stream) and through bare nginx (proxy_pass, proxy_buffering off).
#
# Every round has a server of its own, warmed up by one stream, because memory
# that a worker has once had does not go back.  Between the moment when all
# streams flow and the one when the first is about to end nothing happens but
# tokens: memory is read at the first moment, CPU per token between the two.

import json
from collections import namedtuple

import payloads
import servers
from report import median, spread
from sse_client import Streams

COUNT = 1000
TOKENS = 20
SECONDS = 8                     # of one stream
RAMP = 2                        # over which the streams begin

KB_PER_STREAM = 16
CPU_ADDED_US = 2

Sample = namedtuple("Sample", "kb cpu late_p50 late_p99")


def request(path, question):
    body = json.dumps(question).encode()
    return (f"POST {path} HTTP/1.1\r\nHost: bench\r\n"
            "X-Tenant-Id: bench\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


def stream(server, path):
    """One round on a fresh server."""
    text = request(path, dict(payloads.QUESTION, stream=True))
    seen = {}

    def mark(name):
        seen[name] = (server.pss_kb(), sum(server.cpu_us()),
                      all_streams.tokens)

    warm = Streams(server.port, text, 1, TOKENS, lambda: None, lambda: None)
    warm.run(0.1, SECONDS / TOKENS * 3)         # cut off after some tokens
    before = server.pss_kb()

    all_streams = Streams(server.port, text, COUNT, TOKENS,
                          lambda: mark("plateau"), lambda: mark("leaving"))
    all_streams.run(RAMP, SECONDS * 3)
    server.check_log()

    for what, number in (("refused", all_streams.refused),
                         ("lost", all_streams.lost()),
                         ("out of order", all_streams.disorder)):
        if number:
            raise RuntimeError(f"{server.name}: {number} {what}")
    if "leaving" not in seen:
        raise RuntimeError(f"{server.name}: the streams never lived together")

    pss, cpu, tokens = seen["plateau"]
    late = sorted(all_streams.delays)
    return Sample((pss - before) / COUNT,
                  (seen["leaving"][1] - cpu) / (seen["leaving"][2] - tokens),
                  late[len(late) // 2], late[len(late) * 99 // 100])


def run(bench, report):
    taken = {"edge": [], "bare nginx": []}

    with servers.Nginx(bench, "stub.conf", core=servers.OTHERS[0]) as stub:
        port = servers.free_port()
        with servers.script(bench, "sse_stub.py", port, TOKENS, SECONDS):
            for _ in range(min(bench.rounds, 3)):
                with servers.Nginx(bench, "edge.conf", module=bench.module,
                                   stub=stub.port, model=port) as edge:
                    taken["edge"].append(
                        stream(edge, "/api/v1/bench/query"))
                with servers.Nginx(bench, "bare.conf", stub=stub.port,
                                   model=port) as bare:
                    taken["bare nginx"].append(
                        stream(bare, "/stream"))

    show(report, taken)


def show(report, taken):
    edge, bare = taken["edge"], taken["bare nginx"]

    report.title(f"{COUNT} streams at the same time, {TOKENS} tokens in "
                 f"{SECONDS} s each")
    report.table(
        ("", "KB/stream", "CPU us/token", "token late p50 ms", "p99 ms"),
        [(name,
          f"{median(s, 'kb'):.1f} ± {spread(s, 'kb'):.1f}",
          f"{median(s, 'cpu'):.1f} ± {spread(s, 'cpu'):.1f}",
          f"{median(s, 'late_p50') / 1000:.3f}",
          f"{median(s, 'late_p99') / 1000:.3f}")
         for name, s in taken.items()])

    report.add("No token lost, none out of order.")
    report.add()
    report.target("memory of a stream", median(edge, "kb"), KB_PER_STREAM,
                  "KB")
    report.target("CPU added to a token",
                  median(edge, "cpu") - median(bare, "cpu"), CPU_ADDED_US,
                  "us")
