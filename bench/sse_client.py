# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Opens many streams of sse_stub.py through a server, reads them all in one
# loop and counts: tokens, those lost, those out of order, how late each came.

import re
import selectors
import socket
import time

TOKEN = re.compile(rb" t(\d+)@(\d+)#")


class Stream:
    def __init__(self, conn):
        self.conn = conn
        self.rest = b""
        self.next = 0           # number of the token to come
        self.ended = False


class Streams:
    """All streams of one round.

    The hooks plateau() and leaving() are called once each: when every stream
    has had its second token, and when the first stream has two left.  In
    between, all streams live and nothing but tokens is sent.
    """

    def __init__(self, port, request, count, tokens, plateau, leaving):
        self.port = port
        self.request = request
        self.count = count
        self.expected = tokens
        self.hooks = [(2, min, plateau), (tokens - 2, max, leaving)]
        self.poll = selectors.EpollSelector()
        self.streams = []
        self.tokens = 0
        self.disorder = 0
        self.delays = []        # us, of the tokens between the hooks
        self.open = 0
        self.refused = 0

    def run(self, ramp, timeout):
        start = time.monotonic()
        while len(self.streams) < self.count or self.open:
            now = time.monotonic() - start
            if now > timeout:
                break
            due = min(self.count, int(now / ramp * self.count) + 1)
            while len(self.streams) < due:
                self.add()
            wait = 0.001 if len(self.streams) < self.count else 0.1
            for key, _ in self.poll.select(wait):
                self.read(key.data)
            self.look()
        for stream in self.streams:
            stream.conn.close()

    def add(self):
        conn = socket.create_connection(("127.0.0.1", self.port), 10)
        conn.sendall(self.request)
        conn.setblocking(False)
        stream = Stream(conn)
        self.streams.append(stream)
        self.open += 1
        self.poll.register(conn, selectors.EVENT_READ, stream)

    def read(self, stream):
        try:
            data = stream.conn.recv(65536)
        except ConnectionError:
            data = b""
        now = time.monotonic_ns() // 1000
        data = stream.rest + data

        end = 0
        for token in TOKEN.finditer(data):
            end = token.end()
            if int(token[1]) != stream.next:
                self.disorder += 1
            stream.next = int(token[1]) + 1
            self.tokens += 1
            if len(self.hooks) == 1:
                self.delays.append(now - int(token[2]))

        if data.startswith(b"HTTP/1.1 ") and data[9:12] != b"200":
            self.refused += 1

        # both servers end a stream by closing or with the last chunk
        if not data[len(stream.rest):] or data.endswith(b"\r\n0\r\n\r\n"):
            self.poll.unregister(stream.conn)
            stream.ended = True
            self.open -= 1
            return

        # a token may be cut: what is kept is short, and holds none
        stream.rest = data[end:][-64:]

    def look(self):
        if self.hooks and len(self.streams) == self.count:
            number, which, hook = self.hooks[0]
            if which(s.next for s in self.streams) >= number:
                self.hooks.pop(0)
                hook()

    def lost(self):
        return self.count * self.expected - self.tokens
