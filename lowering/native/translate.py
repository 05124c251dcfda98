"""Kernels from text to LLVM's intermediate representation.

Kernels are written in a small part of Python: numbers, pointers, loops, choices, and the functions
of `lowering.math`, which write their own code. That part is translated here, without numba, whose
import alone takes longer than to compile a few kernels. What is not part of it raises
`Unsupported`; numba compiles that.

The function takes two pointers that it ignores (so do kernels that numba compiles), then the
kernel's parameters. Variables are memory at first, which LLVM turns into registers.

In: a module's text, types of parameters. Out: LLVM's text. Imports llvmlite, `operations`,
`lowering.math`.
"""
from __future__ import annotations

import ast
import math

import numpy as np
from llvmlite import ir

from lowering.math.registry import FUNCTIONS
from lowering.math.values import BOOL, ComplexValue, Value, llvm_type
from lowering.native.operations import (INT64, Unsupported, as_scalar, binary, compare, convert,
                                        truth, unary, unified)
from lowering.plainly import STORED

_BYTE, _INT32 = ir.IntType(8), ir.IntType(32)
_DTYPES = {name: np.dtype(name) for name in (
    "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32",
    "float64", "complex64", "complex128")} | {"bool_": BOOL}
_NUMBERS = {"inf": math.inf, "nan": math.nan}


def translate(text: str, name: str, types: tuple) -> str:
    """LLVM's text of the function `kernel` of a module, under a name of its own."""
    definition, = (node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef))
    module = ir.Module(name)
    _Writer(module, name, definition, types).write()
    return str(module)


def _part(dtype: np.dtype) -> np.dtype:
    return np.dtype(f"f{dtype.itemsize // 2}")


class _Pointer:
    """A parameter for memory."""

    __slots__ = ("ir", "dtype")

    def __init__(self, argument, dtype: np.dtype):
        self.ir, self.dtype = argument, dtype


class _Variable:
    """Memory on the stack for a scalar; for a complex number, two pieces."""

    __slots__ = ("places", "dtype")

    def __init__(self, places: list, dtype: np.dtype):
        self.places, self.dtype = places, dtype


