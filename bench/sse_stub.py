# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# sse_stub.py PORT TOKENS SECONDS: a model that streams TOKENS chunks of the
# OpenAI dialect in SECONDS, to any number of connections.  Each token holds
# its number and the time it was sent: " t7@81726354#" (microseconds of the
# machine's monotonic clock), so that the reader can tell what came, in which
# order and how late.

import heapq
import itertools
import selectors
import socket
import sys
import time

PORT, TOKENS = int(sys.argv[1]), int(sys.argv[2])
INTERVAL = float(sys.argv[3]) / TOKENS

HEAD = (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n")
EVENT = ('data: {"id":"chatcmpl-bench","object":"chat.completion.chunk",'
         '"created":1768465800,"model":"gpt-4o-mini","choices":[{"index":0,'
         '"delta":{"content":"%s"},"logprobs":null,"finish_reason":null}]}'
         '\n\n')
USAGE = ('data: {"id":"chatcmpl-bench","object":"chat.completion.chunk",'
         '"created":1768465800,"model":"gpt-4o-mini","choices":[],'
         '"usage":{"prompt_tokens":1100,"completion_tokens":20,'
         '"total_tokens":1120}}\n\n')


def chunk(text):
    data = text.encode()
    return b"%x\r\n%s\r\n" % (len(data), data)


END = chunk(USAGE) + chunk("data: [DONE]\n\n") + b"0\r\n\r\n"


class Stub:
    def __init__(self):
        self.poll = selectors.EpollSelector()
        self.due = []
        self.number = itertools.count()
        listener = socket.create_server(("127.0.0.1", PORT), backlog=4096)
        listener.setblocking(False)
        self.poll.register(listener, selectors.EVENT_READ, None)

    def run(self):
        while True:
            wait = None
            if self.due:
                wait = max(0, self.due[0][0] - time.monotonic())
            for key, _ in self.poll.select(wait):
                if key.data is None:
                    self.accept(key.fileobj)
                else:
                    self.read(key.fileobj, key.data)
            while self.due and self.due[0][0] <= time.monotonic():
                at, _, conn, n = heapq.heappop(self.due)
                self.send(conn, n, at)

    def accept(self, listener):
        conn = listener.accept()[0]
        conn.setblocking(False)
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.poll.register(conn, selectors.EVENT_READ, bytearray())

    def read(self, conn, got):
        try:
            data = conn.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            self.poll.unregister(conn)
            conn.close()
            return
        got += data

        head = got.find(b"\r\n\r\n")
        if head < 0:
            return
        length = 0
        for line in bytes(got[:head]).split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if len(got) >= head + 4 + length:
            del got[:head + 4 + length]
            conn.send(HEAD)
            self.plan(time.monotonic() + INTERVAL, conn, 0)

    def plan(self, at, conn, n):
        heapq.heappush(self.due, (at, next(self.number), conn, n))

    def send(self, conn, n, at):
        try:
            if n == TOKENS:
                conn.send(END)
                return
            text = f" t{n}@{time.monotonic_ns() // 1000}#"
            conn.send(chunk(EVENT % text))
        except OSError:
            return                      # the reader counts what is missing
        self.plan(at + INTERVAL, conn, n + 1)


Stub().run()
