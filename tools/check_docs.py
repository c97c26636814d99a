#!/usr/bin/env python3
"""Runs every code block of README.md and docs/*.md and every example, and prints `N passed, N failed`.

A block marked ```python runs in the blocks before it of the same page (one process a page); ```cpp is compiled and run
against the build (a block without `main` becomes the body of one). A ```ptx block that begins with `// NAME.ptx` is a file of
the folder in which the page's blocks run, and in which lines of ```sh that begin with `intarsia` do. A block preceded by a line `<!-- not run: why -->` is shown only. A block followed by ```output is compared with it.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "dev"
BLOCK = re.compile(r"(?:<!-- (not run: [^>]+) -->\n+)?^```(\w+)\n(.*?)^```\n(?:\n*^```output\n(.*?)^```\n)?", re.M | re.S)
ENV = {**os.environ, "PYTHONPATH": str(ROOT / "python"), "LD_LIBRARY_PATH": str(BUILD / "src")}


def blocks(page):
    text = page.read_text()
    for found in BLOCK.finditer(text):
        why, language, code, output = found.groups()
        yield language, code, output, why, text[: found.start(3)].count("\n") + 1


def execute(command, want, where, timeout=300, folder=ROOT, status=(0,)):
    try:
        done = subprocess.run(command, cwd=folder, env=ENV, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        return f"{where}: took longer than {timeout} s"
    if done.returncode not in status:
        return f"{where}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-3000:]}"
    if want is not None and done.stdout.strip() != want.strip():
        return f"{where}: printed\n{done.stdout}\nwanted\n{want}"
    return None


def page_folder(page, folder):
    """Where the page's blocks run: the folder with its files, or the repository where it has none."""
    files = [(code.splitlines()[0].removeprefix("// "), code) for language, code, *_ in blocks(page) if language == "ptx"]
    for name, code in files:
        if name.endswith(".ptx"):
            (folder / name).write_text(code)
    return folder if files else ROOT


def run_shell(page, folder):
    """Lines that begin with `intarsia`; a command that finds something at fault ends in 1."""
    results = []
    for language, code, output, why, line in blocks(page):
        commands = code.replace("\\\n", " ").splitlines()
        if language != "sh" or why or not all(c.startswith("intarsia ") for c in commands):
            continue
        script = "\n".join(f"'{sys.executable}' -m {c}" for c in commands)
        results.append(execute(["sh", "-c", script], output, f"{page.relative_to(ROOT)}:{line}", folder=folder, status=(0, 1)))
    return results


def run_python(page, where=ROOT):
    """All Python blocks of a page in one process, so that later ones see what earlier ones defined."""
    parts, wanted = [], ""
    for language, code, output, why, line in blocks(page):
        if language == "python" and not why:
            parts.append("\n" * max(0, line - 1 - "".join(parts).count("\n")) + code)
            wanted += output or ""
    if not parts:
        return []
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / (page.stem + ".py")
        script.write_text("".join(parts))
        return [execute([sys.executable, script], wanted or None, f"{page.relative_to(ROOT)} (python)", folder=where)]


def run_cpp(code, output, where, runs_in=ROOT):
    if "main(" not in code:
        includes = "".join(line + "\n" for line in code.splitlines() if line.startswith("#include"))
        body = "".join(line + "\n" for line in code.splitlines() if not line.startswith("#include"))
        code = f"{includes}int main() {{\n{body}}}\n"
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder) / "block.cpp", Path(folder) / "block"
        source.write_text(code)
        built = subprocess.run(["clang++-22", "-std=c++20", "-O1", "-I", ROOT / "include", "-I", ROOT / "src", "-DFMT_HEADER_ONLY",
                                source, "-o", program, "-L", BUILD / "src", "-lintarsia", "-lintarsia_runtime"],
                               capture_output=True, text=True)
        if built.returncode:
            return f"{where}: does not compile\n{built.stderr[-3000:]}"
        return execute([program], output, where, folder=runs_in)


def run_examples():
    results = []
    for script in sorted((ROOT / "examples").rglob("*.py")):
        results.append(execute([sys.executable, script], None, str(script.relative_to(ROOT))))
    for program in sorted((BUILD / "examples").rglob("example_*")):
        if program.is_file() and os.access(program, os.X_OK):
            results.append(execute([program], None, program.name))
    return results


def main():
    results = []
    only = sys.argv[1:]  # names of pages
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        if not page.exists() or (only and page.name not in only):
            continue
        with tempfile.TemporaryDirectory() as made:
            folder = page_folder(page, Path(made))
            results += run_python(page, folder) + run_shell(page, folder)
            for language, code, output, why, line in blocks(page):
                if language == "cpp" and not why:
                    results.append(run_cpp(code, output, f"{page.relative_to(ROOT)}:{line}", folder))
    results += [] if only else run_examples()
    bad = [r for r in results if r]
    print("\n".join(bad))
    print(f"{len(results) - len(bad)} passed, {len(bad)} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
