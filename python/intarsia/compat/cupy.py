"""cupy where CuPy is not installed: NumPy's arrays under its name."""

import sys

import numpy as _numpy

print("intarsia.compat: CuPy is not installed; 'cupy' gives NumPy's arrays on the CPU", file=sys.stderr)


def asnumpy(a, **options):
    """The array itself: it is NumPy's already."""
    return _numpy.asarray(a)


def __getattr__(name):
    from . import missing

    try:
        return getattr(_numpy, name)
    except AttributeError:
        missing("cupy", name)
