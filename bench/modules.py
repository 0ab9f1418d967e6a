# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Requests that the edge only routes, to all of its modules in turn, with 10
# of them and with 10,000, against bare nginx with one fixed prefix.  All
# modules have one target, so that nothing but the lookup can differ.

import servers
import wrk
from report import median, spread

SECONDS = 2
CONNECTIONS = 16
FEW, MANY = 10, 10000

CPU_ADDED_US = 1.5
CPU_MORE_US = 0.5               # of many modules over few: "flat"


def modules(n):
    return "\n".join(
        f"    edge_module module-{i} {{ target http://stub; }}"
        for i in range(n))


def run(bench, report):
    with servers.Nginx(bench, "stub.conf", core=servers.OTHERS[0]) as stub, \
         servers.Nginx(bench, "modules.conf", module=bench.module,
                       modules=modules(FEW), stub=stub.port) as few, \
         servers.Nginx(bench, "modules.conf", module=bench.module,
                       modules=modules(MANY), stub=stub.port) as many, \
         servers.Nginx(bench, "bare.conf", stub=stub.port,
                       model=stub.port) as bare:

        api = "/api/v1/module-%d/service.json"
        ways = {
            "bare nginx": (bare, "/bare/v1/module-%d/service.json", FEW),
            f"{FEW} modules": (few, api, FEW),
            f"{MANY} modules": (many, api, MANY),
        }
        taken = {name: [] for name in ways}

        for _ in range(bench.rounds):
            for name, (server, form, count) in ways.items():
                taken[name].append(
                    wrk.run(bench, server, "paths.lua", "/", CONNECTIONS,
                            SECONDS, form, str(count)))

        for server in (few, many, bare):
            server.check_log()

    show(report, taken)


def show(report, taken):
    bare, few, many = taken.values()

    report.title("Proxied request, by the number of modules")
    report.table(
        ("", "CPU us/request", "ratio to bare", "requests/s", "p50 ms",
         "p99 ms"),
        [(name,
          f"{median(s, 'cpu'):.1f} ± {spread(s, 'cpu'):.1f}",
          f"{median(bare, 'cpu') / median(s, 'cpu'):.2f}",
          f"{median(s, 'rps'):.0f}",
          f"{median(s, 'p50') / 1000:.3f}",
          f"{median(s, 'p99') / 1000:.3f}")
         for name, s in taken.items()])

    report.target(f"CPU of {MANY} modules over {FEW}",
                  median(many, "cpu") - median(few, "cpu"), CPU_MORE_US,
                  "us")
    report.target("CPU added to a proxied request",
                  median(few, "cpu") - median(bare, "cpu"), CPU_ADDED_US,
                  "us")
