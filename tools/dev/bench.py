"""Runs the benchmarks of bench/ and rewrites bench/RESULTS.md from what they print.

    ./dev bench              all of them
    ./dev bench elementwise  one

Peers that are not installed are left out; `./dev test --peers` installs them. Results of GPU runs are data in bench/results/.
"""

import datetime
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "bench" / "results"
SCRIPTS = ["overhead", "elementwise"]  # bench/NAME.py prints its rows as JSON on the last line
PROGRAMS = ["evaluate", "ptx"]  # bench/NAME.cpp does the same


def cpu_name():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.processor()


def flags():
    text = Path("/proc/cpuinfo").read_text()
    return "AVX-512" if "avx512f" in text else "AVX2" if "avx2" in text else "SSE"


def build():
    subprocess.run(["cmake", "--preset", "dev", "-DINTARSIA_BENCH=ON"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([ROOT / "dev", "build", "dev"], cwd=ROOT, check=True)


def run(name):
    env = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    command = [ROOT / "build" / "dev" / "bench" / f"bench_{name}"] if name in PROGRAMS else [sys.executable, ROOT / "bench" / f"{name}.py"]
    done = subprocess.run(command, cwd=ROOT / "bench", env=env, stdout=subprocess.PIPE, text=True, check=True)
    rows = json.loads(done.stdout.splitlines()[-1])
    RESULTS.mkdir(exist_ok=True)
    data = {"machine": f"{cpu_name()}, {flags()}", "date": datetime.date.today().isoformat(), "rows": rows}
    (RESULTS / f"{name}.json").write_text(json.dumps(data, indent=2) + "\n")


def shown(value):
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, dict):
        return ", ".join(f"{k} {shown(v)}" for k, v in value.items())
    if isinstance(value, list):
        return ", ".join(shown(v) for v in value)
    return str(value)


def write_page():
    page = ["# Benchmarks", "", "Written by `./dev bench` from `bench/results/`; nothing here is typed by hand. Ratios above 1 are ours; losses stand as they are.", ""]
    for path in sorted(RESULTS.glob("*.json")):
        data = json.loads(path.read_text())
        if not all("work" in row for row in data.get("rows", [{}])):  # results of tests lie there too
            continue
        machine = data.get("machine") or f"{data.get('device')}, PyTorch {data.get('torch')}"
        page += [f"## {path.stem}", "", f"{machine}" + (f", {data['date']}" if "date" in data else ""), ""]
        for row in data["rows"]:
            rest = "; ".join(f"{k}: {shown(v)}" for k, v in row.items() if k != "work" and v is not None)
            page.append(f"- **{row['work']}** — {rest}")
        page.append("")
    (ROOT / "bench" / "RESULTS.md").write_text("\n".join(page))


if __name__ == "__main__":
    names = sys.argv[1:] or [*SCRIPTS, *PROGRAMS]
    if unknown := [name for name in names if name not in SCRIPTS + PROGRAMS]:
        sys.exit(f"no benchmark {', '.join(unknown)}; there are {', '.join(SCRIPTS + PROGRAMS)}")
    build()
    for name in names:
        run(name)
    write_page()
    print((ROOT / "bench" / "RESULTS.md").read_text())
