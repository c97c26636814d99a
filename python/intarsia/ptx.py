"""PTX without a GPU: any module's kernels, launched on the CPU and checked while they run.

    module = intarsia.ptx.load("kernels.ptx")      # a path, text, or the bytes of a text or a fatbin
    result = module["scale"].launch((4,), (256,), [x, 1000, 1.5])
    result.require_clean()                          # raises what the checks found

Arrays are worked on in place. The guide is docs/ptx.md; the command line is `intarsia ptx`.
"""

from __future__ import annotations

import os
import re
import struct
from dataclasses import dataclass

import numpy as np

from . import _intarsia
from .errors import Error

__all__ = ["Entry", "Module", "Parameter", "Problem", "Report", "Result", "TensorMap", "TraceStep", "Uninitialised", "check_names", "load", "tensor_map"]


@dataclass(frozen=True)
class Parameter:
    """One parameter of an entry. `type` is "" for bytes passed by value; `pointer` is "declared" (.ptr), "inferred" from
    the body, or "no"."""

    name: str
    type: str
    bytes: int
    align: int
    offset: int
    pointer: str
    read: bool
    written: bool

    @property
    def direction(self) -> str:
        """ "value", "in", "in/out", or "unused"."""
        if not self.read:
            return "unused"
        if self.pointer == "no":
            return "value"
        return "in/out" if self.written else "in"


@dataclass(frozen=True)
class Problem:
    """What of a text does not run here: the line, why, and the nearest form that does ("" where there is none)."""

    line: int
    instruction: str
    what: str
    nearest: str
    count: int


@dataclass(frozen=True)
class Report:
    """One finding of a launch: the first thread that met it, where, and how many did. `str` is for people."""

    kind: str
    kernel: str
    block: tuple
    thread: tuple
    line: int
    instruction: str
    source: str
    what: str
    count: int
    text: str

    def __str__(self):
        return self.text


@dataclass(frozen=True)
class TraceStep:
    """One instruction of the traced warp: the lanes that executed it (a mask), and for each register of it
    (name, type, whether it was written, 32 values as bits). `str` is for people."""

    line: int
    instruction: str
    opcode: str
    source: str
    lanes: int
    values: list
    text: str

    def __str__(self):
        return self.text


@dataclass(frozen=True)
class Result:
    """What a launch did. `inexact` lists the executed forms that a GPU may round otherwise: if it is empty, results must
    be equal to a GPU's bit for bit. `printed` is what the kernel's printf wrote, block by block."""

    reports: list
    inexact: list
    printed: str
    steps: int
    trace: list

    @property
    def clean(self) -> bool:
        """Whether the checks found nothing."""
        return not self.reports

    def require_clean(self) -> Result:
        """Raises intarsia.Error with every report where there is one; returns the result."""
        if self.reports:
            raise Error("\n".join(map(str, self.reports)))
        return self


@dataclass(frozen=True)
class Uninitialised:
    """An array nothing has written yet, as an argument: a kernel that reads it before it writes it is reported."""

    array: object


