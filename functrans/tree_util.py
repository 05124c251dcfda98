"""The functions of `functrans.tree` by the long names that JAX users know: `tree_map`, ...

Imports `tree`.
"""
from functrans import tree
from functrans.tree import (
    DictKey,
    FlattenedIndexKey,
    GetAttrKey,
    Partial,
    SequenceKey,
    keystr,
    register_dataclass,
    register_static,
)
from functrans.tree.treedef import restore

__all__ = [
    "DictKey", "FlattenedIndexKey", "GetAttrKey", "KeyEntry", "KeyPath", "Partial", "PyTreeDef",
    "SequenceKey", "all_leaves", "keystr", "register_dataclass", "register_pytree_node",
    "register_pytree_node_class", "register_pytree_with_keys",
    "register_pytree_with_keys_class", "register_static", "tree_all",
    "tree_broadcast", "tree_flatten", "tree_flatten_with_path", "tree_leaves",
    "tree_leaves_with_path", "tree_map", "tree_map_with_path", "tree_reduce",
    "tree_reduce_associative", "tree_structure", "tree_transpose", "tree_unflatten",
    "treedef_children", "treedef_is_leaf", "treedef_tuple",
]

KeyEntry = DictKey | FlattenedIndexKey | GetAttrKey | SequenceKey
KeyPath = tuple[KeyEntry, ...]
PyTreeDef = tree.TreeDef
tree_all = tree.all
tree_broadcast = tree.broadcast
tree_flatten = tree.flatten
tree_flatten_with_path = tree.flatten_with_path
tree_leaves = tree.leaves
tree_leaves_with_path = tree.leaves_with_path
tree_map = tree.map
tree_map_with_path = tree.map_with_path
tree_reduce = tree.reduce
tree_reduce_associative = tree.reduce_associative
tree_structure = tree.structure
tree_transpose = tree.transpose
tree_unflatten = tree.unflatten
register_pytree_node = tree.register_node
register_pytree_node_class = tree.register_node_class
register_pytree_with_keys_class = tree.register_node_class


def register_pytree_with_keys(nodetype: type, flatten_with_keys, unflatten_func,
                              flatten_func=None) -> type:
    """Makes a class a node whose children have keys; see `functrans.tree.register_node`.

    flatten_with_keys: from an object to ((key, child) pairs, aux). unflatten_func: from aux and
    children to an object. flatten_func: as the first, without keys; made of it, unless given.

    >>> from functrans import tree_util
    >>> class Pair:
    ...     def __init__(self, *parts):
    ...         self.parts = parts
    >>> keys = tree_util.GetAttrKey("first"), tree_util.GetAttrKey("second")
    >>> _ = tree_util.register_pytree_with_keys(
    ...     Pair, lambda pair: (tuple(zip(keys, pair.parts)), None), lambda _, xs: Pair(*xs))
    >>> [tree_util.keystr(path) for path, _ in tree_util.tree_leaves_with_path(Pair(1, 2))]
    ['.first', '.second']
    """
    def flatten(node):
        pairs, aux = flatten_with_keys(node)
        return tuple(child for _, child in pairs), aux
    return tree.register_node(nodetype, flatten_func or flatten, unflatten_func, flatten_with_keys)


def all_leaves(iterable, is_leaf=None) -> bool:
    """Whether all of them are leaves.

    >>> from functrans import tree_util
    >>> tree_util.all_leaves([1, 2]), tree_util.all_leaves([1, (2, 3)])
    (True, False)
    """
    return all(tree.structure(leaf, is_leaf).is_leaf() for leaf in iterable)


def treedef_children(treedef) -> list:
    """The structures of the children of a node.

    >>> from functrans import tree_util
    >>> len(tree_util.treedef_children(tree_util.tree_structure([1, (2, 3)])))
    2
    """
    return treedef.children()


def treedef_tuple(treedefs):
    """The structure of a tuple of trees of these structures.

    >>> from functrans import tree_util
    >>> tree_util.treedef_tuple([tree_util.tree_structure(1), tree_util.tree_structure([1, 2])])
    TreeDef((*, [*, *]))
    """
    return restore(tuple, None, tuple(treedefs))


def treedef_is_leaf(treedef) -> bool:
    """Whether a structure is that of a leaf.

    >>> from functrans import tree_util
    >>> tree_util.treedef_is_leaf(tree_util.tree_structure(1))
    True
    """
    return treedef.is_leaf()
