# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Streamed answers, read by clients that others wrote, over HTTP/1.1 and
# HTTP/2; and what becomes of a stream whose model has no capacity.

import openai
import pytest

import client
import tokens

QUESTION = "What is the forecast accuracy target?"
DOCUMENT = "demand-forecast-cycle"
UNKNOWN = "Which country became football champion?"


@pytest.fixture(params=["HTTP/1.1", "HTTP/2"])
def reader(request, edge, people):
    two = request.param == "HTTP/2"
    c = client.Client(edge.base_h2 if two else edge.base, "acme", http2=two)
    c.expected = request.param
    yield c
    c.close()


def names(events):
    """Event names, with runs of tokens as one."""

    out = []
    for name, _ in events:
        if name != "token" or out[-1:] != ["token"]:
            out.append(name)
    return out


def text(events):
    return "".join(data["delta"] for name, data in events
                   if name == "token")


def last(events, wanted):
    return [data for name, data in events if name == wanted][-1]


def test_a_stream_has_its_events_in_order(reader):
    whole = reader.query("planning", QUESTION).json()
    events = reader.stream("planning", QUESTION)

    assert reader.version == reader.expected
    assert reader.headers["content-type"].startswith("text/event-stream")
    assert "content-length" not in reader.headers
    assert names(events) == ["sources", "token", "usage", "done"]
    assert len([1 for name, _ in events if name == "token"]) > 5

    sources = events[0][1]
    assert sources["grounded"] is True
    assert sources["sources"][0]["doc_id"] == DOCUMENT
    assert sources["request_id"] == reader.headers["x-request-id"]
    assert text(events) == whole["answer"]
    assert last(events, "usage")["total_tokens"] > 0
    done = last(events, "done")
    assert done["finish_reason"] == "stop"
    assert done["model"] == "edge-mock"
    assert done["degraded"] is False and done["cached"] is False


def test_many_streams_on_one_connection(reader):
    first = text(reader.stream("planning", QUESTION))
    for _ in range(5):
        assert text(reader.stream("planning", QUESTION)) == first


def test_a_stream_without_a_passage(reader):
    events = reader.stream("planning", UNKNOWN)
    assert names(events)[:2] == ["sources", "token"]
    assert names(events)[-1] == "done"
    assert events[0][1] == {**events[0][1], "grounded": False, "sources": []}
    assert text(events) \
        == reader.query("planning", UNKNOWN).json()["answer"]


def test_a_model_without_capacity(reader):
    r = reader.query("limited", QUESTION)
    assert r.status_code == 503
    assert r.headers["content-type"] == "application/problem+json"
    assert int(r.headers["retry-after"]) > 0

    events = reader.stream("limited", QUESTION)
    assert names(events) == ["sources", "error"]
    assert {"code", "message", "retry_after"} <= set(events[-1][1])


def test_the_next_generator_takes_over(reader):
    body = reader.query("fallback", QUESTION).json()
    assert body["degraded"] is True and body["grounded"] is True
    assert body["sources"][0]["doc_id"] == DOCUMENT

    events = reader.stream("fallback", QUESTION)
    assert names(events)[:2] == ["sources", "token"]
    assert last(events, "done")["degraded"] is True
    assert text(events) == body["answer"]


def test_a_client_that_leaves_harms_nobody(edge, reader):
    for _ in range(10):
        with reader.http.stream(
                "POST", reader.url("planning", "query"),
                json={"query": QUESTION, "stream": True}) as r:
            next(r.iter_bytes(64))
    assert names(reader.stream("planning", QUESTION))[-1] == "done"


@pytest.fixture()
def sdk(edge, people):
    with openai.OpenAI(base_url=edge.base + "/api/v1/planning",
                       api_key=tokens.token("acme"), max_retries=0,
                       timeout=240) as client:
        yield client


ASK = {"model": "planning",
       "messages": [{"role": "user", "content": QUESTION}]}


def test_the_openai_sdk_reads_an_answer(sdk, people):
    r = sdk.chat.completions.create(**ASK)
    assert r.object == "chat.completion"
    assert r.choices[0].finish_reason == "stop"
    assert r.choices[0].message.content \
        == people["acme"].query("planning", QUESTION).json()["answer"]
    assert r.usage.total_tokens > 0
    assert r.model_extra["sources"][0]["doc_id"] == DOCUMENT


def test_the_openai_sdk_reads_a_stream(sdk):
    whole = sdk.chat.completions.create(**ASK)
    text_, finish, usage = "", None, None
    for chunk in sdk.chat.completions.create(
            stream=True, stream_options={"include_usage": True}, **ASK):
        assert chunk.object == "chat.completion.chunk"
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text_ += choice.delta.content or ""
            finish = choice.finish_reason or finish
    assert text_ == whole.choices[0].message.content
    assert finish == "stop"
    assert usage.total_tokens > 0


def test_usage_is_hidden_from_who_did_not_ask(sdk):
    chunks = list(sdk.chat.completions.create(stream=True, **ASK))
    assert all(c.usage is None for c in chunks)
    assert all(c.choices for c in chunks)


def test_the_openai_sdk_reads_an_error(sdk, people):
    with pytest.raises(openai.BadRequestError) as e:
        sdk.chat.completions.create(model="planning", messages=[])
    assert e.value.body["message"]
    assert e.value.body["type"] == "invalid_request_error"
