"""Expressions of a kernel function: compile-time values are computed by Python, everything else by the builder."""

from __future__ import annotations

import ast
import builtins as python
import difflib
import operator
import types

from .._intarsia import Value
from ..dtypes import dtype, of_code
from ..errors import CompileError, Error
from .dtype import constexpr, pointer_type, unwrap
from .source import Rejection

_BINARY = {
    ast.Add: ("add", operator.add),
    ast.Sub: ("sub", operator.sub),
    ast.Mult: ("mul", operator.mul),
    ast.Div: ("truediv", operator.truediv),
    ast.FloorDiv: ("floordiv", operator.floordiv),
    ast.Mod: ("mod", operator.mod),
    ast.Pow: ("pow", operator.pow),
    ast.BitAnd: ("and", operator.and_),
    ast.BitOr: ("or", operator.or_),
    ast.BitXor: ("xor", operator.xor),
    ast.LShift: ("shl", operator.lshift),
    ast.RShift: ("shr", operator.rshift),
}
_COMPARE = {
    ast.Eq: ("eq", operator.eq),
    ast.NotEq: ("ne", operator.ne),
    ast.Lt: ("lt", operator.lt),
    ast.LtE: ("le", operator.le),
    ast.Gt: ("gt", operator.gt),
    ast.GtE: ("ge", operator.ge),
}
_UNARY = {
    ast.USub: ("neg", operator.neg),
    ast.UAdd: ("pos", operator.pos),
    ast.Invert: ("invert", operator.invert),
}
_STATIC_COMPARE = {
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}
_INSTEAD = {
    ast.Lambda: "a lambda cannot stand in a kernel: define a function outside, decorated with @intarsia.jit",
    ast.ListComp: "a comprehension is not part of the tile language: use a block (tl.arange) or tl.static_range",
    ast.GeneratorExp: "a generator is not part of the tile language: use a block (tl.arange) or tl.static_range",
    ast.Dict: "a dict is not part of the tile language",
    ast.Set: "a set is not part of the tile language",
    ast.Await: "'await' has no meaning in a kernel",
    ast.Yield: "'yield' has no meaning in a kernel",
}
_PYTHON_CALLS = {
    "len",
    "isinstance",
    "hasattr",
    "getattr",
    "tuple",
    "list",
    "str",
    "repr",
    "type",
    "round",
    "divmod",
    "sum",
    "all",
    "any",
}


class Missing:
    """Stands for a name that only some of the ways to this point have assigned."""

    def __init__(self, why):
        self.why = why


def is_static(value):
    """Known when the kernel is compiled."""
    if isinstance(value, tuple):
        return all(is_static(v) for v in value)
    return not isinstance(value, (Value, Method))


class Method:
    """A method of a block: `x.to`, `x.sum`."""

    def __init__(self, name, function, value):
        self.name, self.function, self.value = name, function, value


class Loop:
    """Bounds of a loop that runs when the kernel runs."""

    def __init__(self, lo, hi, step=1, stages=0):
        self.lo, self.hi, self.step, self.stages = lo, hi, step, stages


