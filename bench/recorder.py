# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# recorder.py PORT FOLDER: answers as the stubs do, and writes each request's
# body to FOLDER/<answer>.body.  So the reference sends the bytes that the edge
# sends, without anyone having to keep two copies equal.

import http.server
import os
import sys

FOLDER = sys.argv[2]

ANSWERS = {
    "/v1/embeddings": "embedding",
    "/collections/docs/points/query": "points",
    "/v1/chat/completions": "chat",
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        name = ANSWERS[self.path]
        body = self.rfile.read(int(self.headers["Content-Length"]))

        with open(os.path.join(FOLDER, name + ".body"), "wb") as f:
            f.write(body)
        with open(os.path.join(FOLDER, name + ".json"), "rb") as f:
            answer = f.read()

        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])),
                                Handler).serve_forever()
