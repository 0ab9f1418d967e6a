# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# The engines alone, through the clients that others wrote for them: what the
# later files find out about the gateway rests on these.

import base64
import struct
import uuid

import httpx
import openai
import pytest
from qdrant_client import models
from qdrant_client.http.exceptions import UnexpectedResponse

import stack as stack_


@pytest.fixture(scope="module")
def embedder(stack):
    return openai.OpenAI(base_url=stack.urls["embeddings"] + "/v1",
                         api_key=stack.keys["EMBEDDINGS_API_KEY"],
                         max_retries=0, timeout=120)


@pytest.fixture(scope="module")
def chat(stack):
    return openai.OpenAI(base_url=stack.urls["llm"] + "/v1",
                         api_key=stack.keys["E2E_LLM_KEY"],
                         max_retries=0, timeout=120)


def vectors(embedder, texts, **more):
    r = embedder.embeddings.create(model=stack_.EMBEDDING_MODEL, input=texts,
                                   encoding_format="float", **more)
    assert [d.index for d in r.data] == list(range(len(texts)))
    assert r.usage.total_tokens > 0
    return [d.embedding for d in r.data]


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


def test_the_model_gives_its_published_similarities(embedder):
    first, *rest = vectors(embedder, [
        "That is a happy person", "That is a happy dog",
        "That is a very happy person", "Today is a sunny day"])
    assert [dot(first, v) for v in rest] \
        == pytest.approx([0.6946, 0.9429, 0.2569], abs=2e-4)


def test_a_batch_does_not_change_a_vector(embedder):
    long = "A spindle hums at night because its bearing is dry. " * 8
    both = vectors(embedder, ["Short.", long])
    assert both[0] == pytest.approx(vectors(embedder, ["Short."])[0],
                                    abs=1e-5)


def test_base64_and_dimensions(embedder):
    plain = vectors(embedder, ["lathe"])[0]
    r = embedder.embeddings.create(model=stack_.EMBEDDING_MODEL,
                                   input="lathe", encoding_format="base64")
    raw = base64.b64decode(r.data[0].embedding)
    assert struct.unpack("<384f", raw) == pytest.approx(plain, abs=1e-6)
    assert len(vectors(embedder, ["lathe"], dimensions=64)[0]) == 64


def test_the_embeddings_api_refuses(embedder, stack):
    for fields in ({"input": ""}, {"input": []}, {"dimensions": 999}):
        with pytest.raises(openai.BadRequestError):
            embedder.embeddings.create(**{
                "model": stack_.EMBEDDING_MODEL, "input": "x", **fields})
    with pytest.raises(openai.NotFoundError):
        embedder.embeddings.create(model="another", input="x")
    with pytest.raises(openai.AuthenticationError):
        embedder.with_options(api_key="wrong").embeddings.create(
            model=stack_.EMBEDDING_MODEL, input="x")


def test_chat_streams_and_counts(chat):
    ask = {"model": "edge-mock",
           "messages": [{"role": "user", "content": "hello"}]}
    whole = chat.chat.completions.create(**ask)
    assert "[1]" in whole.choices[0].message.content
    assert whole.usage.total_tokens > 0

    text, usage = "", None
    for chunk in chat.chat.completions.create(
            stream=True, stream_options={"include_usage": True}, **ask):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
    assert text == whole.choices[0].message.content
    assert usage.total_tokens > 0


def test_chat_can_be_out_of_capacity(chat):
    with pytest.raises(openai.RateLimitError):
        chat.chat.completions.create(
            model="edge-limited",
            messages=[{"role": "user", "content": "hello"}])


@pytest.fixture()
def scratch(qdrant):
    name = "scratch"
    qdrant.create_collection(
        name, vectors_config={"dense": models.VectorParams(
            size=4, distance=models.Distance.COSINE)})
    yield name
    qdrant.delete_collection(name)


def tenant(name):
    return models.Filter(must=[models.FieldCondition(
        key="tenant_id", match=models.MatchValue(value=name))])


def points(n):
    return [models.PointStruct(
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, str(i))),
        vector={"dense": [1.0, float(i), 0.5, 0.2]},
        payload={"tenant_id": "t%d" % (i % 2), "chunk": i, "text": "가나"})
        for i in range(n)]


