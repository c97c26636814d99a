"""Colours, where somebody sees them."""

from __future__ import annotations

import os
import sys

_CODES = {"bad": "1;31", "good": "1;32", "note": "1;33", "head": "1", "place": "36", "dim": "2"}


class Terminal:
    """Writes lines to stdout. `when`: "auto" (a terminal, and NO_COLOR is not set), "always" or "never"."""

    def __init__(self, when="auto"):
        auto = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        self._coloured = when == "always" or (when == "auto" and auto)

    def paint(self, style, text):
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self._coloured else str(text)

    def line(self, text=""):
        print(text)

    def report(self, report):
        """A finding of a launch: what, who, where."""
        x = ", ".join(map(str, report.thread))
        b = ", ".join(map(str, report.block))
        self.line(f"{self.paint('bad', report.kind)}: {report.what}")
        more = f" and {report.count - 1} more" if report.count > 1 else ""
        self.line(f"  kernel {report.kernel}, block ({b}), thread ({x}){more}")
        self.line(f"  {self.paint('place', f'line {report.line}')}: {report.instruction}")
        if report.source:
            self.line(f"  {self.paint('place', report.source)}")
