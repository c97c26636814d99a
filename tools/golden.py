#!/usr/bin/env python3
"""Golden tests: text in, text out. Prints `N passed, N failed`; BLESS=1 rewrites what was expected.

A file below tests/golden holds one case or several. A case is a line `# RUN: intarsia-opt ARGUMENTS`, the input, a line
`--- out`, the output. Comment lines right below RUN say what the case shows. What the tool writes to stderr is compared too.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / "build" / os.environ.get("PRESET", "dev") / "tools"
RUN = "# RUN: "


def cases(text):
    """Each case as (RUN line and comments, input, expected output)."""
    lines = text.splitlines(keepends=True)
    starts = [i for i, line in enumerate(lines) if line.startswith(RUN)]
    for start, end in zip(starts, starts[1:] + [len(lines)]):
        source, _, expected = "".join(lines[start:end]).partition("--- out\n")
        yield source, expected


def run(source):
    tool, *arguments = shlex.split(source.splitlines()[0][len(RUN) :])
    done = subprocess.run([TOOLS / tool, *arguments], input=source, capture_output=True, text=True, cwd=ROOT, timeout=60)
    return done.stdout + done.stderr + (f"exit {done.returncode}\n" if done.returncode not in (0, 1) else "")


def main(arguments):
    files = [Path(a).resolve() for a in arguments] or sorted((ROOT / "tests" / "golden").rglob("*.txt"))
    passed = failed = 0
    for file in files:
        blessed = []
        for source, expected in cases(file.read_text()):
            actual = run(source)
            blessed.append(f"{source}--- out\n{actual.rstrip()}\n")
            if actual.rstrip() == expected.rstrip():
                passed += 1
            elif not os.environ.get("BLESS"):
                failed += 1
                print(f"{file.relative_to(ROOT)}: {source.splitlines()[0]}\nwanted\n{expected}\nprinted\n{actual}")
        if not blessed:
            failed += 1
            print(f"{file.relative_to(ROOT)}: has no line that starts with '{RUN}'")
        if os.environ.get("BLESS") and blessed:
            file.write_text("\n".join(blessed))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
