# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# What a limit costs a request, in shared memory, by leases from Redis and in
# Redis, against nginx's empty_gif; nginx's own limit_req stands beside.

import servers
import wrk
from cache import Redis
from report import median, spread

SECONDS = 2
CONNECTIONS = 16

ADDED_US = {"local": 0.3, "leases from Redis": 0.5, "exact, in Redis": 3.5}
RATIO = {"leases from Redis": 0.90}


def run(bench, report):
    ways = {"bare": "/bare", "limit_req": "/req", "local": "/local",
            "local, a plan's and slots": "/two",
            "leases from Redis": "/lease", "exact, in Redis": "/redis"}
    taken = {name: [] for name in ways}

    with Redis(bench) as redis, \
            servers.Nginx(bench, "limit.conf", module=bench.module,
                          redis=redis.port) as server:
        for _ in range(bench.rounds):
            for name, path in ways.items():
                taken[name].append(
                    wrk.run(bench, server, "paths.lua", path, CONNECTIONS,
                            SECONDS, path, "1"))
        server.check_log()

    show(report, taken)


def show(report, taken):
    report.title("A limit, added to empty_gif")

    bare = median(taken["bare"], "cpu")

    report.table(
        ("", "CPU us/request", "added us", "ratio to bare", "requests/s"),
        [(name,
          f"{median(s, 'cpu'):.1f} ± {spread(s, 'cpu'):.1f}",
          f"{median(s, 'cpu') - bare:.2f}",
          f"{bare / median(s, 'cpu'):.2f}",
          f"{median(s, 'rps'):.0f}")
         for name, s in taken.items()])

    for name, limit in ADDED_US.items():
        report.target(f"CPU added, {name}", median(taken[name], "cpu") - bare,
                      limit, "us")

    for name, least in RATIO.items():
        report.at_least(f"ratio to bare, {name}",
                        bare / median(taken[name], "cpu"), least)