class _Writer:
    """Writes one function. `names`: parameters and variables so far."""

    def __init__(self, module: ir.Module, name: str, definition: ast.FunctionDef, types: tuple):
        kinds = [_parameter_type(kind) for kind in types]
        self.body = definition.body
        self.function = ir.Function(module, ir.FunctionType(_INT32, [
            _BYTE.as_pointer(), _BYTE.as_pointer(), *(kind for kind, _ in kinds)]), name)
        self.entry = self.function.append_basic_block("entry")
        self.start = self.function.append_basic_block("start")
        self.builder = ir.IRBuilder(self.start)
        self.exits: list = []               # for each open loop, where `break` goes
        self.names: dict = {}
        for node, argument, (_, dtype), kind in zip(
                definition.args.args, self.function.args[2:], kinds, types, strict=True):
            argument.name = node.arg
            self.names[node.arg] = self._parameter(argument, dtype, kind)

    def _parameter(self, argument, dtype: np.dtype, kind: str):
        if kind.endswith("*"):
            argument.add_attribute("noalias")
            return _Pointer(argument, dtype)
        return Value(self.builder, argument, dtype)

    def write(self):
        self.block(self.body)
        self.builder.ret(_INT32(0))
        ir.IRBuilder(self.entry).branch(self.start)

    # ---- statements ----

    def block(self, statements: list):
        for statement in statements:
            handler = _STATEMENTS.get(type(statement))
            if handler is None:
                raise Unsupported(type(statement).__name__)
            handler(self, statement)

    def assign(self, node: ast.Assign):
        target, = node.targets
        if isinstance(target, ast.Tuple):
            values = self.several(node.value)
            for part, value in zip(target.elts, values, strict=True):
                self.store(part, value)
        else:
            self.store(target, self.value(node.value))

    def several(self, node) -> tuple:
        """The values of a tuple, or the results of a function that has several."""
        if isinstance(node, ast.Tuple):
            return tuple(self.value(part) for part in node.elts)
        values = self.value(node)
        if not isinstance(values, tuple):
            raise Unsupported("one value for several names")
        return values

    def add_to(self, node: ast.AugAssign):
        read = ast.copy_location(_as_read(node.target), node)
        value = binary(type(node.op), self.value(read), self.value(node.value), self.builder)
        self.store(node.target, value)

    def store(self, target, value):
        value = as_scalar(value, self.builder)
        if isinstance(target, ast.Subscript):
            pointer, place = self.place(target)
            self.write_memory(pointer, place, convert(value, pointer.dtype, self.builder))
        elif isinstance(target, ast.Name):
            self.write_variable(target.id, value)
        else:
            raise Unsupported(f"assignment to a {type(target).__name__}")

    def write_variable(self, name: str, value):
        variable = self.names.get(name)
        if variable is None:
            variable = self.names[name] = self.new_variable(name, value.dtype)
        if not isinstance(variable, _Variable) or variable.dtype != value.dtype:
            raise Unsupported(f"{name} changes its type")
        parts = (value.real, value.imag) if value.dtype.kind == "c" else (value,)
        for place, part in zip(variable.places, parts):
            self.builder.store(part.ir, place)

    def new_variable(self, name: str, dtype: np.dtype) -> _Variable:
        builder = ir.IRBuilder(self.entry)
        kinds = [llvm_type(_part(dtype))] * 2 if dtype.kind == "c" else [llvm_type(dtype)]
        return _Variable([builder.alloca(kind, name=name) for kind in kinds], dtype)

    def read_variable(self, variable: _Variable):
        dtype = _part(variable.dtype) if variable.dtype.kind == "c" else variable.dtype
        parts = [Value(self.builder, self.builder.load(place), dtype)
                 for place in variable.places]
        return ComplexValue(*parts) if len(parts) == 2 else parts[0]

    # ---- loops and choices ----

    def open(self, *labels: str) -> list:
        return [self.function.append_basic_block(label) for label in labels]

    def loop(self, node: ast.For):
        """`for k in range(...)`: the counter is a variable of its own."""
        start, stop, step = self.range(node.iter)
        counter = self.new_variable("counter", INT64)
        self.builder.store(start.ir, counter.places[0])
        head, body, after = self.open("head", "body", "after")
        self.builder.branch(head)
        self.builder.position_at_end(head)
        here = self.read_variable(counter)
        self.builder.cbranch((here < stop if step > 0 else here > stop).ir, body, after)
        self.builder.position_at_end(body)
        self.store(node.target, here)
        self.inside(node.body, after)
        if not self.builder.block.is_terminated:
            following = self.builder.add(here.ir, ir.Constant(here.ir.type, step), flags=("nsw",))
            self.builder.store(following, counter.places[0])
            self.builder.branch(head)
        self.builder.position_at_end(after)

    def range(self, node) -> tuple:
        """Start, stop and step of a call of `range`."""
        if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "range"):
            raise Unsupported("a loop over something else than a range")
        values = [self.value(part) for part in node.args]
        step = values[2] if len(values) > 2 else 1
        if not isinstance(step, int) or step == 0:
            raise Unsupported("a range with a step that is not in the text")
        first, last = (0, values[0]) if len(values) == 1 else values[:2]
        return convert(first, INT64, self.builder), convert(last, INT64, self.builder), step

    def while_loop(self, node: ast.While):
        head, body, after = self.open("head", "body", "after")
        self.builder.branch(head)
        self.builder.position_at_end(head)
        self.builder.cbranch(truth(self.value(node.test), self.builder).ir, body, after)
        self.builder.position_at_end(body)
        self.inside(node.body, after)
        if not self.builder.block.is_terminated:
            self.builder.branch(head)
        self.builder.position_at_end(after)

    def inside(self, statements: list, after):
        self.exits.append(after)
        self.block(statements)
        self.exits.pop()

    def leave(self, node: ast.Break):
        self.builder.branch(self.exits[-1])

    def choose(self, node: ast.If):
        yes, no, after = self.open("then", "else", "after")
        self.builder.cbranch(truth(self.value(node.test), self.builder).ir, yes, no)
        for start, statements in ((yes, node.body), (no, node.orelse)):
            self.builder.position_at_end(start)
            self.block(statements)
            if not self.builder.block.is_terminated:
                self.builder.branch(after)
        self.builder.position_at_end(after)

    # ---- expressions ----

    def value(self, node):
        """A scalar, a number, or several scalars."""
        handler = _EXPRESSIONS.get(type(node))
        if handler is None:
            raise Unsupported(type(node).__name__)
        return handler(self, node)

    def number(self, node: ast.Constant):
        if not isinstance(node.value, (bool, int, float)):
            raise Unsupported(repr(node.value))
        return node.value

    def name(self, node: ast.Name):
        found = self.names.get(node.id)
        if isinstance(found, _Variable):
            return self.read_variable(found)
        if isinstance(found, Value):
            return found
        if found is None and node.id in _NUMBERS:
            return _NUMBERS[node.id]
        raise Unsupported(f"the name {node.id}")

    def attribute(self, node: ast.Attribute):
        value = self.value(node.value)
        if not isinstance(value, ComplexValue) or node.attr not in ("real", "imag"):
            raise Unsupported(f"the attribute {node.attr}")
        return getattr(value, node.attr)

    def binary(self, node: ast.BinOp):
        return binary(type(node.op), self.value(node.left), self.value(node.right), self.builder)

    def unary(self, node: ast.UnaryOp):
        return unary(type(node.op), self.value(node.operand), self.builder)

    def comparison(self, node: ast.Compare):
        values = [self.value(part) for part in (node.left, *node.comparators)]
        result = None
        for operator, left, right in zip(node.ops, values, values[1:]):
            answer = compare(type(operator), left, right, self.builder)
            result = answer if result is None else result & answer
        return result

    def logic(self, node: ast.BoolOp):
        """`and`, `or`: an operand is computed if those before it leave the answer open."""
        answer = self.new_variable("answer", BOOL)
        after, = self.open("after")
        for number, part in enumerate(node.values):
            value = truth(self.value(part), self.builder)
            self.builder.store(value.ir, answer.places[0])
            if number == len(node.values) - 1:
                self.builder.branch(after)
                break
            following, = self.open("next")
            ways = (following, after) if isinstance(node.op, ast.And) else (after, following)
            self.builder.cbranch(value.ir, *ways)
            self.builder.position_at_end(following)
        self.builder.position_at_end(after)
        return self.read_variable(answer)

    def choice(self, node: ast.IfExp):
        """`x if condition else y`: one of them is computed."""
        test = truth(self.value(node.test), self.builder)
        yes, no, after = self.open("then", "else", "after")
        self.builder.cbranch(test.ir, yes, no)
        self.builder.position_at_end(yes)
        first = self.value(node.body)
        yes = self.builder.block
        self.builder.position_at_end(no)
        first, second = unified(first, self.value(node.orelse), self.builder)
        no = self.builder.block
        for block in (yes, no):
            self.builder.position_at_end(block)
            self.builder.branch(after)
        self.builder.position_at_end(after)
        return self.either(first, yes, second, no)

    def either(self, first, yes, second, no):
        if isinstance(first, ComplexValue):
            return ComplexValue(self.either(first.real, yes, second.real, no),
                                self.either(first.imag, yes, second.imag, no))
        phi = self.builder.phi(first.ir.type)
        phi.add_incoming(first.ir, yes)
        phi.add_incoming(second.ir, no)
        return first.same(phi)

    # ---- calls ----

    def call(self, node: ast.Call):
        if isinstance(node.func, ast.Attribute):
            return self.method(node.func)
        name, arguments = node.func.id, [self.value(part) for part in node.args]
        if name in _DTYPES and len(arguments) == 1:
            return convert(as_scalar(arguments[0], self.builder) if not _is_plain(arguments[0])
                           else arguments[0], _DTYPES[name], self.builder)
        if name == "complex":
            return self.complex(*arguments)
        if name not in FUNCTIONS:
            raise Unsupported(f"a call of {name}")
        return self.function_call(FUNCTIONS[name], arguments)

    def method(self, node: ast.Attribute):
        value = self.value(node.value)
        if node.attr != "conjugate" or not isinstance(value, ComplexValue):
            raise Unsupported(f"the method {node.attr}")
        return ComplexValue(value.real, unary(ast.USub, value.imag, self.builder))

    def complex(self, real, imag):
        """Python's `complex`: of double precision, unless both parts are single."""
        parts = [as_scalar(value, self.builder) for value in (real, imag)]
        single = all(part.dtype == np.float32 for part in parts)
        dtype = np.dtype(np.float32 if single else np.float64)
        return ComplexValue(*(convert(part, dtype, self.builder) for part in parts))

    def function_call(self, function, arguments: list):
        """A function of `lowering.math` writes its code right here."""
        count = len(arguments) - function.literals
        values = [as_scalar(value, self.builder) for value in arguments[:count]]
        literals = arguments[count:]
        dtype = values[0].dtype
        body, _ = function.versions.get(dtype, (None, None))
        if body is None or any(value.dtype != dtype for value in values) \
                or not all(isinstance(number, int) for number in literals):
            raise Unsupported(f"{function.__name__} of {[str(v.dtype) for v in values]}")
        return body(*values, *literals)

    # ---- memory ----

    def place(self, node: ast.Subscript) -> tuple:
        """A pointer, and the address of one of its elements."""
        pointer = self.names.get(getattr(node.value, "id", None))
        if not isinstance(pointer, _Pointer):
            raise Unsupported("an index into something else than memory")
        index = convert(self.value(node.slice), INT64, self.builder)
        return pointer, self.builder.gep(pointer.ir, [index.ir])

    def element(self, node: ast.Subscript):
        pointer, place = self.place(node)
        if pointer.dtype.kind != "c":
            return Value(self.builder, self.builder.load(place), pointer.dtype)
        part = _part(pointer.dtype)
        return ComplexValue(*(Value(self.builder, self.builder.load(each), part)
                              for each in self.parts(place)))

    def parts(self, place) -> list:
        """The addresses of the two parts of a complex number."""
        return [self.builder.gep(place, [_INT32(0), _INT32(k)]) for k in (0, 1)]

    def write_memory(self, pointer: _Pointer, place, value):
        if pointer.dtype.kind != "c":
            self.builder.store(value.ir, place)
            return
        for each, part in zip(self.parts(place), (value.real, value.imag)):
            self.builder.store(part.ir, each)


