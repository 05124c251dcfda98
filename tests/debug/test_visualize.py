"""`ft.visualize`: one page that loads nothing, with all lines, equations and kernels."""
from __future__ import annotations

import inspect
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import lax

HERE = Path(__file__)
VOID = {"meta", "br", "link", "img", "hr", "input"}


class Reader(HTMLParser):
    """Checks that tags are closed, and collects texts, attributes and ids."""

    def __init__(self, page: str):
        super().__init__()
        self.open, self.found, self.texts = [], [], []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self) -> str:
        return "\n".join(self.texts)

    def all(self, name: str) -> list:
        return [attributes[name] for _, attributes in self.found if name in attributes]


def loss(params, x):
    hidden = fnp.tanh(x @ params["w"])
    state, _ = lax.scan(lambda c, row: (fnp.tanh(c @ params["w"] + row), None), hidden[0], hidden)
    root = fnp.linalg.cholesky(params["w"] @ params["w"].T + fnp.eye(8))
    return (hidden * state < 3).sum() + (state ** 2).sum() + root.sum()


ARGUMENTS = {"w": fnp.ones((8, 8)) * 0.1}, fnp.ones((5, 8))


@pytest.fixture(scope="module")
def page() -> str:
    return ft.visualize(ft.grad(loss), *ARGUMENTS).html


def test_it_loads_nothing(page):
    found = Reader(page)
    assert "src" not in {name for _, attributes in found.found for name in attributes}
    assert "http" not in page and "@import" not in page and "url(" not in page
    assert all(link.startswith("#") for link in found.all("href"))
    assert {tag for tag, _ in found.found} & {"link", "img", "iframe"} == set()
    assert [tag for tag, _ in found.found].count("script") == 1


def test_links_lead_to_steps(page):
    found = Reader(page)
    ids = found.all("id")
    assert len(ids) == len(set(ids)) > 5
    assert {link[1:] for link in found.all("href")} <= set(ids)


def test_lines_programs_and_kernels_are_there(page):
    text = Reader(page).text
    for line in inspect.getsource(loss).splitlines()[1:]:
        assert line.strip() in text
    lowered = ft.jit(ft.grad(loss)).lower(*ARGUMENTS)
    names = set(re.findall(r"def (kernel_\d+)\(", lowered.source()))
    assert names == set(re.findall(r"def (kernel_\d+)\(", text)) and len(names) > 3
    for equation in lowered.program.equations:
        assert f"= {equation.primitive.name}" in text
    assert "The Program as traced" in text and "after inline" in text
    assert "potrf" in text and "the Program inside scan" in text


def test_all_that_is_shown_belongs_to_the_users_lines(page):
    """Equations of a factorization belong to the line that asks for it."""
    shown = set(re.findall(r"(\w+\.py):(\d+)", Reader(page).text))
    lines, first = inspect.getsourcelines(loss)
    own = {str(number) for number in range(first + 1, first + len(lines))}
    assert {name for name, _ in shown} == {HERE.name}
    rest = {number for _, number in shown} - own
    assert len(rest) <= 1                    # the seed of the gradient, where that was asked for


def test_what_is_fused_has_one_colour():
    found = Reader(ft.visualize(lambda x: fnp.sin(x) * 2 + 1, fnp.ones(3)).html)
    rows = [attributes for tag, attributes in found.found
            if "tinted" in attributes.get("class", "")]
    assert len(rows) == 3
    assert len({(row["style"], row["data-step"]) for row in rows}) == 1
    assert found.text.count("def kernel_0(") == 1


def test_it_is_written_and_shown(tmp_path):
    path = tmp_path / "page.html"
    page = ft.visualize(ft.jit(fnp.sin), ft.ShapeDtypeStruct((3,), "float32"), path=path)
    assert path.read_text(encoding="utf-8") == page.html and str(path) in repr(page)
    assert Reader(page._repr_html_()).all("srcdoc") == [page.html]
    assert ft.visualize(lambda x: x, 1.0).path is None
    with pytest.raises(ft.errors.ArgumentError, match="takes a function"):
        ft.visualize(3)


def test_text_is_escaped():
    def page_of(x):
        return x < 2 if "<b>&" else x
    page = ft.visualize(page_of, fnp.ones(3)).html
    assert "<b>" not in page and 'if "<b>&" else x' in Reader(page).text
