"""`ft.visualize`: a Program before and after the passes, and its kernels, as one HTML file.

In: a function and arguments. Out: `Page`. Imports `jit`, `api.jit`, `ir`, `debug.style`.
"""
from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path

from functrans.api.calls import check_callable
from functrans.api.jit import Jitted, jit
from functrans.debug.style import SCRIPT, STYLE
from functrans.ir.program import Equation, Program, inner_programs
from functrans.ir.show import Names, equation_lines, show_location
from functrans.jit import planned

_HUES = (212, 24, 145, 281, 48, 338, 178, 96, 258, 8, 310, 70)       # neighbours differ

_PLURALS = {"copy": "copies", "branch": "branches", "routines": "library calls"}


class Page:
    """An HTML page. `html`: its text; `path`: the file that it was written to, or None."""

    def __init__(self, text: str):
        self.html = text
        self.path: Path | None = None

    def save(self, path) -> Page:
        """Writes the page to a file."""
        self.path = Path(path)
        self.path.write_text(self.html, encoding="utf-8")
        return self

    def _repr_html_(self) -> str:
        return (f'<iframe style="width:100%;height:640px;border:0" '
                f'srcdoc="{html.escape(self.html)}"></iframe>')

    def __repr__(self):
        where = f"in {self.path}" if self.path else "not saved: .save(path)"
        return f"<page of {len(self.html)} characters, {where}>"


def visualize(fun: Callable, *args, path=None, **kwargs) -> Page:
    """A page that shows what becomes of a function: its Program, the passes, the kernels.

    fun: a function, jitted or not, of `args` and `kwargs` (arrays or `ShapeDtypeStruct`s); it is
        traced, but not run. path: of an HTML file to write.
    Returns the page, which notebooks show. It is one file that loads nothing; parts fold; what is
    fused into one kernel has one colour, beside the lines of the user's that it comes from.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> page = ft.visualize(lambda x: fnp.sin(x) * 2, fnp.ones(3))
    >>> "kernel_0" in page.html
    True
    """
    check_callable(fun, "visualize")
    jitted = fun if isinstance(fun, Jitted) else jit(fun)
    program = jitted.trace(*args, **kwargs)
    page = Page(_page(program, planned(program)))
    return page if path is None else page.save(path)


# ---- pieces ----

def _escaped(text) -> str:
    return html.escape(str(text))


def _fold(head: str, body: str, note: str = "", open: bool = True, kind: str = "fold") -> str:
    small = f"<small>{_escaped(note)}</small>" if note else ""
    return (f'<details class="{kind}"{" open" if open else ""}><summary>{head}{small}</summary>'
            f'<div class="body">{body}</div></details>')


class _Labels:
    """For each equation of the optimized Program the step that computes it; names and hues."""

    def __init__(self, picture):
        self.steps: dict[int, str] = {}          # id of an equation -> the step's key
        self.names: dict[str, str] = {}
        self.hues: dict[str, int] = {}
        self._add(picture, "step")

    def _add(self, picture, prefix: str):
        for step in picture.steps:
            key = f"{prefix}-{step.number}"
            self.names[key] = ", ".join(name for name, _ in step.kernels) or step.kind
            self.hues[key] = _HUES[len(self.hues) % len(_HUES)]
            step.key = key
            for equation in step.equations:
                self.steps.setdefault(id(equation), key)
            for number, inner in enumerate(step.inner):
                self._add(inner, f"{key}-{number}")

    def chip(self, key: str) -> str:
        return (f'<a class="chip" style="--hue:{self.hues[key]}" data-step="{key}" '
                f'href="#{key}">{_escaped(self.names[key])}</a>')


def _row(text: str, note: str = "", key: str = "", labels: _Labels | None = None) -> str:
    if not key:
        kind = " quiet" if labels else ""
        return (f'<div class="row code{kind}"><span class="text">{_escaped(text)}</span>'
                f'<span class="note">{_escaped(note)}</span></div>')
    return (f'<div class="row code step tinted" style="--hue:{labels.hues[key]}" '
            f'data-step="{key}"><span class="text">{_escaped(text)}</span>'
            f'{labels.chip(key)}<span class="note">{_escaped(note)}</span></div>')


def _program(program: Program, labels: _Labels | None = None, label: str = "") -> str:
    """A Program, an equation a line; those inside of equations can be folded away."""
    names = Names()
    wishes = program.names or (None,) * len(program.inputs)
    arguments = ", ".join(f"{names.add(var, wish)}: {var.type}"
                          for var, wish in zip(program.inputs, wishes, strict=True))
    results = ", ".join(map(str, program.output_types))
    lines = [_row(f"{label or program.name or 'program'}({arguments}) -> ({results}):")]
    for equation in program.equations:
        lines += _equation(equation, names, labels)
    outputs = ", ".join(names(atom) for atom in program.outputs) or "nothing"
    return "".join([*lines, _row(f"    return {outputs}")])