def _is_plain(value) -> bool:
    return isinstance(value, (bool, int, float))


def _as_read(target):
    """The target of an assignment, as an expression."""
    if isinstance(target, ast.Name):
        return ast.Name(target.id, ast.Load())
    return ast.Subscript(target.value, target.slice, ast.Load())


def _parameter_type(kind: str) -> tuple:
    """The LLVM type of a parameter, and the dtype of it or of what it points to."""
    if not kind.endswith("*"):
        return llvm_type(np.dtype(kind)), np.dtype(kind)
    if kind == "stack*":
        raise Unsupported("stacks")
    dtype = np.dtype(STORED.get(kind[:-1], kind[:-1]))
    if dtype.kind == "c":
        part = llvm_type(_part(dtype))
        return ir.LiteralStructType([part, part]).as_pointer(), dtype
    return llvm_type(dtype).as_pointer(), dtype


_STATEMENTS = {
    ast.Assign: _Writer.assign, ast.AugAssign: _Writer.add_to, ast.For: _Writer.loop,
    ast.While: _Writer.while_loop, ast.If: _Writer.choose, ast.Break: _Writer.leave,
    ast.Pass: lambda writer, node: None,
}
_EXPRESSIONS = {
    ast.Constant: _Writer.number, ast.Name: _Writer.name, ast.Attribute: _Writer.attribute,
    ast.BinOp: _Writer.binary, ast.UnaryOp: _Writer.unary, ast.Compare: _Writer.comparison,
    ast.BoolOp: _Writer.logic, ast.IfExp: _Writer.choice, ast.Call: _Writer.call,
    ast.Subscript: _Writer.element,
}
