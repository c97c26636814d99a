#!/usr/bin/env python3
"""Installs the release build, builds an example against it with find_package, and the wheel in a fresh environment.

Prints `N passed, N failed`.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SMOKE = "import intarsia as ia; print((ia.iota((2, 2)) + 1).tolist())"


def run(*command, cwd=ROOT, env=None):
    merged = {k: v for k, v in {**os.environ, **(env or {})}.items() if k != "PYTHONPATH"}
    done = subprocess.run([str(c) for c in command], cwd=cwd, env=merged, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stdout[-6000:]}")
    return done.stdout


def release_build():
    run("./dev", "build", "release")


def no_llvm_symbols():
    library = next((ROOT / "build" / "release" / "src").glob("libintarsia.so.*"))
    names = run("nm", "-D", "--defined-only", library)
    shown = [line for line in names.splitlines() if "4llvm" in line or "LLVM" in line]
    if shown:
        raise RuntimeError(f"{len(shown)} LLVM symbols are visible, for example {shown[0]}")


def find_package(folder):
    run("cmake", "--install", ROOT / "build" / "release", "--prefix", folder / "prefix")
    run("cmake", "-S", ROOT / "examples" / "elementwise_add_plugin", "-B", folder / "example", "-G", "Ninja",
        f"-DCMAKE_PREFIX_PATH={folder / 'prefix'}", "-DCMAKE_BUILD_TYPE=Release")
    run("cmake", "--build", folder / "example")
    program = next(p for p in (folder / "example").iterdir() if p.name.startswith("example_") and os.access(p, os.X_OK) and p.is_file())
    run(program)


def pip_install(folder):
    run(sys.executable, "-m", "venv", folder / "venv")
    python = folder / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", ROOT,
        env={"CMAKE_CXX_COMPILER_LAUNCHER": "ccache", "CCACHE_BASEDIR": str(ROOT), "CCACHE_NOHASHDIR": "1"})
    run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "numpy")
    printed = run(python, "-c", SMOKE, cwd=folder)
    if printed.strip() != "[[1.0, 1.0], [2.0, 2.0]]":
        raise RuntimeError(f"the installed package printed {printed!r}")


def main():
    passed = failed = 0
    folder = Path(tempfile.mkdtemp())
    for name, step in [("release build", release_build), ("LLVM is hidden", no_llvm_symbols),
                       ("find_package", lambda: find_package(folder)), ("pip install .", lambda: pip_install(folder))]:
        try:
            step()
            passed += 1
            print(f"ok: {name}", flush=True)
        except (RuntimeError, StopIteration) as error:
            failed += 1
            print(f"FAIL: {name}\n{error}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