def _equation(equation: Equation, names: Names, labels: _Labels | None):
    head = next(iter(equation_lines(equation, names, locations=False)))
    note = show_location(equation.location) if equation.location else ""
    key = labels.steps.get(id(equation), "") if labels else ""
    yield _row(f"    {head}", note, key, labels)
    for inner in inner_programs(equation):
        yield _fold(f"the Program inside {_escaped(equation.primitive.name)}",
                    _program(inner, labels), f"{len(inner.equations)} equations", kind="inner")


def _users_lines(program: Program, labels: _Labels) -> str:
    """The user's lines, with the steps that compute them."""
    found: dict = {}
    for equation in _all_equations(program):
        location = equation.location
        if location is not None:
            keys = found.setdefault((location.file, location.line), (location, {}))[1]
            key = labels.steps.get(id(equation))
            if key:
                keys[key] = None
    rows = [f'<tr><td class="place code">{_escaped(show_location(location))}</td>'
            f'<td><code>{_escaped(location.text)}</code></td>'
            f'<td>{"".join(map(labels.chip, keys))}</td></tr>'
            for (_, _), (location, keys) in sorted(found.items())]
    return f"<table>{''.join(rows)}</table>"


def _all_equations(program: Program):
    for equation in program.equations:
        yield equation
        for inner in inner_programs(equation):
            yield from _all_equations(inner)


def _steps(picture, labels: _Labels) -> str:
    """The steps in order, with the text of their kernels."""
    parts, few = [], len(labels.names) <= 6
    for step in picture.steps:
        lines = dict.fromkeys(show_location(equation.location) for equation in step.equations
                              if equation.location)
        count = len(step.equations)
        note = ", ".join([*([step.detail] if step.detail else []),
                          f"{count} equation{'s' if count != 1 else ''}", *lines])
        texts = "".join(f"<pre>{_code(text)}</pre>" for _, text in step.kernels)
        inner = "".join(_steps(each, labels) for each in step.inner)
        shown = " open" if inner or few else ""
        parts.append(f'<details class="kernel" id="{step.key}" data-step="{step.key}" '
                     f'style="--hue:{labels.hues[step.key]}"{shown}><summary>'
                     f'<code>{_escaped(labels.names[step.key])}</code><small>{_escaped(note)}'
                     f'</small></summary>{texts}{inner}</details>')
    return "".join(parts)


def _code(text: str) -> str:
    """The text of a kernel, with comments dimmed."""
    lines = []
    for line in text.splitlines():
        code, sign, comment = _escaped(line).partition("  # ")
        lines.append(code + (f'<span class="dim">  # {comment}</span>' if sign else ""))
    return "\n".join(lines)


def _counts(picture) -> dict:
    found: dict = {}
    for step in picture.steps:
        found[step.kind] = found.get(step.kind, 0) + 1
        for inner in step.inner:
            for kind, count in _counts(inner).items():
                found[kind] = found.get(kind, 0) + count
    return found


def _page(program: Program, picture) -> str:
    labels = _Labels(picture)
    before = sum(1 for _ in _all_equations(program))
    after = sum(1 for _ in _all_equations(picture.program))
    counts = ", ".join(f"{count} {_PLURALS.get(kind, kind + 's') if count != 1 else kind}"
                       for kind, count in _counts(picture).items())
    types = ", ".join(map(str, program.input_types))
    results = ", ".join(map(str, program.output_types))
    passes = "".join(_fold(f"after {_escaped(name)}", f"<pre>{_code(text)}</pre>", open=False,
                           kind="inner") for name, text in picture.passes)
    title = _escaped(program.name or "a Program")
    body = "".join([
        f"<h1><code>{title}</code></h1><p class='sub code'>({_escaped(types)}) -&gt; "
        f"({_escaped(results)})</p>",
        f"<p class='sub'>{before} equations as traced, {after} after the passes; run as "
        f"{counts or 'nothing'}. One colour is one step; grey equations are part of whatever reads "
        "them.</p>",
        _fold("Your lines", _users_lines(picture.program, labels),
              "and the steps that compute them"),
        _fold("The Program as traced", _program(program), f"{before} equations",
              open=before <= 60),
        _fold("The passes", passes or "<pre>nothing to see</pre>",
              f"{len(picture.passes) or 'none'} that changed it", open=False),
        _fold("The Program after the passes", _program(picture.program, labels),
              f"{after} equations"),
        _fold("What runs, in order", _steps(picture, labels), counts)])
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{title}</title><style>{STYLE}</style></head><body><main>{body}</main>"
            f"<script>{SCRIPT}</script></body></html>\n")
