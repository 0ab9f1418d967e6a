# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Runs wrk against a server and gives what one request cost that server.

import json
import os
import subprocess
from collections import namedtuple

import servers

Sample = namedtuple("Sample", "cpu user rps p50 p99")


def run(bench, server, script, path, connections, seconds, *args):
    """A Sample: CPU in us per request, requests per second, p50, p99 in us.

    Raises RuntimeError unless every request was answered with 200.
    """
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s",
            "-s", os.path.join(bench.here, "wrk", script),
            f"http://127.0.0.1:{server.port}{path}", "--", *args]

    before = server.cpu_us()
    out = subprocess.run(
        argv, capture_output=True, text=True, timeout=seconds + 30,
        preexec_fn=lambda: os.sched_setaffinity(0, servers.OTHERS))
    after = server.cpu_us()

    if out.returncode:
        raise RuntimeError(f"wrk: {out.stdout}{out.stderr}")

    result = json.loads(out.stdout[out.stdout.rindex("{"):])
    if result["errors"] or not result["requests"]:
        raise RuntimeError(f"{server.name}{path}: {result}")

    user, kernel = (b - a for a, b in zip(before, after))

    return Sample((user + kernel) / result["requests"],
                  user / result["requests"],
                  result["requests"] / result["seconds"],
                  result["p50"], result["p99"])
