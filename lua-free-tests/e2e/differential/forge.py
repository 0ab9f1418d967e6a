# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tokens for the differential test, good ones and others.  Each says what is
# expected of everybody, or the class of known disagreement it was made for:
# that is decided here, before anybody has judged.

import dataclasses
import json

from differential.keys import b64

NOW = 1_750_000_000

# Who judges a token of a signature, and the keys that make it: one that
# verifies, and another of the same kind.
ALGS = [
    ("HS256", "hs32", "hs48"), ("HS256", "hs100", "hs64"),
    ("HS384", "hs48", "hs100"), ("HS512", "hs64", "hs100"),
    ("RS256", "rs2048", "rs-other"), ("RS384", "rs3072", "rs-other"),
    ("RS512", "rs2048", "rs-other"), ("PS256", "rs2048", "rs-other"),
    ("PS384", "rs2048", "rs-other"), ("PS512", "rs3072", "rs-other"),
    ("ES256", "es256", "es256-other"), ("ES384", "es384", "es384-other"),
    ("ES512", "es512", "es512-other"), ("ES256K", "k256", "k256-other"),
    ("EdDSA", "ed25519", "ed25519-other"),
    ("Ed25519", "ed25519", "ed25519-other"),
    ("EdDSA", "ed448", "ed448-other"),
]


def judges(alg, key):
    if key.startswith(("k256", "ed448")):
        return ("pyjwt",)
    return ("jose", "libjwt") if alg[:2] in ("HS", "RS", "ES") else ("jose",)


@dataclasses.dataclass
class Case:
    key: str
    text: str
    what: str
    kind: str        # a class of test_differential.py, or ""
    good: bool       # what everybody says, but for those of the class
    judges: tuple


def dump(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


class Forge:
    """Tokens of one algorithm and key."""

    def __init__(self, rng, named, alg, key, other):
        self.rng = rng
        self.named = named
        self.alg = alg
        self.key = named[key]
        self.other = named[other]
        self.cases = []

    def header(self, **members):
        h = {"alg": self.alg}
        if self.key.kid:
            h["kid"] = self.key.kid
        if self.rng.random() < 0.7:
            h["typ"] = self.rng.choice(("JWT", "jwt", "JWT"))
        items = list({**h, **members}.items())
        self.rng.shuffle(items)
        return dict(items)

    def claims(self, **members):
        r = self.rng
        c = {"sub": r.choice(("someone", "ünï-" + chr(r.randrange(0x100,
                                                           0x2fff)),
                              "", "a\"b\\c/d", "\U0001f600" * 3))}
        if r.random() < 0.8:
            c["exp"] = NOW + r.randrange(1, 90000)
        if r.random() < 0.5:
            c["nbf"] = NOW - r.randrange(0, 90000)
        if r.random() < 0.5:
            c["iat"] = NOW - r.randrange(0, 90000)
        if r.random() < 0.5:
            c["aud"] = r.choice(("edge", ["edge", "other"], []))
        for _ in range(r.randrange(0, 6)):
            c["c%d" % r.randrange(10**6)] = self.value(3)
        items = list({**c, **members}.items())
        r.shuffle(items)
        return dict(items)

    def value(self, depth):
        r = self.rng
        kind = r.randrange(9 if depth else 7)
        if kind == 0:
            return r.randrange(-2**53, 2**53)
        if kind == 1:
            return r.random() * 10 ** r.randrange(-20, 20)
        if kind == 2:
            return r.choice((True, False, None))
        if kind < 7:
            return "".join(chr(r.choice((
                r.randrange(0x20, 0x7f), r.randrange(1, 0x20),
                r.randrange(0xa0, 0xd800), r.randrange(0xe000, 0x10ffff))))
                for _ in range(r.randrange(12)))
        n = range(r.randrange(5))
        if kind == 7:
            return [self.value(depth - 1) for _ in n]
        return {"m%d" % i: self.value(depth - 1) for i in n}

    def text(self, header, claims, key=None, alg=None, **options):
        """Signed, whatever header and claims are: text of JSON, bytes, or
        what JSON is made of; (part,) is a part as it shall be."""

        parts = []
        for part in (header, claims):
            if isinstance(part, tuple):
                parts.append(part[0])
                continue
            if isinstance(part, (dict, list)):
                part = dump(part)
            if isinstance(part, str):
                part = part.encode("utf-8", "surrogatepass")
            parts.append(b64(part))
        text = ".".join(parts)
        signature = (key or self.key).sign(
            alg or self.alg, text.encode(), **options)
        return text + "." + b64(signature)

    def add(self, what, text, kind="", good=False, key=None, by=None):
        self.cases.append(Case(
            key or self.key.name, text, what, kind, good,
            by or judges(self.alg, self.key.name)))

    def signed(self, what, header=None, claims=None, kind="", good=False,
               key=None, by=None, **options):
        self.add(what, self.text(
            self.header() if header is None else header,
            self.claims() if claims is None else claims, **options),
            kind, good, key, by)

    def good(self):
        return self.text(self.header(), self.claims()).split(".")

    def odd(self):
        """The parts of a good token that has "-" or "_" in each."""

        while True:
            parts = self.text(self.header(x=["ÿÿÿ~~~???" * 3]), self.claims(
                y="ÿÿÿ~~~???ÿ")).split(".")
            if all("-" in p or "_" in p for p in parts):
                return parts
