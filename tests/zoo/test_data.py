"""Batches, vocabularies, trigrams."""
from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functrans import random
from functrans.zoo import data, sequences

KEY = random.key(0)


@given(size=st.integers(1, 30), batch=st.integers(1, 8), drop=st.booleans(),
       prefetch=st.integers(0, 3))
def test_an_epoch_has_each_example_once(size, batch, drop, prefetch):
    x = np.arange(size)
    batches = data.Batches({"x": x, "y": x * 10}, batch, key=KEY, drop_remainder=drop,
                           prefetch=prefetch)
    rows = list(batches)
    assert len(rows) == len(batches)
    seen = np.concatenate([row["x"] for row in rows]) if rows else np.zeros(0, int)
    assert len(set(seen)) == len(seen) == (size // batch * batch if drop else size)
    assert all((row["y"] == row["x"] * 10).all() for row in rows)


def _epochs(batches, count: int, start: int = 0) -> list:
    return [[row.tolist() for row in batches.epoch(k, start)] for k in range(count)]


def test_the_order_is_a_function_of_key_and_epoch():
    batches = data.Batches(np.arange(20), 3, key=KEY)
    first = _epochs(batches, 3)
    assert first == _epochs(batches, 3) == [[row.tolist() for row in batches] for _ in range(3)]
    assert first[0] != first[1] != first[2]
    assert [rows[4:] for rows in first] == _epochs(batches, 3, start=4)
    other = data.Batches(np.arange(20), 3, key=random.key(1))
    assert _epochs(other, 3) != first
    assert _epochs(data.Batches(np.arange(5), 2), 1) == [[[0, 1], [2, 3], [4]]]


@given(lengths=st.lists(st.integers(1, 40), min_size=1, max_size=20), batch=st.integers(1, 5))
def test_ragged_data_come_in_buckets(lengths, batch):
    rows = [np.full(length, k) for k, length in enumerate(lengths)]
    batches = data.Batches((data.Ragged(rows), np.arange(len(rows))), batch, key=KEY, prefetch=0)
    seen = []
    for (values, own), numbers in batches:
        assert len({sequences.bucket(int(length)) for length in own}) == 1
        for lane, number in enumerate(numbers):
            assert own[lane] == lengths[number]
            assert (values[:own[lane], lane] == number).all()
        seen += numbers.tolist()
    assert sorted(seen) == list(range(len(rows)))


def test_two_ragged_parts_stay_together():
    queries = data.Ragged([[k] * (k % 5 + 1) for k in range(12)], value=-1)
    documents = data.Ragged([[k] * (k % 7 + 1) for k in range(12)], boundaries=[4, 16])
    for (q, _), (d, d_lengths) in data.Batches((queries, documents), 3, key=KEY):
        assert (q[0] == d[0]).all() and len(d) == (4 if d_lengths.max() <= 4 else 16)
        assert set(np.unique(q[5:])) <= {-1}


def test_errors_of_batches():
    with pytest.raises(ValueError, match=r"differ: 3 in data\['x'\], 4 in data\['y'\]"):
        data.Batches({"x": np.zeros(3), "y": np.zeros(4)}, 2)
    with pytest.raises(ValueError, match=r"data\[1\] is a scalar"):
        data.Batches((np.zeros(3), 5.0), 2)
    with pytest.raises(ValueError, match="batch_size must be at least 1"):
        data.Batches(np.zeros(3), 0)
    with pytest.raises(ValueError, match="no data"):
        data.Batches((), 2)


def test_split_is_a_partition():
    x = np.arange(50)
    train, test = data.split({"x": x, "r": data.Ragged([[k] for k in x])}, 0.3, KEY)
    assert len(test["x"]) == 15
    assert sorted([*train["x"], *test["x"]]) == list(range(50))
    assert test["x"].tolist() != list(range(35, 50))
    assert [int(row[0]) for row in test["r"].rows] == test["x"].tolist()
    with pytest.raises(ValueError, match="between 0 and 1"):
        data.split(x, 1.5)


# ---- prefetching ----

def test_prefetched_items_are_made_in_another_thread_ahead_of_time():
    made, main = [], threading.get_ident()

    def items():
        for k in range(10):
            made.append((k, threading.get_ident()))
            yield k
    stream = data.prefetched(items(), 3)
    assert next(stream) == 0
    assert next(stream) == 1
    stream.close()
    assert 2 <= len(made) <= 5 and all(thread != main for _, thread in made)
    assert not any(t.name.startswith("functrans prefetch") for t in threading.enumerate())


def test_errors_come_where_they_would_have_come():
    def items():
        yield 1
        raise KeyError("broken")
    stream = data.prefetched(items(), 4)
    assert next(stream) == 1
    with pytest.raises(KeyError, match="broken"):
        next(stream)


# ---- text ----

@given(text=st.text(max_size=60))
def test_characters_make_the_round_trip(text):
    vocabulary = data.char_vocabulary(text)
    assert vocabulary.decode(vocabulary.encode(text)) == text
    assert vocabulary.encode(text).dtype == np.int64
    assert len(vocabulary) == len(set(text)) + 1


def test_vocabularies():
    chars = data.char_vocabulary(["abca", "ab"], size=3, unknown=False)
    assert chars.tokens == ("a", "b", "c") and "a" in chars and "z" not in chars
    with pytest.raises(ValueError, match="no 'z', and no '<unk>'"):
        chars.encode("az")
    text = data.word_vocabulary(["x = f(x)", "y = 1"])
    assert text.decode(text.encode("f ( y ) + 2")) == "f ( y ) <unk> <unk>"
    assert text.tokens[:3] == ("<unk>", "=", "x")
    assert "5 tokens" in repr(data.word_vocabulary("a b c d"))
    with pytest.raises(ValueError, match=r"more than once: \['a'\]"):
        data.Vocabulary("aba")


def test_letter_trigrams():
    assert data.letter_trigrams("cat") == ["#ca", "cat", "at#"]
    assert data.letter_trigrams("a") == ["#a#"] and data.letter_trigrams("") == ["##"]
    ids = data.trigram_ids(["cat", "a", "category"], 500)
    assert ids.shape == (3, 8) and (ids[1, 1:] == -1).all() and (ids[:, 0] >= 0).all()
    assert ids[0, :2].tolist() == ids[2, :2].tolist()             # both begin with "cat"
    assert ids[0].tolist() == [357, 332, 445, -1, -1, -1, -1, -1]  # the same in each process
    short = data.trigram_ids(["category"], 500, width=3)
    assert short.tolist() == ids[2:, :3].tolist()
    assert data.trigram_ids([], 500).shape == (0, 1)
