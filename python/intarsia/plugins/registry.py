"""register, impl, aot_impl, autotune: plugins defined by Python functions."""

from __future__ import annotations

import functools
import hashlib
import inspect
import sys

from .. import _intarsia
from ..device import _target
from ..errors import Error, Location
from .descriptors import KernelLaunchParams, Tensor, TensorDesc
from .schema import Schema
from .steps import Steps
from .symbolic import SymExprs

_schemas = {}


def _place(function):
    """(what is shown, what is compared): the same function of the same module, defined again, is one place."""
    code = function.__code__
    module = sys.modules.get(function.__module__)
    file = getattr(module, "__file__", None) or function.__module__
    return f"{code.co_filename}:{code.co_firstlineno}", f"{file}:{function.__qualname__}"


def _schema(plugin_id, what, function):
    found = _schemas.get(plugin_id)
    if found is None or plugin_id not in _intarsia.plugin_ids():
        from difflib import get_close_matches

        near = get_close_matches(plugin_id, _intarsia.plugin_ids(), 2)
        hint = f" (did you mean {' or '.join(map(repr, near))}?)" if near else ""
        raise Error(
            f"{what} of '{plugin_id}': no plugin of that id is registered{hint}; register it first",
            Location(function.__code__, 0),
        )
    return found


def _note(error, text):
    if hasattr(error, "add_note"):
        error.add_note(text)


def _in_stage(plugin_id, stage, call):
    """Calls a user's function; its exceptions pass through with their traceback, and say which plugin and stage they are from."""
    try:
        return call()
    except Exception as error:
        _note(error, f"raised in {stage} of plugin '{plugin_id}'")
        raise


def register(plugin_id, lazy_register=False):
    """Registers a plugin: a function from descriptors of inputs and attributes to descriptors of outputs.

    The schema is read from its signature. Raises Error, naming plugin, parameter and rule, for a signature that cannot be one, and
    where the id is already defined at another place.
    """

    def decorate(function):
        schema = Schema(plugin_id, function)

        def rule(inputs, attributes):
            descs = [TensorDesc._of_native(d) for d in inputs]
            args, kwargs = schema.arguments(function, descs, attributes, {})
            out = _in_stage(plugin_id, "register", lambda: function(*args, **kwargs))
            out = out if isinstance(out, (tuple, list)) else (out,)
            for i, d in enumerate(out):
                if not isinstance(d, TensorDesc):
                    wanted = "a TensorDesc" if schema.outputs == 1 else f"{schema.outputs} TensorDesc"
                    raise Error(
                        f"plugin '{plugin_id}': register must return {wanted}, not {d!r}", schema.location
                    )
            if len(out) != schema.outputs:
                raise Error(
                    f"plugin '{plugin_id}': register returned {len(out)} outputs, its return annotation says {schema.outputs}",
                    schema.location,
                )
            return [d._to_native() for d in out]

        _intarsia.plugin_add(
            {
                "id": plugin_id,
                "inputs": schema.inputs,
                "attributes": schema.attributes,
                "outputs": schema.outputs,
                "place": _place(function),
                "doc": inspect.getdoc(function) or "",
                "rule": rule,
            }
        )
        _schemas[plugin_id] = schema
        function.plugin_id = plugin_id
        return function

    if not isinstance(plugin_id, str):
        raise Error('register takes the plugin\'s id: @register("namespace::name")')
    return decorate


def unregister(plugin_id):
    """Hides a plugin; graphs that use it go on working. False if there was none."""
    _schemas.pop(plugin_id, None)
    return _intarsia.plugin_unregister(plugin_id)


def prefer(plugin_id, implementation):
    """This implementation, by name, goes before all others of the plugin; "" for the order they were registered with."""
    _intarsia.plugin_prefer(plugin_id, implementation)


def _fingerprint(function):
    """A digest of what a function reads from outside: an edited kernel must not meet what was compiled before."""
    digest, seen = hashlib.sha256(), set()

    def add(f):
        code = getattr(f, "__code__", None)
        if code is None or id(code) in seen:
            return
        seen.add(id(code))
        digest.update(code.co_code)
        digest.update(repr([c for c in code.co_consts if not inspect.iscode(c)]).encode())
        for name in code.co_names:
            if name in f.__globals__:
                value(f.__globals__[name])
        for cell in f.__closure__ or ():
            try:
                value(cell.cell_contents)
            except ValueError:
                continue

    def value(v):
        if inspect.ismodule(v):
            return
        source = getattr(v, "source", None)
        if hasattr(source, "digest"):
            digest.update(source.digest.encode())
            add(v.fn)
        elif inspect.isfunction(v):
            add(v)
        elif isinstance(v, (int, float, str, bytes, bool, tuple)):
            digest.update(repr(v).encode())

    add(function)
    return int.from_bytes(digest.digest()[:8], "little")


