"""triton.language.extra: libdevice under its name, as far as the tile language has it."""

from types import SimpleNamespace

import intarsia.language as _tl

libdevice = SimpleNamespace(
    **{
        n: getattr(_tl, n)
        for n in "tanh erf exp exp2 log log2 sqrt rsqrt sin cos floor ceil abs fma div_rn sqrt_rn".split()
    }
)


def __getattr__(name):
    from . import missing

    missing("triton.language.extra", name)
