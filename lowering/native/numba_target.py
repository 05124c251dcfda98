"""numba, reduced to what kernels are made of: numbers, pointers, loops and `lowering.math`.

numba's own CPU target knows arrays, strings, lists, random numbers and much more; to load all that
takes longer than to compile a dozen kernels, and each kernel would go through passes meant for
what it cannot contain. So kernels have a target of their own, of the same classes.

Almost all kernels are compiled without it, see `translate`; what that does not know comes here. In:
functions and types. Out: object code. Imports numba and `lowering.math`; it is imported when such a
kernel is compiled that is not on disk.
"""
from __future__ import annotations

from functools import cache

import numpy as np
from numba import types
from numba.core import compiler, typed_passes, untyped_passes
from numba.core.compiler_lock import global_compiler_lock
from numba.core.compiler_machinery import PassManager
from numba.core.cpu import CPUContext
from numba.core.typing import Context, templates
from numba.np.numpy_support import from_dtype

from lowering.math.for_numba import install
from lowering.native.runner import STACK_WORDS


class KernelTyping(Context):
    """The types of what kernels do."""

    def init(self):
        self._complete = False

    def refresh(self):
        """Called before each kernel; there is nothing new after the first."""
        if not self._complete:
            self._load_builtins()
            self._complete = True

    def _load_builtins(self):
        """Builtin functions, without the methods and attributes of types that kernels lack."""
        from numba.core.typing import builtins, mathdecl  # noqa: F401  (builtins: a registry)
        every, own = templates.builtin_registry, templates.Registry()
        own.functions, own.globals = list(every.functions), list(every.globals)
        own.attributes = [template for template in every.attributes
                          if not issubclass(template, templates._OverloadAttributeTemplate)]
        self.install_registry(own)
        self.install_registry(mathdecl.registry)      # what products of complex numbers call


class KernelContext(CPUContext):
    """The code of what kernels do."""

    def load_additional_registries(self):
        from numba.core import optional  # noqa: F401  (these fill the registry of builtins)
        from numba.cpython import (  # noqa: F401
            builtins,
            cmathimpl,
            iterators,
            mathimpl,
            numbers,
            rangeobj,
            tupleobj,
        )
        self.install_registry(cmathimpl.registry)
        self.install_registry(mathimpl.registry)

    def post_lowering(self, module, library):
        """Kernels allocate nothing, so numba's runtime is not linked to them."""


class KernelCompiler(compiler.CompilerBase):
    """The passes that kernels need."""

    PASSES = (
        untyped_passes.TranslateByteCode, untyped_passes.FixupArgs, untyped_passes.IRProcessing,
        untyped_passes.ReconstructSSA, typed_passes.NopythonTypeInference,
        typed_passes.PreLowerStripPhis, typed_passes.IRLegalization, typed_passes.AnnotateTypes,
        typed_passes.NativeLowering, typed_passes.NoPythonBackend)

    def define_pipelines(self):
        passes = PassManager("kernel")
        for each in self.PASSES:
            passes.add_pass(each, each.__name__)
        passes.finalize()
        return [passes]


@cache
def _contexts() -> tuple:
    typing_context = KernelTyping()
    target_context = KernelContext(typing_context)
    target_context.refresh()
    install(typing_context, target_context)
    return typing_context, target_context


def _flags() -> compiler.Flags:
    flags = compiler.Flags()
    flags.no_cpython_wrapper = True
    flags.no_cfunc_wrapper = True
    flags.error_model = "numpy"
    flags.noalias = True
    flags.nrt = False
    flags.fastmath = {"contract"}
    return flags


def numba_type(name: str):
    """The numba type of a parameter: "int64", "float32*" ... Half precision is stored as bits,
    booleans as bytes, stacks as the words of their records (which kernels only copy)."""
    if not name.endswith("*"):
        return from_dtype(np.dtype(name))
    if name == "stack*":
        return types.CPointer(types.UniTuple(types.int64, STACK_WORDS))
    stored = {"float16": "uint16", "bfloat16": "uint16", "bool": "uint8"}.get(name[:-1], name[:-1])
    return types.CPointer(from_dtype(np.dtype(stored)))


def compile_function(function, parameters: tuple) -> tuple[bytes, str]:
    """Object code, and the name of the function in it.

    parameters: names of types, see `numba_type`.
    """
    with global_compiler_lock:
        result = compiler.compile_extra(
            *_contexts(), function, tuple(map(numba_type, parameters)), types.void, _flags(), {},
            pipeline_class=KernelCompiler)
        _, _, (code, _) = result.library.serialize_using_object_code()
    return code, result.fndesc.llvm_func_name
