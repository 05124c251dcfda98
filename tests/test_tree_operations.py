"""What is done with trees: map, transpose, prefixes, paths, registration, error texts."""
import dataclasses
import pickle
import sys
import threading
from collections import OrderedDict, namedtuple
from functools import partial

import pytest

from functrans import tree, tree_util
from functrans.errors import StructureError

Point = namedtuple("Point", "x y")


class Pair:
    def __init__(self, first, second):
        self.first, self.second = first, second


tree.register_node(
    Pair, lambda pair: ([pair.first, pair.second], None),
    lambda name, children: Pair(*children),
    lambda pair: ([(tree.GetAttrKey("first"), pair.first),
                   (tree.GetAttrKey("second"), pair.second)], None))


@tree.register_dataclass
@dataclasses.dataclass
class Linear:
    weight: object
    name: str = tree.static(default="linear")


# ---- operations ----

def test_map_reduce_all():
    assert tree.map(lambda x, y: (x, y), (1, {"a": 2}), (3, {"a": [4, None]})) == (
        (1, 3), {"a": (2, [4, None])})
    assert tree.map(lambda x: 0 if x is None else x, [None, 1], is_leaf=lambda x: x is None) == [
        0, 1]
    assert tree.reduce(lambda a, b: a * 10 + b, {"b": 2, "a": 1}) == 12
    assert tree.reduce(lambda a, b: a + b, (), 7) == 7
    assert tree.all([True, [], {"a": 1}]) and not tree.all([0])
    with pytest.raises(TypeError, match="without leaves"):
        tree.reduce(max, [])


def test_transpose():
    outer, inner = tree.structure([0, 0]), tree.structure((0, 0, 0))
    value = [(1, 2, 3), (4, 5, 6)]
    assert tree.transpose(outer, inner, value) == ([1, 4], [2, 5], [3, 6])
    assert tree.transpose(outer, None, value) == ([1, 4], [2, 5], [3, 6])
    assert tree.transpose(tree.structure(()), inner, ()) == ((), (), ())
    assert tree.transpose(outer, tree.structure(()), [(), ()]) == ()
    with pytest.raises(StructureError, match=r"differ at \[1\]: tuple of 3 against tuple of 2"):
        tree.transpose(outer, inner, [(1, 2, 3), (4, 5)])
    with pytest.raises(StructureError, match="goes on below"):
        tree.transpose(outer, inner, [(1, 2, [3]), (4, 5, 6)])
    with pytest.raises(ValueError, match="second argument"):
        tree.transpose(tree.structure(()), None, ())


def test_paths():
    value = {"layers": [Linear((1, 2))], "rest": (Pair(3, 4), tree.Partial(max, 5, key=6))}
    texts = [tree.keystr(path) for path, _ in tree.leaves_with_path(value)]
    assert texts == ["['layers'][0].weight[0]", "['layers'][0].weight[1]", "['rest'][0].first",
                     "['rest'][0].second", "['rest'][1].args[0]", "['rest'][1].keywords['key']"]
    path = tree.leaves_with_path(value)[0][0]
    assert path == (tree.DictKey("layers"), tree.SequenceKey(0), tree.GetAttrKey("weight"),
                    tree.SequenceKey(0))
    assert tree.keystr(path, simple=True, separator="/") == "layers/0/weight/0"
    assert str(tree.FlattenedIndexKey(2)) == "[<flat index 2>]"
    shown = tree.map_with_path(lambda path, x, y: f"{tree.keystr(path)}={x}{y}", [1], [(2,)])
    assert shown == ["[0]=1(2,)"]


