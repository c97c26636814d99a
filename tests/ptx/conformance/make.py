#!/usr/bin/env python3
"""Writes the tables of this folder, and its kernels over matrices: make.py [FOLDER].

What they hold was computed by oracle.py, never by the interpreter they test. The other .ptx files are written by hand.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import make_floats  # noqa: E402
import make_integers  # noqa: E402
import make_kernels  # noqa: E402
import make_memory  # noqa: E402
import make_warps  # noqa: E402
import table  # noqa: E402

if len(sys.argv) > 1:
    table.folder = Path(sys.argv[1])
for part in (
    make_integers.arithmetic,
    make_integers.bits,
    make_integers.comparisons,
    make_integers.video,
    make_floats.arithmetic,
    make_floats.halves,
    make_floats.flushing,
    make_floats.approximate,
    make_floats.conversions,
    make_memory.memory,
    make_memory.atomics,
    make_memory.moves,
    make_warps.exchanges,
    make_warps.matrices,
    make_kernels.all_wmma,
    make_kernels.all_wgmma,
    make_kernels.reductions,
):
    part()
