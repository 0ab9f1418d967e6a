# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# The whole chain: each request with an HS256 token that is verified anew, a
# tenant's limit and a cached response of 2 KB, found in shared memory or in
# Redis, against nginx's "return" of the same body to the same requests.

import os

import cache
import servers
import tokens
import wrk
from report import added, median, ratio, spread

SECONDS = 2
CONNECTIONS = 16
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
    taken = {name: [] for name in ways}

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
            for name, (path, n) in ways.items():
                taken[name].append(
                    wrk.run(bench, server, "whole.lua", path, CONNECTIONS,
                            SECONDS, path, str(n), key.many))
        server.check_log()

    show(report, taken)


def show(report, taken):
    bare = taken["return"]

    report.title("The whole chain: a first-seen HS256 token, a limit, a "
                 "cached response of 2 KB")
    report.add("The limit is in shared memory where nothing else is said.")
    report.add()
    report.table(
        ("", "CPU us/request", "added us", "ratio to return", "requests/s"),
        [(name,
          f"{median(s, 'cpu'):.1f} ± {spread(s, 'cpu'):.1f}",
          "{:.2f} ± {:.2f}".format(*added(s, bare, "cpu"))
          if s is not bare else "",
          f"{ratio(s, bare, 'cpu'):.2f}",
          f"{median(s, 'rps'):.0f}")
         for name, s in taken.items()])

    for name, (most, least) in TARGETS.items():
        report.target(f"CPU added, {name}", added(taken[name], bare, "cpu")[0],
                      most, "us")
        report.least(f"ratio to return, {name}",
                     ratio(taken[name], bare, "cpu"), least)
