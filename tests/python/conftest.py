"""Fixtures of the Python tests."""

import pathlib
import re
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import golden as golden_texts  # noqa: E402


@pytest.fixture
def golden():
    """Compares a text with the golden one of that name."""
    return lambda name, text: golden_texts.check(name, re.sub(r"kernel_\d+\.py", "kernel.py", text))
