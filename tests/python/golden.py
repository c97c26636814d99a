"""Golden texts, and kernels made from text."""

import itertools
import linecache
import os
import pathlib
import re

import numpy as np

import intarsia as ia
import intarsia.language as tl
from intarsia.language.jit import JITFunction

FOLDER = pathlib.Path(__file__).parent / "golden"
_count = itertools.count()


def shown(error):
    """The text of an error, with file names made the same everywhere."""
    return re.sub(r"\S*?([\w.<>-]+\.py)(?=:\d)", r"\1", str(error))


def check(name, text):
    """Compares with tests/python/golden/NAME.txt; BLESS=1 writes it."""
    file = FOLDER / f"{name}.txt"
    if os.environ.get("BLESS"):
        FOLDER.mkdir(exist_ok=True)
        file.write_text(text + "\n")
    assert text + "\n" == file.read_text(), f"{file} differs; BLESS=1 rewrites it"


@ia.jit
def wants_constant(N: tl.constexpr):
    return N


@ia.jit
def bad_helper(x):
    return tl.exp(x)


def ordinary(x):
    return x


def kernel_from(text, compat=False):
    """The jit function a text defines, in a file of its own that exists in linecache alone."""
    file = f"kernel_{next(_count)}.py"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    names = {"tl": tl, "wants_constant": wants_constant, "bad_helper": bad_helper, "ordinary": ordinary, "number": 3, "outside_array": np.zeros(3)}
    exec(compile(text, file, "exec"), names)
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    return JITFunction(names["kernel"], compat=compat)
