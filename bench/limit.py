# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# What a limit costs a request, in shared memory, by leases from Redis and in
# Redis, against nginx's empty_gif; nginx's own limit_req stands beside.

import servers
import wrk
from cache import Redis

SECONDS = 2
CONNECTIONS = (16, 64)

# added us, ratio to bare
TARGETS = {"local": (0.3, 0.94), "leases from Redis": (0.5, 0.90),
           "exact, in Redis": (3.5, 0.58)}


def run(bench, report):
    ways = {"bare": "/bare", "limit_req": "/req", "local": "/local",
            "local, a plan's and slots": "/two",
            "leases from Redis": "/lease", "exact, in Redis": "/redis"}
    taken = {n: {name: [] for name in ways} for n in CONNECTIONS}

    with Redis(bench) as redis, \
            servers.Nginx(bench, "limit.conf", module=bench.module,
                          redis=redis.port) as server:
        for _ in range(bench.rounds):
            for connections, runs in taken.items():
                for name, path in ways.items():
                    runs[name].append(
                        wrk.run(bench, server, "paths.lua", path, connections,
                                SECONDS, path, "1"))
        server.check_log()

    report.title("A limit, added to empty_gif")
    report.by_load(taken, "bare", "bare", TARGETS)
