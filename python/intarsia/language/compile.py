"""compile_kernel: a jit function compiled ahead of time, with its code in every form on demand."""

from __future__ import annotations

import ast
import collections.abc
import inspect
import shutil
import subprocess
import tempfile
import types
import warnings
from pathlib import Path

from .. import _intarsia
from ..dtypes import dtype
from ..errors import Error, IntarsiaWarning, Location, Unsupported
from .dtype import constexpr, pointer_type, unwrap
from .jit import JITFunction, parse_type
from .launch import check_warps


class KernelText(str):
    """Code that remembers the kernel it was printed from. Changed by as much as a character it is plain text."""

    __slots__ = ("kernel",)

    def __new__(cls, text, kernel):
        self = super().__new__(cls, text)
        self.kernel = kernel
        return self

    def __reduce__(self):
        return str, (str(self),)


class Asm(collections.abc.Mapping):
    """The forms of a compiled kernel, each made when it is first looked at."""

    def __init__(self, kernel, target):
        self._kernel, self._target, self._made = kernel, target, {}
        self._makers = {"kernel": self._text, "llvm": self._llvm, "ptx": self._ptx, "x86": self._x86}
        if shutil.which("ptxas"):
            self._makers["cubin"] = self._cubin

    def __getitem__(self, form):
        if form not in self._makers:
            if form == "cubin":
                raise Unsupported("'cubin' needs ptxas on the PATH: install a CUDA toolkit, or use 'ptx'")
            raise KeyError(f"{form!r} (there are {', '.join(self._makers)})")
        if form not in self._made:
            self._made[form] = self._makers[form]()
        return self._made[form]

    def __iter__(self):
        return iter(self._makers)

    def __len__(self):
        return len(self._makers)

    def keys(self):
        return self._makers.keys()

    def __repr__(self):
        return f"<code of {self._kernel.name} for {self._target}: {', '.join(self._makers)}>"

    def _text(self):
        return KernelText(self._kernel.text, self._kernel)

    def _llvm(self):
        return KernelText(_intarsia.llvm_text(self._kernel), self._kernel)

    def _ptx(self):
        return KernelText(_intarsia.compile_ptx(self._kernel, self._target), self._kernel)

    def _x86(self):
        return _intarsia.compile_cpu(self._kernel)

    def _cubin(self):
        with tempfile.TemporaryDirectory() as folder:
            ptx, cubin = Path(folder, "kernel.ptx"), Path(folder, "kernel.cubin")
            ptx.write_text(self["ptx"])
            done = subprocess.run(
                ["ptxas", f"-arch={self._target}", ptx, "-o", cubin], capture_output=True, text=True
            )
            if done.returncode:
                raise Unsupported(f"ptxas refuses the PTX for {self._target}: {done.stderr.strip()}")
            return cubin.read_bytes()


class CompiledKernel:
    """A compiled kernel: `name`, `metadata`, and `asm`, its code by form ("kernel", "llvm", "ptx", "x86", "cubin")."""

    def __init__(self, traced, target, num_warps, num_ctas, num_stages):
        traced.kernel.set_warps(num_warps)
        self.kernel, self.digest, self.src = traced.kernel, traced.digest, None
        self.name = traced.kernel.name
        self.metadata = types.SimpleNamespace(
            name=self.name,
            num_warps=num_warps,
            num_ctas=num_ctas,
            num_stages=num_stages,
            target=target,
            warp_size=32,
            shared=0,
            global_scratch_size=0,
            profile_scratch_size=0,
        )
        self.asm = Asm(self.kernel, target)

    @property
    def hash(self):
        return self.digest

    def __repr__(self):
        return f"<compiled kernel {self.name} for {self.metadata.target}>"


def as_target(target):
    """The name of a target: "sm_90a" and its like, or what Triton's GPUTarget says."""
    if target is None:
        from ..device import current_target

        return current_target()
    if hasattr(target, "arch"):
        arch = (
            target.arch
            if isinstance(target.arch, str)
            else f"sm_{target.arch}{'a' if target.arch >= 90 else ''}"
        )
        return arch
    return str(target)


