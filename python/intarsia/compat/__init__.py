"""Other systems' names over Intarsia: nvtripy, tensorrt, tensorrt.plugin, triton, triton.language and, where it is missing, cupy.

`python -m intarsia.compat SCRIPT.py` runs a script with them; `install()` gives them to the running process.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys

# Their name -> ours, and whether it has submodules.
_MODULES = {
    "nvtripy": ("nvtripy", False),
    "tensorrt": ("tensorrt", True),
    "tensorrt.plugin": ("tensorrt_plugin", False),
    "triton": ("triton", True),
    "triton.language": ("triton_language", True),
    "triton.language.extra": ("triton_extra", False),
    "triton.compiler": ("triton_compiler", False),
    "triton.runtime": ("triton_runtime", False),
    "triton.backends": ("triton_backends", True),
    "triton.backends.compiler": ("triton_backends", False),
    "cupy": ("cupy", False),
}


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, names):
        self.names = names

    def find_spec(self, fullname, path=None, target=None):
        if fullname not in self.names:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=_MODULES[fullname][1])

    def create_module(self, spec):
        return importlib.import_module(f"{__name__}.{_MODULES[spec.name][0]}")

    def exec_module(self, module):
        """Nothing: the module is ours and was executed under its own name."""


def install(triton="ours"):
    """Makes the names importable. triton="real" leaves Triton's to the installed one, behind an adapter."""
    names = dict(_MODULES)
    if importlib.util.find_spec("cupy") is not None and "cupy" not in sys.modules:
        del names["cupy"]
    if triton == "real":
        from . import real_triton

        for name in list(names):
            if name.split(".")[0] == "triton":
                del names[name]
        real_triton.install()
    elif triton != "ours":
        raise ValueError(f"triton is 'ours' or 'real', not {triton!r}")
    for finder in [f for f in sys.meta_path if isinstance(f, _Finder)]:
        sys.meta_path.remove(finder)
    sys.meta_path.insert(0, _Finder(names))


def missing(module, name):
    """The error for a name of theirs that we do not have."""
    raise AttributeError(f"intarsia.compat has no {module}.{name}")
