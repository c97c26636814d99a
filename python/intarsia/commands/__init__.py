"""The command line: `intarsia COMMAND …`, or `python -m intarsia COMMAND …`.

Exit status: 0 where all is well, 1 where a command found what it looks for (a kernel at fault, a text that does not run),
2 where it was asked wrongly.
"""

from __future__ import annotations

import argparse
import os
import sys


def main(arguments=None):
    """Runs one command; returns the exit status."""
    from .. import __version__
    from ..errors import Error
    from . import ptx

    parser = argparse.ArgumentParser(prog="intarsia", description="A tensor compiler; here, its tools.")
    parser.add_argument("--version", action="version", version=f"intarsia {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    ptx.add_to(commands)
    given = parser.parse_args(arguments)
    try:
        return given.run(given)
    except Error as error:
        print(f"intarsia: {error.message}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # `intarsia … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