def test_prefixes():
    value = {"a": (1, [2, None]), "b": 3}
    assert tree.broadcast_prefix(0, value) == [0, 0, 0]
    assert tree.broadcast_prefix({"a": None, "b": 1}, value, none_is_leaf=True) == [None, None, 1]
    assert tree.broadcast_prefix({"a": (0, [1, None]), "b": 2}, value) == [0, 1, 2]
    stop = tree.broadcast_prefix({"a": [5], "b": None}, value, lambda x: isinstance(x, list),
                                 none_is_leaf=True)
    assert stop == [[5], [5], None]
    assert tree.broadcast((0, 1), ((7, 7), {"a": 7})) == ((0, 0), {"a": 1})
    with pytest.raises(StructureError, match=r"the prefix and the tree differ at \['b'\]: None"):
        tree.broadcast_prefix({"a": 0, "b": None}, value)


def test_partial():
    add = tree.Partial(lambda x, y, scale: (x + y) * scale, 1, scale=10)
    assert add(2) == 30 and add(2, scale=1) == 3
    assert tree.map(lambda x: x + 1, add)(2) == 44
    nested = tree.Partial(tree.Partial(max, 1), 2)
    assert tree.leaves(nested) == [2] and nested() == 2
    assert repr(tree.Partial(max, 1, key=2)) == "Partial(<built-in function max>, 1, key=2)"
    assert tree.leaves(pickle.loads(pickle.dumps(tree.Partial(max, 1)))) == [1]
    with pytest.raises(TypeError, match="takes a function"):
        tree.Partial(1)


# ---- registration ----

def test_register_dataclass_forms():
    @partial(tree.register_dataclass, data_fields=["x"], meta_fields=["op"])
    @dataclasses.dataclass(frozen=True)
    class One:
        x: object
        op: str = "add"

    @tree.register_dataclass(drop_fields=["y"])
    @dataclasses.dataclass
    class Two:
        x: object
        y: int = 3
        z: str = tree.static(default="z")

    assert tree.map(lambda x: x + 1, (One(1, "mul"), Two(2))) == (One(2, "mul"), Two(3))
    assert tree.structure(One(1, "mul")) != tree.structure(One(1))
    tree.register_dataclass(bare := type("Bare", (), {"__init__": vars_init}), ["a", "b"], [])
    assert vars(tree.map(lambda x: -x, bare(a=1, b=2))) == {"a": -1, "b": -2}


def vars_init(self, **fields):
    vars(self).update(fields)


def test_register_node_class():
    @tree.register_node_class
    class Box:
        def __init__(self, *content):
            self.content = content

        def tree_flatten(self):
            return iter(self.content), None     # any iterable

        @classmethod
        def tree_unflatten(cls, aux, children):
            return cls(*children)

    assert tree.map(lambda x: -x, Box(1, (2,))).content == (-1, (-2,))
    assert tree.keystr(tree.leaves_with_path(Box(1))[0][0]) == "[<flat index 0>]"
    with pytest.raises(ValueError, match=r"Box is registered as a node of trees already"):
        tree.register_node_class(Box)


def test_a_class_seen_as_a_leaf_can_be_registered():
    class Late:
        pass

    value = (Late(), 1)
    for _ in range(4):
        before = tree.structure(value)
    tree.register_static(Late)
    assert before.num_leaves == 2 and tree.structure((Late(), 1)).num_leaves == 1
    Named = namedtuple("Named", "a b")
    value = [Named(1, 2)]
    for _ in range(4):
        assert tree.leaves(value) == [1, 2]
    tree.register_node(Named, lambda named: ((named.b,), named.a),
                       lambda a, children: Named(a, *children))
    assert tree.leaves(value) == [2] and tree.map(lambda x: x + 1, value) == [Named(1, 3)]


def test_registration_errors():
    with pytest.raises(ValueError, match="builtins.list is registered"):
        tree.register_node(list, iter, list)
    with pytest.raises(TypeError, match="only classes"):
        tree.register_node(3, iter, list)
    with pytest.raises(TypeError, match="two functions"):
        tree.register_node(type("New", (), {}), None, None)
    with pytest.raises(ValueError, match="must name each field"):
        tree.register_dataclass(dataclasses.make_dataclass("D", ["x"]), ["x", "y"], [])
    with pytest.raises(ValueError, match="is no dataclass"):
        tree.register_dataclass(type("New", (), {}))
    treedef = tree.structure(Pair(1, 2))
    data = pickle.dumps(treedef).replace(b"Pair", b"Mono")
    with pytest.raises(TypeError, match="not registered in this process"):
        pickle.loads(data)


