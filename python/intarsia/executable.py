"""compile: a Python function of tensors, traced once, as an executable for many shapes."""

from __future__ import annotations

import inspect

from . import _intarsia
from ._intarsia import Tensor
from .dtypes import as_dtype, float32
from .errors import Error


class NamedDimension:
    """An extent known when the function is called: at least `min`, at most `max`, tuned for `opt`. Equal names are equal extents."""

    def __init__(self, name, min, opt, max, multiple=1):
        self.name, self.min, self.opt, self.max, self.multiple = (
            name,
            int(min),
            int(opt),
            int(max),
            int(multiple),
        )
        if not 0 <= self.min <= self.opt <= self.max:
            raise Error(
                f"dimension '{name}' has min {min}, opt {opt}, max {max}; wanted 0 <= min <= opt <= max"
            )

    @property
    def bounds(self):
        return self.min, self.opt, self.max

    def __repr__(self):
        return f"NamedDimension({self.name!r}, {self.min}, {self.opt}, {self.max})"


class InputInfo:
    """Shape and dtype of an argument: each extent an integer, (min, opt, max), or a NamedDimension."""

    def __init__(self, shape, dtype=float32):
        shape = shape if hasattr(shape, "__iter__") else (shape,)
        self.shape, self.dtype, self.name = tuple(shape), as_dtype(dtype), ""
        for d in self.shape:
            bounds = isinstance(d, tuple) and len(d) == 3 and all(isinstance(x, int) for x in d)
            number = hasattr(d, "__index__") and not isinstance(d, bool)
            if not (number or bounds or isinstance(d, NamedDimension)):
                raise Error(
                    f"an extent of InputInfo is an integer, (min, opt, max) or a NamedDimension, not {d!r}"
                )
            if number and d < 0:
                raise Error(
                    f"an extent of InputInfo cannot be negative, and {d} is; one that is known later is (min, opt, max) or a NamedDimension"
                )

    def _named(self, name):
        info = InputInfo(self.shape, self.dtype)
        info.name = name
        return info

    @property
    def _dimensions(self):
        out = []
        for axis, d in enumerate(self.shape):
            if isinstance(d, tuple):
                d = NamedDimension(f"{_identifier(self.name)}_{axis}", *d)
            out.append((d.name, d.min, d.opt, d.max, d.multiple) if isinstance(d, NamedDimension) else int(d))
        return out

    def __repr__(self):
        return f"InputInfo({self.shape}, {self.dtype})"


def _identifier(name):
    return "".join(c if c.isalnum() else "_" for c in name)


class DimensionInputInfo:
    """A run-time integer argument."""

    def __init__(self, value_bounds):
        from .errors import Unsupported

        raise Unsupported(
            "integers as arguments of a compiled function are not supported yet: pass a tensor whose extent is the integer"
        )


class Executable:
    """A compiled function: call it with tensors as the function is called."""

    def __init__(self, native, signature, leaves, build, infos):
        self._native, self.__signature__, self._leaves, self._build, self._infos = (
            native,
            signature,
            leaves,
            build,
            infos,
        )
        self._flat = len(signature.parameters) if all(len(path) == 1 for path in leaves) else -1

    def __call__(self, *args, **kwargs):
        if len(args) == self._flat and not kwargs and all(type(a) is Tensor for a in args):
            return self._build(self._native.run(args))
        try:
            bound = self.__signature__.bind(*args, **kwargs)
        except TypeError as error:
            raise Error(f"the compiled function{self.__signature__}: {error}") from None
        return self._build(
            self._native.run([_tensor(_at(bound.arguments, path), path) for path in self._leaves])
        )

    @property
    def input_infos(self):
        """InputInfo by argument."""
        return dict(self._infos)

    def __str__(self):
        return str(self._native)

    def __repr__(self):
        return f"<compiled function of {', '.join(f'{name}: {info}' for name, info in self._infos)}>"


def _tensor(value, path):
    if isinstance(value, Tensor):
        return value
    if hasattr(value, "__dlpack__") or hasattr(value, "__array_interface__"):
        return Tensor(value)
    raise Error(f"argument '{_spelled(path)}' must be a tensor or an array, not {type(value).__name__}")


def _spelled(path):
    return str(path[0]) + "".join(f"[{p!r}]" for p in path[1:])


def _at(arguments, path):
    value = arguments.get(path[0])
    for step in path[1:]:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            raise Error(f"argument '{path[0]}' lacks {_spelled(path)}") from None
    return value


def _map(value, function, path):
    """The value with `function(leaf, path)` in place of everything that is no list, tuple or dict."""
    if isinstance(value, dict):
        return {k: _map(v, function, (*path, k)) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        parts = [_map(v, function, (*path, i)) for i, v in enumerate(value)]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return function(value, path)


def _bound(func, args, kwargs):
    """The signature of a function, and its arguments by name; Error where they do not call it."""
    if not callable(func):
        raise Error(f"compile() takes a function of tensors, not {type(func).__name__}")
    signature = inspect.signature(func)
    try:
        bound = signature.bind(*args, **(kwargs or {}))
    except TypeError as error:
        name = getattr(func, "__name__", type(func).__name__)
        raise Error(
            f"compile: args and kwargs must call {name}{signature}: {error}; give an InputInfo for every tensor"
        ) from None
    return signature, bound


def _results(returned):
    """The tensors that a function returned, in a list, and its containers with their numbers in place of them."""
    results = []

    def output(value, path):
        if not isinstance(value, Tensor):
            raise Error(
                f"a compiled function returns tensors, and containers of them; '{_spelled(('result', *path))}' is {type(value).__name__}"
            )
        results.append(value)
        return len(results) - 1

    shape = _map(returned, output, ())
    return results, shape


def compile(func, optimization_level=3, *, args=(), kwargs=None):
    """Traces `func` on placeholders for every InputInfo in args and kwargs (others stay as they are), compiles what it returns, and gives
    an Executable with the same signature less the arguments that were fixed.

    Raises Error at the user's line for whatever does not fit, as calling the function would.
    """
    signature, bound = _bound(func, args, kwargs)
    infos = []

    def collect(value, path):
        if isinstance(value, InputInfo):
            infos.append((path, value._named(_spelled(path))))

    for name, value in bound.arguments.items():
        _map(value, collect, (name,))
    placeholders = _intarsia.make_placeholders([info for _, info in infos])
    by_path = {path: t for (path, _), t in zip(infos, placeholders)}
    for name, value in bound.arguments.items():
        bound.arguments[name] = _map(value, lambda v, path: by_path.get(path, v), (name,))
    results, shape = _results(func(*bound.args, **bound.kwargs))
    native = _intarsia.compile_traced(placeholders, results, [info for _, info in infos])
    dynamic = {path[0] for path, _ in infos}
    kept = [p for n, p in signature.parameters.items() if n in dynamic]
    return Executable(
        native,
        signature.replace(parameters=kept, return_annotation=signature.empty),
        [path for path, _ in infos],
        lambda values: _map(shape, lambda i, _: values[i], ()),
        [(_spelled(p), i) for p, i in infos],
    )