class Entry:
    """A kernel of a module; `module[name]` makes it."""

    def __init__(self, kernel, architecture):
        self._kernel, self._architecture = kernel, architecture
        facts = kernel.facts()
        self.name, self.line = facts["name"], facts["line"]
        self.parameters = [Parameter(**p) for p in facts["parameters"]]
        self.shared_bytes, self.local_bytes = facts["shared_bytes"], facts["local_bytes"]
        self.reqntid, self.maxntid, self.cluster = facts["reqntid"], facts["maxntid"], facts["cluster"]

    def unfit(self, arch=None) -> list[str]:
        """Why no launch can succeed on the device, one sentence each; empty if nothing stands against it."""
        return self._kernel.unfit(_architecture(arch, self._architecture))

    def launch(
        self,
        grid,
        block,
        args,
        *,
        cluster=None,
        shared=0,
        arch=None,
        checks="all",
        mode="exact",
        contraction=True,
        trace=None,
    ) -> Result:
        """Runs the kernel over `grid` blocks of `block` threads; returns a Result.

        grid, block, cluster: an int or up to three. shared: bytes of dynamic shared memory.
        args: one per parameter, in order. For a pointer an array (NumPy, PyTorch on the CPU, anything with DLPack), which
            must be contiguous and is worked on in place, an Uninitialised one, or None; for a value a number that fits the parameter's type (a
            float for .b32 and .b64 is f32 and f64), a NumPy scalar of its size, a TensorMap, or bytes.
        arch: the imitated device, "sm_90" or 90; the module's by default. It decides limits and the tensor cores' sums.
        checks: "all", "none", or names joined by commas, "-" before one to leave it out; check_names() lists them.
        mode: "exact", or "fast": tensor cores' products are summed in f32, which is listed as inexact.
        contraction: whether a GPU's assembler may fuse mul and add (its default): such pairs are listed as inexact.
        trace: None, or a dict with any of block=(x, y, z), warp=n, most=n: what that warp did stands in the result.

        Raises intarsia.Error where the launch itself is wrong: arguments, extents, limits of the device. What the kernel
        does wrong is reported.
        """
        if mode not in ("exact", "fast"):
            raise Error(f"mode is {mode!r}; wanted 'exact' or 'fast'")
        args = list(args)
        if len(args) != len(self.parameters):
            names = ", ".join(p.name for p in self.parameters) or "none"
            raise Error(f"kernel {self.name} takes {len(self.parameters)} parameters ({names}), {len(args)} are given")
        if cluster is None:
            cluster = self.cluster or (1, 1, 1)
        done = self._kernel.launch(
            _extents(grid, "grid"),
            _extents(block, "block"),
            _extents(cluster, "cluster"),
            int(shared),
            _architecture(arch, self._architecture),
            _check_list(checks),
            mode == "exact",
            bool(contraction),
            _trace(trace),
            [_argument(self.name, i, p, a) for i, (p, a) in enumerate(zip(self.parameters, args))],
        )
        return Result(
            reports=[Report(**r) for r in done["reports"]],
            inexact=done["inexact"],
            printed=done["printed"],
            steps=done["steps"],
            trace=[TraceStep(**s) for s in done["trace"]],
        )

    def __repr__(self):
        return f"<PTX entry {self.name}({', '.join(p.name for p in self.parameters)})>"


class Module:
    """The kernels of a PTX text or a fatbin. Its variables keep their values from launch to launch."""

    def __init__(self, module, source, architecture):
        self._module, self.source, self._architecture = module, source, architecture
        facts = module.facts()
        self._texts = facts["texts"]
        self._entries = {}
        self.names = facts["entries"]

    @property
    def version(self):
        """The text's .version."""
        return self._texts[0][0]

    @property
    def target(self):
        """The text's .target."""
        return self._texts[0][1]

    @property
    def text(self):
        """The PTX itself, of a fatbin the text that was chosen."""
        return "\n".join(text for _, _, text in self._texts)

    @property
    def entries(self) -> dict[str, Entry]:
        """All kernels, by name. Error where one cannot be run; `problems` says what all of them lack."""
        return {name: self[name] for name in self.names}

    @property
    def problems(self) -> list[Problem]:
        """Every instruction that does not run here, at once."""
        return [Problem(**p) for p in self._module.survey()]

    def launch(self, grid, block, args, *, entry=None, **options) -> Result:
        """Runs a kernel, as Entry.launch does: `entry` by name, or the only one there is. Error where there is a choice."""
        if entry is None:
            if len(self.names) != 1:
                names = ", ".join(self.names) or "none"
                raise Error(f"{self.source} has {len(self.names)} kernels ({names}); launch(..., entry=...) says which")
            entry = self.names[0]
        return self[entry].launch(grid, block, args, **options)

    def __getitem__(self, name) -> Entry:
        if name not in self._entries:
            self._entries[name] = Entry(self._module.kernel(name), self._architecture)
        return self._entries[name]

    def __len__(self):
        return len(self.names)

    def __iter__(self):
        return iter(self.names)

    def __contains__(self, name):
        return name in self.names

    def __repr__(self):
        return f"<PTX of {self.source} for {self.target}: {', '.join(self.names) or 'no entry'}>"


