# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# The embedded store and extractive answers: the same requests, the same
# shapes, in both languages, with no other service.

import pytest

import client

QUESTION = "What is the forecast accuracy target?"

OWN = {key: {d["id"] for d in documents}
       for key, documents in client.corpus().items()}


def shape(value):
    """The keys of an answer, all the way down; values by their kind."""

    if isinstance(value, dict):
        return {k: shape(v) for k, v in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    if value is None:
        return "null"
    return "number" if isinstance(value, (int, float)) \
        and not isinstance(value, bool) else type(value).__name__


def test_the_right_document_comes_first(local):
    wrong = []
    total = 0
    for tenant, module, question, doc_id in client.questions():
        r = local[tenant].search(module, question)
        assert r.status_code == 200, r.text
        ids = [hit["doc_id"] for hit in r.json()["results"]]
        if doc_id is not None:
            total += 1
            if ids[:1] != [doc_id]:
                wrong.append((question, doc_id, ids))
    print("right document first: %d of %d" % (total - len(wrong), total))
    assert len(wrong) <= total // 10, wrong


def test_unknown_things_are_said_to_be_unknown(local):
    for tenant, module, question, doc_id in client.questions():
        body = local[tenant].query(module, question).json()
        assert body["grounded"] is (doc_id is not None), (question, body)
        assert bool(body["sources"]) is body["grounded"]


def test_tenants_never_see_each_other(local):
    for tenant, c in local.items():
        for _, module, question, _ in client.questions():
            for call, key in ((c.search, "results"), (c.query, "sources")):
                body = call(module, question, top_k=50).json()
                assert {hit["doc_id"] for hit in body[key]} \
                    <= OWN[tenant, module], (tenant, module, question)


@pytest.mark.parametrize("call", [
    lambda c: c.query("planning", QUESTION),
    lambda c: c.query("planning", "Which country became football champion?"),
    lambda c: c.search("planning", QUESTION),
    lambda c: c.search("planning", QUESTION, top_k=1),
    lambda c: c.put("planning", [{"id": "shape", "text": "One. Two."}]),
    lambda c: c.put("planning", [{"id": "shape", "text": "One. Two."}]),
    lambda c: c.put("planning", [{"id": "shape", "text": "Three."}]),
    lambda c: c.get("planning", "shape"),
    lambda c: c.get("planning", DOCUMENT),
    lambda c: c.delete("planning", "shape"),
    lambda c: c.delete("planning", "shape"),
    lambda c: c.get("planning", "shape"),
    lambda c: c.search("planning", ""),
    lambda c: c.search("planning", "x", top_k=0),
    lambda c: c.search("planning", "x", unknown=1),
    lambda c: c.search("absent", "x"),
    lambda c: c.http.put(c.url("planning", "query")),
], ids=["query", "unknown", "search", "one", "created", "unchanged",
        "updated", "get", "get-full", "delete", "delete-again", "gone",
        "empty", "zero", "field", "module", "method"])
def test_both_answer_in_the_same_shape(people, local, call):
    a, b = call(people["acme"]), call(local["acme"])
    assert a.status_code == b.status_code, (a.text, b.text)
    assert a.headers.get("content-type") == b.headers.get("content-type")
    if a.content or b.content:
        assert shape(a.json()) == shape(b.json())


DOCUMENT = "demand-forecast-cycle"


def test_both_stream_in_the_same_shape(people, local):
    def shapes(c):
        events = dict((name, shape(data))
                      for name, data in c.stream("planning", QUESTION))
        return events

    assert shapes(people["acme"]) == shapes(local["acme"])


def test_both_give_the_same_document_back(people, local):
    a = people["acme"].get("planning", DOCUMENT).json()
    b = local["acme"].get("planning", DOCUMENT).json()
    assert a == b


def test_an_answer_quotes_its_document(local):
    texts = {d["id"]: " ".join(d["text"].split())
             for d in client.corpus()["acme", "planning"]}
    body = local["acme"].query("planning", QUESTION).json()
    assert "[1]" in body["answer"]
    quoted = body["answer"].split("[1]")[0].strip().strip("\"'")
    assert " ".join(quoted.split()) in texts[body["sources"][0]["doc_id"]]


def test_a_restart_keeps_the_documents(embedded, local):
    before = local["acme"].search("planning", QUESTION).json()["results"]
    embedded.process.stop()
    embedded.start()
    assert local["acme"].search("planning", QUESTION).json()["results"] \
        == before
