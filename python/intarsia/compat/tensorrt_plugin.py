"""tensorrt.plugin: intarsia.plugins has every name of it."""

from intarsia.plugins import *  # noqa: F403
from intarsia.plugins import __all__  # noqa: F401


def __getattr__(name):
    import intarsia.plugins

    from . import missing

    return getattr(intarsia.plugins, name, None) or missing("tensorrt.plugin", name)
