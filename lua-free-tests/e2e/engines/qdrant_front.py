# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Qdrant's REST interface over Qdrant's engine, for the calls that the
# gateway makes and those that the official client needs to read back.
# Storage, filters, scores and vector search are the engine's; what is here
# is the wire: paths, keys, validation, envelopes, errors, keep-alive.
#
# Every request body is held against two independent descriptions of the
# interface: the models of the official client, and Qdrant's own OpenAPI
# document when it is given.  A journal keeps one line per request, so that a
# test can look at what the gateway really asked for.

import argparse
import json
import os
import re
import shutil
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import qdrant_edge as qe
from pydantic import TypeAdapter, ValidationError
from qdrant_client.http import models as qm

import qdrant_translate as tr

VERSION = "1.19.0"
KEEPALIVE = 30                 # the server has 5: too near to the gateway's 4
MAX_BODY = 32 * 1024 * 1024    # and this one too

# (method, path): (name of the handler, request model, its name in the
# OpenAPI document, whether it writes).
ROUTES = [
    ("GET", r"/", "root", None, None, False),
    ("GET", r"/(?:healthz|livez|readyz)", "health", None, None, False),
    ("GET", r"/collections", "list_collections", None, None, False),
    ("GET", r"/collections/([^/]+)", "info", None, None, False),
    ("GET", r"/collections/([^/]+)/exists", "exists", None, None, False),
    ("PUT", r"/collections/([^/]+)", "create", qm.CreateCollection,
     "CreateCollection", True),
    ("DELETE", r"/collections/([^/]+)", "drop", None, None, True),
    ("PUT", r"/collections/([^/]+)/index", "index", qm.CreateFieldIndex,
     "CreateFieldIndex", True),
    ("PUT", r"/collections/([^/]+)/points", "upsert",
     qm.PointInsertOperations, "PointInsertOperations", True),
    ("POST", r"/collections/([^/]+)/points", "retrieve", qm.PointRequest,
     "PointRequest", False),
    ("GET", r"/collections/([^/]+)/points/([^/]+)", "one", None, None,
     False),
    ("POST", r"/collections/([^/]+)/points/query", "query",
     qm.QueryRequest, "QueryRequest", False),
    ("POST", r"/collections/([^/]+)/points/scroll", "scroll",
     qm.ScrollRequest, "ScrollRequest", False),
    ("POST", r"/collections/([^/]+)/points/count", "count",
     qm.CountRequest, "CountRequest", False),
    ("POST", r"/collections/([^/]+)/points/delete", "delete",
     qm.PointsSelector, "PointsSelector", True),
]

QUERY_ARGS = {"wait", "ordering", "timeout", "consistency"}
FREE = {"/", "/healthz", "/livez", "/readyz"}


class Fault(Exception):
    """An answer other than success; text None means a plain body."""

    def __init__(self, status, text, plain=False):
        super().__init__(text)
        self.status = status
        self.text = text
        self.plain = plain


class Contract:
    """Bodies against the OpenAPI document, where it is present."""

    def __init__(self, path):
        self.validators = {}
        self.document = None
        if path and os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                self.document = self.closed(json.load(f))

    def closed(self, node):
        """OpenAPI 3.0 `nullable` as JSON Schema says it.

        The document writes "or null" as an anyOf with an empty schema,
        which in JSON Schema admits everything.
        """

        if isinstance(node, list):
            return [self.closed(n) for n in node]
        if not isinstance(node, dict):
            return node

        out = {k: self.closed(v) for k, v in node.items()}
        for key in ("anyOf", "oneOf"):
            if isinstance(out.get(key), list):
                out[key] = [n if n and n != {"nullable": True}
                            else {"type": "null"} for n in out[key]]
        if out.pop("nullable", False) is True and "type" in out:
            return {"anyOf": [out, {"type": "null"}]}
        return out

    def check(self, name, body):
        if self.document is None:
            return

        if name not in self.validators:
            import jsonschema
            self.validators[name] = jsonschema.Draft7Validator(
                {"$ref": "#/components/schemas/" + name,
                 "components": self.document["components"]})

        for error in self.validators[name].iter_errors(body):
            raise Fault(400, "OpenAPI %s: at %s: %s" % (
                name, "/".join(str(p) for p in error.absolute_path) or "/",
                error.message[:300]))


