"""The source of a kernel function: its text, its syntax tree and where in the user's file it stands."""

from __future__ import annotations

import ast
import hashlib
import inspect
import textwrap

from ..errors import CompileError, Error, Location


class Source:
    """Text and tree of one function, as it was when it was decorated."""

    def __init__(self, function):
        code = function.__code__
        self.file, self.name = code.co_filename, function.__name__
        try:
            lines, first = inspect.getsourcelines(function)
        except (OSError, TypeError):
            where = Location(code, 0)
            raise Error(
                f"the source of '{function.__name__}' cannot be read, and a kernel is made from its source: define it in a "
                "file or a notebook cell (a plain interactive prompt before Python 3.13 keeps no source)",
                where,
            ) from None
        text = "".join(lines)
        self.text = textwrap.dedent(text)
        self.indent = len(lines[0]) - len(lines[0].lstrip())
        self.first = first
        self.lines = [line.rstrip("\n") for line in lines]
        tree = ast.parse(self.text).body[0]
        if not isinstance(tree, ast.FunctionDef):
            raise Error(
                f"'{function.__name__}' is not a plain function: a kernel starts with 'def'",
                self.location(tree),
            )
        self.tree = tree
        self.digest = hashlib.sha256(self.text.encode()).hexdigest()

    def location(self, node):
        """The place of a node, with the columns of the expression."""
        line = self.first + node.lineno - 1
        at = node.lineno - 1
        text = self.lines[at] if at < len(self.lines) else None
        end = node.end_col_offset + self.indent if node.end_lineno == node.lineno else None
        return Location(
            file=self.file, line=line, column=node.col_offset + self.indent, end_column=end, text=text
        )

    def place(self, node):
        """The place in the form kernel IR keeps it: file:line:column."""
        return f"{self.file}:{self.first + node.lineno - 1}:{node.col_offset + self.indent}"


class Rejection(Exception):
    """What is wrong with the expression or statement at hand; the tracer adds where it stands."""


def compile_error(message, source, node, calls=()):
    """The error with the user's line, and the calls that led there from the kernel."""
    return CompileError(
        message, source.location(node), [caller.location(call) for caller, call in reversed(calls)]
    )
