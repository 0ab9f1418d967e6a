# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# What is done to tokens: every function adds some to a Forge.

import base64
import json
import random
import string

from differential.forge import ALGS, NOW, Forge, dump, judges
from differential.keys import Secret, b64

ALPHABET = (string.ascii_uppercase + string.ascii_lowercase + string.digits
            + "-_")
ED_ORDER = 2**252 + 27742317777372353535851937790883648493


def raw(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def good(f):
    for _ in range(4):
        f.signed("good", good=True)
    f.signed("white space in JSON", json.dumps(f.header(), indent=3),
             " \r\n\t" + json.dumps(f.claims()) + "\n", good=True)
    f.signed("no claims", claims={}, good=True)
    f.signed("long claims", claims=f.claims(a=["x" * 64] * 100), good=True)
    f.signed("escaped names", dump(f.header()).replace('"alg"',
                                                      '"\\u0061lg"'),
             dump(f.claims()).replace('"sub"', '"\\u0073\\u0075b"'),
             good=True)
    f.signed("members that are nothing to us", f.header(
        jku="https://example.com/keys", x5u="https://example.com/",
        x5c=["MIIB"], x5t="abc", cty="JWT", jwk=f.other.key.jwk(),
        other={"a": [1, None]}), good=True)
    f.signed("256 members", claims={"m%d" % i: i for i in range(256)},
             good=True)


def flipped(f):
    for i in range(3):
        parts = f.good()
        for _ in range(3):
            data = bytearray(raw(parts[i]))
            at = f.rng.randrange(len(data))
            data[at] ^= 1 << f.rng.randrange(8)
            f.add("a bit of part %d" % i, ".".join(
                parts[:i] + [b64(data)] + parts[i + 1:]))
        text = parts[i]
        at = f.rng.randrange(len(text))
        new = text[:at] + f.rng.choice(ALPHABET.replace(
            text[at], "")) + text[at + 1:]
        same = i == 2 and raw(new) == raw(text)
        f.add("a letter of part %d" % i, ".".join(
            parts[:i] + [new] + parts[i + 1:]), "base64url" if same else "")


def lengths(f):
    for i in range(3):
        parts = f.good()
        for new in (parts[i][:-f.rng.randrange(4, 12)], parts[i] + "AAAA",
                    "AAAA" + parts[i], ""):
            f.add("part %d cut, longer or empty" % i, ".".join(
                parts[:i] + [new] + parts[i + 1:]))
    parts = f.good()
    a, b, c = parts
    for wrong in ([a, b], [a], [a, b, c, c], [a, b, c, c, c], [b, a, c],
                  [c, b, a], [a, c, b], [a + b, c], ["", "", ""], [""],
                  [a, b, "", ""], ["", a, b, c], [a, "", b, c]):
        f.add("%d parts, or others" % len(wrong), ".".join(wrong))
    f.add("a dot behind", ".".join(parts) + ".", "dot behind")


def encodings(f):
    for i in range(3):
        for new in (lambda p: p + "=" * (-len(p) % 4 or 4),
                    lambda p: p.replace("-", "+").replace("_", "/"),
                    lambda p: p[:5] + "\n" + p[5:],
                    lambda p: p[:9] + " " + p[9:],
                    lambda p: p + " ", lambda p: " " + p,
                    lambda p: p[:7] + "!" + p[7:], lambda p: p + "A"
                    if len(p) % 4 == 0 else p + "=",
                    bits):
            parts = f.odd()
            changed = new(parts[i])
            if i == 2:
                f.add("another base64 of the signature", ".".join(
                    parts[:2] + [changed]), "base64url")
                continue
            parts[i] = changed
            f.signed("another base64 of part %d" % i, (parts[0],),
                     (parts[1],), "base64url")


def bits(part):
    """A bit that no byte is made of; where there is none, one letter more."""

    n = len(part) % 4
    if n == 0:
        return part + "B"
    last = ALPHABET.index(part[-1])
    return part[:-1] + ALPHABET[last | 1]


def algorithms(f):
    parts = f.good()
    for none in ("none", "None", "NONE", "nOnE", "none ", "", "\u0000none"):
        h = b64(dump(f.header(alg=none)).encode())
        f.add("alg none", "%s.%s." % (h, parts[1]))
        f.add("alg none, signed", "%s.%s.%s" % (h, parts[1], parts[2]))
        f.signed("alg none, its own signature", f.header(alg=none))
    for alg in (None, 0, True, [f.alg], {"alg": f.alg}, "HS", "XS256",
                "HS1", "RS1", f.alg + " ", " " + f.alg, f.alg + "\u0000",
                f.alg + "x", f.alg[:-1], "A256KW", "dir", "RSA1_5"):
        f.signed("alg %r" % (alg,), f.header(alg=alg))
    h = f.header()
    del h["alg"]
    f.signed("no alg", h)
    for alg in {f.alg.lower(), f.alg.upper(), f.alg.swapcase()} - {f.alg}:
        f.signed("alg %s" % alg, f.header(alg=alg), kind="spelling")
    for alg in ("HS256", "HS384", "RS256", "RS512", "PS256", "ES256",
                "ES384", "ES512", "EdDSA"):
        if alg != f.alg and (alg, f.alg) != ("EdDSA", "Ed25519"):
            f.signed("alg %s without its signature" % alg, f.header(alg=alg))
    h = f.header()
    h["\u0061LG"] = h.pop("alg")
    f.signed("aLG", h)


def public_as_secret(f):
    if f.alg[:2] == "HS":
        return
    key = f.key.key
    jwk = key.jwk()
    for secret in (key.file(), key.file().rstrip(b"\n"),
                   raw(jwk.get("n") or jwk["x"]), dump(jwk).encode(), b""):
        for alg in ("HS256", "HS384", "HS512"):
            f.add("a public key as the secret of " + alg, f.text(
                f.header(alg=alg), f.claims(), Secret(secret), alg))


def other_algorithms(f):
    """Signed well, by another algorithm that the key could be for."""

    name = f.key.name
    if name == "hs64" or name == "hs100":
        for alg in ("HS256", "HS384", "HS512"):
            f.signed("the same secret, " + alg, f.header(alg=alg), alg=alg,
                     good=True)
    if name.startswith("rs"):
        for alg in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"):
            f.signed("the same key, " + alg, f.header(alg=alg), alg=alg,
                     good=True, by=judges(alg, name))
        for alg in ("RS256", "PS384"):
            f.signed("the hash of another", f.header(alg=alg), alg=alg,
                     digest=512)
            f.signed("RS for PS", f.header(alg="PS" + alg[2:]),
                     alg="RS" + alg[2:])
            f.signed("PS for RS", f.header(alg="RS" + alg[2:]),
                     alg="PS" + alg[2:])
    if name.startswith("es"):
        for alg in {"ES256", "ES384", "ES512"} - {f.alg}:
            f.signed("the curve of another", f.header(alg=alg), alg=alg,
                     kind="curve")
    if name in ("es256", "k256"):
        f.signed("the other curve of 256 bits", f.header(
            alg="ES256K" if name == "es256" else "ES256"))


def headers(f):
    for value in (["exp"], ["b64"], [], "exp", None, ["x"], {}, [1]):
        f.signed("crit", f.header(crit=value, x=1), kind="crit")
    f.signed("crit and b64", f.header(crit=["b64"], b64=True), kind="crit")
    f.signed("b64 true", f.header(b64=True), good=True)
    for value in (False, None, 0, "false", []):
        f.signed("b64", f.header(b64=value), kind="b64")
    for name in ("zip", "enc"):
        for value in ("DEF", "A128GCM", None):
            f.signed(name, f.header(**{name: value}), kind="zip or enc")
    for value in (1, None, True, ["JWT"], {}, 0.5):
        f.signed("typ", f.header(typ=value), kind="typ is no string")
        f.signed("kid", f.header(kid=value), kind="kid is no string")
    for typ in ("at+jwt", "application/at+jwt", "JOSE", ""):
        f.signed("typ " + typ, f.header(typ=typ), kind="libjwt's typ",
                 good=True)
    f.signed("a long typ", f.header(typ="x" * 65), kind="typ is no string")
    h = f.header(x="")
    room = 1024 - len(dump(h).encode())
    f.signed("header of 1024 bytes", dict(h, x="x" * room), good=True)
    f.signed("header of 1025 bytes", dict(h, x="x" * (room + 1)),
             kind="large header")
    f.signed("large header", f.header(x="x" * 5000), kind="large header")


def kids(f):
    if f.key.kid is None:
        f.signed("kid for a key without", f.header(kid="any"), good=True)
        f.signed("a long kid", f.header(kid="x" * 257),
                 kind="kid is no string")
        return
    for kid in ("other", "", f.key.kid.upper(), f.key.kid + "\u0000", "*",
                f.key.kid + " ", "../" + f.key.kid, "k" * 256):
        f.signed("kid %.9r" % kid, f.header(kid=kid), kind="kid")
    f.signed("a long kid", f.header(kid="x" * 257), kind="kid")
    h = f.header()
    del h["kid"]
    f.signed("no kid", h, good=True)


def duplicates(f):
    def twice(members, extra, front):
        text = dump(members)
        return ("{%s,%s" % (extra, text[1:]) if front
                else "%s,%s}" % (text[:-1], extra))

    for extra in ('"alg":"%s"' % f.alg, '"alg":"none"', '"\\u0061lg":"HS256"',
                  '"x":1,"x":2'):
        for front in (True, False):
            f.signed("header member twice", twice(f.header(), extra, front),
                     kind="duplicate")
    for extra in ('"sub":"admin"', '"\\u0073ub":"x"', '"o":{"a":1,"a":1}',
                  '"l":[[{"a":1,"\\u0061":1}]]', '"":1,"":1'):
        for front in (True, False):
            f.signed("claim twice", claims=twice(f.claims(), extra, front),
                     kind="duplicate")
    c = f.claims(exp=NOW + 60)
    f.signed("exp twice", claims=twice(c, '"exp":%d' % (NOW + 99), True),
             kind="duplicate")


def with_claim(f, name, value):
    c = f.claims()
    c.pop(name, None)
    return '{"%s":%s,%s' % (name, value, dump(c)[1:])


def dates(f):
    n = NOW

    def date(what, name, values, kind="", good=False):
        for value in values:
            f.signed("%s %s" % (what, value), kind=kind, good=good,
                     claims=with_claim(f, name, value))

    date("good", "exp", (n + 1, n + 1.5, "%d.0" % (n + 9), "1.75e10",
                         "17500036e2", "1750000001E0", 253402300799),
         good=True)
    date("good", "nbf", (n, n - 1, 0, "-0", "0.0", n - 0.5, "1e-5", "0e99"),
         good=True)
    date("good", "iat", (n, n - 1, 0, "-0.0", "0E-999"), good=True)
    date("past", "exp", (n, n - 1, n - 0.5, 0, 1, "-0", -1, "-1e9", "1e-9",
                         "0e400"), "dates")
    date("future", "nbf", (n + 1, n + 0.5, n + 10**6, "1.750000001e9"),
         "dates")
    for name in ("exp", "nbf", "iat"):
        date("no number", name, ('"%d"' % (n + 60), "null", "true", "[]",
                                 "{}", '""', '"1"', "[%d]" % n), "dates")
        date("no JSON", name, ("01", "+1", "1.", ".5", "0x10", "1e", "--1",
                               "%d,," % n))
        date("no JSON", name, ("NaN", "Infinity"), "NaN")
    date("a fraction", "exp", (n + 0.5, n + 0.25), "fraction")
    date("negative", "nbf", (-1, -0.5, "-1e300"), "date range")
    date("negative", "iat", (-1, -0.5, "-1e300"), "date range")
    date("huge", "exp", (253402300800, "1e300", 2**63, 10**20, "1e400",
                         "253402300799.5", 10**300), "date range")
    date("huge", "nbf", ("1e300", 10**30), "dates")
    date("future", "iat", (n + 1, n + 10**6, n + 0.5), "iat")
    date("huge", "iat", ("1e300", 10**20), "date range")


def claim_forms(f):
    for name in ("iss", "sub"):
        for value in ("1", "null", "[]", '{"a":1}', "true"):
            f.signed("%s %s" % (name, value), kind="iss or sub",
                     claims=with_claim(f, name, value))
    f.signed("257 members", claims={"m%d" % i: i for i in range(257)},
             kind="many members")
    f.signed("257 members within", claims={"o": {
        "m%d" % i: i for i in range(257)}}, kind="many members")
    f.signed("deep", claims='{"a":%s%s}' % ("[" * 31, "]" * 31), good=True)
    f.signed("too deep", claims='{"a":%s%s}' % ("[" * 40, "]" * 40),
             kind="deep")
    for text in ("[]", '["exp"]', '"text"', "1", "null", "true"):
        f.signed("claims " + text, claims=text, kind="no object")
    for text in ("", " ", "{", "{}}", "{},", "{'a':1}", '{"a":1,}', "{a:1}",
                 '{"a" 1}', '{"a":1 "b":2}', '{"a":tru}', '{"a":"\\x"}',
                 '{"a":"b}', '{"a":"\\u12"}', '{"a":"\t"}', '{"a":"\n"}',
                 "/**/{}", "{}x", '{"a":[1,]}', '{"a":01}', '{"a":1.}',
                 '{1:2}', '{"a":}', "{,}", "\x0b{}", "{}{}"):
        f.signed("no JSON: %r" % text, claims=text)
        if text:
            f.signed("no JSON in the header: %r" % text, text)
    f.signed("a NUL behind", claims="{}\x00", kind="NUL")
    for text in ('{"a":NaN}', '{"a":Infinity}', '{"a":-Infinity}'):
        f.signed("Python's JSON", claims=text, kind="NaN")
    f.signed("a byte order mark", claims="\ufeff" + dump(f.claims()),
             kind="byte order mark")
    f.signed("a byte order mark in the header",
             "\ufeff" + dump(f.header()), kind="byte order mark")
    for bad in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
                b"\xe2\x82", b"\x80"):
        f.signed("not UTF-8", claims=b'{"a":"' + bad + b'"}', kind="UTF-8")
        f.signed("not UTF-8 in the header", dump(f.header())[:-1].encode()
                 + b',"a":"' + bad + b'"}', kind="UTF-8")
    f.signed("UTF-16", claims=dump(f.claims()).encode("utf-16-le"),
             kind="UTF-8")
    for value in (2**64, -2**70, "1e400", '"\\ud800"', '"\\udc00x"',
                  '"a\\u0000b"', "[1e999]"):
        f.signed("value %s" % value, kind="jansson", good=True,
                 claims=with_claim(f, "value", value))


