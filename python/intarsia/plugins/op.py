"""intarsia.plugins.op.namespace.name(x, ..., attribute=value): a plugin called by attribute."""

from __future__ import annotations

import difflib

from .. import _intarsia


class _Namespace:
    def __init__(self, name):
        self.__name = name

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        plugin_id = f"{self.__name}::{name}"
        if plugin_id not in _intarsia.plugin_ids():
            names = dir(self)
            near = difflib.get_close_matches(plugin_id, _intarsia.plugin_ids(), 2)
            raise AttributeError(
                f"there is no plugin '{plugin_id}'"
                + (f" (did you mean {' or '.join(map(repr, near))}?)" if near else "")
                + (f"; '{self.__name}' has {', '.join(names)}" if names else "")
            )

        def call(*inputs, **attributes):
            from .. import plugin

            return plugin(plugin_id, list(inputs), **attributes)

        call.__name__, call.__doc__ = name, _intarsia.plugin_schema(plugin_id)
        return call

    def __repr__(self):
        return f"<plugins of '{self.__name}': {', '.join(dir(self))}>"

    def __dir__(self):
        return [i.split("::")[1] for i in _intarsia.plugin_ids() if i.startswith(f"{self.__name}::")]


class _Op:
    """Plugins by namespace and name."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _Namespace(name)

    def __repr__(self):
        return f"<plugins by namespace: {', '.join(dir(self))}>"

    def __dir__(self):
        return sorted({i.split("::")[0] for i in _intarsia.plugin_ids()})


op = _Op()
