# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Documents through the gateway into Qdrant, and what lies there afterwards
# as the official client sees it.

import re
import uuid

import pytest
from qdrant_client import models

import client
import stack as stack_

FIELDS = {"tenant_id", "module", "doc_id", "chunk", "acl", "text"}
OPTIONAL = ("title", "source_uri", "updated_at")

SENTENCES = [
    "Line %d of the manual says that pump %d turns at %d rpm." % (
        i, i * 7, 1000 + i * 13) for i in range(120)]


@pytest.fixture()
def writer(edge, request):
    """A tenant of its own for each test."""

    c = client.Client(edge.base, "t-" + re.sub(r"\W", "-",
                                               request.node.name)[:50])
    yield c
    c.close()


def only(**fields):
    return models.Filter(must=[
        models.FieldCondition(key=k, match=models.MatchValue(value=v))
        for k, v in fields.items()])


def chunks(qdrant, tenant, module, doc_id):
    """The points of a document, in the order of its chunks."""

    found, after = qdrant.scroll(
        stack_.COLLECTION, limit=100, with_payload=True, with_vectors=True,
        scroll_filter=only(tenant_id=tenant, module=module, doc_id=doc_id))
    assert after is None
    return sorted(found, key=lambda p: p.payload["chunk"])


def statuses(response):
    assert response.status_code == 200, response.text
    return [(d["id"], d["status"]) for d in response.json()["documents"]]


def squeeze(text):
    return " ".join(text.split())


def test_every_document_of_the_corpus_is_there(qdrant, people):
    for (tenant, module), documents in client.corpus().items():
        for d in documents:
            found = chunks(qdrant, tenant, module, d["id"])
            assert [p.payload["chunk"] for p in found] \
                == list(range(len(found))) and found, d["id"]

            for p in found:
                assert FIELDS <= set(p.payload), p.payload.keys()
                for name in OPTIONAL:
                    assert p.payload.get(name) == d.get(name)
                assert p.payload["tenant_id"] == tenant
                assert p.payload["module"] == module
                assert p.payload["acl"] == []
                assert squeeze(p.payload["text"]) in squeeze(d["text"])
                assert uuid.UUID(p.id).version == 5
                assert set(p.vector) == {"dense"}
                assert len(p.vector["dense"]) == stack_.SIZE

            whole = squeeze(" ".join(p.payload["text"] for p in found))
            for word in d["text"].split():
                assert word in whole, (d["id"], word)


def test_each_vector_belongs_to_its_text(stack, qdrant, people):
    import numpy as np
    import openai

    found = [p for (tenant, module), documents in client.corpus().items()
             for d in documents
             for p in chunks(qdrant, tenant, module, d["id"])]
    texts = [p.payload["text"] for p in found]
    ai = openai.OpenAI(base_url=stack.urls["embeddings"] + "/v1",
                       api_key=stack.keys["EMBEDDINGS_API_KEY"], timeout=120)
    own = np.array([d.embedding for d in ai.embeddings.create(
        model=stack_.EMBEDDING_MODEL, input=texts,
        encoding_format="float").data])
    stored = np.array([p.vector["dense"] for p in found])

    # A title in front of the text shifts a vector, but not to a neighbour.
    likeness = own @ stored.T
    english = [i for i, t in enumerate(texts) if t.isascii()]
    assert len(english) > 30
    for i in english:
        assert likeness[i].argmax() == i, texts[i]
        assert likeness[i][i] > 0.7, texts[i]


def test_ids_never_collide(qdrant, people):
    total = sum(len(chunks(qdrant, t, m, d["id"]))
                for (t, m), ds in client.corpus().items() for d in ds)
    stored = sum(qdrant.count(stack_.COLLECTION, only(tenant_id=t)).count
                 for t in people)
    assert stored == total


def test_the_same_again_is_unchanged_and_writes_nothing(stack, people):
    before = len(stack.journal())
    for (tenant, module), documents in client.corpus().items():
        assert statuses(people[tenant].put(module, documents)) \
            == [(d["id"], "unchanged") for d in documents]

    writes = [e for e in stack.journal()[before:]
              if e["method"] == "PUT" or e["path"].endswith("/delete")]
    assert writes == []


