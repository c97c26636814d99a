"""Writes docs/ptx-checks.md from bench/results/sanitizer.json: what our checks and compute-sanitizer say of the same kernels.

    python3 tools/gpu/checks_page.py [--check]

--check: ends with 1 where the page is not what the data gives.
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "bench" / "results" / "sanitizer.json"
PAGE = ROOT / "docs" / "ptx-checks.md"
KERNELS = ROOT / "tests" / "ptx" / "checks"
TOOLS = ("memcheck", "racecheck", "initcheck", "synccheck")
START = """# Checks beside compute-sanitizer

Kernels that are wrong on purpose, and legal ones that look like them, under our checks on the CPU and under compute-sanitizer on a GPU. Each
kernel is a file of [tests/ptx/checks](../tests/ptx/checks/kernels.txt); its first line says what is wrong, a mark which line is to be reported.
This page is made from `bench/results/sanitizer.json` (`python3 tools/gpu/checks_page.py`), which `./dev gpu` takes on a machine with a GPU.

Times: ours of reading, decoding and running the kernel, on one core, all checks on; compute-sanitizer's of the
process, as a user waits for it, twelve at a time. **Bold**: the kernel was reported. `late`: not ended after 20 seconds. Driver: what the launch
alone says, without a tool.

An assembler may change what is wrong before a tool sees it: an access whose result nobody uses is gone on a GPU, and is checked here.
"""


def cell(row):
    if row is None:
        return ""
    if row["tool"] == "intarsia":
        text = f"{1000 * row['seconds']:.2f} ms"
    else:
        text = "late" if row["exit"] == 124 else f"{row['seconds']:.1f} s"
    return f"**{text}**" if row["reported"] else text


def driver_cell(row):
    if row is None:
        return ""
    return "late" if row["exit"] == 124 else "**error**" if row["exit"] else "ran"


def table(rows, kind):
    names = [name for name in dict.fromkeys(r["kernel"] for r in rows) if name.startswith(kind)]
    found = {(r["kernel"], r["tool"]): r for r in rows}
    lines = ["| kernel | what it does | intarsia | driver | " + " | ".join(TOOLS) + " |", "|---|---|---|---|" + "---|" * len(TOOLS)]
    for name in names:
        what = (KERNELS / f"{name}.ptx").read_text().splitlines()[0].removeprefix("// ").rstrip(".")
        cells = [f"`{name.split('/')[1]}`", what, cell(found.get((name, "intarsia"))), driver_cell(found.get((name, "none")))]
        lines.append("| " + " | ".join(cells + [cell(found.get((name, tool))) for tool in TOOLS]) + " |")
    return "\n".join(lines)


def summary(rows):
    broken = {r["kernel"] for r in rows if r["kernel"].startswith("broken/")}
    ours = {r["kernel"] for r in rows if r["tool"] == "intarsia" and r["reported"]}
    theirs = {r["kernel"] for r in rows if r["tool"] in TOOLS and r["reported"]}
    missing = sorted(broken & theirs - ours)
    false = sorted((ours | theirs) - broken)
    lines = [f"Of {len(broken)} broken kernels intarsia reports {len(broken & ours)}, compute-sanitizer with its four tools {len(broken & theirs)}.",
             f"Reported by compute-sanitizer and not by intarsia: {', '.join(f'`{n}`' for n in missing) or 'none'}.",
             f"Legal kernels that are reported: {', '.join(f'`{n}`' for n in false) or 'none'}."]
    return "\n".join(lines)


def page():
    data = json.loads(DATA.read_text())
    rows = data["rows"]
    return "\n".join([START, f"compute-sanitizer: {' '.join(data['version'])}; {data.get('device', 'NVIDIA H100')}.\n", summary(rows) + "\n",
                      "## Broken\n", table(rows, "broken/") + "\n", "## Legal\n", table(rows, "legal/") + "\n"])


def main():
    text = page()
    if "--check" in sys.argv[1:]:
        return 0 if PAGE.exists() and PAGE.read_text() == text else 1
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
