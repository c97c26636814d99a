"""Errors, and the user's line they point to.

A location is recorded as (code object, instruction) and turned into a line with a caret only when the error is shown.
"""

from __future__ import annotations

import linecache
import os
import sys

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep


class Location:
    """A place in the user's source: file, line and, where known, the columns of the expression."""

    __slots__ = ("_code", "_lasti", "_place")

    def __init__(self, code=None, lasti=-1, *, file=None, line=0, column=None, end_column=None, text=None):
        self._code = code
        self._lasti = lasti
        self._place = None if code is not None else (file, line, column, end_column, text)

    @classmethod
    def of_caller(cls):
        """The innermost frame that is not inside this package; None if there is none."""
        frame = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename.startswith((_PACKAGE, "<intarsia.")):
            frame = frame.f_back
        return None if frame is None else cls(frame.f_code, frame.f_lasti)

    def _resolve(self):
        if self._place is None:
            line, end, column, end_column = _position(self._code, self._lasti)
            if end != line:
                end_column = None
            self._place = (self._code.co_filename, line, column, end_column, None)
        return self._place

    @property
    def file(self):
        return self._resolve()[0]

    @property
    def line(self):
        return self._resolve()[1]

    @property
    def text(self):
        """The line itself, without its end; empty if it cannot be read."""
        file, line, _, _, text = self._resolve()
        return (linecache.getline(file, line) if text is None else text).rstrip()

    def __str__(self):
        return f"{self.file}:{self.line}"

    def show(self):
        """File and line, the line, and a caret under the expression."""
        file, line, column, end, _ = self._resolve()
        text = self.text
        shown = f"  {file}:{line}"
        if not text:
            return shown
        body = text.lstrip()
        shift = len(text) - len(body)
        shown += f"\n    {body}"
        if column is not None:
            # Columns count UTF-8 bytes; carets count characters.
            raw = text.encode()
            begin = len(raw[:column].decode(errors="replace")) - shift
            stop = len(body) if end is None else len(raw[:end].decode(errors="replace")) - shift
            if 0 <= begin < len(body):
                shown += "\n    " + " " * begin + "^" * max(1, stop - begin)
        return shown


def _position(code, lasti):
    """(line, end line, column, end column) of an instruction; columns are known from Python 3.11 on."""
    if hasattr(code, "co_positions"):
        for index, place in enumerate(code.co_positions()):
            if index == lasti // 2:
                line, end, column, end_column = place
                if line is not None:
                    return line, end, column, end_column
    line = code.co_firstlineno
    for begin, end, at in code.co_lines():
        if begin <= lasti < end and at is not None:
            line = at
    return line, line, None, None


class Error(Exception):
    """A mistake in what was asked for: says what was given, what was wanted, and the user's line.

    `message` is the sentence alone; `location` is the Location, or None.
    """

    def __init__(self, message, location=None):
        message, place = _split(str(message))
        super().__init__(message)
        self.message = message
        self.location = location or place or Location.of_caller()

    def __str__(self):
        return self.message if self.location is None else f"{self.message}\n{self.location.show()}"


class Unsupported(Error):
    """Something valid that this build, machine or target cannot do."""


class CompileError(Error):
    """A kernel that cannot be compiled: points to the line of the kernel, and to the calls that led there."""

    def __init__(self, message, location=None, calls=()):
        super().__init__(message, location)
        self.calls = list(calls)

    def __str__(self):
        return "\n".join([super().__str__(), *(f"called from\n{c.show()}" for c in self.calls)])


class InternalError(RuntimeError):
    """A broken invariant of Intarsia itself. Please report it."""


class IntarsiaWarning(UserWarning):
    """Something that works, and that its author should know about."""


Error.__module__ = Unsupported.__module__ = CompileError.__module__ = InternalError.__module__ = "intarsia"
IntarsiaWarning.__module__ = "intarsia"


# ---- places in the texts that C++ makes ------------------------------------------------------------------

_BEGIN, _BETWEEN, _END = "\x01", "\x1f", "\x02"


def place(code, lasti):
    """ "file.py:41", of an instruction."""
    return str(Location(code, lasti))


def token(code, lasti):
    """A location as text that survives a C++ error message."""
    file, line, column, end, _ = Location(code, lasti)._resolve()
    parts = (file, line, "" if column is None else column, "" if end is None else end)
    return _BEGIN + _BETWEEN.join(map(str, parts)) + _END


def _of_token(text):
    file, line, column, end = text.split(_BETWEEN)
    return Location(
        file=file,
        line=int(line),
        column=int(column) if column else None,
        end_column=int(end) if end else None,
    )


def _split(message):
    """(message without places, the first place in it or None); later places are written out."""
    if _BEGIN not in message:
        return message, None
    head, _, rest = message.partition(_BEGIN)
    first, _, rest = rest.partition(_END)
    while _BEGIN in rest:
        before, _, after = rest.partition(_BEGIN)
        inner, _, after = after.partition(_END)
        rest = f"{before}{_of_token(inner)}: {after}"
    return head + rest, _of_token(first)
