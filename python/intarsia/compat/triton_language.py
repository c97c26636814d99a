"""triton.language: the tile language has its names."""

import intarsia.language as _language
from intarsia.language import *  # noqa: F403
from intarsia.language import constexpr, dtype, pointer_type, tensor  # noqa: F401

for _name in dir(_language):
    if not _name.startswith("_"):
        globals()[_name] = getattr(_language, _name)
del _name


def __getattr__(name):
    from . import missing

    missing("triton.language", name)
