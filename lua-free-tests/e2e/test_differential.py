# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Thousands of tokens, good ones and others, are judged by the edge's own
# units, by libjwt, by npm's jose and, for the two curves that neither of them
# has, by PyJWT.  Who does not agree with the edge must be named in CLASSES
# for the class that the token was made for.
#
# DIFFERENTIAL_SEED makes keys, claims and mutations; PS signatures are random
# beside it.  DIFFERENTIAL_ROUNDS is for a longer search: all of it so often.
# Tokens that fail are shown whole.

import collections
import json
import os
import random
import subprocess
from pathlib import Path

import jwt
import pytest

from differential import keys, mutants
from differential.forge import ALGS, NOW

HERE = Path(__file__).resolve().parent / "differential"
JOSE = os.environ.get("EDGE_E2E_JOSE", "")
SEED = os.environ.get("DIFFERENTIAL_SEED", "1")
ROUNDS = int(os.environ.get("DIFFERENTIAL_ROUNDS", "1"))
ISSUER, AUDIENCE = "https://idp.example/", "edge"

OTHERS = {"libjwt", "jose", "pyjwt"}

# Where others may say otherwise than we, by what a token was made for, and
# why.  Who is not named has to agree with us.
CLASSES = {
    # we refuse
    "base64url": (OTHERS, "one text for one value: RFC 7515 section 2 has no "
                  "padding, white space, other alphabet or unused bits"),
    "duplicate": (OTHERS, "RFC 7515 section 4, RFC 7519 section 4: names "
                  "are unique; else two readers read two things"),
    "crit": (OTHERS, "nothing that crit could name is understood here"),
    "b64": (OTHERS, "RFC 7797: an unencoded payload is not what claims are "
            "read from; others look at it only if crit names it"),
    "zip or enc": (OTHERS, "members of encrypted tokens in a signed one"),
    "large header": (OTHERS, "1024 bytes are plenty"),
    "typ is no string": (OTHERS, "RFC 7515 section 4.1.9; or over 64 bytes"),
    "kid is no string": (OTHERS - {"pyjwt"}, "RFC 7515 section 4.1.4; or over "
                         "256 bytes"),
    "many members": (OTHERS, "256 in one object are plenty"),
    "deep": (OTHERS, "32 levels are plenty"),
    "UTF-8": ({"pyjwt"}, "RFC 7519 section 7.2; Python reads UTF-16 as well"),
    "byte order mark": ({"jose", "pyjwt"}, "RFC 8259 section 8.1: there is "
                        "none"),
    "date range": (OTHERS, "dates are in the years 1970 to 9999"),
    "fraction": (OTHERS, "exp is taken to the whole second before it"),
    "iat": (OTHERS, "a token from the future has a wrong clock behind it"),
    "iss or sub": (OTHERS, "RFC 7519 section 4.1: strings"),
    "audience": ({"jose"}, "RFC 7519 section 4.1.3: strings"),
    "short secret": ({"libjwt", "jose"}, "RFC 7518 section 3.2: as long as "
                     "the hash"),
    "weak RSA": ({"libjwt"}, "RFC 7518 section 3.3: 2048 bits or more"),
    "curve": ({"libjwt"}, "RFC 7518 section 3.4: each ES has one curve"),
    "spelling": ({"libjwt"}, "RFC 7515 section 4.1.1: case-sensitive"),
    "kid": ({"libjwt", "pyjwt"}, "they are given one key and look at no kid"),
    "secret's kid": ({"libjwt", "jose"}, "likewise"),
    "the JWK": ({"libjwt"}, "it is given a PEM, without alg, use, key_ops"),
    "dates": ({"libjwt", "pyjwt"}, "the first judges none, the second none by "
              "our clock"),
    "no object": ({"libjwt"}, "RFC 7519 section 7.2"),
    "dot behind": ({"libjwt"}, "a fourth part, though empty"),
    "NUL": ({"libjwt"}, "it takes its end for that of the text"),
    "NaN": ({"pyjwt"}, "RFC 8259 has no such number"),
    # we accept
    "libjwt's typ": ({"libjwt"}, "it knows no typ but JWT"),
    "jansson": ({"libjwt"}, "its JSON reader has no numbers of over 64 bits, "
                "half surrogates or NUL"),
    "key without kid": ({"jose"}, "a key without kid is for any token here, "
                        "for none with a kid there"),
}


