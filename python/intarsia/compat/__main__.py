"""python -m intarsia.compat [--triton=ours|real] SCRIPT.py [ARGUMENTS...]"""

from __future__ import annotations

import argparse
import os
import runpy
import sys

from ..errors import Unsupported
from . import install


def main():
    parser = argparse.ArgumentParser(
        prog="python -m intarsia.compat",
        description="Runs a script written for nvtripy, tensorrt, triton or cupy on Intarsia.",
    )
    parser.add_argument(
        "--triton",
        choices=("ours", "real"),
        default="ours",
        help="which Triton compiles kernels: ours, or the installed one",
    )
    parser.add_argument("script")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    if not os.path.isfile(given.script):
        parser.error(f"there is no file '{given.script}'")
    try:
        install(given.triton)
    except Unsupported as error:
        parser.error(error.message)
    sys.argv = [given.script, *given.arguments]
    sys.path.insert(0, os.path.dirname(os.path.abspath(given.script)))
    runpy.run_path(given.script, run_name="__main__")


if __name__ == "__main__":
    main()
