# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# What a cached response of 2 KB costs a request, found in shared memory and
# found in Redis, against nginx's "return" with the same body.  A hit goes
# through edge_route; what that costs alone is told too.

import http.client
import os

import servers
import wrk
from report import added

SECONDS = 2
CONNECTIONS = (16, 64)
FAR = 1000                             # responses in Redis, few of them near

# added us, ratio to return
TARGETS = {"shared memory": (0.6, 0.90), "Redis": (3.5, 0.60)}


class Redis(servers.Process):
    """A Redis that keeps nothing, beside the server's core."""

    def __init__(self, bench):
        port = servers.free_port()
        with open(os.path.join(bench.work, "redis.log"), "w") as log:
            super().__init__("redis", ["redis-server", "--port", str(port),
                                       "--bind", "127.0.0.1", "--save", "",
                                       "--appendonly", "no"],
                             port, servers.OTHERS, log)


def stored(server, paths, expected, headers):
    """Asks for each until all are found in the cache."""
    left = list(paths)
    for _ in range(50):
        client = http.client.HTTPConnection("127.0.0.1", server.port,
                                            timeout=10)
        missed = []
        for path in left:
            client.request("GET", path, headers=headers)
            reply = client.getresponse()
            reply.read()
            if expected not in reply.getheader("Cache-Status", ""):
                missed.append(path)
        client.close()
        left = missed
        if not left:
            return
    raise RuntimeError(f"{len(left)} responses are not cached")


def run(bench, report):
    ways = {"return": ("/bare/x", 1), "shared memory": ("/l1/x", 1),
            "Redis": ("/l2/%d", FAR), "empty_gif": ("/gif/", 1),
            "empty_gif, routed": ("/routed/", 1)}
    taken = {n: {name: [] for name in ways} for n in CONNECTIONS}

    with Redis(bench) as redis, \
            servers.Nginx(bench, "cache.conf", module=bench.module,
                          redis=redis.port, body="x" * 2048) as server:
        tenant = {"X-Tenant-Id": "bench"}
        stored(server, ["/l1/x"], "; hit", tenant)
        stored(server, [f"/l2/{i}" for i in range(FAR)], "; hit", tenant)

        for _ in range(bench.rounds):
            for connections, runs in taken.items():
                for name, (path, n) in ways.items():
                    runs[name].append(
                        wrk.run(bench, server, "paths.lua", path, connections,
                                SECONDS, path, str(n)))
        server.check_log()

    report.title("A cached response of 2 KB, added to return")
    report.by_load(taken, "return", "return", TARGETS)

    for connections, ways in taken.items():
        routing = added(ways["empty_gif, routed"], ways["empty_gif"], "cpu")
        report.add(f"Of a hit, {routing[0]:.2f} us are the routing's at "
                   f"{connections} connections.")
