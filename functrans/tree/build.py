"""Putting trees together: piece by piece, or by code made for one structure.

In: TreeDefs and leaves. Out: trees. Imports the standard library only.
"""
from __future__ import annotations

from functools import lru_cache

MAX_DEPTH = 40          # Python's parser limits how deep an expression may be
MAX_NODES = 4000        # beyond this, compiling costs more than it saves


class WrongCount(Exception):
    """The number of leaves is not that of the structure."""


def assemble(treedef, leaves: list):
    """The tree, put together node by node."""
    if len(leaves) != treedef.num_leaves:
        raise WrongCount
    return _assemble(treedef, iter(leaves))


def _assemble(treedef, leaves):
    layout = treedef.layout
    if layout is None:
        return next(leaves)
    return layout.kind.build(layout.aux, [_assemble(part, leaves) for part in treedef.parts])


def compile_builder(treedef):
    """A function from a list of leaves to the tree.

    For `{'a': *, 'b': (*, *)}` it is

        def builder(leaves):
            try:
                [x0, x1, x2] = leaves
            except ValueError:
                raise WrongCount from None
            return {'a': x0, 'b': (x1, x2)}
    """
    constants = {"WrongCount": WrongCount}
    leaves = iter([f"x{index}" for index in range(treedef.num_leaves)])
    expression = _expression(treedef, leaves, _namer(constants))
    exec(_compiled(_source(treedef.num_leaves, expression)), constants)
    return constants["builder"]


def _source(count: int, expression: str) -> str:
    names = ", ".join(f"x{index}" for index in range(count))
    return (f"def builder(leaves):\n    try:\n        [{names}] = leaves\n"
            f"    except ValueError:\n        raise WrongCount from None\n"
            f"    return {expression}\n")


def _namer(constants: dict):
    def name(value) -> str:
        chosen = f"c{len(constants)}"
        constants[chosen] = value
        return chosen
    return name


def _expression(treedef, leaves, name) -> str:
    layout = treedef.layout
    if layout is None:
        return next(leaves)
    children = [_expression(part, leaves, name) for part in treedef.parts]
    return layout.kind.source(layout.aux, children, name)


def compile_matcher(treedef, leaf_types: set):
    """A function from a tree to its leaves, or None if its structure is not `treedef`.

    For `{'a': *, 'b': (*, *)}` it is

        def matcher(t0):
            try:
                if type(t0) is not dict or len(t0) != 2: return None
                t1 = t0['a']
                ...
            except (KeyError, AttributeError):
                return None
            leaves = [t1, t3, t4]
            return leaves if are_leaves(map(type, leaves)) else None

    None instead of a function if some node has no such check.
    """
    constants = {"are_leaves": leaf_types.issuperset}
    lines, leaves = [], []
    if not _match_lines(treedef, "t0", iter(range(1, treedef.num_nodes)), lines, leaves,
                        _namer(constants)):
        return None
    exec(_compiled(_match_source(lines, leaves)), constants)
    return constants["matcher"]


def _match_source(lines: list, leaves: list) -> str:
    body = "\n".join(f"        {line}" for line in lines) or "        pass"
    return (f"def matcher(t0):\n    try:\n{body}\n    except (KeyError, AttributeError):\n"
            f"        return None\n    leaves = [{', '.join(leaves)}]\n"
            "    return leaves if are_leaves(map(type, leaves)) else None\n")


def _match_lines(treedef, tree: str, numbers, lines: list, leaves: list, name) -> bool:
    layout = treedef.layout
    if layout is None:
        leaves.append(tree)
        return True
    children = [f"t{next(numbers)}" for _ in treedef.parts]
    statements = layout.kind.match_source(layout.aux, tree, children, name)
    lines += statements or ()
    return statements is not None and all(
        [_match_lines(part, child, numbers, lines, leaves, name)
         for part, child in zip(treedef.parts, children)])


@lru_cache(maxsize=256)
def _compiled(source: str):
    return compile(source, "<a tree's structure>", "exec")
