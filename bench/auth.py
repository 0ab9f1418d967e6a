# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# What a bearer token costs a request: verdicts remembered (one token, and
# 5,000 in turn) and tokens seen for the first time (auth_jwt_cache off), by
# algorithm, against nginx's empty_gif that gets the same header.
#
# The same is asked of the JWT module that Debian packages, in the nginx it is
# packaged for and against that one's own empty_gif.  Where it cannot be had,
# one line says so.

import contextlib
import os
import subprocess
import urllib.error
import urllib.request

import servers
import tokens
import wrk
from report import added, median, spread

SECONDS = 2
SHORT_SECONDS = 1               # where numbers are large
CONNECTIONS = 16
MANY = 5000

CACHED_US = 0.8
FIRST_US = {"HS256": 1.4, "RS256": 25.5, "ES256": 87}


class Way:
    """One way to ask, and the bare way that it is compared with."""

    def __init__(self, server, path, file, bare=None, seconds=SECONDS):
        self.server = server
        self.path = path
        self.file = file
        self.bare = bare
        self.seconds = seconds
        self.taken = []

    def run(self, bench):
        return wrk.run(bench, self.server, "paths.lua", self.path,
                       CONNECTIONS, self.seconds, self.path, "1", self.file)

    def added(self):
        return added(self.taken, (self.bare or self).taken, "cpu")


def peer_folder(bench, report):
    """Where Debian's module and its nginx are, or None."""
    done = subprocess.run(
        [os.path.join(bench.root, "build-aux", "peer-nginx")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        said = done.stderr.strip().rpartition("\n")[2]
        report.add(f"Not compared with Debian's JWT module ({said}).")
        report.add()
        return None
    return done.stdout.strip()


def start_peer(bench, folder, keys):
    for alg in ("RS256", "ES256"):
        name = os.path.join(bench.files, alg + ".pem")
        with open(name, "w") as f:
            f.write(keys[alg].key)
        os.chmod(name, 0o644)

    return servers.Nginx(bench, "peer.conf", hs256=keys["HS256"].key,
                         program=os.path.join(folder, "nginx"),
                         module=os.path.join(folder, "module.so"))


def check_refusal(way):
    """What lets a wrong token pass would be measured for nothing."""
    with open(way.file) as f:
        token = f.readline().strip()

    # the first character of a signature has no bits that do not count
    head, _, signature = token.rpartition(".")
    wrong = "B" if signature[0] == "A" else "A"
    request = urllib.request.Request(
        f"http://127.0.0.1:{way.server.port}{way.path}",
        headers={"Authorization": f"Bearer {head}.{wrong}{signature[1:]}"})
    try:
        urllib.request.urlopen(request, timeout=10).close()
    except urllib.error.HTTPError as e:
        e.close()
        if e.code == 401:
            return
    raise RuntimeError(f"{way.server.name}{way.path}: not refused")


def ways_of(edge, peer, keys):
    ways = {}

    for alg, key in keys.items():
        few = Way(edge, "/bare/", key.one)
        many = Way(edge, "/bare/", key.many)

        ways[f"bare, {alg}"] = few
        ways[f"cached, {alg}"] = Way(edge, f"/cached/{alg}", key.one, few)
        ways[f"first seen, {alg}"] = Way(
            edge, f"/off/{alg}", key.one, few,
            SECONDS if alg == "HS256" else SHORT_SECONDS)
        ways[f"bare, {MANY} of {alg}"] = many
        ways[f"cached, {MANY} of {alg}"] = Way(edge, f"/cached/{alg}",
                                               key.many, many)
        if peer:
            bare = Way(peer, "/bare/", key.one, seconds=SHORT_SECONDS)
            ways[f"its bare, {alg}"] = bare
            ways[f"Debian's module, {alg}"] = Way(
                peer, f"/peer/{alg}", key.one, bare, SHORT_SECONDS)

    return ways


def run(bench, report):
    report.title("A bearer token, added to empty_gif")

    keys = {alg: tokens.Key(bench, alg, MANY) for alg in FIRST_US}
    folder = peer_folder(bench, report)

    with contextlib.ExitStack() as stack:
        edge = stack.enter_context(
            servers.Nginx(bench, "auth.conf", module=bench.module))
        peer = folder and stack.enter_context(start_peer(bench, folder, keys))

        ways = ways_of(edge, peer, keys)
        for name, way in ways.items():
            if way.bare:
                check_refusal(way)
            if name.startswith(f"cached, {MANY}"):
                way.run(bench)          # so that all of them are remembered

        for _ in range(bench.rounds):
            for way in ways.values():
                way.taken.append(way.run(bench))

        edge.check_log()

    show(report, ways)
    if folder:
        with open(os.path.join(folder, "versions")) as f:
            show_peer(report, ways, f.read().strip())
    judge(report, ways)


def show(report, ways):
    def row(name, way):
        cpu = median(way.taken, "cpu")
        bare = way.bare or way

        return (name, f"{cpu:.1f} ± {spread(way.taken, 'cpu'):.1f}",
                "{:.2f} ± {:.2f}".format(*way.added()) if way.bare else "",
                f"{median(bare.taken, 'cpu') / cpu:.2f}",
                f"{median(way.taken, 'rps'):.0f}")

    report.add("Added is the median, over the rounds, of what a request "
               "costs more than in the bare run of the same round.")
    report.add()
    report.table(
        ("", "CPU us/request", "added us", "ratio to bare", "requests/s"),
        [row(name, way) for name, way in ways.items()])


def show_peer(report, ways, versions):
    def row(alg):
        cached, first, peer = (
            ways[f"{name}, {alg}"].added()[0]
            for name in ("cached", "first seen", "Debian's module"))

        return (alg, f"{cached:.2f}", f"{first:.2f}", f"{peer:.2f}",
                f"{peer / first:.1f}")

    report.add(f"Debian's module: {versions}; against that nginx's own bare "
               "run.  It remembers no verdicts.")
    report.add()
    report.table(
        ("us added", "edge, cached", "edge, first seen", "Debian's module",
         "module over first seen"),
        [row(alg) for alg in FIRST_US])


def judge(report, ways):
    for name, way in ways.items():
        kind, _, alg = name.partition(", ")
        limit = {"cached": CACHED_US, "first seen": FIRST_US.get(alg)}
        if kind in limit:
            report.target(f"CPU added, {name}", way.added()[0], limit[kind],
                          "us")
