"""Statements of a kernel function, one by one, into kernel IR.

Python follows the syntax tree and keeps names; types, promotion, broadcasting and every other rule live in the C++ builder.
"""

from __future__ import annotations

import ast
import types

from .._intarsia import Value
from ..errors import CompileError, Error
from .dtype import constexpr, unwrap
from .expressions import Expressions, Missing, is_static
from .source import Rejection, compile_error

MAX_DEPTH = 64  # of calls to helpers
MAX_UNROLL = 4096

_INSTEAD = {
    ast.Break: "'break' is not part of the tile language: carry a condition in a 'while', or mask the work",
    ast.Continue: "'continue' is not part of the tile language: put the rest of the body under an 'if'",
    ast.FunctionDef: "a function cannot be defined inside a kernel: define it outside, decorated with @intarsia.jit",
    ast.ClassDef: "a class cannot be defined inside a kernel",
    ast.Try: "'try' has no meaning in a kernel: nothing raises there; test the condition with 'if' or tl.where",
    ast.With: "'with' has no meaning in a kernel",
    ast.Raise: "'raise' has no meaning in a kernel: use tl.device_assert",
    ast.Delete: "'del' has no meaning in a kernel: names end with the function",
    ast.Global: "a kernel cannot change globals: return the value, or store it through a pointer",
    ast.Nonlocal: "a kernel cannot change names outside: return the value, or store it through a pointer",
    ast.Import: "import outside the kernel",
    ast.ImportFrom: "import outside the kernel",
}


class Returned:
    """What a block of statements returned."""

    def __init__(self, value):
        self.value = value


