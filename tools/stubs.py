#!/usr/bin/env python3
"""Writes python/intarsia/functions.pyi, the types of the operators' functions, from the operator table.

PYTHONPATH=python tools/stubs.py [--check]
"""

import inspect
import pathlib
import sys

import intarsia.functions as functions

FILE = pathlib.Path(__file__).resolve().parents[1] / "python" / "intarsia" / "functions.pyi"
# By number of ops::AttributeKind; 64 is a number of any kind.
TYPES = {
    1: "bool",
    2: "int",
    3: "float",
    4: "str",
    5: "DTypeLike",
    6: "ShapeLike",
    7: "int | Sequence[int]",
    8: "Sequence[float]",
    9: "Sequence[str]",
    10: "bytes",
    11: "object",
    64: "bool | int | float",
}
HEAD = '''"""Types of the operators' functions. Written by tools/stubs.py from the operator table."""

from collections.abc import Sequence
from typing import Any

from ._intarsia import Dim, Tensor
from .dtypes import dtype

DTypeLike = dtype | str | type
ShapeLike = int | Dim | Sequence[int | Dim]
TensorLike = Tensor | bool | int | float | Sequence[Any] | Any

TABLE: dict[str, dict[str, Any]]

'''


def of_row(row):
    spelled = {
        n: f"{n}: {'Sequence[TensorLike]' if variadic else 'TensorLike'}{' | None = None' if optional else ''}"
        for n, variadic, optional in row["inputs"]
    }
    for name, kind, required, _ in row["attributes"]:
        spelled[name] = f"{name}: {TYPES[kind]}" if required else f"{name}: {TYPES[kind]} | None = ..."
    parameters = [spelled[n] for n in row["parameters"]]
    result = "Tensor" if row["outputs"] == 1 else "list[Tensor]"
    return f'def {row["id"]}({", ".join(parameters)}) -> {result}:\n    """{row["summary"]}"""\n'


def of_function(name, function):
    parameters = [
        f"{p.name}: Any{'' if p.default is p.empty else ' = ...'}"
        for p in inspect.signature(function).parameters.values()
    ]
    result = "bool" if name == "allclose" else "Tensor"
    return f'def {name}({", ".join(parameters)}) -> {result}:\n    """{inspect.getdoc(function).splitlines()[0]}"""\n'


def text():
    parts = [of_row(row) for row in functions.TABLE.values() if row["id"] != "constant"]
    parts += [of_function(n, getattr(functions, n)) for n in functions.__all__ if n not in functions.TABLE]
    return HEAD + "\n".join(parts)


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(
            0 if FILE.read_text() == text() else f"{FILE.name} is not what tools/stubs.py writes: run it"
        )
    FILE.write_text(text())
