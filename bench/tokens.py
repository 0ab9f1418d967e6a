# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Makes the keys and tokens of a measurement.  Keys, key sets and the first
# token are edge-token's; the many that differ from it in their subject are
# signed here, as the tool would start a process for each of them.

import base64
import hashlib
import hmac
import json
import os
import subprocess

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature)


def tool(bench, *args):
    done = subprocess.run([os.path.join(bench.root, "tools", "edge-token"),
                           *args], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * 3)


class Key:
    """A key of an algorithm, with a token and many of it in files.

    `one` and `many` are files of tokens, one a line, `key` is what verifies
    them in nginx's configuration: a public key in PEM, or a secret in hex.
    The key set is ALG.jwks in the folder of the configuration's files.
    """

    def __init__(self, bench, alg, count):
        path = os.path.join(bench.work, alg)
        jwks = os.path.join(bench.files, alg + ".jwks")

        if not os.path.exists(path):        # or another scenario's by now
            tool(bench, "key", "--alg", alg, "--out", path, "--jwks", jwks)
            os.chmod(jwks, 0o644)

        with open(path) as f:
            self.sign, self.key = READERS[alg](json.load(f))

        text = tool(bench, "mint", "--key", path, "--ttl", "1h",
                    "--tenant", "acme", "--sub", "someone@acme.example",
                    "--iss", "https://login.example.com", "--aud", "edge")
        self.one = self.file(path + ".one", [text])
        self.many = self.file(path + ".many", self.others(text, count))

    @staticmethod
    def file(name, lines):
        with open(name, "w") as f:
            f.writelines(line + "\n" for line in lines)
        return name

    def others(self, token, count):
        """Tokens like this one, each of another subject."""
        header, payload, _ = token.split(".")
        claims = json.loads(decoded(payload))

        for i in range(count):
            claims["sub"] = f"someone-{i}@acme.example"
            text = header + "." + encoded(
                json.dumps(claims, separators=(",", ":")).encode())
            yield text + "." + encoded(self.sign(text.encode()))


def numbers(jwk, *names):
    return [int.from_bytes(decoded(jwk[name]), "big") for name in names]


def pem(private):
    return private.public_key().public_bytes(
        serialization.Encoding.PEM,
        serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def hs256(jwk):
    secret = decoded(jwk["k"])

    return (lambda text: hmac.digest(secret, text, hashlib.sha256),
            secret.hex())


def rs256(jwk):
    public = rsa.RSAPublicNumbers(*numbers(jwk, "e", "n"))
    private = rsa.RSAPrivateNumbers(
        *numbers(jwk, "p", "q", "d", "dp", "dq", "qi"), public).private_key()

    return (lambda text: private.sign(text, padding.PKCS1v15(),
                                      hashes.SHA256()),
            pem(private))


def es256(jwk):
    private = ec.derive_private_key(*numbers(jwk, "d"), ec.SECP256R1())

    def sign(text):
        pair = decode_dss_signature(private.sign(text,
                                                 ec.ECDSA(hashes.SHA256())))
        return b"".join(n.to_bytes(32, "big") for n in pair)

    return sign, pem(private)


READERS = {"HS256": hs256, "RS256": rs256, "ES256": es256}
