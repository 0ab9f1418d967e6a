# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# The whole chain: each request with an HS256 token that is verified anew, a
# tenant's limit and a cached response of 2 KB, found in shared memory or in
# Redis, against nginx's "return" of the same body to the same requests.

import cache
import servers
import tokens
import wrk

SECONDS = 2
CONNECTIONS = (16, 64)
FAR = 1000                             # responses in Redis, few of them near
TOKENS = 5000

# added us, ratio to return
TARGETS = {"cache in shared memory": (2.5, 0.67),
           "cache in Redis": (5.4, 0.49)}


def run(bench, report):
    key = tokens.Key(bench, "HS256", TOKENS)
    ways = {"return": ("/bare/%d", FAR),
            "cache in shared memory": ("/l1/x", 1),
            "cache in Redis": ("/l2/%d", FAR),
            "cache and limit in Redis": ("/exact/%d", FAR)}
    taken = {n: {name: [] for name in ways} for n in CONNECTIONS}

    with open(key.one, encoding="ascii") as f:
        bearer = {"Authorization": "Bearer " + f.readline().strip()}

    with cache.Redis(bench) as redis, \
            servers.Nginx(bench, "whole.conf", module=bench.module,
                          redis=redis.port, body="x" * 2048) as server:
        cache.stored(server, ["/l1/x"], "; hit", bearer)
        for name in ("l2", "exact"):
            cache.stored(server, [f"/{name}/{i}" for i in range(FAR)],
                         "; hit", bearer)

        for _ in range(bench.rounds):
            for connections, runs in taken.items():
                for name, (path, n) in ways.items():
                    runs[name].append(
                        wrk.run(bench, server, "paths.lua", path, connections,
                                SECONDS, path, str(n), key.many))
        server.check_log()

    report.title("The whole chain: a first-seen HS256 token, a limit, a "
                 "cached response of 2 KB")
    report.add("The limit is in shared memory where nothing else is said.")
    report.add()
    report.by_load(taken, "return", "return", TARGETS)
