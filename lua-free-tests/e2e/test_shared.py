# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Limits and kept answers over a real Redis, as the official SDK and a reader
# of events see them.

import openai
import pytest

import client
import tokens

QUESTION = "How much batch campaign capacity is planned?"


@pytest.fixture(scope="module")
def calls(stack, people):
    """How often Qdrant was asked so far."""

    return lambda: len(stack.journal())


@pytest.fixture()
def sdk(edge, people):
    def make(tenant):
        return openai.OpenAI(base_url=edge.base + "/api/v1/metered",
                             api_key=tokens.token(tenant), max_retries=0,
                             timeout=240)
    return make


def words(events):
    return "".join(data["delta"] for name, data in events if name == "token")


def one(events, name):
    return [data for event, data in events if event == name]


def test_an_answer_is_kept_for_every_form(people, sdk, calls):
    first = people["acme"].query("metered", QUESTION)
    assert first.status_code == 200
    body = first.json()
    assert body["grounded"] and body["cached"] is False
    asked = calls()

    again = people["acme"].query("metered", QUESTION)
    assert again.json() == {**body, "cached": True,
                            "request_id": again.json()["request_id"]}
    assert "hit" in again.headers["cache-status"]

    events = people["acme"].stream("metered", QUESTION)
    assert words(events) == body["answer"]
    assert one(events, "sources")[0]["sources"] == body["sources"]
    assert one(events, "usage") == [body["usage"]]
    assert one(events, "done")[0]["cached"] is True

    assert calls() == asked


def test_the_sdk_gets_kept_answers_too(sdk, calls):
    ask = {"model": "metered",
           "messages": [{"role": "user", "content": QUESTION}]}

    with sdk("acme") as client:
        whole = client.chat.completions.create(**ask)
        asked = calls()
        text, usage = "", None
        for chunk in client.chat.completions.create(
                stream=True, stream_options={"include_usage": True}, **ask):
            usage = chunk.usage or usage
            for choice in chunk.choices:
                text += choice.delta.content or ""

    assert text == whole.choices[0].message.content
    assert usage.total_tokens == whole.usage.total_tokens
    assert calls() == asked


def chunks(sdk, question):
    """What a stream of the SDK holds, but for what is of one request."""

    with sdk.chat.completions.create(
            model="metered", stream=True,
            stream_options={"include_usage": True},
            messages=[{"role": "user", "content": question}]) as stream:
        return [chunk.model_dump(exclude={"id", "created"})
                for chunk in stream], stream.response.headers["cache-status"]


def pieces(chunks):
    return [choice["delta"]["content"] for chunk in chunks
            for choice in chunk["choices"] if choice["delta"]["content"]]


def test_a_kept_stream_has_the_same_events(people, sdk, calls):
    acme = people["acme"]
    asked_here = QUESTION + " Stream it."
    asked_there = QUESTION + " Stream it to the SDK."

    with sdk("acme") as openai:
        first, status = chunks(openai, asked_there)
        assert "fwd=miss" in status
        assert len(pieces(first)) > 1
        events = acme.stream("metered", asked_here)
        asked = calls()

        again, status = chunks(openai, asked_there)
        assert "hit" in status
        assert again == first

        here = acme.stream("metered", asked_here)
        assert [e for e in here if e[0] in ("token", "usage")] \
            == [e for e in events if e[0] in ("token", "usage")]

        assert pieces(chunks(openai, asked_here)[0]) \
            == [data["delta"] for data in one(events, "token")]
        assert [data["delta"] for data
                in one(acme.stream("metered", asked_there), "token")] \
            == pieces(first)

    assert calls() == asked


def test_a_document_makes_kept_answers_old(people):
    people["acme"].query("metered", QUESTION)
    assert people["acme"].query("metered", QUESTION).json()["cached"]

    r = people["acme"].put("metered", [{
        "id": "news", "title": "News", "text": "The canteen opens at seven."}])
    assert r.status_code == 200, r.text
    assert people["acme"].query("metered", QUESTION).json()["cached"] is False
    people["acme"].delete("metered", "news")


def test_groups_of_a_tenant_see_their_own(edge, people):
    salaries = {"id": "salaries", "title": "Salaries", "acl": ["finance"],
                "text": "The salaries of batch campaign staff rise in May."}
    r = people["acme"].put("metered", [salaries])
    assert r.status_code == 200, r.text

    question = "When do the salaries of batch campaign staff rise?"
    finance = client.Client(edge.base, "acme", groups=("finance", "staff"))
    staff = client.Client(edge.base, "acme", groups=("staff",))

    def found(who):
        answer = who.query("metered", question).json()
        return "salaries" in [s["doc_id"] for s in answer["sources"]]

    # each twice: the second time the answer is a kept one
    assert [found(who) for who in (finance, staff, finance, staff)] \
        == [True, False, True, False]
    assert finance.get("metered", "salaries").status_code == 200
    assert staff.get("metered", "salaries").status_code == 404

    people["acme"].delete("metered", "salaries")
    finance.close()
    staff.close()


def test_an_allowance_ends(sdk, stack):
    ask = {"model": "metered",
           "messages": [{"role": "user", "content": QUESTION}]}

    with sdk("globex") as client:
        left = []
        for _ in range(3):
            r = client.chat.completions.with_raw_response.create(**ask)
            left.append(r.headers["x-ratelimit-remaining-requests"])
            assert r.headers["x-ratelimit-limit-requests"] == "3"
            assert r.parse().choices[0].message.content
        assert left == ["2", "1", "0"]

        with pytest.raises(openai.RateLimitError) as e:
            client.chat.completions.create(**ask)

    assert 60 < int(e.value.response.headers["retry-after"]) <= 1200
    assert '"calls-rph";r=0' in e.value.response.headers["ratelimit"]
    assert e.value.body["message"]
    assert "edge:{globex}:rl:" in stack.redis.ask("KEYS", "edge:*")


def test_an_allowance_is_of_one_tenant(people):
    assert people["acme"].query("metered", QUESTION).status_code == 200
