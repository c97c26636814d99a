"""Symbolic integers as Python sees them."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import intarsia as ia
from intarsia import Dim, cdiv

n, m = Dim.symbol("n", 0, 1 << 20), Dim.symbol("m", 0, 1 << 20)


def test_one_value_has_one_form():
    assert ia.identical(2 * n, n * 2) and ia.identical(n * 2, n + n)
    assert bool(2 * n == n + n)
    assert "(n + 255) // 256" in str(cdiv(n, 256))


def test_operators_take_numpy_integers_and_are_reflected():
    assert ia.identical(np.int64(3) + n, n + 3)
    assert ia.identical(n * np.int32(4), 4 * n)
    assert (10 - n).evaluate(n=4) == 6
    assert (7 // (n + 1)).evaluate(n=1) == 3
    assert (7 % (n + 2)).evaluate(n=1) == 1


@given(st.integers(-(1 << 40), 1 << 40), st.integers(-(1 << 20), 1 << 20).filter(bool))
def test_division_rounds_as_in_python(a, b):
    x, y = Dim.symbol("x", -(1 << 41), 1 << 41), Dim.symbol("y", -(1 << 21), 1 << 21)
    assert (x // y).evaluate(x=a, y=b) == a // b
    assert (x % y).evaluate(x=a, y=b) == a % b
    assert int(Dim(a) // b) == a // b and int(Dim(a) % b) == a % b


def test_comparisons_are_numbers_in_arithmetic():
    one_if_large = (n >= 3) * 1
    assert [one_if_large.evaluate(n=k) for k in (2, 3, 4)] == [0, 1, 1]
    assert [(1 + (n != 3)).evaluate(n=k) for k in (2, 3)] == [2, 1]
    assert str(n >= 3) == "3 <= n"


def test_comparisons_branch_where_they_are_known():
    assert n >= 0 and n + 1 > n
    assert not n < 0
    with pytest.raises(ia.Error, match=r"cannot decide n == 3 here.*select"):
        bool(n == 3)


def test_constants_fold_and_overflow_is_an_error():
    assert int(Dim(3) * 4) == 12 and Dim(3).is_constant and Dim(3).constant_value() == 3
    with pytest.raises(ia.Error, match="64 bits|overflow"):
        Dim(1 << 62) * 4
    with pytest.raises(ia.Error, match="zero"):
        n // 0
    with pytest.raises(ia.Error, match="n"):
        int(n)


def test_select_min_max_and_numbers_of_other_kinds():
    assert ia.select(n < 3, n, 7).evaluate(n=2) == 2
    assert ia.select(n < 3, n, 7).evaluate(n=9) == 7
    assert ia.dim_min(n, 5).evaluate(n=9) == 5 and ia.dim_max(n, 5).evaluate(n=9) == 9
    with pytest.raises(TypeError):
        n + 1.5
    with pytest.raises(TypeError, match="cdiv takes integers"):
        cdiv(n, "4")


def test_dims_hash_and_survive_pickling():
    assert hash(n + 1) == hash(1 + n)
    copy = pickle.loads(pickle.dumps(cdiv(n * m, 16)))
    assert ia.identical(copy, cdiv(n * m, 16)) and copy.bounds == cdiv(n * m, 16).bounds


def test_errors_point_to_the_line_that_made_them():
    with pytest.raises(ia.Error) as error:
        cdiv(n, 4) // 0
    assert error.value.location.file == __file__
    assert "cdiv(n, 4) // 0" in str(error.value) and "^" in str(error.value)
