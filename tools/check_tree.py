#!/usr/bin/env python3
"""Cheap checks of the tree: layers, file sizes, formatting, sorted lists, unfinished marks, machine paths.

Prints one line per check and `N passed, N failed`.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import check_layers

ROOT = Path(__file__).resolve().parent.parent
MAX_LINES = 800


def tracked(*patterns):
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in out.stdout.splitlines() if (ROOT / name).is_file()]


def sources():
    return [p for p in tracked("*.cpp", "*.h", "*.hpp", "*.py") if "corpus" not in p.parts]


def file_sizes():
    return [f"{p.relative_to(ROOT)}: {n} lines, at most {MAX_LINES}" for p in sources()
            if (n := len(p.read_text().splitlines())) > MAX_LINES]


def formatting():
    tool = shutil.which("clang-format-22")
    if not tool:
        return ["clang-format-22 is not installed"]
    files = [str(p) for p in sources() if p.suffix != ".py"]
    out = subprocess.run([tool, "--dry-run", "-Werror", *files], capture_output=True, text=True)
    return sorted({line.split(":")[0] for line in out.stderr.splitlines() if "clang-format-violations" in line})


def sorted_lists():
    bad = []
    for p in tracked("*.inc"):
        names = re.findall(r"^\s*\w+\((\w+)", p.read_text(), re.M)
        if names != sorted(names):
            bad.append(f"{p.relative_to(ROOT)}: not sorted")
    return bad


def unfinished():
    mark = re.compile(r"\b(TODO(?!\(#\d+\))|FIXME|XXX)\b")
    return [f"{p.relative_to(ROOT)}:{n}: {line.strip()}" for p in sources() if p.name != Path(__file__).name
            for n, line in enumerate(p.read_text().splitlines(), 1) if mark.search(line)]


def machine_paths():
    mark = re.compile(r"(?<![\w./])/(work|farm|root|home)/")
    text = tracked("*.cpp", "*.h", "*.hpp", "*.py", "*.md", "*.txt", "*.cmake", "*.json", "*.toml", "dev", ".ci/run")
    return [f"{p.relative_to(ROOT)}:{n}" for p in text if p.name != Path(__file__).name
            for n, line in enumerate(p.read_text(errors="replace").splitlines(), 1) if mark.search(line)]


def changelog():
    head = (ROOT / "CHANGELOG.md").read_text() if (ROOT / "CHANGELOG.md").exists() else ""
    return [] if re.search(r"^## ", head, re.M) else ["CHANGELOG.md has no section"]


def checks_page():
    command = [sys.executable, str(ROOT / "tools" / "gpu" / "checks_page.py"), "--check"]
    stale = subprocess.run(command, capture_output=True, text=True).returncode
    return ["docs/ptx-checks.md is not what bench/results/sanitizer.json gives: python3 tools/gpu/checks_page.py"] if stale else []


CHECKS = {
    "layers": check_layers.problems,
    "file sizes": file_sizes,
    "formatting": formatting,
    "sorted lists": sorted_lists,
    "unfinished marks": unfinished,
    "machine paths": machine_paths,
    "changelog": changelog,
    "checks page": checks_page,
}


def main():
    failed = 0
    for name, check in CHECKS.items():
        bad = check()
        failed += bool(bad)
        print(f"{'FAIL' if bad else 'ok'}: {name}")
        for line in bad[:20]:
            print(f"  {line}")
    print(f"{len(CHECKS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
