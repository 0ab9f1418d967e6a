# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Runs the commands that docs/api.md shows: blocks that begin with
# "```sh run" must succeed, with "```sh run fails" must be refused by the
# gateway.  They speak to the quick start's address; here that is the
# embedded gateway with the quick start's documents.

import os
import re
import subprocess

import pytest

import stack as stack_
import tokens

PAGE = stack_.ROOT / "docs/api.md"
BLOCK = re.compile(r"^```sh run( fails)?\n(.*?)^```$", re.M | re.S)
ADDRESS = re.compile(r"(?:127\.0\.0\.1|localhost):8080")


def blocks():
    if not PAGE.exists():
        return []
    text = PAGE.read_text(encoding="utf-8")
    return [pytest.param(bool(m[1]), m[2],
                         id="line-%d" % (text[:m.start()].count("\n") + 2))
            for m in BLOCK.finditer(text)]


def test_the_page_has_examples():
    if not PAGE.exists():
        pytest.skip("no docs/api.md")
    assert len(blocks()) >= 5


@pytest.mark.parametrize("fails, command", blocks())
def test_an_example_of_the_page(stack, embedded, local, fails, command):
    home = stack.directory / "curl"
    home.mkdir(exist_ok=True)
    (home / ".curlrc").write_text(
        "silent\nshow-error\nfail-with-body\nmax-time = 120\n")

    command, n = ADDRESS.subn("127.0.0.1:%d" % embedded.port, command)
    assert n >= 1
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command], timeout=300,
        capture_output=True, text=True, cwd=stack_.ROOT,
        env={"PATH": os.environ["PATH"], "CURL_HOME": str(home),
             "HOME": str(home), "LC_ALL": "C.UTF-8",
             "ACME": tokens.token("acme"), "GLOBEX": tokens.token("globex")})
    print(done.stdout, done.stderr)
    assert done.returncode == (22 if fails else 0)
    assert done.stdout or " -X DELETE" in command
