"""Golden texts, and kernels made from text."""

import itertools
import linecache
import os
import pathlib
import re
import sys

import numpy as np
import pytest

import intarsia as ia
import intarsia.language as tl
from intarsia.language.jit import JITFunction

FOLDER = pathlib.Path(__file__).parent / "golden"
_count = itertools.count()


def shown(error):
    """The text of an error, with file names made the same everywhere and lines of test files left out."""
    text = re.sub(r"\S*?([\w.<>-]+\.py)(?=:\d)", r"\1", str(error))
    return re.sub(r"(test_\w+\.py|golden\.py|plugin_code\.py):\d+", r"\1:LINE", text)


def messages(*calls):
    """What each call says when it raises an Error: all of them must."""
    texts = []
    for call in calls:
        with pytest.raises(ia.Error) as error:
            call()
        texts.append(shown(error.value))
    return "\n\n".join(texts)


def _without_carets(text):
    """Before Python 3.11 a frame does not know its columns."""
    return re.sub(r"(?m)(^  test_\w+\.py:LINE\n.*\n) +\^+\n?", r"\1", text)


def check(name, text):
    """Compares with tests/python/golden/NAME.txt; BLESS=1 writes it."""
    file = FOLDER / f"{name}.txt"
    if os.environ.get("BLESS"):
        FOLDER.mkdir(exist_ok=True)
        file.write_text(text + "\n")
    wanted, got = file.read_text(), text + "\n"
    if sys.version_info < (3, 11):
        wanted, got = _without_carets(wanted), _without_carets(got)
    assert got == wanted, f"{file} differs; BLESS=1 rewrites it"


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
    names = {
        "tl": tl,
        "wants_constant": wants_constant,
        "bad_helper": bad_helper,
        "ordinary": ordinary,
        "number": 3,
        "outside_array": np.zeros(3),
    }
    exec(compile(text, file, "exec"), names)
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    return JITFunction(names["kernel"], compat=compat)