class Collection:
    """One engine shard and what the engine does not remember."""

    def __init__(self, path, request, indexes, fresh):
        self.path = path
        self.request = request
        self.indexes = indexes
        self.operation = 0
        self.lock = threading.RLock()

        config = tr.config(request)
        data = os.path.join(path, "shard")
        if fresh:
            os.makedirs(data)
            self.shard = qe.EdgeShard.create(data, config)
            self.save()
        else:
            self.shard = qe.EdgeShard.load(data)

    @classmethod
    def load(cls, path):
        with open(os.path.join(path, "meta.json"), encoding="utf-8") as f:
            meta = json.load(f)
        request = qm.CreateCollection.model_validate(meta["create"])
        return cls(path, request, meta["indexes"], False)

    def save(self):
        meta = {"create": self.request.model_dump(mode="json",
                                                  exclude_none=True),
                "indexes": self.indexes}
        temp = os.path.join(self.path, "meta.json.new")
        with open(temp, "w", encoding="utf-8") as f:
            json.dump(meta, f)
        os.replace(temp, os.path.join(self.path, "meta.json"))

    def update(self, operation):
        with self.lock:
            self.shard.update(operation)
            self.operation += 1
            return {"operation_id": self.operation, "status": "completed"}

    def strict(self, filt, write):
        """Strict mode: a filter may only read indexed keys."""

        mode = self.request.strict_mode_config
        if mode is None or not mode.enabled:
            return
        free = mode.unindexed_filtering_update if write \
            else mode.unindexed_filtering_retrieve
        if free is not False:
            return

        for key in tr.filter_keys(filt):
            if key not in self.indexes:
                raise Fault(400, "Bad request: Index required but not found "
                            "for \"%s\". Help: Create an index for this key "
                            "or use a different filter." % key)

    def limit(self, n):
        mode = self.request.strict_mode_config
        if mode and mode.enabled and mode.max_query_limit \
                and n > mode.max_query_limit:
            raise Fault(400, "Bad request: Limit exceeded %d > %d for "
                        "\"limit\". Help: Reduce the \"limit\" parameter to "
                        "or below %d." % (n, mode.max_query_limit,
                                          mode.max_query_limit))

    def describe(self):
        info = self.shard.info()
        create = self.request.model_dump(mode="json", exclude_none=True)
        params = {"shard_number": 1, "replication_factor": 1,
                  "write_consistency_factor": 1, "on_disk_payload": True}
        for name in ("vectors", "sparse_vectors"):
            if name in create:
                params[name] = create[name]

        config = {
            "params": params,
            "hnsw_config": {"m": 16, "ef_construct": 100,
                            "full_scan_threshold": 10000,
                            "max_indexing_threads": 0, "on_disk": False,
                            **create.get("hnsw_config", {})},
            "optimizer_config": {
                "deleted_threshold": 0.2, "vacuum_min_vector_number": 1000,
                "default_segment_number": 0, "max_segment_size": None,
                "memmap_threshold": None, "indexing_threshold": 10000,
                "flush_interval_sec": 5, "max_optimization_threads": None},
            "wal_config": {"wal_capacity_mb": 32, "wal_segments_ahead": 0,
                           "wal_retain_closed": 1},
            "quantization_config": None,
        }
        if "strict_mode_config" in create:
            config["strict_mode_config"] = create["strict_mode_config"]

        return {
            "status": "green", "optimizer_status": "ok",
            "indexed_vectors_count": info.indexed_vectors_count,
            "points_count": info.points_count,
            "segments_count": info.segments_count, "config": config,
            "payload_schema": {
                key: {"data_type": index["kind"], "points":
                      info.payload_schema[key].points
                      if key in info.payload_schema else 0,
                      **({"params": index["params"]}
                         if index["params"] else {})}
                for key, index in self.indexes.items()},
        }