class Tracer(Expressions):
    """One kernel under construction: a builder, and the functions being read, innermost last."""

    def __init__(self, builder, compat=False):
        self.builder, self.compat = builder, compat
        self.frames = []  # of functions: names, source, function
        self.node = None
        self.calls = []  # (source, call node) that led to the innermost function
        self.captured = {}  # (id of globals, name) -> (globals, name, value)
        self.functions = []  # every jit function read, for digests
        self.in_loop = 0

    # ---- functions ----------------------------------------------------------------------------------------

    def run(self, function, values):
        """Traces the body of a jit function with these parameter values; its return value."""
        if len(self.frames) >= MAX_DEPTH:
            raise Rejection(
                f"calls nest more than {MAX_DEPTH} deep: recursion must end by constexpr conditions"
            )
        outer = self.names, self.source, self.function, self.node, self.in_loop
        self.frames.append(function)
        self.functions.append(function)
        self.names, self.source, self.function, self.in_loop = dict(values), function.source, function, 0
        try:
            returned = self.block(function.source.tree.body)
        finally:
            self.frames.pop()
            self.names, self.source, self.function, self.node, self.in_loop = outer
        return returned.value if isinstance(returned, Returned) else None

    names, source, function = {}, None, None

    def kernel(self, function, values):
        try:
            self.node = function.source.tree
            if self.run(function, values) is not None:
                self.source, self.node = function.source, function.source.tree
                raise Rejection("a kernel returns nothing: store the result through a pointer")
        except CompileError:
            raise
        except (Rejection, Error) as error:
            raise self.error(error) from None

    def error(self, error):
        """The CompileError for what went wrong at the current node."""
        if isinstance(error, CompileError):
            return error
        message = error.message if isinstance(error, Error) else str(error)
        return compile_error(message, self.source or self.functions[-1].source, self.node, self.calls)

    # ---- statements ---------------------------------------------------------------------------------------

    def block(self, statements):
        """Runs statements in order; Returned where they return."""
        for at, statement in enumerate(statements):
            self.node = statement
            self.builder.line(self.source.place(statement))
            try:
                if isinstance(statement, ast.Return):
                    if self.in_loop:
                        raise Rejection(
                            "'return' inside a loop is not part of the tile language: return after the loop"
                        )
                    return Returned(None if statement.value is None else self.visit(statement.value))
                if isinstance(statement, ast.If):
                    returned = self.branch(statement, statements[at + 1 :])
                    if returned is not None:
                        return returned
                    continue
                self.statement(statement)
            except CompileError:
                raise
            except (Rejection, Error) as error:
                raise self.error(error) from None
        return None

    def statement(self, s):
        handler = getattr(self, "do_" + type(s).__name__, None)
        if handler is None:
            why = _INSTEAD.get(type(s), f"'{type(s).__name__.lower()}' is not part of the tile language")
            raise Rejection(why)
        handler(s)

    def do_Pass(self, s):
        pass

    def do_Expr(self, s):
        if not isinstance(s.value, ast.Constant):
            self.visit(s.value)

    def do_Assign(self, s):
        value = self.visit(s.value)
        for target in s.targets:
            self.assign(target, value)

    def do_AnnAssign(self, s):
        if s.value is None:
            return
        value, kind = self.visit(s.value), self.annotation(s.annotation)
        if kind is constexpr:
            if not is_static(value):
                raise Rejection(
                    f"'{ast.unparse(s.target)}' is declared tl.constexpr, but its value is only known when the kernel runs"
                )
        elif kind is not None:
            value = self.builder.cast(self.value(value), kind.code, False)
        self.assign(s.target, value)

    def do_AugAssign(self, s):
        if not isinstance(s.target, ast.Name):
            raise Rejection(
                "only a plain name can stand left of an augmented assignment: use tl.store to write memory"
            )
        load = ast.copy_location(ast.Name(s.target.id, ast.Load()), s.target)
        self.assign(s.target, self.visit(ast.copy_location(ast.BinOp(load, s.op, s.value), s)))

    def do_Assert(self, s):
        condition = self.visit(s.test)
        message = "" if s.msg is None else str(self.visit(s.msg))
        if not is_static(condition):
            self.builder.device_assert(condition)
        elif not unwrap(condition):
            self.node = s
            raise Rejection(f"assertion failed: {message or ast.unparse(s.test)}")

    def assign(self, target, value):
        self.node = target
        if isinstance(target, ast.Name):
            self.names[target.id] = unwrap(value)
        elif isinstance(target, (ast.Tuple, ast.List)):
            if not isinstance(value, tuple):
                raise Rejection(f"cannot unpack {self.describe(value)} into {len(target.elts)} names")
            if len(value) != len(target.elts):
                raise Rejection(f"{len(value)} values cannot be unpacked into {len(target.elts)} names")
            for one, part in zip(target.elts, value):
                self.assign(one, part)
        elif isinstance(target, ast.Subscript):
            raise Rejection(
                "blocks are values and cannot be assigned to by element: make a new block with tl.where, or use tl.store"
            )
        elif isinstance(target, ast.Attribute):
            raise Rejection("attributes cannot be assigned in a kernel")
        else:
            raise Rejection(f"cannot assign to '{ast.unparse(target)}'")

    # ---- branches -----------------------------------------------------------------------------------------

    def branch(self, s, rest):
        """An if statement. One that may return takes the rest of the block along: Returned then, else None."""
        condition = self.visit(s.test)
        if is_static(condition):
            return self.block(s.body if unwrap(condition) else s.orelse)
        self.node = s.test
        condition = self.builder.condition(condition)
        if not (_returns(s.body) or _returns(s.orelse)):
            self.merge(s, condition, *(self.side(body) for body in (s.body, s.orelse)))
            return None
        if self.in_loop:
            raise Rejection("'return' inside a loop is not part of the tile language: return after the loop")
        return self.returning_branch(s, condition, rest)

    def side(self, statements):
        """One side of a branch, in a region of its own: (region, names afterwards, what it returned)."""
        before, region = dict(self.names), self.builder.enter()
        try:
            returned = self.block(statements)
        finally:
            self.builder.leave()
            names, self.names = self.names, before
        return region, names, returned

    def merge(self, s, condition, then, otherwise):
        """Ends a branch: names that differ between its sides become results of it."""
        changed, left, right = [], [], []
        for name in {**then[1], **otherwise[1]}:
            a, b = (side[1].get(name, Missing(s)) for side in (then, otherwise))
            if a is b or _same(a, b):
                self.names[name] = a
            elif isinstance(a, Missing) or isinstance(b, Missing):
                self.names[name] = Missing(s)
            else:
                changed.append(name)
                left.append(a)
                right.append(b)
        self.node = s
        results = self.join(condition, then[0], left, otherwise[0], right, [f"'{n}'" for n in changed])
        self.names.update(zip(changed, results))

    def join(self, condition, then, left, otherwise, right, what):
        """An `if` with these results on either side; each must have one type."""
        flat_left, flat_right, shapes = [], [], []
        for a, b, name in zip(left, right, what):
            xs, ys = _flatten(a), _flatten(b)
            if len(xs) != len(ys):
                raise Rejection(
                    f"{name} is {self.describe(a)} on one side of the 'if' and {self.describe(b)} on the other"
                )
            for x, y in zip(xs, ys):
                if not (self.is_number(x) and self.is_number(y)):
                    raise Rejection(
                        f"{name} is {self.describe(a)} on one side of the 'if' and {self.describe(b)} on the other: "
                        "a condition known only when the kernel runs cannot choose between them"
                    )
            flat_left += xs
            flat_right += ys
            shapes += [name] * len(xs)
        results = self.builder.if_(condition, then, flat_left, otherwise, flat_right, shapes)
        out, at = [], 0
        for a in left:
            value, at = _unflatten(a, results, at)
            out.append(value)
        return out

    def returning_branch(self, s, condition, rest):
        sides = [
            self.side(list(body) + ([] if _always_returns(body) else list(rest)))
            for body in (s.body, s.orelse)
        ]
        values = [r.value if isinstance(r, Returned) else None for _, _, r in sides]
        self.node = s
        if (values[0] is None) != (values[1] is None):
            raise Rejection("one way through this function returns a value and another returns nothing")
        results = [] if values[0] is None else [[v] for v in values]
        if not results:
            self.join(condition, sides[0][0], [], sides[1][0], [], [])
            return Returned(None)
        return Returned(
            self.join(condition, sides[0][0], results[0], sides[1][0], results[1], ["the returned value"])[0]
        )

    # ---- loops --------------------------------------------------------------------------------------------

    def do_For(self, s):
        if s.orelse:
            raise Rejection("'else' after a loop is not part of the tile language")
        if not isinstance(s.target, ast.Name):
            raise Rejection("a loop has one plain name as its variable")
        bounds = self.loop_bounds(s.iter)
        if isinstance(bounds, tuple):
            self.unroll(s, bounds)
        else:
            self.loop(s, bounds)

    def unroll(self, s, values):
        if len(values) > MAX_UNROLL:
            raise Rejection(
                f"a loop of {len(values)} rounds is too long to unroll: use range() in place of tl.static_range()"
            )
        self.in_loop += 1
        for value in values:
            self.names[s.target.id] = value
            self.block(s.body)
        self.in_loop -= 1

    def loop(self, s, bounds):
        lo, hi, step = bounds.lo, bounds.hi, bounds.step
        self.node = s.iter
        loop = self.builder.loop(lo, hi, step)
        carried = [
            n
            for n in _assigned(s.body)
            if n in self.names and n != s.target.id and not isinstance(self.names[n], Missing)
        ]
        carried, flat, whole = self.carry(carried, s)
        before = dict(self.names)
        region, index, inside = self.builder.enter_loop(loop, flat)
        self.names[s.target.id] = index
        self.loop_body(
            s,
            carried,
            whole,
            inside,
            before,
            lambda *out: self.builder.for_(loop, flat, region, *out, bounds.stages),
        )

    def do_While(self, s):
        if s.orelse:
            raise Rejection("'else' after a loop is not part of the tile language")
        carried = [n for n in _assigned(s.body) if n in self.names and not isinstance(self.names[n], Missing)]
        carried, flat, whole = self.carry(carried, s)
        before = dict(self.names)
        first, inside = self.builder.enter_while(flat)
        self.bind(carried, whole, inside)
        try:
            self.node = s.test
            condition = self.visit(s.test)
            self.node = s.test
            if is_static(condition):
                raise Rejection(
                    "this condition never changes: a 'while' needs one that depends on values its body assigns"
                )
            condition = self.builder.condition(condition)
        finally:
            self.builder.leave()
        second, inside = self.builder.enter_while(flat)
        self.loop_body(
            s,
            carried,
            whole,
            inside,
            before,
            lambda *out: self.builder.while_(flat, first, condition, second, *out),
        )

    def loop_body(self, s, carried, whole, inside, before, finish):
        """The body of a loop in the region just entered; `finish` makes the loop of what goes round, and gives its results."""
        self.bind(carried, whole, inside)
        self.in_loop += 1
        try:
            self.block(s.body)
        finally:
            self.builder.leave()
            self.in_loop -= 1
        after, self.names = self.names, before
        self.node = s
        yields, what = self.carried_out(carried, whole, after)
        self.bind(carried, whole, finish(yields, what))
        for name in after:
            if name not in before:
                self.names[name] = Missing(s)

    def carry(self, names, s):
        """Values that go round a loop: names that hold numbers and blocks, and their values in one list."""
        kept, flat, whole = [], [], []
        for name in names:
            parts = _flatten(self.names[name])
            if all(self.is_number(p) for p in parts):
                values = [self.value(p) for p in parts]
                whole.append(_unflatten(self.names[name], values, 0)[0])
                kept.append(name)
                flat += values
        return kept, flat, whole

    def bind(self, names, whole, flat):
        at = 0
        for name, like in zip(names, whole):
            self.names[name], at = _unflatten(like, flat, at)

    def carried_out(self, names, whole, after):
        yields, what = [], []
        for name, like in zip(names, whole):
            parts = _flatten(after[name])
            if len(parts) != len(_flatten(like)) or not all(self.is_number(p) for p in parts):
                raise Rejection(
                    f"'{name}' is {self.describe(like)} before the loop and {self.describe(after[name])} at its end"
                )
            yields += parts
            what += [name] * len(parts)
        return yields, what


def _returns(statements):
    return any(isinstance(n, ast.Return) for s in statements for n in ast.walk(s))


def _always_returns(statements):
    if not statements:
        return False
    last = statements[-1]
    if isinstance(last, ast.Return):
        return True
    return isinstance(last, ast.If) and _always_returns(last.body) and _always_returns(last.orelse)


def _assigned(statements):
    """Names these statements assign, in order, once each."""
    names = {}
    for s in statements:
        for node in ast.walk(s):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names[node.id] = True
    return list(names)


def _flatten(value):
    return [x for part in value for x in _flatten(part)] if isinstance(value, tuple) else [value]


def _unflatten(like, flat, at):
    if not isinstance(like, tuple):
        return flat[at], at + 1
    parts = []
    for part in like:
        value, at = _unflatten(part, flat, at)
        parts.append(value)
    return tuple(parts), at


def _same(a, b):
    if isinstance(a, (Missing, Value)) or isinstance(b, (Missing, Value)):
        return False
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(x is y or _same(x, y) for x, y in zip(a, b))
    return type(a) is type(b) and not isinstance(a, types.FunctionType) and a == b


__all__ = ["Tracer", "Rejection"]
