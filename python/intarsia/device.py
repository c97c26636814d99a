"""Where code runs and what it is compiled for."""

from __future__ import annotations

import contextvars

from . import _intarsia

_target = contextvars.ContextVar("intarsia_target", default=None)


def current_target():
    """The target being compiled for: inside an `aot_impl` the one of the compilation, else the first CUDA device's, else sm_90a."""
    return _target.get() or _intarsia.cuda_target() or "sm_90a"


def devices():
    """Names of the devices there are: "cpu", "cuda:0"."""
    return _intarsia.devices()


def default_device():
    """Where results are computed: the first CUDA device if there is one, else the CPU."""
    return _intarsia.default_device()


class device:
    """`with intarsia.device("cpu"):` computes results there. Error for a device that is not there, with those that are."""

    def __init__(self, name):
        self.name = "cuda:0" if name in ("cuda", "gpu") else str(name)
        self._before = []

    def __enter__(self):
        self._before.append(_intarsia.default_device())
        _intarsia.set_default_device(self.name)
        return self

    def __exit__(self, *_):
        _intarsia.set_default_device(self._before.pop())

    def __repr__(self):
        return f"device({self.name!r})"
