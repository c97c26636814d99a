"""What `intarsia ptx run --arg` takes: a value by type, an array from a file or made, and the file it is written to."""

from __future__ import annotations

import re
import struct

import numpy as np

from ..errors import Error
from ..ptx import Uninitialised

SYNTAX = """\
One --arg for each parameter, in order:
  i32:5  u64:7  f32:1.5  b32:0xff   a value: i, u, s, b with 8, 16, 32 or 64 bits, f16, bf16, f32, f64
  null                              a null pointer
  in.npy                            an array; the kernel works on a copy of the file
  zeros:f32:1024                    an array of zeros, here 1024 of f32; extents joined by x: 32x64
  empty:f32:32x64                   the same, but reading an element before it is written is reported
  arange:i32:1024                   0, 1, 2, …
  random:f32:1024                   integers from 0 to 99, floats of [0, 1); --seed decides which
  out.npy=zeros:f32:1024            any array, written to out.npy after the launch
Of bf16, e4m3 and e5m2, which NumPy does not have, arrays hold the bits."""

_BITS = {"bf16": "u2", "e4m3": "u1", "e5m2": "u1"}
_NUMBER = re.compile(r"[iusb](8|16|32|64)$")


class Argument:
    """`value` is a number's bytes, an array, or None; `target` is the file it is written to, or None."""

    def __init__(self, text, random):
        self.text, self.target = text, None
        made = text
        if ".npy=" in text:
            self.target, _, made = text.partition("=")
        self.value, self.fresh = _value(made, random, text), made.startswith("empty:")
        if self.target and not isinstance(self.value, np.ndarray):
            raise Error(f"--arg {text}: only an array is written to a file")

    @property
    def passed(self):
        """What the launch is given."""
        return Uninitialised(self.value) if self.fresh else self.value

    @property
    def is_array(self):
        return isinstance(self.value, np.ndarray)

    def save(self):
        if self.target:
            np.save(self.target, self.value)


def numpy_dtype(name):
    """Of a type's name, "f32"; None for another."""
    if name in _BITS:
        return np.dtype(_BITS[name])
    if name in ("f16", "f32", "f64"):
        return np.dtype(f"f{int(name[1:]) // 8}")
    if _NUMBER.match(name):
        return np.dtype(("u" if name[0] in "ub" else "i") + str(int(name[1:]) // 8))
    return None


def _value(made, random, text):
    if made == "null":
        return None
    if made.endswith(".npy"):
        return _read(made)
    kind, _, rest = made.partition(":")
    if kind in ("zeros", "empty", "arange", "random"):
        return _array(kind, rest, random, text)
    if numpy_dtype(kind) is None:
        raise Error(f"--arg {text}: cannot be read.\n{SYNTAX}")
    return _number(kind, rest, text)


def _read(path):
    try:
        return np.ascontiguousarray(np.load(path, allow_pickle=False))
    except (OSError, ValueError) as error:
        raise Error(f"{path} cannot be read as an array: {getattr(error, 'strerror', None) or error}") from None


def _array(kind, rest, random, text):
    name, _, extents = rest.partition(":")
    dtype = numpy_dtype(name)
    if dtype is None or not re.fullmatch(r"\d+(x\d+)*", extents):
        raise Error(f"--arg {text}: wanted {kind}:TYPE:EXTENTS, as {kind}:f32:32x64")
    shape = tuple(int(e) for e in extents.split("x"))
    if kind == "arange":
        return np.arange(int(np.prod(shape))).astype(dtype).reshape(shape)
    if kind == "random" and dtype.kind == "f":
        return random.random(shape).astype(dtype)
    if kind == "random":
        return random.integers(0, 100, shape).astype(dtype)
    return np.zeros(shape, dtype)


def _number(kind, digits, text):
    """Bytes of the value: the parameter must have as many."""
    dtype = numpy_dtype(kind)
    try:
        if kind in ("bf16", "e4m3", "e5m2"):
            return _rounded(kind, float(digits))
        if dtype.kind == "f":
            return np.array(float(digits), dtype).tobytes()
        value = int(digits, 0)
        low, high = (0 if kind[0] == "u" else -(1 << (8 * dtype.itemsize - 1))), 1 << (8 * dtype.itemsize)
        if not low <= value < (high >> 1 if kind[0] in "is" else high):
            raise Error(f"--arg {text}: {value} does not fit {kind}")
        return (value & (high - 1)).to_bytes(dtype.itemsize, "little")
    except (ValueError, OverflowError):
        raise Error(f"--arg {text}: '{digits}' is not a number of type {kind}") from None


def _rounded(kind, value):
    if kind != "bf16":
        raise Error(f"a value of type {kind} is given by its bits, as b8:0x38")
    bits = struct.unpack("<I", struct.pack("<f", value))[0]
    if value == value:
        bits += 0x7FFF + (bits >> 16 & 1)
    return (bits >> 16 & 0xFFFF).to_bytes(2, "little")
