"""Where code runs and what it is compiled for."""

from __future__ import annotations

import contextvars

_target = contextvars.ContextVar("intarsia_target", default=None)


def current_target():
    """The target being compiled for: inside an `aot_impl` the one of the compilation, else the first CUDA device's, else sm_90a."""
    return _target.get() or "sm_90a"
