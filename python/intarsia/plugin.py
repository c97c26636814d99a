"""intarsia.plugin: a call of a registered plugin."""

from __future__ import annotations

from . import _intarsia
from .errors import Error, Unsupported


def plugin(id, inputs=(), **attributes):
    """Calls a plugin by its id, "namespace::name", with a list of input tensors and its attributes as keyword arguments.

    One output gives a Tensor, several a list. Raises Error at the caller's line: an unknown id (with near matches), unknown, missing
    or ill-typed attributes, shapes and dtypes that do not fit what was registered.
    """
    if not isinstance(id, str):
        raise Error(f'plugin() takes the id of a plugin, "namespace::name", not {id!r}')
    if "::" not in id and any(
        k in attributes for k in ("version", "namespace", "creator_params", "output_info")
    ):
        raise Unsupported(
            "plugins built as TensorRT libraries cannot run without TensorRT: bring the kernel as PTX or CUDA C++ with "
            "intarsia.plugins.register and aot_impl"
        )
    if not isinstance(inputs, (list, tuple)):
        inputs = [inputs]
    return _intarsia.call_plugin(id, list(inputs), attributes)
