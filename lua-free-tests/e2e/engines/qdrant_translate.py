# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Turns the wire's request models (those of the official client) into the
# engine's own objects, and the engine's answers back into wire JSON.  Knows
# both type systems; knows nothing of HTTP, of keys or of where data lies.
# What the engine could do but this file does not translate is refused.

import uuid

import qdrant_edge as qe
from qdrant_client.http import models as qm


class Unsupported(ValueError):
    """A valid request that this front does not translate."""


def point_id(value):
    """Qdrant takes unsigned integers and UUIDs, nothing else."""

    if isinstance(value, int):
        if value < 0:
            raise ValueError("point id %d is negative" % value)
        return value

    try:
        return str(uuid.UUID(str(value)))
    except ValueError:
        raise ValueError("value %s is not a valid point ID, valid values are "
                         "either an unsigned integer or a UUID" % value)


def many(value):
    if value is None:
        return None
    return value if isinstance(value, list) else [value]


def match(m):
    if isinstance(m, qm.MatchValue):
        return qe.MatchValue(m.value)
    if isinstance(m, qm.MatchAny):
        return qe.MatchAny(list(m.any))
    if isinstance(m, qm.MatchExcept):
        return qe.MatchExcept(list(m.except_))
    if isinstance(m, qm.MatchText):
        return qe.MatchText(m.text)
    if isinstance(m, qm.MatchTextAny):
        return qe.MatchTextAny(m.text_any)
    if isinstance(m, qm.MatchPhrase):
        return qe.MatchPhrase(m.phrase)
    if isinstance(m, qm.MatchPrefix):
        return qe.MatchPrefix(m.prefix)
    raise Unsupported("match %r" % m)


def bounds(r):
    kept = {k: v for k, v in r.model_dump().items() if v is not None}
    if isinstance(r, qm.DatetimeRange):
        return qe.RangeDateTime(**{k: v.isoformat()
                                   for k, v in kept.items()})
    return qe.RangeFloat(**kept)


def field(c):
    for name in ("geo_bounding_box", "geo_radius", "geo_polygon"):
        if getattr(c, name) is not None:
            raise Unsupported(name)

    return qe.FieldCondition(
        key=c.key,
        match=match(c.match) if c.match is not None else None,
        range=bounds(c.range) if c.range is not None else None,
        values_count=qe.ValuesCount(**c.values_count.model_dump())
        if c.values_count is not None else None,
        is_empty=c.is_empty,
        is_null=c.is_null)


def condition(c):
    if isinstance(c, qm.FieldCondition):
        return field(c)
    if isinstance(c, qm.IsEmptyCondition):
        return qe.IsEmptyCondition(c.is_empty.key)
    if isinstance(c, qm.IsNullCondition):
        return qe.IsNullCondition(c.is_null.key)
    if isinstance(c, qm.HasIdCondition):
        return qe.HasIdCondition({point_id(i) for i in c.has_id})
    if isinstance(c, qm.HasVectorCondition):
        return qe.HasVectorCondition(c.has_vector)
    if isinstance(c, qm.NestedCondition):
        return qe.NestedCondition(c.nested.key, filter_(c.nested.filter))
    if isinstance(c, qm.Filter):
        return filter_(c)
    raise Unsupported("condition %r" % c)


def filter_(f):
    if f is None:
        return None

    def part(name):
        items = many(getattr(f, name))
        return None if items is None else [condition(c) for c in items]

    least = None
    if f.min_should is not None:
        least = qe.MinShould([condition(c) for c in f.min_should.conditions],
                             f.min_should.min_count)

    return qe.Filter(must=part("must"), should=part("should"),
                     must_not=part("must_not"), min_should=least)


def filter_keys(f):
    """Every payload key a filter reads, for the check of strict mode."""

    if f is None:
        return

    parts = [many(f.must), many(f.should), many(f.must_not),
             f.min_should.conditions if f.min_should else None]

    for c in (c for part in parts if part for c in part):
        if isinstance(c, qm.Filter):
            yield from filter_keys(c)
        elif isinstance(c, qm.FieldCondition):
            yield c.key
        elif isinstance(c, qm.IsEmptyCondition):
            yield c.is_empty.key
        elif isinstance(c, qm.IsNullCondition):
            yield c.is_null.key
        elif isinstance(c, qm.NestedCondition):
            for key in filter_keys(c.nested.filter):
                yield "%s[].%s" % (c.nested.key, key)


def payload_selector(p, default):
    if p is None:
        return default
    if isinstance(p, qm.PayloadSelectorInclude):
        return qe.PayloadSelector.Include(p.include)
    if isinstance(p, qm.PayloadSelectorExclude):
        return qe.PayloadSelector.Exclude(p.exclude)
    return p


def vector(v):
    if isinstance(v, qm.SparseVector):
        return qe.SparseVector(v.indices, v.values)
    if isinstance(v, list):
        return v
    raise Unsupported("vector %r" % type(v).__name__)


