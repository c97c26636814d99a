#!/usr/bin/env python3
"""Compiles every .cu here to PTX for sm_80 and sm_90a with the nvcc on the path; file names in .loc lose their folders."""
import pathlib
import re
import subprocess
import sys

here = pathlib.Path(__file__).parent
for source in sorted(here.glob("*.cu")):
    if len(sys.argv) > 1 and source.stem not in sys.argv[1:]:
        continue
    for arch in ("80", "90a"):
        if arch == "80" and "sm_90" in source.read_text().splitlines()[0]:
            continue
        out = here / f"{source.stem}.sm{arch[:2]}.ptx"
        subprocess.run(["nvcc", "-ptx", f"-arch=sm_{arch}", "-std=c++17", "-lineinfo", source.name, "-o", out.name], cwd=here, check=True)
        out.write_text(re.sub(r'(\.file\s+\d+\s+")[^"]*/', r"\1", out.read_text()))
