"""The LSTM-DSSM: sentences as vectors, so that a query is close to the documents people want.

    params = lstm_dssm.init(ft.random.key(0), buckets=4096, features=64, hidden=64)
    scores = lstm_dssm.apply(params, queries, documents)     # cosines, (batch, 1 + unclicked)
    value = lstm_dssm.loss(scores, gamma=10.0)

A word is the bag of its letter trigrams, hashed into buckets (`zoo.data.trigram_ids`); an LSTM
reads the words, and its output after the last one is the vector of the sentence. Queries and
documents go through one tower with shared weights. What is learnt: that the softmax of
gamma * cosine picks the clicked document among it and n unclicked ones.

    P(clicked | query) = exp(gamma * cos(q, d+)) / sum over d of exp(gamma * cos(q, d))

Sources: Palangi et al., "Deep sentence embedding using long short-term memory networks" (arXiv
1502.06922), whose cells have peepholes; trigram hashing: Huang et al., "Learning deep structured
semantic models for web search using clickthrough data" (CIKM 2013).

Parameters are a dict: "embedding" (buckets, features), the linear map of hashed words, and "lstm"
as of `zoo.lstm`. Imports `random`, `nn`, `numpy`, `zoo.embedding`, `zoo.lstm`.
"""
from __future__ import annotations

from functrans import numpy as fnp
from functrans import random
from functrans.errors import ArgumentError, ShapeError
from functrans.nn.losses import cosine_similarity
from functrans.nn.normalization import log_softmax
from functrans.numpy.promotion import as_arraylike
from functrans.zoo import embedding, lstm


def init(key, buckets: int, features: int, hidden: int, layers: int = 1, *,
         peepholes: bool = True, dtype=None, **lstm_options) -> dict:
    """First parameters.

    buckets: of the hash. features: of a word. hidden: numbers in the vector of a sentence.
    peepholes: as in the paper. lstm_options: see `lstm.init`.

    >>> import functrans as ft
    >>> params = ft.zoo.lstm_dssm.init(ft.random.key(0), buckets=50, features=4, hidden=8)
    >>> params["embedding"]["weight"].shape
    (50, 4)
    """
    embedding_key, lstm_key = random.split(key)
    return {"embedding": embedding.init(embedding_key, buckets, features, dtype=dtype),
            "lstm": lstm.init(lstm_key, features, hidden, layers, peepholes=peepholes,
                              dtype=dtype, **lstm_options)}


def encode(params: dict, trigrams, lengths=None):
    """The vectors of sentences.

    trigrams: integers (time, batch, n): the buckets of each word's trigrams, negative where there
    are fewer than n; more axes may stand in the place of batch. lengths: words of each sentence.
    Returns an array (batch, hidden): the output of the LSTM after the last word.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> params = ft.zoo.lstm_dssm.init(ft.random.key(0), buckets=50, features=4, hidden=8)
    >>> ft.zoo.lstm_dssm.encode(params, fnp.zeros((6, 2, 3), int), fnp.array([6, 2])).shape
    (2, 8)
    """
    words = embedding.bag(params["embedding"], trigrams)
    _, state = lstm.apply(params["lstm"], words, lengths=lengths)
    return fnp.concatenate([state.h[k] for k in range(-len(params["lstm"][-1]), 0)], -1)


def apply(params: dict, queries, documents, query_lengths=None, document_lengths=None):
    """The cosines of queries and their documents: (batch, documents).

    queries: (time, batch, n). documents: (time, batch, documents, n), the clicked one first. See
    `encode` for what they hold; lengths are (batch,) and (batch, documents).

    >>> import functrans as ft, functrans.numpy as fnp
    >>> params = ft.zoo.lstm_dssm.init(ft.random.key(0), buckets=50, features=4, hidden=8)
    >>> queries, documents = fnp.zeros((6, 2, 3), int), fnp.ones((9, 2, 5, 3), int)
    >>> ft.zoo.lstm_dssm.apply(params, queries, documents).shape
    (2, 5)
    """
    query = encode(params, queries, query_lengths)
    document = encode(params, documents, document_lengths)
    return cosine_similarity(fnp.expand_dims(query, -2), document)


def loss(scores, gamma: float = 10.0):
    """-log P(clicked | query), the mean over queries.

    scores: cosines, (..., 1 + unclicked), that of the clicked document first. gamma: the
    smoothing factor: how much a small difference of cosines counts.
    Raises ShapeError (a ValueError) if there is nothing to choose from.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.zoo.lstm_dssm.loss(fnp.array([[0.5, 0.5]]))
    Array(0.6931472, dtype=float32)
    """
    scores = as_arraylike(scores, "lstm_dssm.loss")
    if not scores.ndim or scores.shape[-1] < 2:
        raise ShapeError("lstm_dssm.loss: scores must have the clicked and at least one unclicked "
                         f"document along the last axis, got {scores.type}")
    return -log_softmax(gamma * scores)[..., 0].mean()


def candidates(key, batch: int, unclicked: int):
    """For each query of a batch: its own document, and others' documents that it did not click.

    Returns integers (batch, 1 + unclicked): which documents of the batch; the query's own comes
    first, the others are drawn from the rest, each with equal probability.

    >>> import functrans as ft
    >>> ft.zoo.lstm_dssm.candidates(ft.random.key(0), 3, 2)[:, 0].tolist()
    [0, 1, 2]
    """
    if batch < 2:
        raise ArgumentError("lstm_dssm.candidates: a batch of one has no other documents")
    own = fnp.expand_dims(fnp.arange(batch), 1)
    shift = random.randint(key, (batch, unclicked), 1, batch)
    return fnp.concatenate([own, (own + shift) % batch], 1)


def batch_loss(params: dict, key, queries, documents, query_lengths=None, document_lengths=None,
               unclicked: int = 4, gamma: float = 10.0):
    """The loss of a batch of clicked pairs, where the unclicked documents are other pairs' ones.

    queries: (time, batch, n). documents: (time, batch, n), those that were clicked. key: for the
    choice of the others. Each document is encoded once, however often it is a candidate.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> params = ft.zoo.lstm_dssm.init(ft.random.key(0), buckets=50, features=4, hidden=8)
    >>> pairs = fnp.zeros((6, 3, 3), int), fnp.ones((9, 3, 3), int)
    >>> ft.zoo.lstm_dssm.batch_loss(params, ft.random.key(1), *pairs).shape
    ()
    """
    query = encode(params, queries, query_lengths)
    document = encode(params, documents, document_lengths)
    chosen = document[candidates(key, query.shape[0], unclicked)]
    return loss(cosine_similarity(fnp.expand_dims(query, -2), chosen), gamma)
