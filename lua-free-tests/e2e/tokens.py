# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# The identity provider of a run: one key, and the tokens it signs, both made
# by tools/edge-token.

import atexit
import functools
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

TOOL = Path(__file__).resolve().parents[2] / "tools/edge-token"
MODULES = ("planning", "manufacturing", "support", "limited", "fallback",
           "metered", "paced")
WRITE = "documents:read documents:write"


def tool(*arguments):
    return subprocess.run([TOOL, *map(str, arguments)], check=True,
                          timeout=120, capture_output=True,
                          text=True).stdout.strip()


@functools.cache
def key():
    """The private key's file; its public half lies beside it."""

    directory = Path(tempfile.mkdtemp(prefix="edge-e2e-key."))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    tool("key", "--alg", "ES256", "--out", directory / "key",
         "--jwks", directory / "keys.jwks")
    return directory / "key"


def jwks():
    return key().parent / "keys.jwks"


@functools.cache
def token(tenant, modules=MODULES, scope=WRITE, ttl="4h", groups=()):
    return tool("mint", "--key", key(), "--ttl=" + ttl,
                "--sub", "someone@example.com",
                "--claim-json", "tenant_id=" + json.dumps(tenant),
                "--claim-json", "modules=" + json.dumps(modules),
                "--claim-json", "groups=" + json.dumps(groups),
                "--claim", "scope=" + scope)


def bearer(tenant, **claims):
    return {"Authorization": "Bearer " + token(tenant, **claims)}
