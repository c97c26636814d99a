"""Packs what a machine with an NVIDIA GPU needs to run the suite there: libraries with LLVM inside, headers, fmt's headers.

    ./dev gpu [--out build/gpu]

writes OUT/bundle.tar.xz (about 15 MB). Take it and the checkout to the GPU machine and run, there,

    python3 tools/gpu/run.py OUT/bundle.tar.xz --out RESULTS

which needs g++ 12 or later, CMake, Python 3.10 or later with nanobind, NumPy and pytest, and a driver; no LLVM, no CUDA toolkit.
"""

import argparse
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(*command):
    subprocess.run([str(c) for c in command], cwd=ROOT, check=True)


def shared_library(name):
    listing = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        if line.strip().startswith(name) and "x86-64" in line:
            return Path(line.split("=>")[1].strip()).resolve()
    raise SystemExit(f"{name} is not installed")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "gpu")
    options = parser.parse_args()
    run("./dev", "build", "portable", "intarsia", "intarsia_runtime_library")
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        prefix = Path(folder) / "prefix"
        run("cmake", "--install", ROOT / "build" / "portable", "--prefix", prefix, "--strip")
        library_folder = next(prefix.glob("lib*"))
        shutil.copy(shared_library("libtbb.so.12"), library_folder / "libtbb.so.12")
        shutil.copytree("/usr/include/fmt", prefix / "include" / "fmt", dirs_exist_ok=True)
        target = options.out / "bundle.tar.xz"
        with tarfile.open(target, "w:xz", preset=6) as archive:
            archive.add(prefix, "prefix")
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    sys.exit(main())
