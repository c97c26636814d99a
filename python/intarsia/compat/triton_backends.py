"""triton.backends.compiler: what a target is."""

from __future__ import annotations

import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class GPUTarget:
    """A kind of device, as GPUTarget("cuda", 90, 32)."""

    backend: str
    arch: int | str
    warp_size: int


compiler = sys.modules[__name__]


def __getattr__(name):
    from . import missing

    missing("triton.backends", name)