class Expressions:
    """Visits expressions; the tracer of statements builds on it."""

    def visit(self, node):
        outer, self.node = self.node, node
        handler = getattr(self, "on_" + type(node).__name__, None)
        if handler is None:
            raise Rejection(
                _INSTEAD.get(type(node), f"'{ast.unparse(node)}' is not part of the tile language")
            )
        value = handler(node)
        self.node = outer
        return value

    # ---- values -------------------------------------------------------------------------------------------

    def value(self, x):
        """A number or block as a value of the kernel."""
        x = unwrap(x)
        if isinstance(x, Value):
            return x
        if isinstance(x, (bool, int, float)):
            return self.builder.constant(x)
        raise Rejection(f"a number or block is wanted here, not {self.describe(x)}")

    def is_number(self, x):
        return isinstance(unwrap(x), (Value, bool, int, float))

    def describe(self, x):
        """How messages call a value."""
        x = unwrap(x)
        if isinstance(x, Value):
            return x.type
        if x is None or isinstance(x, (bool, int, float, str)):
            return repr(x)
        if isinstance(x, tuple):
            return "a tuple of " + str(len(x))
        if isinstance(x, types.ModuleType):
            return f"module '{x.__name__}'"
        if isinstance(x, Method):
            return f"the method '.{x.name}' (it needs parentheses)"
        return f"'{getattr(x, '__name__', None) or x!r}'"

    def type_of(self, x):
        """The type as kernels see it: a dtype, or a pointer_type."""
        t = of_code(x.dtype)
        return pointer_type(t) if x.is_pointer else t

    # ---- names and constants ------------------------------------------------------------------------------

    def on_Constant(self, node):
        if isinstance(node.value, (complex, bytes)):
            raise Rejection(f"{type(node.value).__name__} constants are not part of the tile language")
        return node.value

    def on_Name(self, node):
        name = node.id
        if name in self.names:
            value = self.names[name]
            if isinstance(value, Missing):
                line = self.source.first + value.why.lineno - 1
                raise Rejection(
                    f"'{name}' is not assigned on every way to this point: give it a value before line {line}"
                )
            return value
        function = self.function.fn
        closure = dict(zip(function.__code__.co_freevars, function.__closure__ or ()))
        if name in closure:
            value = closure[name].cell_contents
        elif name in function.__globals__:
            value = function.__globals__[name]
            self.captured[id(function.__globals__), name] = (function.__globals__, name, value)
        elif hasattr(python, name):
            return getattr(python, name)
        else:
            near = difflib.get_close_matches(name, [*self.names, *function.__globals__], 2)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise Rejection(f"name '{name}' is not defined{hint}")
        return self.outside(name, value)

    def outside(self, name, value):
        """A value from outside the kernel; what has no meaning inside is refused."""
        if self.compat and isinstance(value, (int, float)) and not isinstance(value, bool):
            raise Rejection(
                f"'{name}' is a global number: Triton's kernels may only read globals that are tl.constexpr; "
                f"write {name} = tl.constexpr({value!r}) outside"
            )
        value = unwrap(value)
        if isinstance(value, list):
            return tuple(value)
        if type(value).__module__ in ("numpy", "torch") and hasattr(value, "__array__"):
            raise Rejection(f"'{name}' is an array from outside the kernel: pass it as an argument")
        return value

    def annotation(self, node):
        """constexpr, a dtype, or None where the annotation says nothing we know."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node = ast.copy_location(ast.parse(node.value, mode="eval").body, node)
        try:
            value = self.visit(node)
        except Rejection:
            return None
        if value is constexpr or isinstance(value, dtype):
            return value
        return None

    # ---- operators ----------------------------------------------------------------------------------------

    def on_BinOp(self, node):
        return self.binary(node.op, self.visit(node.left), self.visit(node.right))

    def binary(self, op, a, b):
        if type(op) not in _BINARY:
            raise Rejection("'@' is not part of the tile language: use tl.dot(a, b)")
        name, function = _BINARY[type(op)]
        a, b = unwrap(a), unwrap(b)
        if is_static(a) and is_static(b):
            return self.static(function, a, b)
        for x in (a, b):
            if not self.is_number(x):
                raise Rejection(f"'{name}' needs numbers or blocks, not {self.describe(x)}")
        return self.builder.binary(name, a, b)

    def static(self, function, *values):
        try:
            return function(*values)
        except CompileError:
            raise
        except Exception as error:
            raise Rejection(f"{type(error).__name__} while computing a compile-time value: {error}") from None

    def on_UnaryOp(self, node):
        value = unwrap(self.visit(node.operand))
        if isinstance(node.op, ast.Not):
            return not value if is_static(value) else self.builder.logical_not(value)
        name, function = _UNARY[type(node.op)]
        if is_static(value):
            return self.static(function, value)
        return value if name == "pos" else self.builder.unary(name, value)

    def on_Compare(self, node):
        if len(node.ops) > 1:
            left, middle = ast.unparse(node.left), ast.unparse(node.comparators[0])
            rest = ast.unparse(node.comparators[1])
            ops = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
            first, second = (ops.get(type(o), "?") for o in node.ops[:2])
            raise Rejection(
                f"comparisons cannot be chained: write ({left} {first} {middle}) & ({middle} {second} {rest})"
            )
        op, a, b = node.ops[0], unwrap(self.visit(node.left)), unwrap(self.visit(node.comparators[0]))
        if type(op) in _STATIC_COMPARE:
            if isinstance(op, (ast.In, ast.NotIn)) and not is_static((a, b)):
                raise Rejection("'in' needs values that are known when the kernel is compiled")
            return self.static(_STATIC_COMPARE[type(op)], a, b)
        name, function = _COMPARE[type(op)]
        if is_static(a) and is_static(b):
            return self.static(function, a, b)
        if a is None or b is None or isinstance(a, str) or isinstance(b, str):
            return isinstance(op, ast.NotEq)
        return self.builder.binary(name, a, b)

    def on_BoolOp(self, node):
        is_and = isinstance(node.op, ast.And)
        result = unwrap(self.visit(node.values[0]))
        for operand in node.values[1:]:
            if is_static(result):
                if bool(result) != is_and:
                    return result
                result = unwrap(self.visit(operand))
                continue
            result = self.builder.logical("and" if is_and else "or", result, unwrap(self.visit(operand)))
        return result

    def on_IfExp(self, node):
        condition = unwrap(self.visit(node.test))
        if is_static(condition):
            return self.visit(node.body if condition else node.orelse)
        self.node = node.test
        condition = self.builder.condition(condition)
        regions, values = [], []
        for side in (node.body, node.orelse):
            regions.append(self.builder.enter())
            try:
                values.append(self.visit(side))
            finally:
                self.builder.leave()
        self.node = node
        return self.join(
            condition, regions[0], [values[0]], regions[1], [values[1]], ["the value of this 'if' expression"]
        )[0]

    # ---- compounds ----------------------------------------------------------------------------------------

    def on_Tuple(self, node):
        out = []
        for item in node.elts:
            if isinstance(item, ast.Starred):
                out += self.visit(item.value)
            else:
                out.append(unwrap(self.visit(item)))
        return tuple(out)

    on_List = on_Tuple

    def on_NamedExpr(self, node):
        value = self.visit(node.value)
        self.assign(node.target, value)
        return value

    def on_JoinedStr(self, node):
        return "".join(str(self.visit(v)) for v in node.values)

    def on_FormattedValue(self, node):
        value = unwrap(self.visit(node.value))
        if not is_static(value):
            raise Rejection(
                "only values known when the kernel is compiled can stand in an f-string: use tl.device_print"
            )
        return value

    def on_Subscript(self, node):
        value = unwrap(self.visit(node.value))
        if not isinstance(value, Value):
            return self.static(operator.getitem, value, self.visit(node.slice))
        items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        axes = []
        for item in items:
            if isinstance(item, ast.Constant) and item.value is None:
                axes.append(None)
            elif isinstance(item, ast.Slice) and item.lower is item.upper is item.step is None:
                axes.append(slice(None))
            else:
                raise Rejection(
                    f"a block is indexed with ':' and None alone, as in x[:, None]; '{ast.unparse(item)}' would take "
                    "elements out of it: load what you need, or reduce with a mask"
                )
        return self.builder.index(value, [a is None for a in axes])

    def on_Slice(self, node):
        return slice(
            *(None if part is None else self.visit(part) for part in (node.lower, node.upper, node.step))
        )

    def on_Attribute(self, node):
        value = unwrap(self.visit(node.value))
        if not isinstance(value, Value):
            try:
                found = getattr(value, node.attr)
            except AttributeError:
                raise Rejection(self.unknown(value, node.attr)) from None
            return (
                found
                if isinstance(value, dtype) or not isinstance(value, types.ModuleType)
                else self.outside(node.attr, found)
            )
        if node.attr in ("dtype", "type"):
            return self.type_of(value)
        if node.attr == "shape":
            return tuple(value.shape)
        if node.attr == "T":
            return self.builder.transpose(value, list(reversed(range(len(value.shape)))))
        from . import METHODS

        if node.attr in METHODS:
            return Method(node.attr, METHODS[node.attr], value)
        raise Rejection(
            f"a block has no attribute '{node.attr}'; it has dtype, shape, T, {', '.join(sorted(METHODS))}"
        )

    def unknown(self, value, name):
        near = difflib.get_close_matches(name, [n for n in dir(value) if not n.startswith("_")], 3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        return f"{self.describe(value)} has no '{name}'{hint}"

    # ---- calls --------------------------------------------------------------------------------------------

    def on_Call(self, node):
        function = unwrap(self.visit(node.func))
        args, kwargs = [], {}
        for a in node.args:
            if isinstance(a, ast.Starred):
                args += self.visit(a.value)
            else:
                args.append(unwrap(self.visit(a)))
        for k in node.keywords:
            if k.arg is None:
                raise Rejection("'**' in a call is not part of the tile language: write the arguments out")
            kwargs[k.arg] = unwrap(self.visit(k.value))
        self.node = node
        self.builder.line(self.source.place(node))
        return self.call(function, args, kwargs)

    def call(self, function, args, kwargs):
        from . import PYTHON

        if isinstance(function, Method):
            args, function = [function.value, *args], function.function
        if python.callable(function) and getattr(python, getattr(function, "__name__", ""), None) is function:
            name = function.__name__
            if name in PYTHON and not is_static((*args, *kwargs.values())):
                function = PYTHON[name]
            elif name in ("min", "max", "abs", "int", "float", "bool", "print", *_PYTHON_CALLS):
                return self.static(lambda: function(*args, **kwargs))
        if hasattr(type(function), "call_in_kernel"):  # a word of the tile language, a jit function
            return function.call_in_kernel(self, args, kwargs)
        if isinstance(function, (dtype, type)) and is_static((*args, *kwargs.values())):
            return self.static(lambda: function(*args, **kwargs))
        if getattr(function, "__module__", None) == "math" and is_static((*args, *kwargs.values())):
            return self.static(lambda: function(*args, **kwargs))
        if isinstance(function, types.FunctionType):
            raise Rejection(
                f"'{function.__name__}' is an ordinary Python function: decorate it with @intarsia.jit to call it in a kernel"
            )
        raise Rejection(f"{self.describe(function)} cannot be called in a kernel")

    def inline(self, function, values):
        self.calls.append((self.source, self.node))
        result = self.run(function, values)
        self.calls.pop()
        return result

    def loop_bounds(self, node):
        """What a `for` goes over: a tuple of compile-time values to unroll, or a Loop."""
        from . import Builtin, static_range

        if not isinstance(node, ast.Call):
            value = unwrap(self.visit(node))
            if isinstance(value, tuple):
                return value
            raise Rejection("a loop goes over range(), tl.range(), tl.static_range() or a tuple")
        function = unwrap(self.visit(node.func))
        name = "range" if function is python.range else getattr(function, "name", "")
        if not (
            function is python.range or isinstance(function, Builtin) and name in ("range", "static_range")
        ):
            value = unwrap(self.visit(node))
            if isinstance(value, tuple):
                return value
            raise Rejection("a loop goes over range(), tl.range(), tl.static_range() or a tuple")
        args = [unwrap(self.visit(a)) for a in node.args]
        options = {k.arg: unwrap(self.visit(k.value)) for k in node.keywords}
        if not 1 <= len(args) <= 3:
            raise Rejection(f"{name}() takes one to three bounds, {len(args)} are given")
        lo, hi, step = (0, args[0], 1) if len(args) == 1 else (*args, 1)[:3]
        step = options.pop("step", step)
        for option in options:
            if option not in RANGE_OPTIONS:
                raise Rejection(
                    f"tl.range() has no option '{option}'; it has {', '.join(sorted(RANGE_OPTIONS))}"
                )
        if function is static_range:
            if not is_static((lo, hi, step)):
                raise Rejection(
                    "tl.static_range() needs bounds that are known when the kernel is compiled: use range()"
                )
            return self.static(lambda: tuple(python.range(lo, hi, step)))
        if isinstance(step, int) and step == 0:
            raise Rejection("the step of a loop must not be 0")
        return Loop(lo, hi, step, options.get("num_stages") or 0)


RANGE_OPTIONS = {
    "num_stages",
    "loop_unroll_factor",
    "flatten",
    "disallow_acc_multi_buffer",
    "warp_specialize",
    "disable_licm",
}

__all__ = ["Expressions", "Loop", "Method", "is_static", "Error"]
