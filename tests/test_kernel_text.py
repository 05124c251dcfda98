"""The text of kernels: read, saved, run under CPython, stepped through in pdb, with equal results.

The example is a training step of the MLP: loss, gradient and Adam in one jitted function.
"""
from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import lax
from lowering.plan import Host

OPTIMIZER = ft.optim.adam(1e-2)


def loss(params, x, labels):
    logits = ft.zoo.mlp.apply(params, x, activation=ft.nn.tanh)
    return ft.nn.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


@ft.jit
def step(params, state, x, labels):
    value, grads = ft.value_and_grad(loss)(params, x, labels)
    updates, state = OPTIMIZER.update(grads, state, params)
    return ft.optim.apply_updates(params, updates), state, value


@pytest.fixture(scope="module")
def arguments():
    rng = np.random.default_rng(0)
    params = ft.zoo.mlp.init(ft.random.key(0), (6, 5, 3))
    x = fnp.array(rng.normal(size=(4, 6)), dtype="float32")
    return params, OPTIMIZER.init(params), x, fnp.array([0, 2, 1, 1])


@pytest.fixture(scope="module")
def text(arguments):
    return step.lower(*arguments).source()


def saved(text, folder):
    path = folder / "training_step.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location("training_step", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module, path


def assert_equal(got, expected, ulp=16):
    for a, b in zip(ft.tree.leaves(got), ft.tree.leaves(expected), strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        eps = np.finfo(b.dtype).eps if b.dtype.kind in "fc" else 0
        np.testing.assert_allclose(a, b, rtol=ulp * eps,
                                   atol=ulp * eps * np.max(np.abs(b), initial=0))


# ---- read and saved ----

def test_the_text_is_formatted_python(text):
    tree = ast.parse(text)
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert names[-2:] == ["main", "run"] and "kernel_0" in names
    caller = text[text.index("def main("):]
    assert max(map(len, caller.splitlines())) <= 100
    assert not re.search(r"[ \t]$", text, re.MULTILINE)


def test_the_text_names_the_users_lines(text):
    assert re.search(r"# test_kernel_text\.py:\d+", text)


def test_the_saved_text_gives_the_results_of_compiled_code(text, arguments, tmp_path):
    module, _ = saved(text, tmp_path)
    arrays = [np.asarray(leaf) for leaf in ft.tree.leaves(arguments)]
    assert_equal(module.run(*arrays), step(*arguments))


def test_the_saved_text_runs_in_a_new_process(text, arguments, tmp_path):
    _, path = saved(text, tmp_path)
    arrays = [np.asarray(leaf) for leaf in ft.tree.leaves(arguments)]
    np.savez(tmp_path / "inputs.npz", *arrays)
    code = ("import numpy as np, training_step\n"
            "inputs = np.load('inputs.npz')\n"
            "np.savez('outputs.npz', *training_step.run(*inputs.values()))\n")
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    with np.load(tmp_path / "outputs.npz") as outputs:
        assert_equal(list(outputs.values()), step(*arguments))


# ---- in plain Python ----

def test_interpret_runs_the_same_kernels(arguments):
    with ft.interpret():
        assert_equal(step(*arguments), step(*arguments))
        interpreted = step(*arguments)
    assert_equal(interpreted, step(*arguments))


def _second_order(w):
    """A function with a scan, a while loop, a branch, a sort and a matrix product."""
    def turn(carry, row):
        carry = fnp.tanh(carry @ w + row)
        return carry, carry.sum()

    carry, sums = lax.scan(turn, fnp.zeros(4, w.dtype), w)
    grown = lax.while_loop(lambda c: (c * c).sum() < 30, lambda c: 1.5 * c + fnp.sin(c @ w), carry)
    chosen = lax.cond(w[0, 0] > 0, lambda c: c * 2, lambda c: fnp.sort(c @ w), grown)
    return (chosen * sums).sum()


FUNCTIONS = {
    "loops": _second_order,
    "gradient": ft.grad(_second_order),
    "batched gradient": ft.vmap(ft.grad(_second_order)),
    "samples": lambda w: ft.random.normal(ft.random.key(0), w.shape),
    "solve": lambda w: fnp.linalg.solve(w @ w.T + fnp.eye(4), w),
    "half": lambda w: (w.astype("float16") * 2, w > 0.1),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_all_kinds_of_steps_can_be_interpreted(name):
    function = FUNCTIONS[name]
    w = fnp.array(np.random.default_rng(1).normal(size=(4, 4)))
    w = fnp.stack([w, w.T, 0.1 * w]) if name.startswith("batched") else w
    with ft.interpret():
        interpreted = ft.jit(function)(w)
    assert_equal(interpreted, ft.jit(function, device="cpu")(w), ulp=2000)


def test_an_index_outside_names_the_users_line():
    def pick(x, k):
        return x[k] * 2
    with ft.interpret(), pytest.raises(ft.errors.OutOfBoundsError, match=r"pick: x\[k\]"):
        ft.jit(pick)(fnp.ones(3), 3)


def test_an_edited_copy_runs(arguments, tmp_path):
    lowered = ft.jit(lambda x: fnp.tanh(x) + 1).lower(fnp.ones(3))
    path = tmp_path / "edited.py"
    path.write_text(lowered.source().replace("tanh(", "-tanh("))
    np.testing.assert_allclose(lowered.with_source(path)(fnp.ones(3)), 1 - np.tanh(np.ones(3)),
                               rtol=1e-6)


# ---- in the debugger ----

def test_pdb_stops_in_a_kernel_of_a_mapped_gradient(tmp_path):
    """A scripted session: a breakpoint in the text, values of variables, a step, the end."""
    program = tmp_path / "program.py"
    program.write_text(
        "import functrans as ft, functrans.numpy as fnp\n"
        "slope = ft.jit(ft.vmap(ft.grad(lambda x: fnp.tanh(x) * x)))\n"
        "x = fnp.array([0.5, -1.0])\n"
        "with ft.interpret():\n"
        "    path = slope.lower(x).compile().executable.path\n"
        "    line = 1 + next(k for k, text in enumerate(path.read_text().splitlines())\n"
        "                    if 'tanh(' in text)\n"
        "    print('stop at', f'{path}:{line}')\n"
        "    y = slope(x)\n"
        "print('end', y.tolist())\n")
    found = subprocess.run([sys.executable, str(program)], check=True, capture_output=True,
                           text=True, cwd=tmp_path).stdout
    place = re.search(r"stop at (.*)", found)[1]
    session = (f"tbreak {program}:9\ncontinue\nbreak {place}\ncontinue\n"
               "p 'index', i\np 'element', float(x0[i])\nnext\n"
               "p 'tanh', [v for k, v in locals().items() if k.startswith('v')][-1]\n"
               "where\nclear 2\ncontinue\nquit\n")
    debugged = subprocess.run([sys.executable, "-m", "pdb", str(program)], input=session,
                              capture_output=True, text=True, cwd=tmp_path).stdout
    assert "('index', 0)" in debugged and "('element', 0.5)" in debugged
    value = float(re.search(r"\('tanh', (?:np\.float32\()?([-\d.e]+)", debugged)[1])
    assert value == pytest.approx(np.tanh(0.5), rel=1e-6)
    assert "kernel_0(" in debugged and "functrans_text" in debugged
    slopes = [np.tanh(x) + x * (1 - np.tanh(x) ** 2) for x in (0.5, -1.0)]
    printed = ast.literal_eval(re.search(r"end (\[.*\])", debugged)[1])
    np.testing.assert_allclose(printed, slopes, rtol=1e-6)


# ---- no Python between kernels ----

def steps_of(plan):
    yield from plan.steps
    for inner in plan.regions():
        yield from steps_of(inner)


def calls_of(run, *arguments) -> list[str]:
    """The names of the Python functions that run."""
    names: list = []

    def watch(frame, event, argument):
        if event == "call":
            names.append(frame.f_code.co_name)
    sys.setprofile(watch)
    try:
        run(*arguments)
    finally:
        sys.setprofile(None)
    return names


def test_no_python_runs_between_the_kernels_of_a_training_step(arguments):
    compiled = step.lower(*arguments).compile().executable
    steps = list(steps_of(compiled.plan))
    assert len(steps) > 10 and not any(isinstance(one, Host) for one in steps)
    small = ft.jit(lambda x: x * 2).lower(fnp.ones(3)).compile().executable
    arrays = [np.array(leaf) for leaf in ft.tree.leaves(arguments)]
    compiled.run(arrays), small.run([np.ones(3, np.float32)])           # the first calls set up
    many, one = calls_of(compiled.run, arrays), calls_of(small.run, [np.ones(3, np.float32)])
    assert set(many) == set(one)
    assert len(many) <= len(one) + len(arrays) + len(compiled.plan.output_types)
