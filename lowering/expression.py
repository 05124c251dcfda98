"""Expressions as text, with no more parentheses than needed.

A piece of text knows how tightly it binds; a template such as "({0} * {1})" knows how tightly
each operand must. So `x * 2 + y` reads as one would write it by hand.

Imports nothing.
"""
from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

# How tightly operators bind, as in Python's grammar; an atom binds tightest.
CHOICE, LOGIC, NEGATION, COMPARISON, BIT_OR, BIT_XOR, BIT_AND, SUM, PRODUCT, SIGN, ATOM = range(11)
_BINARY = {"or": LOGIC, "and": LOGIC, "==": COMPARISON, "!=": COMPARISON, "<": COMPARISON,
           "<=": COMPARISON, ">": COMPARISON, ">=": COMPARISON, "|": BIT_OR, "^": BIT_XOR,
           "&": BIT_AND, "+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT}


class Text(NamedTuple):
    """An expression and how tightly its outermost operator binds."""
    text: str
    binding: int = ATOM

    def __str__(self):
        return self.text

    def within(self, binding: int) -> str:
        """The text, in parentheses where it binds less tightly than its surroundings ask."""
        return f"({self.text})" if self.binding < binding else self.text


class Template(NamedTuple):
    """Pieces of text and numbers of operands in turn, with what each operand must bind like."""
    pieces: tuple
    binding: int

    def fill(self, operands) -> Text:
        if len(self.pieces) == 1 and not isinstance(self.pieces[0], str):
            return operands[self.pieces[0][0]]
        text = "".join(piece if isinstance(piece, str) else operands[piece[0]].within(piece[1])
                       for piece in self.pieces)
        return Text(text, self.binding)


_SIMPLE = re.compile(r"\((\{\w+\}) (\S+) (\{\w+\})\)")
_UNARY = re.compile(r"\((-|~|not )(\{\w+\})\)")
_CALL = re.compile(r"\w+\((\{\w+\}(?:, [^(){}]+|, \{\w+\})*)\)")


@cache
def template(expr: str) -> Template:
    """A template from the text of a primitive, operands in braces."""
    simple = _SIMPLE.fullmatch(expr)
    if simple and simple[2] in _BINARY:
        binding = _BINARY[simple[2]]
        left = binding + (binding == COMPARISON)
        return Template(((_operand(simple[1]), left), f" {simple[2]} ",
                         (_operand(simple[3]), binding + 1)), binding)
    unary = _UNARY.fullmatch(expr)
    if unary:
        binding = NEGATION if unary[1] == "not " else SIGN
        return Template((unary[1], (_operand(unary[2]), binding)), binding)
    wrapped = _is_wrapped(expr)
    inner = CHOICE if _CALL.fullmatch(expr) else ATOM
    pieces = re.split(r"(\{\w+\})", expr[1:-1] if wrapped else expr)
    filled = tuple((_operand(piece), inner) if piece.startswith("{") else piece
                   for piece in pieces if piece)
    return Template(filled, CHOICE if wrapped else ATOM)


def _operand(text: str):
    name = text[1:-1]
    return int(name) if name.isdigit() else name


def _is_wrapped(text: str) -> bool:
    """Whether the first and the last parenthesis belong together."""
    depth = 0
    for position, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return position == len(text) - 1
    return False