def run(command, cases):
    """The verdicts of a program: [(accepted, reason)]."""

    lines = "".join("%s %s\n" % (c.key, c.text.encode().hex())
                    for c in cases)
    env = dict(os.environ)
    if not Path("/proc/self/task").exists():    # what the leak check reads
        env["ASAN_OPTIONS"] = "detect_leaks=0"
    done = subprocess.run([str(c) for c in command], input=lines, env=env,
                          capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    answers = done.stdout.splitlines()
    assert len(answers) == len(cases), done.stderr[-2000:]
    return [(a[0] == "1", a[2:]) for a in answers]


def pyjwt(named, cases):
    """It has a clock of its own, so it judges no dates."""

    options = {"verify_" + name: False
               for name in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")}
    answers = []
    for c in cases:
        alg = "ES256K" if c.key.startswith("k") else "EdDSA"
        try:
            jwt.decode(c.text, named[c.key].key.key.public_key(),
                       algorithms=[alg], options=options)
            answers.append((True, ""))
        except jwt.InvalidTokenError as e:
            answers.append((False, repr(e)))
    return answers


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """[(case, {judge: (accepted, reason)})]"""

    folder = tmp_path_factory.mktemp("differential")
    subprocess.run([HERE / "build", folder], check=True, timeout=900)

    named = keys.make(random.Random("%s keys" % SEED))
    keys.write(named, folder)
    cases = mutants.cases(SEED, named, ROUNDS)
    print("seed %s, %d tokens" % (SEED, len(cases)))

    programs = {
        "ours": [folder / "ours", folder, NOW, ISSUER, AUDIENCE],
        "libjwt": [folder / "libjwt", folder],
        "jose": ["node", HERE / "jose.mjs", JOSE, folder, NOW, ISSUER,
                 AUDIENCE],
    }
    verdicts = [{} for _ in cases]
    for judge in ("ours", "libjwt", "jose", "pyjwt"):
        asked = [i for i, c in enumerate(cases)
                 if judge == "ours" or judge in c.judges]
        some = [cases[i] for i in asked]
        answers = (pyjwt(named, some) if judge == "pyjwt"
                   else run(programs[judge], some))
        for i, answer in zip(asked, answers):
            verdicts[i][judge] = answer
    return list(zip(cases, verdicts))


def agreed(found):
    """Fails if there are any, with a few of them."""

    if not found:
        return
    pytest.fail("seed %s: %d tokens\n%s" % (SEED, len(found), "\n".join(
        "%s, %s, class %r: %s\n  %s" % (
            c.key, c.what, c.kind, ", ".join(
                "%s %s" % (who, "accepts" if ok else "refuses (%s)" % why)
                for who, (ok, why) in v.items()), c.text)
        for c, v in found[:8])), pytrace=False)


def test_there_are_enough(judged):
    good = [c for c, _ in judged if c.good]
    asked = collections.Counter(who for _, v in judged for who in v)
    names = {c.key for c in good}

    assert len(judged) >= 6000
    assert len(good) >= 700
    assert asked["jose"] >= 5000 and asked["libjwt"] >= 3000
    assert asked["pyjwt"] >= 600
    assert {key for _, key, _ in ALGS} <= names
    assert {c.kind for c, _ in judged} == {"", *CLASSES}


def test_what_we_say_is_what_was_meant(judged):
    found = [(c, v) for c, v in judged if v["ours"][0] != c.good]
    agreed(found)


def test_we_accept_nothing_that_all_others_refuse(judged):
    found = [(c, v) for c, v in judged if v["ours"][0]
             and not any(v[who][0] for who in c.judges)]
    agreed(found)


def test_who_disagrees_is_named(judged):
    found = [(c, v) for c, v in judged if any(
        v[who][0] != v["ours"][0] and who not in CLASSES.get(
            c.kind, ((), ""))[0] for who in c.judges)]
    agreed(found)


def test_nobody_is_named_in_vain(judged):
    """But libjwt, which is as old or new as the system."""

    named = {(kind, who) for kind, (others, _) in CLASSES.items()
             for who in others if who != "libjwt"}
    needed = {(c.kind, who) for c, v in judged for who in c.judges
              if v[who][0] != v["ours"][0]}
    assert not named - needed