def vectors(v):
    """The vectors of a point: one unnamed, or several by name."""

    if isinstance(v, dict):
        return {name: vector(one) for name, one in v.items()}
    return vector(v)


def point(p):
    return qe.Point(point_id(p.id), vectors(p.vector), p.payload or {})


def params(p):
    if p is None:
        return None
    if p.quantization is not None or p.acorn is not None:
        raise Unsupported("params.quantization, params.acorn")
    return qe.SearchParams(hnsw_ef=p.hnsw_ef, exact=bool(p.exact),
                           indexed_only=bool(p.indexed_only))


def scoring(q, using):
    """`query` of /points/query in the forms the gateway may send."""

    if q is None:
        return None
    if isinstance(q, (list, qm.SparseVector)):
        return qe.Query.Nearest(vector(q), using or "")
    if isinstance(q, qm.NearestQuery):
        if q.mmr is not None:
            raise Unsupported("mmr")
        return qe.Query.Nearest(vector(q.nearest), using or "")
    if isinstance(q, qm.RrfQuery):
        return qe.Fusion.Rrf(k=q.rrf.k or 2, weights=q.rrf.weights)
    if isinstance(q, qm.FusionQuery):
        if q.fusion == qm.Fusion.RRF:
            return qe.Fusion.Rrf(k=2)
        return qe.Fusion.Dbsf()
    raise Unsupported("query %r" % type(q).__name__)


def merged(root, own):
    """The server merges the root filter into each prefetch leaf."""

    both = [f for f in (root, own) if f is not None]
    if len(both) < 2:
        return both[0] if both else None
    return qe.Filter(must=both)


def prefetch(p, root):
    inner = [prefetch(i, root) for i in many(p.prefetch) or []]
    return qe.Prefetch(limit=p.limit or 10, prefetches=inner,
                       query=scoring(p.query, p.using),
                       params=params(p.params),
                       filter=merged(root, filter_(p.filter)),
                       score_threshold=p.score_threshold)


def query(q):
    if q.lookup_from is not None:
        raise Unsupported("lookup_from")

    root = filter_(q.filter)
    return qe.QueryRequest(
        limit=q.limit or 10, offset=q.offset or 0,
        query=scoring(q.query, q.using),
        prefetches=[prefetch(p, root) for p in many(q.prefetch) or []],
        with_vector=q.with_vector or False,
        with_payload=payload_selector(q.with_payload, False),
        filter=root, score_threshold=q.score_threshold,
        params=params(q.params))


def vector_json(v):
    if isinstance(v, dict):
        return {name: vector_json(one) for name, one in v.items()}
    if isinstance(v, qe.SparseVector):
        return {"indices": list(v.indices), "values": list(v.values)}
    return list(v)


def id_json(value):
    return value if isinstance(value, int) else str(value)


def record_json(r):
    out = {"id": id_json(r.id)}
    if r.payload is not None:
        out["payload"] = r.payload
    if r.vector is not None:
        out["vector"] = vector_json(r.vector)
    return out


def scored_json(p):
    out = record_json(p)
    out["version"] = p.version
    out["score"] = p.score
    return out


DISTANCES = {
    qm.Distance.COSINE: qe.Distance.Cosine,
    qm.Distance.DOT: qe.Distance.Dot,
    qm.Distance.EUCLID: qe.Distance.Euclid,
    qm.Distance.MANHATTAN: qe.Distance.Manhattan,
}


def vector_params(v):
    return qe.EdgeVectorParams(size=v.size, distance=DISTANCES[v.distance])


def config(c):
    """EdgeConfig of a CreateCollection request."""

    dense = c.vectors
    if isinstance(dense, dict):
        dense = {name: vector_params(v) for name, v in dense.items()}
    elif dense is not None:
        dense = vector_params(dense)

    sparse = None
    if c.sparse_vectors:
        sparse = {
            name: qe.EdgeSparseVectorParams(
                modifier=qe.Modifier.Idf
                if v.modifier == qm.Modifier.IDF else None)
            for name, v in c.sparse_vectors.items()}

    return qe.EdgeConfig(vectors=dense, sparse_vectors=sparse)


KINDS = {
    "keyword": qe.PayloadSchemaType.Keyword,
    "integer": qe.PayloadSchemaType.Integer,
    "float": qe.PayloadSchemaType.Float,
    "bool": qe.PayloadSchemaType.Bool,
    "datetime": qe.PayloadSchemaType.Datetime,
    "uuid": qe.PayloadSchemaType.Uuid,
}


def field_index(schema):
    """(engine schema, wire kind) of an index request's field_schema."""

    if isinstance(schema, qm.KeywordIndexParams):
        return qe.KeywordIndexParams(is_tenant=schema.is_tenant), "keyword"

    kind = schema.value if isinstance(schema, qm.PayloadSchemaType) \
        else str(getattr(schema.type, "value", schema.type))
    if kind not in KINDS:
        raise Unsupported("field_schema %s" % kind)
    return KINDS[kind], kind