class Store:
    """The collections under one directory; every handler of ROUTES."""

    def __init__(self, directory):
        self.directory = directory
        self.lock = threading.RLock()
        self.collections = {}

        os.makedirs(directory, exist_ok=True)
        for name in sorted(os.listdir(directory)):
            path = os.path.join(directory, name)
            if os.path.exists(os.path.join(path, "meta.json")):
                self.collections[name] = Collection.load(path)

    def find(self, name):
        with self.lock:
            if name not in self.collections:
                raise Fault(404, "Not found: Collection `%s` doesn't exist!"
                            % name)
            return self.collections[name]

    def list_collections(self, _):
        return {"collections": [{"name": n} for n in self.collections]}

    def exists(self, _, name):
        return {"exists": name in self.collections}

    def info(self, _, name):
        c = self.find(name)
        with c.lock:
            return c.describe()

    def create(self, body, name):
        with self.lock:
            if name in self.collections:
                raise Fault(409, "Wrong input: Collection `%s` already "
                            "exists!" % name)
            if not re.fullmatch(r"[A-Za-z0-9._-]{1,200}", name):
                raise Fault(400, "invalid collection name")
            path = os.path.join(self.directory, name)
            shutil.rmtree(path, ignore_errors=True)
            self.collections[name] = Collection(path, body, {}, True)
        return True

    def drop(self, _, name):
        with self.lock:
            c = self.collections.pop(name, None)
            if c is None:
                return False
            with c.lock:
                c.shard.close()
            shutil.rmtree(c.path, ignore_errors=True)
        return True

    def index(self, body, name):
        c = self.find(name)
        schema, kind = tr.field_index(body.field_schema)
        result = c.update(qe.UpdateOperation.create_field_index(
            body.field_name, schema))

        detail = None
        if not isinstance(body.field_schema, qm.PayloadSchemaType):
            detail = body.field_schema.model_dump(mode="json",
                                                  exclude_none=True)
        with c.lock:
            c.indexes[body.field_name] = {"kind": kind, "params": detail}
            c.save()
        return result

    def upsert(self, body, name):
        c = self.find(name)
        if not isinstance(body, qm.PointsList):
            raise tr.Unsupported("batch form of upsert")
        if body.update_filter is not None or body.shard_key is not None:
            raise tr.Unsupported("update_filter, shard_key")
        if not body.points:
            raise Fault(400, "Wrong input: Empty update request")
        return c.update(qe.UpdateOperation.upsert_points(
            [tr.point(p) for p in body.points]))

    def delete(self, body, name):
        c = self.find(name)
        if isinstance(body, qm.PointIdsList):
            return c.update(qe.UpdateOperation.delete_points(
                [tr.point_id(p) for p in body.points]))
        c.strict(body.filter, True)
        return c.update(qe.UpdateOperation.delete_points_by_filter(
            tr.filter_(body.filter)))

    def retrieve(self, body, name):
        c = self.find(name)
        with c.lock:
            found = c.shard.retrieve(
                [tr.point_id(i) for i in body.ids],
                tr.payload_selector(body.with_payload, True),
                body.with_vector or False)
        return [tr.record_json(r) for r in found]

    def one(self, _, name, text):
        body = qm.PointRequest(ids=[int(text) if text.isdigit() else text],
                               with_payload=True, with_vector=True)
        found = self.retrieve(body, name)
        if not found:
            raise Fault(404, "Not found: Point with id %s does not exists!"
                        % text)
        return found[0]

    def query(self, body, name):
        c = self.find(name)
        c.strict(body.filter, False)
        c.limit(body.limit or 10)
        with c.lock:
            found = c.shard.query(tr.query(body))
        return {"points": [tr.scored_json(p) for p in found]}

    def scroll(self, body, name):
        c = self.find(name)
        c.strict(body.filter, False)
        c.limit(body.limit or 10)
        if body.order_by is not None:
            raise tr.Unsupported("order_by")
        with c.lock:
            found, after = c.shard.scroll(qe.ScrollRequest(
                offset=tr.point_id(body.offset)
                if body.offset is not None else None,
                limit=body.limit or 10, filter=tr.filter_(body.filter),
                with_payload=tr.payload_selector(body.with_payload, True),
                with_vector=body.with_vector or False))
        return {"points": [tr.record_json(r) for r in found],
                "next_page_offset": None if after is None
                else tr.id_json(after)}

    def count(self, body, name):
        c = self.find(name)
        c.strict(body.filter, False)
        with c.lock:
            return {"count": c.shard.count(qe.CountRequest(
                exact=body.exact is not False,
                filter=tr.filter_(body.filter)))}


