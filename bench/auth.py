# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# What a bearer token costs a request: verdicts remembered (one token, and
# 5,000 in turn) and tokens seen for the first time (auth_jwt_cache off), by
# algorithm, against nginx's empty_gif that gets the same header.

import base64
import hashlib
import hmac
import json
import os
import subprocess

import servers
import wrk
from report import median, spread

SECONDS = 2
CONNECTIONS = 16
MANY = 5000

CACHED_US = 0.8
FIRST_US = {"HS256": 1.4, "RS256": 25.5, "ES256": 87}


def tool(bench, *args):
    done = subprocess.run([os.path.join(bench.root, "tools", "edge-token"),
                           *args], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def signed(secret, kid, claims):
    """A token of HS256; the tool would start a process for each of them."""
    def part(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    header = {"alg": "HS256", "typ": "JWT", "kid": kid}
    text = b".".join(part(json.dumps(d).encode()) for d in (header, claims))
    return (text + b"." + part(hmac.digest(secret, text, hashlib.sha256))) \
        .decode()


def tokens(bench, alg):
    """The file of a key set, and one of a token."""
    key = os.path.join(bench.work, alg)
    tool(bench, "key", "--alg", alg, "--out", key, "--jwks",
         os.path.join(bench.files, alg + ".jwks"))
    os.chmod(os.path.join(bench.files, alg + ".jwks"), 0o644)
    with open(key + ".one", "w") as f:
        f.write(tool(bench, "mint", "--key", key, "--ttl", "1h",
                     "--tenant", "acme", "--sub", "someone@acme.example",
                     "--iss", "https://login.example.com", "--aud", "edge"))
    return key + ".one"


def many(bench, one):
    """A file of tokens that differ in their subject."""
    with open(os.path.join(bench.work, "HS256")) as f:
        jwk = json.load(f)
    with open(one) as f:
        text = f.read().split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(text + "=" * 3))
    secret = base64.urlsafe_b64decode(jwk["k"] + "=" * 3)

    name = os.path.join(bench.work, "HS256.many")
    with open(name, "w") as f:
        for i in range(MANY):
            claims["sub"] = f"someone-{i}@acme.example"
            f.write(signed(secret, jwk["kid"], claims) + "\n")
    return name


def run(bench, report):
    files = {alg: tokens(bench, alg) for alg in FIRST_US}
    files["many"] = many(bench, files["HS256"])

    ways = {}
    for alg in FIRST_US:
        ways[f"bare, {alg}"] = ("/bare/", alg)
        ways[f"cached, {alg}"] = (f"/cached/{alg}", alg)
        ways[f"first seen, {alg}"] = (f"/off/{alg}", alg)
    ways[f"bare, {MANY} of HS256"] = ("/bare/", "many")
    ways[f"cached, {MANY} of HS256"] = ("/cached/HS256", "many")

    taken = {name: [] for name in ways}

    with servers.Nginx(bench, "auth.conf", module=bench.module) as server:
        for _ in range(bench.rounds):
            for name, (path, which) in ways.items():
                taken[name].append(
                    wrk.run(bench, server, "tokens.lua", path, CONNECTIONS,
                            SECONDS, files[which]))
        server.check_log()

    show(report, taken)


def show(report, taken):
    report.title("A bearer token, added to empty_gif")

    def bare(name):
        return taken["bare, " + name.split(", ", 1)[1]]

    def added(name):
        return median(taken[name], "cpu") - median(bare(name), "cpu")

    report.table(
        ("", "CPU us/request", "added us", "ratio to bare", "requests/s"),
        [(name,
          f"{median(s, 'cpu'):.1f} ± {spread(s, 'cpu'):.1f}",
          f"{added(name):.2f}",
          f"{median(bare(name), 'cpu') / median(s, 'cpu'):.2f}",
          f"{median(s, 'rps'):.0f}")
         for name, s in taken.items()])

    for name in taken:
        kind, _, alg = name.partition(", ")
        if kind == "cached":
            report.target(f"CPU added, {name}", added(name), CACHED_US, "us")
        elif kind == "first seen":
            report.target(f"CPU added, {name}", added(name), FIRST_US[alg],
                          "us")
