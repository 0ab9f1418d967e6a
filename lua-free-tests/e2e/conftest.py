# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# What the tests share: the engines, the two gateways (one on Qdrant, the
# model and the language model, one on its embedded store), clients, and the
# corpus in both.

import pytest
from qdrant_client import models

import client
import stack as stack_

TENANTS = ("acme", "globex")


@pytest.fixture(scope="session")
def stack():
    """Everything that runs; whatever passed, no log may hold a crash."""

    s = stack_.Stack()
    try:
        s.start()
        yield s
        bad = s.broken()
        assert not bad, bad[:5]
    finally:
        s.stop()


@pytest.fixture(scope="session")
def qdrant(stack):
    """The official client, with the key that may write."""

    c = stack.qdrant_client("E2E_QDRANT_KEY")
    yield c
    c.close()


@pytest.fixture(scope="session")
def collection(qdrant):
    """The collection as an operator makes it: no filter may read a key
    that has no index."""

    name = stack_.COLLECTION
    qdrant.create_collection(
        name,
        vectors_config={"dense": models.VectorParams(
            size=stack_.SIZE, distance=models.Distance.COSINE)},
        strict_mode_config=models.StrictModeConfig(
            enabled=True, max_query_limit=100,
            unindexed_filtering_retrieve=False,
            unindexed_filtering_update=False))
    qdrant.create_payload_index(
        name, "tenant_id", models.KeywordIndexParams(
            type=models.KeywordIndexType.KEYWORD, is_tenant=True))
    for field, kind in (("module", "keyword"), ("doc_id", "keyword"),
                        ("title", "keyword"), ("source_uri", "keyword"),
                        ("acl", "keyword"), ("chunk", "integer"),
                        ("updated_at", "datetime")):
        qdrant.create_payload_index(name, field, kind)
    return name


@pytest.fixture(scope="session")
def edge(stack, collection):
    return stack.gateway()


@pytest.fixture(scope="session")
def embedded(stack):
    return stack.embedded_gateway()


def clients(gateway):
    return {t: client.Client(gateway.base, t) for t in TENANTS}


def filled(people):
    for (tenant, module), documents in client.corpus().items():
        r = people[tenant].put(module, documents)
        assert r.status_code == 200, r.text
        assert [d["status"] for d in r.json()["documents"]] \
            == ["created"] * len(documents), r.text
    return people


@pytest.fixture(scope="session")
def people(edge):
    """{tenant: client}, with the whole corpus already in Qdrant."""

    c = filled(clients(edge))
    yield c
    for one in c.values():
        one.close()


@pytest.fixture(scope="session")
def local(embedded):
    """The same, on the embedded store."""

    c = filled(clients(embedded))
    yield c
    for one in c.values():
        one.close()