class Mono:
    """Stands for a class that another process has not registered."""


# ---- error texts ----

@pytest.mark.parametrize(("one", "other", "text"), [
    ({"a": [0, (1, 2)]}, {"a": [0, [1, 2, 3]]}, r"at ['a'][1]: tuple of 2 against list of 3"),
    ((1, 2), (1,), "at the root: tuple of 2 against tuple of 1"),
    ({"a": 1}, {"b": 1}, "at the root: dict with keys 'a' against dict with keys 'b'"),
    ([Point(1, (2,))], [Point(1, 2)], "at [0].y: tuple of 1 against a leaf (int)"),
    ([None], [1], "at [0]: None against a leaf (int)"),
    ([Linear(1)], [Linear(1, name="b")],
     "at [0]: Linear with name='linear' against Linear with name='b'"),
    (Pair((1,), 2), Pair([1], 2), "at .first: tuple of 1 against list of 1"),
    ({}, {"a": 1}, "at the root: empty dict against dict with keys 'a'"),
], ids=range(8))
def test_map_says_where_trees_differ(one, other, text):
    with pytest.raises(StructureError) as caught:
        tree.map(lambda *xs: xs, one, other)
    told, line = str(caught.value).split("\n  at: ")
    assert told == (f"trees differ {text}\n  first:  {tree.structure(one)}\n"
                    f"  second: {tree.structure(other)}")
    assert line.endswith("tree.map(lambda *xs: xs, one, other)") and __file__ in line


def test_wrong_number_of_leaves():
    treedef = tree.structure((1, [2]))
    for _ in range(3):
        with pytest.raises(StructureError, match=r"TreeDef\(\(\*, \[\*\]\)\) has 2 leaves, got 1"):
            treedef.unflatten([1])
        with pytest.raises(StructureError, match="got 3"):
            treedef.unflatten(iter("abc"))


def test_keys_without_an_order():
    with pytest.raises(StructureError, match=r"have an order.*: 1 \(int\), 'a' \(str\)"):
        tree.flatten([{1: 0, "a": 0}])
    assert tree.leaves(OrderedDict([(1, 0), ("a", 1)])) == [0, 1]


# ---- threads ----

def test_threads_agree_on_structures_and_registration():
    values = [{f"key{n}": (n, [n] * (n % 5)), "p": Point(n, None)} for n in range(50)]
    classes = [type(f"Shared{n}", (), {}) for n in range(20)]
    barrier, found, errors = threading.Barrier(4), [], []

    def work():
        barrier.wait()
        for cls in classes:
            tree.leaves([cls()])
            try:
                tree.register_static(cls)
            except ValueError as error:
                errors.append(error)
        rounds = [[tree.structure(value) for value in values] for _ in range(4)]
        found.append(rounds[-1])
        assert all(tree.map(lambda x: x, value) == value for value in values)
        assert all(tree.leaves(cls()) == [] for cls in classes)

    threads = [threading.Thread(target=work) for _ in range(4)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert len(found) == 4 and all(row == found[0] for row in found)
    assert len(errors) == 3 * len(classes)      # each class was registered once


def test_names_that_users_of_jax_have_for_arguments():
    assert tree.reduce(function=lambda a, b: a + b, tree=[1, 2], initializer=3) == 6
    assert tree.broadcast(prefix_tree=0, full_tree=[1, 2]) == [0, 0]
    outer, inner = tree.structure([0, 0]), tree.structure((0, 0))
    assert tree.transpose(outer_treedef=outer, inner_treedef=inner,
                          pytree_to_transpose=[(1, 2), (3, 4)]) == ([1, 3], [2, 4])
    assert tree_util.treedef_tuple([outer, inner]) == tree.structure(([0, 0], (0, 0)))
