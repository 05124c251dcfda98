"""Trees: flatten and unflatten, structures, paths, prefixes, registration, error texts."""
import copy
import dataclasses
import enum
import gc
import pickle
import sys
import weakref
from collections import OrderedDict, defaultdict, deque, namedtuple
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functrans import tree
from functrans.errors import StructureError

Point = namedtuple("Point", "x y")


class Pair:
    def __init__(self, first, second, name="pair"):
        self.first, self.second, self.name = first, second, name

    def __eq__(self, other):
        return vars(self) == vars(other)

    def __repr__(self):
        return f"Pair({self.first}, {self.second}, {self.name})"


tree.register_node(
    Pair, lambda pair: ([pair.first, pair.second], pair.name),
    lambda name, children: Pair(*children, name),
    lambda pair: ([(tree.GetAttrKey("first"), pair.first),
                   (tree.GetAttrKey("second"), pair.second)], pair.name))


@tree.register_dataclass
@dataclasses.dataclass
class Linear:
    weight: object
    bias: object = None
    name: object = dataclasses.field(default="linear", metadata={"static": True})
    calls: int = dataclasses.field(default=0, init=False, compare=False)


class Mode(enum.Enum):
    TRAIN = 1
    TEST = 2


tree.register_static(Mode)

RARELY = settings(max_examples=60, deadline=None, database=None)
NODES = [
    (1, 2), [1, 2], (), [], {}, {"b": 1, "a": 2}, None, (None, [None]), Point(1, [2]),
    OrderedDict([("b", 1), ("a", 2)]), defaultdict(list, {"b": 1, "a": (2,)}), {2: "x", 1: "y"},
    Pair(1, (2, 3)), Linear(1, [2], "first"), (Mode.TRAIN, 1), 5, "text", deque([1, 2]),
]


def _trees(leaf):
    def extend(inner):
        keys = st.text("abcd", min_size=1, max_size=3)
        return st.one_of(
            st.lists(inner, max_size=6), st.lists(inner, max_size=6).map(tuple),
            st.dictionaries(keys, inner, max_size=6),
            st.dictionaries(st.integers(-3, 3), inner, max_size=3),
            st.dictionaries(keys, inner, max_size=3).map(OrderedDict),
            st.dictionaries(keys, inner, max_size=3).map(partial(defaultdict, int)),
            st.builds(Point, inner, inner), st.none())
    return st.recursive(leaf, extend, max_leaves=20)


TREES = _trees(st.integers())
REGISTERED = st.recursive(st.integers(), lambda inner: st.one_of(
    st.builds(Pair, inner, inner, st.sampled_from("ab")), st.lists(inner, max_size=3),
    st.builds(Linear, inner, inner, st.sampled_from(["a", 1, True, print])),
    st.sampled_from(Mode)), max_leaves=15)


# ---- round trips ----

@pytest.mark.parametrize("node", NODES, ids=repr)
def test_round_trip_of_each_node(node):
    for _ in range(4):      # the first ones go node by node, the later ones by generated code
        leaves, treedef = tree.flatten(node)
        again = treedef.unflatten(leaves)
        assert again == node and type(again) is type(node)
        assert tree.structure(again) is treedef
        assert len(leaves) == treedef.num_leaves
        assert treedef.match(node) in (leaves, None)


@RARELY
@given(st.one_of(TREES, REGISTERED))
def test_round_trip(value):
    for _ in range(4):
        leaves, treedef = tree.flatten(value)
        again = tree.unflatten(treedef, iter(leaves))
        assert again == value and repr(again) == repr(treedef.unflatten(tuple(leaves)))
        assert [leaf for _, leaf in tree.leaves_with_path(value)] == leaves
        assert tree.flatten_with_path(value)[1] == treedef
        assert tree.flatten(value, lambda node: False) == (leaves, treedef)
        assert tree.map(lambda x, y: y, value, value) == value