def test_qdrant_keeps_what_it_got(qdrant, scratch):
    qdrant.upsert(scratch, points(10))
    assert qdrant.count(scratch).count == 10

    found = qdrant.query_points(
        scratch, query=[1.0, 0.0, 0.0, 0.0], using="dense", limit=3,
        query_filter=tenant("t1"), with_payload=["chunk"]).points
    assert [p.payload for p in found] == [{"chunk": 1}, {"chunk": 3},
                                          {"chunk": 5}]
    assert found[0].score > found[1].score > found[2].score

    above = qdrant.query_points(
        scratch, query=[1.0, 0.0, 0.0, 0.0], using="dense",
        score_threshold=0.9).points
    assert [p.payload for p in above] == []

    page, after = qdrant.scroll(scratch, tenant("t0"), limit=3)
    rest, end = qdrant.scroll(scratch, tenant("t0"), limit=3, offset=after)
    assert len(page) == 3 and len(rest) == 2 and end is None

    stale = tenant("t0")
    stale.must.append(models.FieldCondition(key="chunk",
                                            range=models.Range(gte=4)))
    qdrant.delete(scratch, models.FilterSelector(filter=stale))
    assert qdrant.count(scratch, tenant("t0")).count == 2
    qdrant.delete(scratch, models.PointIdsList(points=[points(1)[0].id]))
    assert qdrant.count(scratch).count == 6
    assert qdrant.retrieve(scratch, [points(1)[0].id]) == []


def test_qdrant_merges_the_root_filter_into_prefetches(qdrant, scratch):
    qdrant.upsert(scratch, points(10))
    found = qdrant.query_points(
        scratch, query=models.FusionQuery(fusion=models.Fusion.RRF),
        prefetch=[models.Prefetch(query=[1.0, 0.0, 0.0, 0.0],
                                  using="dense", limit=20)],
        query_filter=tenant("t1"), limit=20).points
    assert [p.payload["tenant_id"] for p in found] == ["t1"] * 5
    assert found[0].score == pytest.approx(0.5)


def refused(call, status):
    with pytest.raises(UnexpectedResponse) as e:
        call()
    assert e.value.status_code == status


def test_qdrant_refuses(stack, qdrant, scratch):
    refused(lambda: qdrant.query_points(scratch, query=[1.0],
                                        using="dense"), 400)
    refused(lambda: qdrant.query_points(scratch, query=[1.0] * 4), 400)
    refused(lambda: qdrant.get_collection("absent"), 404)

    reader = stack.qdrant_client("E2E_QDRANT_READ_KEY")
    assert reader.count(scratch).count == 0
    refused(lambda: reader.upsert(scratch, points(1)), 403)
    reader.close()


@pytest.mark.parametrize("path, body", [
    ("points/query", {"vector": [1, 2, 3, 4], "limit": 1}),
    ("points/query", {"query": [1, 2, 3, 4], "using": "dense", "limit": 0}),
    ("points/query", {"query": [1, 2, 3, 4], "filter": {
        "must": [{"key": "tenant_id", "match": {"values": "x"}}]}}),
    ("points/delete", {"filter": {"must": [{"kye": "tenant_id"}]}}),
    ("points/count", {"exact": "perhaps"}),
])
def test_qdrant_refuses_bodies_outside_the_interface(stack, scratch, path,
                                                     body):
    r = httpx.post("%s/collections/%s/%s" % (stack.urls["qdrant"], scratch,
                                             path),
                   json=body, timeout=60,
                   headers={"api-key": stack.keys["E2E_QDRANT_KEY"]})
    if body.get("limit") == 0 and not stack_.CONTRACT.exists():
        pytest.skip("the client's models leave this bound to the document")
    assert r.status_code == 400
    assert "error" in r.json()["status"]


def test_qdrant_wants_a_key(stack):
    r = httpx.get(stack.urls["qdrant"] + "/collections", timeout=60)
    assert r.status_code == 401
    assert r.headers["content-type"].startswith("text/plain")


def test_qdrant_survives_a_kill(stack, qdrant, scratch):
    qdrant.upsert(scratch, points(10))
    stack.qdrant.stop(9)
    stack.qdrant.start()
    assert qdrant.count(scratch).count == 10
    assert qdrant.get_collection(scratch).config.params.vectors["dense"] \
        .size == 4