def aot_impl(plugin_id, *, name="aot_impl", target="any", priority=0):
    """An implementation compiled ahead of time: returns (kernel name, code, KernelLaunchParams, extra arguments), or Steps, or
    what `launch(kernel, ...).grid(...)` gives.

    Parameters are found by name: inputs, any of the attributes, `outputs`, and `tactic` if there is more than one.
    """

    def decorate(function):
        schema = _schema(plugin_id, "aot_impl", function)
        names = schema.bind(function, "aot_impl", ("outputs", "tactic"))

        def body(inputs, attributes, outputs, tactic, compile_target):
            ins, outs = TensorDesc._all_of_native(inputs, outputs)
            args, kwargs = schema.arguments(function, ins, attributes, {"outputs": outs, "tactic": tactic})
            token = _target.set(compile_target if compile_target.startswith("sm_") else None)
            try:
                result = _in_stage(plugin_id, "aot_impl", lambda: function(*args, **kwargs))
            finally:
                _target.reset(token)
            return _steps(plugin_id, result, Location(function.__code__, 0))

        _intarsia.plugin_add_aot_impl(
            plugin_id,
            body,
            name,
            target,
            priority,
            names is None or "tactic" in names,
            functools.partial(_fingerprint, function),
            _place(function),
        )
        return function

    return decorate


def _steps(plugin_id, result, location):
    """What an aot_impl returned, as steps; Error that says what it should have been."""

    def fail(what):
        raise Error(f"plugin '{plugin_id}': {what}", location)

    if isinstance(result, Steps):
        return result._native
    if hasattr(result, "_steps"):
        return result._steps()
    if not isinstance(result, tuple) or len(result) != 4:
        fail(
            f"aot_impl must return (kernel name, code, KernelLaunchParams, extra arguments), not {_shown(result)}"
        )
    name, code, params, extra = result
    if not isinstance(name, (str, bytes)):
        fail(f"the kernel name aot_impl returned must be str or bytes, not {type(name).__name__}")
    if not isinstance(code, (str, bytes, _intarsia.CudaSource, _intarsia.Kernel)) and not hasattr(
        code, "kernel"
    ):
        fail(f"the code aot_impl returned must be str or bytes, not {type(code).__name__}")
    if not isinstance(params, KernelLaunchParams):
        fail(
            f"the launch parameters aot_impl returned must be KernelLaunchParams, not {type(params).__name__}"
        )
    if not isinstance(extra, (SymExprs, tuple, list)):
        fail(f"the extra arguments aot_impl returned must be SymExprs, not {type(extra).__name__}")
    for i, e in enumerate(extra):
        if e is None:
            fail(f"extra argument {i} was never set")
    steps = Steps()
    steps._launch(
        name.decode() if isinstance(name, bytes) else name, [code], params, list(extra), guide_order=True
    )
    return steps._native


def _shown(value):
    return f"a tuple of {len(value)}" if isinstance(value, tuple) else f"a {type(value).__name__}"


def impl(plugin_id, *, name="impl", target="any"):
    """An implementation called at run time with tensors and a stream (0 on the CPU). It writes its outputs and returns nothing.

    Parameters are found by name: inputs, any of the attributes, `outputs`, `stream`, `tactic`.
    """

    def decorate(function):
        schema = _schema(plugin_id, "impl", function)
        names = schema.bind(function, "impl", ("outputs", "stream", "tactic"))
        where = Location(function.__code__, 0)
        if names is not None and "outputs" not in names and schema.outputs > 0:
            raise Error(
                f"plugin '{plugin_id}': impl has no parameter 'outputs', and so nothing to write its results into",
                where,
            )

        def body(inputs, attributes, outputs, stream, tactic):
            extra = {"outputs": tuple(Tensor(t) for t in outputs), "stream": stream, "tactic": tactic}
            args, kwargs = schema.arguments(function, [Tensor(t) for t in inputs], attributes, extra)
            result = _in_stage(plugin_id, "impl", lambda: function(*args, **kwargs))
            if result is not None:
                raise Error(
                    f"plugin '{plugin_id}': impl writes its results into outputs and returns nothing, but it returned {_shown(result)}",
                    where,
                )

        _intarsia.plugin_add_impl(
            plugin_id, body, name, target, names is None or "tactic" in names, _place(function)
        )
        return function

    return decorate


def autotune(plugin_id):
    """Says which dtype and layout combinations and which tactics exist: a list of AutoTuneCombination, or one.

    Parameters are found by name: inputs, any of the attributes, `outputs`.
    """

    def decorate(function):
        schema = _schema(plugin_id, "autotune", function)
        schema.bind(function, "autotune", ("outputs",))

        def body(inputs, attributes, outputs):
            ins, outs = TensorDesc._all_of_native(inputs, outputs)
            args, kwargs = schema.arguments(function, ins, attributes, {"outputs": outs})
            found = _in_stage(plugin_id, "autotune", lambda: function(*args, **kwargs))
            found = [found] if isinstance(found, _intarsia.AutoTuneCombination) else list(found or ())
            for c in found:
                if not isinstance(c, _intarsia.AutoTuneCombination):
                    raise Error(
                        f"plugin '{plugin_id}': autotune must return AutoTuneCombination, not {type(c).__name__}",
                        Location(function.__code__, 0),
                    )
            return found

        _intarsia.plugin_set_autotune(plugin_id, body, _place(function))
        return function

    return decorate
