# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# The keys of the differential test, made from its seed, and signing with
# them.  The first two letters of a name say what the key is for.  Knows
# nothing of claims.

import base64
import hmac
import json

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import (
    ec, ed448, ed25519, padding, rsa, utils)

HASH = {256: hashes.SHA256, 384: hashes.SHA384, 512: hashes.SHA512}
CURVES = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1,
          "secp256k1": ec.SECP256K1}
SMALL = [p for p in range(3, 8000, 2) if all(p % d for d in range(3, 90, 2)
                                             if d < p)]


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(n, size=None):
    return b64(n.to_bytes(size or (n.bit_length() + 7) // 8, "big"))


def prime(rng, bits):
    """A prime with its two upper bits set, by Miller and Rabin's test."""

    while True:
        n = rng.getrandbits(bits) | 3 << bits - 2 | 1
        if any(n % p == 0 for p in SMALL) or (n - 1) % 65537 == 0:
            continue
        d, s = n - 1, 0
        while d % 2 == 0:
            d, s = d // 2, s + 1
        for _ in range(4):
            x = pow(rng.randrange(2, n - 1), d, n)
            if x not in (1, n - 1) and not any(
                    (x := x * x % n) == n - 1 for _ in range(s - 1)):
                break
        else:
            return n


class Secret:
    def __init__(self, secret):
        self.secret = secret

    def jwk(self):
        return {"kty": "oct", "k": b64(self.secret)}

    def file(self):
        return self.secret

    def sign(self, alg, data, **_):
        return hmac.digest(self.secret, data, "sha" + alg[-3:])


class Public:
    def file(self):
        return self.key.public_key().public_bytes(
            serialization.Encoding.PEM,
            serialization.PublicFormat.SubjectPublicKeyInfo)


class Rsa(Public):
    def __init__(self, rng, bits):
        p, q, e = prime(rng, bits // 2), prime(rng, bits // 2), 65537
        d = pow(e, -1, (p - 1) * (q - 1))
        self.n = p * q
        self.size = bits // 8
        self.key = rsa.RSAPrivateNumbers(
            p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p),
            rsa.RSAPublicNumbers(e, self.n)).private_key()

    def jwk(self):
        return {"kty": "RSA", "n": number(self.n), "e": "AQAB"}

    def sign(self, alg, data, salt=None, mgf=None, digest=None):
        size = int(alg[-3:])
        h = HASH[digest or size]()
        if alg[:2] == "RS":
            return self.key.sign(data, padding.PKCS1v15(), h)
        return self.key.sign(data, padding.PSS(
            padding.MGF1(HASH[mgf or size]()),
            size // 8 if salt is None else salt), h)


class Ec(Public):
    def __init__(self, rng, crv):
        self.crv = crv
        curve = CURVES[crv]()
        self.size = (curve.key_size + 7) // 8
        self.key = ec.derive_private_key(
            rng.randrange(1, 2**curve.key_size // 3), curve)
        self.order = curve.group_order

    def jwk(self):
        point = self.key.public_key().public_numbers()
        return {"kty": "EC", "crv": self.crv,
                "x": number(point.x, self.size),
                "y": number(point.y, self.size)}

    def numbers(self, alg, data):
        h = HASH[512 if alg == "ES512" else 384 if alg == "ES384" else 256]
        return utils.decode_dss_signature(self.key.sign(data, ec.ECDSA(
            h(), deterministic_signing=True)))

    def raw(self, r, s, size=None):
        return b"".join(n.to_bytes(size or self.size, "big") for n in (r, s))

    def sign(self, alg, data, **_):
        return self.raw(*self.numbers(alg, data))


class Ed(Public):
    def __init__(self, rng, crv):
        self.crv = crv
        kind, size = ((ed25519.Ed25519PrivateKey, 32) if crv == "Ed25519"
                      else (ed448.Ed448PrivateKey, 57))
        self.key = kind.from_private_bytes(rng.randbytes(size))

    def jwk(self):
        return {"kty": "OKP", "crv": self.crv,
                "x": b64(self.key.public_key().public_bytes_raw())}

    def sign(self, alg, data, **_):
        return self.key.sign(data)


class Named:
    """A key under the name that the programs know it by."""

    def __init__(self, name, key, **members):
        self.name = name
        self.key = key
        self.members = members

    @property
    def kid(self):
        return self.members.get("kid")

    def sign(self, alg, data, **options):
        return self.key.sign(alg, data, **options)


def make(rng):
    """{name: Named}"""

    def secret(size):
        return Secret(rng.randbytes(size))

    a, b = Rsa(rng, 2048), Rsa(rng, 2048)
    es = {crv: Ec(rng, crv) for crv in CURVES}
    ed = Ed(rng, "Ed25519")
    hs64 = secret(64)
    named = [
        Named("hs32", secret(32)), Named("hs48", secret(48)),
        Named("hs64", hs64), Named("hs100", secret(100)),
        Named("hs16", secret(16)), Named("hs31", secret(31)),
        Named("hs-kid", hs64, kid="secret-1"),
        Named("rs2048", a, kid="rsa-1"), Named("rs-other", b, kid="rsa-1"),
        Named("rs3072", Rsa(rng, 3072), kid="rsa-3"),
        Named("rs1024", Rsa(rng, 1024), kid="rsa-1"),
        Named("rs-bound", a, kid="rsa-1", alg="RS256", use="sig"),
        Named("rs-enc", a, kid="rsa-1", use="enc"),
        Named("rs-ops", a, kid="rsa-1", key_ops=["sign"]),
        Named("rs-nokid", a),
        Named("es256", es["P-256"], kid="ec-1", use="sig"),
        Named("es256-other", Ec(rng, "P-256"), kid="ec-1"),
        Named("es384", es["P-384"], kid="ec-2", key_ops=["verify"]),
        Named("es384-other", Ec(rng, "P-384"), kid="ec-2"),
        Named("es512", es["P-521"], kid="ec-3"),
        Named("es512-other", Ec(rng, "P-521"), kid="ec-3"),
        Named("k256", es["secp256k1"], kid="ec-4"),
        Named("k256-other", Ec(rng, "secp256k1"), kid="ec-4"),
        Named("ed25519", ed, kid="ed-1"),
        Named("ed25519-other", Ed(rng, "Ed25519"), kid="ed-1"),
        Named("ed448", Ed(rng, "Ed448"), kid="ed-2"),
        Named("ed448-other", Ed(rng, "Ed448"), kid="ed-2"),
        Named("rules-es256", es["P-256"], kid="ec-1"),
    ]
    return {n.name: n for n in named}


def write(named, folder):
    """KEY.jwks and KEY.key of all, and the sets "many": one key of each
    type, and "twins": two RSA keys of one kid."""

    for n in named.values():
        (folder / (n.name + ".key")).write_bytes(n.key.file())
        sets(folder, n.name, [n])
    sets(folder, "many", [named[n] for n in (
        "rs2048", "rs3072", "es256", "es384", "es512", "ed25519")])
    sets(folder, "twins", [named["rs-other"], named["rs2048"]])


def sets(folder, name, keys):
    (folder / (name + ".jwks")).write_text(json.dumps(
        {"keys": [dict(n.key.jwk(), **n.members) for n in keys]}))