def load(ptx, *, arch="sm_90", source=None) -> Module:
    """PTX as a Module: a path, text as str or bytes, or the bytes of a fatbin that holds PTX (compressed or not, also inside
    an object file), of which the newest text that `arch` runs is taken. `source` is what messages call it.

    A str is a path unless it has more than one line. Raises intarsia.Error with the line where the text is wrong.
    """
    if isinstance(ptx, os.PathLike) or (isinstance(ptx, str) and "\n" not in ptx):
        source = source or os.fspath(ptx)
        try:
            with open(ptx, "rb") as file:
                ptx = file.read()
        except OSError as error:
            raise Error(f"{source} cannot be read: {error.strerror}") from None
    data = ptx.encode() if isinstance(ptx, str) else bytes(ptx)
    source, architecture = source or "PTX", _architecture(arch, None)
    return Module(_intarsia.ptx_load(data, source, architecture), source, architecture)


class TensorMap:
    """A tensor map (CUtensorMap) for cp.async.bulk.tensor, as an argument; `tensor_map` makes it."""

    def __init__(self, map, array):
        self._map, self._array = map, array  # the array stays alive


_MAP_TYPES = ("u8", "u16", "u32", "i32", "u64", "i64", "f16", "f32", "f64", "bf16", "f32 ftz", "tf32", "tf32 ftz")
_SWIZZLES = (0, 32, 64, 128)


def tensor_map(array, box, *, type=None, swizzle=0, steps=None, fill="zeros") -> TensorMap:
    """The map of `array` whose copies move boxes of `box` elements; dimensions in the array's order, the last one's elements
    side by side. Passed for a .param .align 64 .b8 map[128].

    type: the elements' where the dtype does not say it: "bf16", "tf32", "f32 ftz", "tf32 ftz". swizzle: 0, 32, 64 or 128 bytes.
    steps: every step-th element is copied. fill: "zeros" or "nan", of elements outside. Error names the rule that is broken.
    """
    memory = _intarsia.memory_of(array)
    type = type or memory.dtype.name
    if type not in _MAP_TYPES:
        raise Error(f"a tensor map has elements of type {', '.join(_MAP_TYPES)}, not {type}")
    if swizzle not in _SWIZZLES:
        raise Error(f"swizzle is {swizzle}; wanted 0, 32, 64 or 128")
    if fill not in ("zeros", "nan"):
        raise Error(f"fill is {fill!r}; wanted 'zeros' or 'nan'")
    shape, strides = list(memory.shape)[::-1], list(memory.strides)[::-1]
    if strides[:1] != [1]:
        raise Error("the last dimension of a tensor map's array is not contiguous")
    made = _intarsia.ptx_tensor_map(
        memory,
        _MAP_TYPES.index(type),
        shape,
        [s * _item_bytes(type) for s in strides[1:]],
        [int(b) for b in box][::-1],
        [int(s) for s in steps or ()][::-1],
        _SWIZZLES.index(swizzle),
        fill == "nan",
    )
    return TensorMap(made, memory)


def _item_bytes(type):
    return int(re.sub(r"\D", "", type)) // 8


def check_names() -> list[str]:
    """The checks a launch can make, by the names `checks` takes."""
    return _intarsia.ptx_check_names()


# ---- what a launch is given ------------------------------------------------------------------------------


def _architecture(arch, default):
    if arch is None:
        return default
    found = re.fullmatch(r"(?:sm_|compute_)?(\d+)[af]?", str(arch))
    if not found:
        raise Error(f"an architecture is 'sm_90' or 90, not {arch!r}")
    return int(found[1])


def _extents(given, what):
    values = tuple(given) if isinstance(given, (tuple, list)) else (given,)
    if not 1 <= len(values) <= 3:
        raise Error(f"{what} has {len(values)} extents; wanted 1 to 3")
    out = tuple(int(v) for v in values) + (1,) * (3 - len(values))
    if any(not 0 <= v < 1 << 31 for v in out):
        raise Error(f"{what} is {given}; wanted extents from 0 to {(1 << 31) - 1}")
    return out


