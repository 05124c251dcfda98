"""Trees of arrays: nested containers and registered classes, and what is done with them.

A tree is any object: tuples, lists, dicts, named tuples, None and registered classes are
nodes, all else is a leaf. Transformations take trees as arguments; here are the tools to
take trees apart and put them together.

Example:
  >>> from functrans import tree
  >>> parameters = {"weight": 3.0, "bias": 1.0}
  >>> tree.map(lambda x: x / 2, parameters)
  {'bias': 0.5, 'weight': 1.5}
"""
from functrans.tree.flattening import (
    flatten,
    flatten_with_path,
    leaves,
    leaves_with_path,
    structure,
    unflatten,
)
from functrans.tree.keys import DictKey, FlattenedIndexKey, GetAttrKey, SequenceKey, keystr
from functrans.tree.operations import all, map, map_with_path, reduce, reduce_associative, transpose
from functrans.tree.partial import Partial
from functrans.tree.prefix import broadcast, broadcast_prefix
from functrans.tree.register import (
    register_dataclass,
    register_node,
    register_node_class,
    register_static,
    static,
)
from functrans.tree.treedef import TreeDef

__all__ = [
    "DictKey", "FlattenedIndexKey", "GetAttrKey", "Partial", "SequenceKey", "TreeDef", "all",
    "broadcast", "broadcast_prefix", "flatten", "flatten_with_path", "keystr", "leaves",
    "leaves_with_path", "map", "map_with_path", "reduce", "reduce_associative",
    "register_dataclass", "register_node", "register_node_class", "register_static", "static",
    "structure", "transpose", "unflatten",
]