def signatures(f):
    a, b, c = f.good()
    data = raw(c)
    text = (a + "." + b).encode()

    def put(what, signature, kind="", good=False):
        f.add(what, "%s.%s.%s" % (a, b, b64(signature)), kind, good)

    put("zero", bytes(len(data)))
    put("all bits", b"\xff" * len(data))
    put("one byte", b"\0")
    put("reversed", data[::-1])
    put("twice", data + data)
    put("a zero before", b"\0" + data)
    put("a zero behind", data + b"\0")
    put("the half", data[:len(data) // 2])
    put("the first byte off", data[1:])
    put("the last byte off", data[:-1])
    f.add("the other key", f.text(f.header(), f.claims(), f.other))
    f.add("the other key and its jwk", f.text(
        f.header(jwk=f.other.key.jwk(), x5c=["MIIB"],
                 jku="https://example.com/"), f.claims(), f.other))
    f.add("the other's signature", "%s.%s.%s" % (a, b, f.good()[2]))
    f.add("other claims", "%s.%s.%s" % (a, f.good()[1], c))

    key = f.key.key
    if f.alg[:2] in ("ES",):
        r, s = key.numbers(f.alg, text)
        n, size = key.order, key.size
        top = 256 ** size
        put("n - s", key.raw(r, n - s), good=True)
        for x, y in ((0, s), (r, 0), (0, 0), (n, s), (r, n), (n, n), (0, n),
                     (1, 1), (n - 1, 1), (s, r), (n - r, s),
                     ((r + n) % top, s), (r, (s + n) % top),
                     (top - 1, s), (r, top - 1)):
            put("r and s", key.raw(x, y))
        put("long", key.raw(r, s, size + 1))
        put("DER", der(r, s))
        put("DER in place", der(r, s)[:2 * size].ljust(2 * size, b"\0"))
        put("DER behind zeros", der(r, s).rjust(2 * size + 16, b"\0"))
    elif f.alg[:2] in ("RS", "PS"):
        value = int.from_bytes(data, "big")
        if value + key.n < 256 ** key.size:
            put("s + n", (value + key.n).to_bytes(key.size, "big"))
        put("n - s", (key.n - value).to_bytes(key.size, "big"))
        for number in (1, key.n, key.n - 1):
            put("a number", number.to_bytes(key.size, "big"))
    elif f.alg[:2] == "Ed" and len(data) == 64:
        s = int.from_bytes(data[32:], "little") + ED_ORDER
        put("s + order", data[:32] + s.to_bytes(32, "little"))
        put("R of the identity", b"\1" + bytes(31) + data[32:])
        put("R and s zero", b"\1" + bytes(63))
    if f.alg[:2] == "PS":
        size = int(f.alg[2:]) // 8
        for salt in (0, 1, size - 1, size + 1, 64 if size < 64 else 32):
            f.signed("salt of %d" % salt, salt=salt)
        f.signed("another MGF1", mgf=256 if size > 32 else 512)


def der(*numbers):
    body = b""
    for n in numbers:
        n = n.to_bytes(n.bit_length() // 8 + 1, "big")
        body += bytes((2, len(n))) + n
    size = len(body)
    return (bytes((0x30, size)) if size < 128
            else bytes((0x30, 0x81, size))) + body


def keys(f):
    """The same token under other names of its key."""

    named = f.named
    if f.key.name == "hs64":
        f.add("kid of a secret", f.text(f.header(kid="secret-1"), f.claims()),
              good=True, key="hs-kid")
        f.add("no kid", f.text(f.header(), f.claims()), good=True,
              key="hs-kid")
        f.add("wrong kid of a secret", f.text(f.header(kid="x"), f.claims()),
              "secret's kid", key="hs-kid")
    if f.alg[:2] == "HS":
        for name, alg in (("hs16", "HS256"), ("hs31", "HS256"),
                          ("hs32", "HS384"), ("hs48", "HS512")):
            f.add("short secret", f.text(f.header(alg=alg), f.claims(),
                                         named[name], alg),
                  "short secret", key=name)
    if f.key.name == "rs2048":
        bound = f.alg == "RS256"
        f.add("a key of RS256", f.text(f.header(), f.claims()),
              "" if bound else "the JWK", good=bound, key="rs-bound")
        for name in ("rs-enc", "rs-ops"):
            f.add("a key for something else", f.text(f.header(), f.claims()),
                  "the JWK", key=name)
        f.add("a key and a token without kid", f.text(
            {"alg": f.alg}, f.claims()), good=True, key="rs-nokid")
        if f.alg[:2] == "RS":
            f.add("a key without kid", f.text(f.header(), f.claims()),
                  "key without kid", good=True, key="rs-nokid")
        f.add("twins", f.text(f.header(), f.claims()), good=True, key="twins",
              by=("jose",))
        f.add("twins", f.text(f.header(), f.claims(), f.other), good=True,
              key="twins", by=("jose",))
        f.add("twins, neither", f.text(f.header(), f.claims(),
                                       named["rs3072"]),
              key="twins", by=("jose",))
        if f.alg[2:] == "256":
            f.add("RSA of 1024 bits", f.text(
                f.header(), f.claims(), named["rs1024"]), "weak RSA",
                key="rs1024")
    if f.key.name in ("rs2048", "rs3072", "es256", "es384", "es512",
                      "ed25519"):
        f.add("one of many", f.text(f.header(), f.claims()), good=True,
              key="many", by=("jose",))
        f.add("of many, another", f.text(
            f.header(kid="ec-2" if f.key.kid != "ec-2" else "ec-1"),
            f.claims()), key="many", by=("jose",))


def rules(f):
    """With an issuer and an audience."""

    if f.key.name != "es256":
        return
    iss, aud = "https://idp.example/", "edge"

    def put(what, good=False, kind="", **claims):
        f.signed(what, claims=f.claims(**claims), good=good, kind=kind,
                 key="rules-es256", by=("jose",))

    put("good", True, iss=iss, aud=aud)
    put("a list", True, iss=iss, aud=["x", aud])
    put("a list of one", True, iss=iss, aud=[aud])
    for wrong in ("https://idp.example", iss + "x", iss.upper(), "", " " + iss,
                  iss + "\u0000"):
        put("iss %r" % wrong, iss=wrong, aud=aud)
        put("no aud, iss %r" % wrong, iss=wrong, aud=None)
    for wrong in ("", "edg", "edges", "EDGE", [], ["x"], {}, None, 1, True,
                  {"edge": 1}, [["edge"]], "edge x", ["edge x"]):
        put("aud %r" % (wrong,), iss=iss, aud=wrong)
    for odd in (["edge", 1], [None, "edge"], [["edge"], "edge"]):
        put("aud %r" % (odd,), iss=iss, aud=odd, kind="audience")
    for wrong in (["https://idp.example/"], None, {}, 1):
        put("iss %r" % (wrong,), iss=wrong, aud=aud)
    c = f.claims(aud=aud)
    f.signed("no iss", claims=c, key="rules-es256", by=("jose",))
    f.signed("escaped", claims='{"iss":"https:\\/\\/idp.ex\\u0061mple/",'
             '"aud":"\\u0065dge"}', key="rules-es256", by=("jose",),
             good=True)


class Twice(Exception):
    pass


def unique(pairs):
    if len(dict(pairs)) != len(pairs):
        raise Twice
    return dict(pairs)


def constant(name):
    raise NameError(name)


def strange(value):
    """What jansson cannot read: see CLASSES."""

    if isinstance(value, str):
        return any(c == "\0" or "\ud800" <= c < "\ue000" for c in value)
    if isinstance(value, dict):
        return any(strange(v) for i in value.items() for v in i)
    if isinstance(value, list):
        return any(strange(v) for v in value)
    return isinstance(value, (int, float)) and not -2**63 <= value < 2**63 \
        and (isinstance(value, int) or abs(value) == float("inf"))


def read(text):
    """What Python makes of JSON, and the class that it is of."""

    try:
        value = json.loads(text, object_pairs_hook=unique,
                           parse_constant=constant)
    except Twice:
        return None, "duplicate"
    except NameError:
        return None, "NaN"
    except ValueError:
        return None, ""
    return value, "jansson" if strange(value) else ""


def spoiled(f, text):
    text = list(text)
    for _ in range(f.rng.randrange(1, 4)):
        at = f.rng.randrange(len(text))
        new = f.rng.choice(list('{}[]:,"\\/ \t\n0123456789eE+-.abfnrtu')
                           + ["null", "true", "\\u00", "\\ud83d", "\x01",
                              "\x7f", "[]", "{}", '"a":1,', "1e9", "-0"])
        text[at:at + f.rng.randrange(3)] = new
    return "".join(text)


def spoiled_json(f):
    """Signed, so that only the reading of JSON decides."""

    head = '{"alg":"%s",' % f.alg
    if f.key.kid:
        head += '"kid":"%s",' % f.key.kid

    for i in range(18):
        text = spoiled(f, dump({"a": f.value(3), "b": f.value(2),
                                "c": -1.5e3, "d": {}, "e": "\\\u0007"}))
        value, kind = read(text)
        is_object = isinstance(value, dict)
        if value is not None and not is_object:
            kind = "no object"
        f.signed("spoiled claims", claims=text, kind=kind, good=is_object)

        text = head + spoiled(f, dump({"x": f.value(2), "y": [0.5, None]})[1:])
        value, kind = read(text)
        if len(text.encode()) <= 1024:
            f.signed("spoiled header", text, kind=kind,
                     good=isinstance(value, dict))


ALL = (good, flipped, lengths, encodings, algorithms, public_as_secret,
       other_algorithms, headers, kids, duplicates, dates, claim_forms,
       signatures, keys, rules, spoiled_json)


def cases(seed, named, rounds):
    rng = random.Random("%s tokens" % seed)
    made = []
    for _ in range(rounds):
        for alg, key, other in ALGS:
            forge = Forge(rng, named, alg, key, other)
            for mutate in ALL:
                mutate(forge)
            made += forge.cases
    return made