def test_a_shorter_version_leaves_nothing_behind(qdrant, writer):
    def put(text):
        r = writer.put("planning", [{"id": "manual", "title": "Manual",
                                     "text": text}])
        return r.json()["documents"][0], chunks(qdrant, writer.tenant,
                                                "planning", "manual")

    status, found = put(" ".join(SENTENCES))
    assert status["status"] == "created"
    assert status["chunks"] == len(found) > 4
    first = found[0].id

    status, found = put("Pump 840 was taken out of service.")
    assert (status["status"], status["chunks"]) == ("updated", 1)
    assert [p.payload["text"] for p in found] \
        == ["Pump 840 was taken out of service."]
    assert found[0].id == first

    hits = writer.search("planning", SENTENCES[100]).json()["results"]
    assert {h["text"] for h in hits} <= {found[0].payload["text"]}

    status, found = put(" ".join(SENTENCES[:60]))
    assert status["status"] == "updated"
    assert status["chunks"] == len(found) > 2


def test_long_text_is_cut_with_nothing_lost(qdrant, writer):
    writer.put("planning", [{"id": "manual", "text": " ".join(SENTENCES)}])
    found = chunks(qdrant, writer.tenant, "planning", "manual")
    for sentence in SENTENCES:
        assert any(sentence in p.payload["text"] for p in found), sentence


def test_get_gives_the_document_back(writer):
    document = {"id": "full", "title": "제목 and title",
                "text": "첫 문단입니다. 😀\n\nSecond paragraph.\n\n"
                        + " ".join(SENTENCES),
                "source_uri": "https://docs.example/full",
                "acl": ["sales", "영업"],
                "updated_at": "2026-03-04T05:06:07Z"}
    assert statuses(writer.put("planning", [document])) \
        == [("full", "created")]

    r = writer.get("planning", "full")
    assert r.status_code == 200, r.text
    got = r.json()
    got = got.get("document", got)
    assert {k: got[k] for k in document if k != "text"} \
        == {k: v for k, v in document.items() if k != "text"}
    assert squeeze(got["text"]) == squeeze(document["text"])


def test_delete_removes_every_chunk(qdrant, writer):
    writer.put("planning", [
        {"id": "goes", "text": " ".join(SENTENCES)},
        {"id": "stays", "text": "It stays."}])

    assert writer.delete("planning", "goes").status_code == 204
    assert chunks(qdrant, writer.tenant, "planning", "goes") == []
    assert len(chunks(qdrant, writer.tenant, "planning", "stays")) == 1
    assert writer.get("planning", "goes").status_code == 404
    assert writer.get("planning", "stays").status_code == 200

    r = writer.delete("planning", "goes")
    assert r.status_code == 404
    assert r.headers["content-type"] == "application/problem+json"


def test_one_bare_document_and_post(writer):
    url = writer.url("planning", "documents")
    r = writer.http.put(url, json={"id": "bare", "text": "Bare."})
    assert statuses(r) == [("bare", "created")]
    r = writer.http.post(url, json={"id": "bare", "text": "Not so bare."})
    assert statuses(r) == [("bare", "updated")]


def test_one_id_in_two_tenants_and_modules(edge, qdrant, writer):
    other = client.Client(edge.base, writer.tenant[:40] + "-other")
    for c, module, text in ((writer, "planning", "Red."),
                            (writer, "support", "Green."),
                            (other, "planning", "Blue."),
                            (other, "support", "White.")):
        assert statuses(c.put(module, [{"id": "same", "text": text}])) \
            == [("same", "created")]

    assert writer.delete("support", "same").status_code == 204
    left = [p.payload["text"]
            for c in (writer, other) for module in ("planning", "support")
            for p in chunks(qdrant, c.tenant, module, "same")]
    assert left == ["Red.", "Blue.", "White."]
    other.close()


def test_bad_documents_are_refused_whole(qdrant, writer):
    url = writer.url("planning", "documents")
    for body in ({"id": "a"}, {"id": "", "text": "x"},
                 {"id": "a", "text": "x", "tenant_id": "acme"},
                 {"documents": [{"id": "a", "text": 7}]},
                 {"documents": []}):
        r = writer.http.put(url, json=body)
        assert r.status_code == 400, (body, r.text)
        assert r.headers["content-type"] == "application/problem+json"
    assert qdrant.count(stack_.COLLECTION,
                        only(tenant_id=writer.tenant)).count == 0