def _check_list(checks):
    if checks is True or checks is None:
        return "all"
    return "none" if checks is False else checks if isinstance(checks, str) else ",".join(checks)


def _trace(trace):
    if trace is None or trace is False:
        return None
    given = {} if trace is True else dict(trace)
    if unknown := given.keys() - {"block", "warp", "most"}:
        raise Error(f"trace takes block, warp and most, not {', '.join(sorted(unknown))}")
    block = given.get("block", 0)
    block = (*block, 0, 0)[:3] if isinstance(block, (tuple, list)) else (block, 0, 0)
    return (*map(int, block), int(given.get("warp", 0)), int(given.get("most", 100000)))


_FLOATS = {"f16": "e", "f32": "f", "f64": "d", "b32": "f", "b64": "d"}


def _bad(kernel, index, p, wanted, given):
    return Error(f"kernel {kernel}: parameter {index} ('{p.name}') is {wanted}; {given} is given")


def _argument(kernel, index, p, value):
    """A Memory or None for a pointer, bytes for a value."""
    if value is None:
        return None if p.bytes == 8 else value
    if isinstance(value, (bytes, bytearray)):
        if len(value) != p.bytes:
            raise _bad(kernel, index, p, f"a value of {p.bytes} bytes", f"bytes of length {len(value)}")
        return bytes(value)
    if isinstance(value, (bool, int)) and not isinstance(value, np.generic):
        return _integer(kernel, index, p, int(value))
    if isinstance(value, float) and not isinstance(value, np.generic):
        return _float(kernel, index, p, value)
    if isinstance(value, np.generic):
        return _numpy_scalar(kernel, index, p, value)
    if isinstance(value, TensorMap):
        if p.bytes != 128:
            raise _bad(kernel, index, p, _wanted(p), "a tensor map of 128 bytes")
        return value._map
    if p.bytes != 8 or p.type in ("f64", "f32x2"):
        raise _bad(kernel, index, p, _wanted(p), f"a {type(value).__name__}")
    fresh = isinstance(value, Uninitialised)
    memory = _intarsia.memory_of(value.array if fresh else value)
    if memory.device_type != 1:
        raise _bad(kernel, index, p, "a pointer", "an array that is not in the CPU's memory")
    if not memory.is_contiguous:
        raise _bad(kernel, index, p, "a pointer", "an array that is not contiguous")
    return [memory] if fresh else memory


def _wanted(p):
    return f"a value of type .{p.type}" if p.type else f"a value of {p.bytes} bytes"


def _integer(kernel, index, p, value):
    if p.type in ("f16", "f32", "f64"):
        return _float(kernel, index, p, float(value))
    if not p.type:
        raise _bad(kernel, index, p, _wanted(p), "an int")
    bits = 8 * p.bytes
    low = 0 if p.type.startswith("u") else -(1 << (bits - 1))
    high = (1 << (bits - 1)) - 1 if p.type.startswith("s") else (1 << bits) - 1
    if p.type.startswith("u") and -(1 << (bits - 1)) <= value < 0:
        low = value  # -1 for all bits, as C has it
    if not low <= value <= high:
        raise _bad(kernel, index, p, _wanted(p), str(value))
    return (value & ((1 << bits) - 1)).to_bytes(p.bytes, "little")


def _float(kernel, index, p, value):
    code = _FLOATS.get(p.type)
    if code is None:
        raise _bad(kernel, index, p, _wanted(p), f"the float {value}")
    try:
        return struct.pack("<" + code, value)
    except OverflowError:  # too large: rounded to infinity, as a conversion does
        return struct.pack("<" + code, float("inf") if value > 0 else float("-inf"))


def _numpy_scalar(kernel, index, p, value):
    kinds = {"f": "f", "s": "iu", "u": "iu", "b": "iufb"}
    if value.dtype.itemsize != p.bytes or (p.type and value.dtype.kind not in kinds[p.type[0]]):
        raise _bad(kernel, index, p, _wanted(p), f"a numpy.{value.dtype.name}")
    return value.tobytes()
