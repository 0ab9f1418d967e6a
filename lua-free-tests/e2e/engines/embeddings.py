# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# The OpenAI embeddings API over a real model (minilm.py).  Knows the wire:
# fields and their bounds, both encodings, errors, keys, keep-alive.

import argparse
import base64
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from minilm import MiniLM

FIELDS = {"model", "input", "dimensions", "encoding_format", "user"}
MAX_INPUTS = 2048
BATCH = 16


class Fault(Exception):
    def __init__(self, status, message, param=None, code=None,
                 kind="invalid_request_error"):
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "type": kind,
                               "param": param, "code": code}}


def inputs(value):
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not value \
            or not all(isinstance(v, str) for v in value):
        raise Fault(400, "'$.input' is invalid: a string or an array of "
                    "strings", "input")
    if len(value) > MAX_INPUTS:
        raise Fault(400, "too many inputs", "input")
    if not all(value):
        raise Fault(400, "'$.input' is invalid: empty string", "input")
    return value


def dimensions(value, size):
    if value is None:
        return size
    if not isinstance(value, int) or isinstance(value, bool) \
            or not 1 <= value <= size:
        raise Fault(400, "'dimensions' must lie between 1 and %d" % size,
                    "dimensions")
    return value


def embed(server, body):
    if not isinstance(body, dict):
        raise Fault(400, "the body is no object")
    for name in set(body) - FIELDS:
        raise Fault(400, "Unrecognized request argument supplied: %s" % name,
                    name)
    if body.get("model") != server.model_name:
        raise Fault(404, "The model `%s` does not exist" % body.get("model"),
                    "model", "model_not_found")

    form = body.get("encoding_format", "float")
    if form not in ("float", "base64"):
        raise Fault(400, "encoding_format is float or base64",
                    "encoding_format")

    texts = inputs(body.get("input"))
    size = dimensions(body.get("dimensions"), server.model.size)
    data, used = [], 0

    for at in range(0, len(texts), BATCH):
        with server.lock:
            found, count = server.model.encode(texts[at:at + BATCH])
        used += count

        if size < server.model.size:
            found = found[:, :size]
            found = found / np.linalg.norm(found, axis=1, keepdims=True)

        for v in found:
            data.append({
                "object": "embedding", "index": len(data),
                "embedding": [float(n) for n in v] if form == "float"
                else base64.b64encode(v.astype("<f4").tobytes()).decode()})

    return {"object": "list", "data": data, "model": server.model_name,
            "usage": {"prompt_tokens": used, "total_tokens": used}}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def reply(self, status, body):
        data = json.dumps(body).encode()
        head = "HTTP/1.1 %d %s\r\ncontent-type: application/json\r\n" \
               "content-length: %d\r\n\r\n" % (
                   status, self.responses[status][0], len(data))
        self.wfile.write(head.encode() + data)

    def answer(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))

        if self.path == "/health":
            return {"status": "ok"}
        if self.headers.get("Authorization") != "Bearer " + self.server.key:
            raise Fault(401, "Incorrect API key provided", None,
                        "invalid_api_key")
        if self.command == "GET" and self.path == "/v1/models":
            return {"object": "list", "data": [
                {"id": self.server.model_name, "object": "model",
                 "created": 0, "owned_by": "e2e"}]}
        if self.path != "/v1/embeddings":
            raise Fault(404, "Invalid URL (%s %s)" % (self.command,
                                                      self.path))
        if self.command != "POST":
            raise Fault(405, "Not allowed to %s on /v1/embeddings"
                        % self.command)
        try:
            body = json.loads(raw.decode("utf-8"))
        except ValueError as e:
            raise Fault(400, "We could not parse the JSON body: %s" % e)
        return embed(self.server, body)

    def serve(self):
        try:
            self.reply(200, self.answer())
        except Fault as e:
            self.reply(e.status, e.body)

    do_GET = do_POST = serve


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--port", type=int, required=True)
    ap.add_argument("--model", default="all-minilm-l6-v2")
    args = ap.parse_args()

    server = Server(("127.0.0.1", args.port), Handler)
    server.key = os.environ["EMBEDDINGS_API_KEY"]
    server.model_name = args.model
    server.model = MiniLM()
    server.lock = threading.Lock()
    server.serve_forever()


if __name__ == "__main__":
    main()