@RARELY
@given(TREES)
def test_agrees_with_jax(value):
    jax = pytest.importorskip("jax")
    theirs, theirdef = jax.tree.flatten(value)
    leaves, treedef = tree.flatten(value)
    assert leaves == theirs and treedef.num_leaves == theirdef.num_leaves
    assert treedef.num_nodes == theirdef.num_nodes
    assert [c.num_nodes for c in treedef.children()] == [
        c.num_nodes for c in theirdef.children()]
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree.leaves_with_path(value)]
    assert [tree.keystr(path) for path, _ in tree.leaves_with_path(value)] == paths
    assert tree.map(lambda x: x + 1, value) == jax.tree.map(lambda x: x + 1, value)


@RARELY
@given(TREES, TREES)
def test_differing_trees_agree_with_jax(one, other):
    jax = pytest.importorskip("jax")
    assert (tree.structure(one) == tree.structure(other)) == (
        jax.tree.structure(one) == jax.tree.structure(other))
    for ours, theirs in ((tree.map, jax.tree.map), (tree.broadcast, jax.tree.broadcast)):
        arguments = (one, other) if ours is tree.broadcast else (lambda *xs: xs, one, other)
        try:
            expected = theirs(*arguments)
        except ValueError:
            with pytest.raises(StructureError, match="differ"):
                ours(*arguments)
        else:
            assert ours(*arguments) == expected


def test_order_and_leaves():
    assert tree.leaves({"b": 1, "a": 2}) == [2, 1]
    assert tree.leaves(OrderedDict([("b", 1), ("a", 2)])) == [1, 2]
    assert tree.leaves(None) == [] and tree.leaves(None, lambda x: x is None) == [None]
    assert tree.leaves([(1, 2), 3], is_leaf=lambda x: isinstance(x, tuple)) == [(1, 2), 3]
    moved = OrderedDict(a=1, b=2)
    moved.move_to_end("a")
    assert tree.leaves(moved) == [2, 1]
    assert tree.leaves(type("Sub", (dict,), {})(a=1)) == [{"a": 1}]     # exact classes only
    assert tree.unflatten(tree.structure(OrderedDict(b=1, a=2)), [3, 4]) == OrderedDict(b=3, a=4)
    assert tree.map(lambda x: x, defaultdict(list, a=1)).default_factory is list


def test_keys_that_are_equal_but_not_the_same_keep_their_type():
    for key in (1, True, 1.0):
        for _ in range(4):
            again = tree.map(lambda x: x, {key: 0})
            assert [type(k) for k in again] == [type(key)]
    assert tree.structure({1: 0}) != tree.structure({True: 0})
    for name in (1, True, 1.0, 0.0, -0.0, (1,), (True,)):
        for _ in range(4):
            assert repr(tree.map(lambda x: x, Linear(0, name=name)).name) == repr(name)


def test_is_leaf_is_asked_once_for_each_node():
    value, seen = {"a": (1, [2, None]), "b": Point(3, 4)}, []
    tree.flatten(value, lambda node: seen.append(node))
    assert len(seen) == tree.structure(value).num_nodes == 9
    tree.flatten_with_path(value, lambda path, node: seen.append(path), is_leaf_takes_path=True)
    assert len(seen) == 18 and seen[9] == () and tree.keystr(seen[-1]) == "['b'].y"


# ---- structures ----

def test_structures_are_interned():
    one, two = ({"a": (1, 2), "b": None} for _ in range(2))
    assert tree.structure(one) is tree.structure(two)
    assert {tree.structure(one): 1}[tree.structure(two)] == 1
    assert tree.structure([1, 2]) != tree.structure((1, 2))
    composed = tree.structure((0, 0)).compose(tree.structure([0]))
    assert composed is tree.structure(([1], [2]))


@pytest.mark.parametrize("node", NODES, ids=repr)
def test_pickle_and_copy(node):
    treedef = tree.structure(node)
    assert pickle.loads(pickle.dumps(treedef)) is treedef
    assert copy.deepcopy(treedef) is treedef and copy.copy(treedef) is treedef


