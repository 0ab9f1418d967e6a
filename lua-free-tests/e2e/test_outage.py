# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Engines die under the gateway by SIGKILL, and come back: an honest 503
# meanwhile, and nothing to do by hand afterwards.

import contextlib
import signal

QUESTION = "What is the forecast accuracy target?"
DOCUMENT = "demand-forecast-cycle"


@contextlib.contextmanager
def killed(process):
    process.stop(signal.SIGKILL)
    try:
        yield
    finally:
        process.start()


def unavailable(response):
    assert response.status_code == 503, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert int(response.headers["retry-after"]) > 0
    body = response.json()
    assert body["status"] == 503
    assert {"type", "title", "detail", "instance"} <= set(body)


def first(response):
    assert response.status_code == 200, response.text
    body = response.json()
    return body.get("results", body.get("sources"))[0]["doc_id"]


def test_qdrant_dies_and_comes_back(stack, people):
    c = people["acme"]
    assert first(c.search("planning", QUESTION)) == DOCUMENT

    with killed(stack.qdrant):
        unavailable(c.search("planning", QUESTION))
        unavailable(c.query("planning", QUESTION))
        unavailable(c.query("planning", QUESTION, stream=True))
        unavailable(c.get("planning", DOCUMENT))
        unavailable(c.delete("planning", DOCUMENT))
        r = c.put("planning", [{"id": "lost", "text": "Lost."}])
        assert r.status_code in (207, 503), r.text

    assert first(c.search("planning", QUESTION)) == DOCUMENT
    assert first(c.query("planning", QUESTION)) == DOCUMENT
    assert c.get("planning", "lost").status_code == 404
    assert c.put("planning", [{"id": "lost", "text": "Found."}]).json()[
        "documents"][0]["status"] == "created"
    assert c.delete("planning", "lost").status_code == 204


def test_the_embedding_model_dies_and_comes_back(stack, people):
    c = people["acme"]
    with killed(stack.embeddings):
        unavailable(c.search("planning", QUESTION))
        unavailable(c.query("planning", QUESTION, stream=True))
        assert c.get("planning", DOCUMENT).status_code == 200
    assert first(c.query("planning", QUESTION)) == DOCUMENT


def test_the_language_model_dies_and_comes_back(stack, people):
    c = people["acme"]
    with killed(stack.llm):
        assert first(c.search("planning", QUESTION)) == DOCUMENT
        unavailable(c.query("planning", QUESTION))
        events = c.stream("planning", QUESTION)
        assert [name for name, _ in events] == ["sources", "error"]
        assert c.query("fallback", QUESTION).json()["degraded"] is True
    assert first(c.query("planning", QUESTION)) == DOCUMENT
