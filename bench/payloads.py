# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# What the stub upstreams answer: always the same bytes.

import json
import math
import os
import random

DIMENSIONS = 1536
POINTS = 5
TEXT_BYTES = 800

QUESTION = {"query": "How often is the hydraulic press inspected?"}

WORDS = ("press pump valve line shift order batch bearing seal oil filter "
         "pressure inspection record operator supplier drawing torque the "
         "of is every before after with and must weekly daily").split()


def embedding():
    rng = random.Random(DIMENSIONS)
    vector = [rng.gauss(0, 1) for _ in range(DIMENSIONS)]
    norm = math.sqrt(sum(x * x for x in vector))
    numbers = ",".join(f"{x / norm:.10f}" for x in vector)

    return ('{"object":"list","data":[{"object":"embedding","index":0,'
            f'"embedding":[{numbers}]}}],"model":"text-embedding-3-small",'
            '"usage":{"prompt_tokens":8,"total_tokens":8}}')


def points():
    rng = random.Random(POINTS)
    found = []

    for i in range(POINTS):
        text = ""
        while len(text) < TEXT_BYTES:
            text += " ".join(rng.choices(WORDS, k=12)).capitalize() + ". "
        found.append({
            "id": f"00000000-0000-5000-8000-{i:012d}",
            "version": 1,
            "score": 0.91 - i / 50,
            "payload": {
                "tenant_id": "bench", "doc_id": f"manual-{i}",
                "title": f"Maintenance manual {i}", "chunk": i,
                "source_uri": f"https://docs.example.com/manual-{i}",
                "text": text[:TEXT_BYTES],
                "updated_at": "2026-01-15T08:30:00Z"}})

    return compact({"result": {"points": found}, "status": "ok",
                    "time": 0.0012})


def chat():
    answer = ("The hydraulic press is inspected every week [1], and its oil "
              "filter is changed after 500 hours of work [2]. The operator "
              "writes both into the record of the line [1].")

    return compact({
        "id": "chatcmpl-bench", "object": "chat.completion",
        "created": 1768465800, "model": "gpt-4o-mini",
        "choices": [{"index": 0, "finish_reason": "stop", "logprobs": None,
                     "message": {"role": "assistant", "content": answer,
                                 "refusal": None}}],
        "usage": {"prompt_tokens": 1100, "completion_tokens": 42,
                  "total_tokens": 1142}})


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def write(folder):
    """The answers as files that the stub nginx serves."""
    for name, text in (("embedding", embedding()), ("points", points()),
                       ("chat", chat()), ("question", compact(QUESTION)),
                       ("service", "x" * 512)):
        with open(os.path.join(folder, name + ".json"), "w") as f:
            f.write(text)