def test_node_data_children_and_text():
    treedef = tree.structure({"a": 1, "b": (2, Point(None, 3))})
    assert treedef.node_data() == (dict, ("a", "b"))
    assert treedef.children() == [tree.structure(0), tree.structure((2, Point(None, 3)))]
    assert tree.structure(1).node_data() is None and tree.structure(1).is_leaf()
    assert repr(treedef) == "TreeDef({'a': *, 'b': (*, Point(x=None, y=*))})"
    assert repr(tree.structure([(1,), Pair(1, 2), Linear(1)])) == (
        "TreeDef([(*,), Pair(*, *, aux='pair'), Linear(weight=*, bias=None, name='linear')])")
    assert repr(tree.structure([OrderedDict(a=1), defaultdict(int, a=1)])) == (
        "TreeDef([OrderedDict({'a': *}), defaultdict(int, {'a': *})])")


def test_metadata_without_a_hash():
    one, two = (Linear((1, 2), name=["a"]) for _ in range(2))
    treedef = tree.structure([one])
    assert treedef == tree.structure([two]) and treedef != tree.structure([Linear(1, name=[])])
    assert tree.map(lambda x, y: x + y, [one], [two])[0].weight == (2, 4)
    with pytest.raises(TypeError, match="must be hashable"):
        hash(treedef)


def test_structures_do_not_keep_closures_alive():
    def closure(held):
        return lambda: held

    held = type("Held", (), {})()
    watch = weakref.ref(held)
    bound = tree.Partial(closure(held), 1)
    for _ in range(5):
        leaves, treedef = tree.flatten((bound, {"a": 1}))
        treedef.unflatten(leaves)
    assert tree.structure((bound, {"a": 1})) is treedef
    del held, bound, treedef
    gc.collect()
    assert watch() is None


def test_deep_and_wide_trees():
    deep = 0
    for level in range(150):
        deep = [(deep,), {"a": deep}, Point(1, deep)][level % 3]
    for _ in range(4):
        assert tree.map(lambda x: x, deep) == deep
    for size in (30, 300, 5000):
        nested = (list(range(size)), {str(n): n for n in range(size)})
        for _ in range(4):
            assert tree.map(lambda x: x, nested) == nested
    for depth in range(36, 44):     # about where generated code ends
        deep = 0
        for _ in range(depth):
            deep = OrderedDict(a=Point(deep, Linear(1)))
        treedef = tree.structure(deep)
        assert [treedef.unflatten(tree.leaves(deep)) for _ in range(3)] == [deep] * 3


def _count_calls(function) -> int:
    count = 0

    def profile(frame, event, argument):
        nonlocal count
        count += event == "call"

    gc.disable()            # callbacks of the collector are calls, too
    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(None)
        gc.enable()
    return count - 1        # the lambda itself


@pytest.mark.parametrize("value", [1.0, tuple(range(23)), {f"k{n}": n for n in range(20)},
                                   [(1, 2), {"b": [3], "c": None}, *[Point(4, 5)] * 21]],
                         ids=["leaf", "tuple", "dict", "nested"])
def test_known_structures_take_few_python_calls(value):
    for _ in range(4):
        leaves, treedef = tree.flatten(value)
        treedef.unflatten(leaves)
    assert _count_calls(lambda: tree.flatten(value)) <= 2
    assert _count_calls(lambda: treedef.unflatten(leaves)) <= 2 + 21
    assert _count_calls(lambda: treedef.match(value)) <= 2


def test_alternating_structures_are_all_remembered():
    values = [((n,) * n, {"a": n}, *range(25)) for n in range(1, 5)]
    for _ in range(5):
        treedefs = [tree.structure(value) for value in values]
    assert len(set(treedefs)) == 4
    for value, treedef in zip(values, treedefs):
        assert _count_calls(lambda: tree.flatten(value)) <= 5      # noqa: B023
        assert tree.structure(value) is treedef
