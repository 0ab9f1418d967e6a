# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# What a client of the gateway does, for one tenant: documents in, questions
# out, answers read as JSON or as a stream; and the quick start's documents
# and questions as data.

import json
from pathlib import Path

import httpx
from httpx_sse import connect_sse

import tokens

QUICKSTART = Path(__file__).resolve().parents[2] / "conf/quickstart"


class Client:
    def __init__(self, base, tenant, http2=False, groups=(), **headers):
        self.tenant = tenant
        self.http = httpx.Client(
            base_url=base, timeout=900, http1=not http2, http2=http2,
            headers={**tokens.bearer(tenant, groups=groups), **headers})

    def close(self):
        self.http.close()

    def url(self, module, endpoint):
        return "/api/v1/%s/%s" % (module, endpoint)

    def put(self, module, documents):
        return self.http.put(self.url(module, "documents"),
                             json={"documents": documents})

    def get(self, module, doc_id):
        return self.http.get(self.url(module, "documents/" + doc_id))

    def delete(self, module, doc_id):
        return self.http.delete(self.url(module, "documents/" + doc_id))

    def search(self, module, question, /, **fields):
        return self.http.post(self.url(module, "search"),
                              json={"query": question, **fields})

    def query(self, module, question, /, **fields):
        return self.http.post(self.url(module, "query"),
                              json={"query": question, **fields})

    def stream(self, module, question, /, **fields):
        """[(event, data)...] as a real SSE reader understands them."""

        with connect_sse(self.http, "POST", self.url(module, "query"),
                         json={"query": question, "stream": True,
                               **fields}) as source:
            source.response.raise_for_status()
            self.version = source.response.http_version
            self.headers = source.response.headers
            return [(e.event, json.loads(e.data))
                    for e in source.iter_sse()]


def document(path):
    """A file of the corpus: title, optional fields, blank line, text."""

    head, _, text = path.read_text(encoding="utf-8").partition("\n\n")
    lines = head.splitlines()
    assert lines[0].startswith("# "), path
    out = {"id": path.stem, "title": lines[0][2:].strip(),
           "text": text.strip()}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        assert name in ("source_uri", "updated_at"), (path, line)
        out[name] = value.strip()
    return out


def corpus():
    """{(tenant, module): [document...]}"""

    out = {}
    for path in sorted(QUICKSTART.glob("*/*/*.md")):
        tenant, module = path.parts[-3:-1]
        out.setdefault((tenant, module), []).append(document(path))
    return out


def questions():
    """[(tenant, module, question, id of the document or None)...]"""

    out = []
    for line in (QUICKSTART / "questions.tsv").read_text(
            encoding="utf-8").splitlines():
        tenant, module, question, doc_id = line.split("\t")
        out.append((tenant, module, question,
                    None if doc_id == "-" else doc_id))
    return out


def english(question):
    """The embedding model knows no other language."""

    return question.isascii()