def compile_kernel(kernel, signature, constants=None, target=None, *, num_warps=4, num_ctas=1, num_stages=3):
    """Compiles a jit function for the types of `signature` and the compile-time values of `constants`.

    signature: types by parameter name, or in order, as a list or in one string ("*fp32, i32, *fp32"); they may be dtypes, pointer
    types, or their text. target: "sm_90a", "sm_80", ...; by default the target being built for, else the first CUDA device, else sm_90a.
    Raises Error for a signature that does not fit the function, CompileError at the kernel's line for what it contains.
    """
    if not isinstance(kernel, JITFunction):
        raise Error(f"compile_kernel takes a function decorated with @intarsia.jit, not {kernel!r}")
    check_warps(num_warps)
    types_, constants = resolve_signature(kernel, signature, dict(constants or {}))
    return CompiledKernel(kernel.trace(types_, constants), as_target(target), num_warps, num_ctas, num_stages)


def resolve_signature(kernel, signature, constants):
    """(types by name of runtime parameters, values by name of compile-time ones); Error where they do not fit."""
    constants = {
        kernel.arg_names[k] if isinstance(k, int) else k[0] if isinstance(k, tuple) else k: v
        for k, v in constants.items()
    }
    constants = {kernel.arg_names[k] if isinstance(k, int) else k: unwrap(v) for k, v in constants.items()}
    runtime = [p for p in kernel.params if p.name not in constants and not p.is_constexpr]
    if isinstance(signature, (str, list, tuple)):
        parts = [s for s in signature.split(",") if s.strip()] if isinstance(signature, str) else signature
        if len(parts) != len(runtime):
            raise Error(
                f"the signature {signature!r} has {len(parts)} types, but {kernel.__name__} has {len(runtime)} runtime "
                f"parameters: {', '.join(p.name for p in runtime)}"
            )
        signature = dict(zip((p.name for p in runtime), parts))
    given = {kernel.arg_names[k] if isinstance(k, int) else k: v for k, v in dict(signature).items()}
    for name in (*given, *constants):
        if name not in kernel.arg_names:
            raise Error(f"{kernel.__name__} has no parameter '{name}'; it has {', '.join(kernel.arg_names)}")
    types_ = {}
    for p in kernel.params:
        if p.name in constants:
            continue
        t = given.get(p.name)
        t = parse_type(t) if isinstance(t, str) else t
        if p.is_constexpr or t is constexpr:
            if p.default is inspect.Parameter.empty:
                raise Error(
                    f"'{p.name}' of {kernel.__name__} is tl.constexpr and needs a value: give it in constants"
                )
            constants[p.name] = unwrap(p.default)
        elif t is None:
            raise Error(f"the signature says nothing of '{p.name}' of {kernel.__name__}")
        elif isinstance(t, (dtype, pointer_type)):
            types_[p.name] = t
        else:
            raise Error(f"the type of '{p.name}' must be a dtype, a pointer type or its text, not {t!r}")
    _pointers_without_stars(kernel, types_)
    return types_, constants


def _pointers_without_stars(kernel, types_):
    """A parameter declared as a scalar and used as an address is taken as a pointer, with a warning."""
    scalars = {name for name, t in types_.items() if isinstance(t, dtype)}
    bases = address_bases(kernel.source.tree) & scalars
    if not bases:
        return
    names = [p for p in types_ if p in bases]
    for name in names:
        types_[name] = pointer_type(types_[name])
    spelled = ", ".join(f"'{n}' as '*{types_[n].element_ty.triton}'" for n in names)
    place = Location.of_caller()
    message = f"{kernel.__name__} uses as addresses what its signature declares as scalars; taking {spelled}"
    if place is None:
        warnings.warn(message, IntarsiaWarning, stacklevel=2)
    else:
        warnings.warn_explicit(message, IntarsiaWarning, place.file, place.line)


def address_bases(tree):
    """Names of parameters that stand where an address stands: leftmost in the first argument of a load, store or atomic."""
    params = {a.arg for a in tree.args.args}
    assigned = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            assigned.setdefault(node.targets[0].id, node.value)
    bases = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name not in ("load", "store") and not name.startswith("atomic_"):
            continue
        base, seen = node.args[0], set()
        while True:
            if isinstance(base, ast.BinOp):
                base = base.left
            elif isinstance(base, ast.Name) and base.id in params:
                bases.add(base.id)
                break
            elif isinstance(base, ast.Name) and base.id in assigned and base.id not in seen:
                seen.add(base.id)
                base = assigned[base.id]
            else:
                break
    return bases