class Journal:
    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8") if path else None
        self.lock = threading.Lock()

    def short(self, node):
        """Vectors are what makes bodies long and what nobody reads."""

        if isinstance(node, dict):
            return {k: self.short(v) for k, v in node.items()}
        if isinstance(node, list):
            if len(node) > 8 and all(isinstance(n, (int, float))
                                     for n in node):
                return "<%d numbers>" % len(node)
            return [self.short(n) for n in node]
        return node

    def write(self, **entry):
        if self.file is None:
            return
        with self.lock:
            self.file.write(json.dumps(self.short(entry),
                                       ensure_ascii=False) + "\n")
            self.file.flush()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = KEEPALIVE
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass                   # the journal is the log

    def reply(self, status, body, kind="application/json"):
        if not isinstance(body, bytes):
            body = json.dumps(body, ensure_ascii=False,
                              separators=(",", ":")).encode()
        head = "HTTP/1.1 %d %s\r\ncontent-type: %s\r\n" \
               "content-length: %d\r\n%s\r\n" % (
                   status, self.responses[status][0], kind, len(body),
                   "connection: close\r\n" if self.close_connection else "")
        self.wfile.write(head.encode() + body)

    def body(self):
        if self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            raise Fault(501, "chunked request bodies are not read here")
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY:
            self.close_connection = True
            raise Fault(413, "A payload reached size limit.", True)
        return self.rfile.read(length)

    def authorize(self, path):
        """Which key came: "rw", "ro", or "" where none is needed."""

        keys = self.server.keys
        if not keys or path in FREE:
            return ""

        given = self.headers.get("api-key")
        bearer = self.headers.get("Authorization", "")
        if given is None and bearer.startswith("Bearer "):
            given = bearer[7:]
        if given is None:
            raise Fault(401, "Must provide an API key or an Authorization "
                        "bearer token", True)
        if given not in keys:
            raise Fault(401, "Invalid API key or JWT", True)
        return keys[given]

    def parse(self, model, name, raw):
        kind = (self.headers.get("Content-Type") or "").split(";")[0]
        if kind.strip().lower() != "application/json":
            raise Fault(415, "Content type error: expected application/json",
                        True)
        try:
            body = json.loads(raw.decode("utf-8"))
        except ValueError as e:
            raise Fault(400, "Format error in JSON body: %s" % e)

        self.seen = body
        try:
            parsed = TypeAdapter(model).validate_python(body)
        except ValidationError as e:
            raise Fault(400, "Format error in JSON body: client models: %s"
                        % e.errors(include_url=False,
                                   include_input=False)[:4])
        self.server.contract.check(name, body)
        return parsed

    def route(self, path):
        allowed = False
        for method, pattern, handler, model, name, writes in ROUTES:
            found = re.fullmatch(pattern, path)
            if found:
                allowed = True
                if method == self.command:
                    return handler, model, name, writes, found.groups()
        raise Fault(405 if allowed else 404, "", True)

    def answer(self, raw):
        url = urlsplit(self.path)
        self.key = self.authorize(url.path)
        handler, model, name, writes, args = self.route(url.path)

        unknown = set(parse_qs(url.query)) - QUERY_ARGS
        if unknown:
            raise Fault(400, "unknown query parameter %s" % unknown)
        if writes and self.key == "ro":
            raise Fault(403, "Forbidden: Write access to collection is "
                        "required")

        if handler == "root":
            return {"title": "qdrant - vector search engine",
                    "version": VERSION, "commit": None}
        if handler == "health":
            return None

        parsed = self.parse(model, name, raw) if model else None
        try:
            return getattr(self.server.store, handler)(parsed, *args)
        except Fault:
            raise
        except Exception as e:
            # The engine raises bare Exception and ValueError for input that
            # it refuses; anything else is a fault of this file.
            if type(e) is Exception or isinstance(e, ValueError):
                raise Fault(400, "Wrong input: %s" % e)
            raise Fault(500, "Service internal error: %r" % e)

    def serve(self):
        start = time.time()
        self.seen = None
        self.key = ""
        status, error = 200, None

        try:
            result = self.answer(self.body())
            took = time.time() - start
            if self.path == "/":
                reply = (result,)
            elif result is None:
                reply = (b"healthz check passed", "text/plain")
            else:
                reply = ({"usage": None, "result": result, "status": "ok",
                          "time": took},)
        except Fault as e:
            status, error = e.status, e.text
            if e.plain:
                reply = (e.text.encode(), "text/plain; charset=utf-8")
            else:
                reply = ({"status": {"error": e.text},
                          "time": time.time() - start, "result": None},)
        except (BrokenPipeError, ConnectionResetError):
            status, error, reply = 499, "client closed", None
            self.close_connection = True

        # Ahead of the response: who has that finds the line.
        self.server.journal.write(
            method=self.command, path=self.path, status=status,
            key=self.key, error=error, body=self.seen,
            headers=sorted(k.lower() for k in self.headers))

        try:
            if reply:
                self.reply(status, *reply)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = serve


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--port", type=int, required=True)
    ap.add_argument("--dir", required=True)
    ap.add_argument("--api-key")
    ap.add_argument("--read-only-key")
    ap.add_argument("--journal")
    ap.add_argument("--contract")
    args = ap.parse_args()

    server = Server(("127.0.0.1", args.port), Handler)
    server.store = Store(args.dir)
    server.journal = Journal(args.journal)
    server.contract = Contract(args.contract)
    server.keys = {k: v for k, v in ((args.api_key, "rw"),
                                     (args.read_only_key, "ro")) if k}
    server.serve_forever()


if __name__ == "__main__":
    main()
