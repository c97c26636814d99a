"""Runs on a machine with an NVIDIA GPU: builds the Python extension against the packed libraries, then tests and benchmarks.

    python3 tools/gpu/run.py BUNDLE --out RESULTS [--only tests examples bench answers ptx sanitizer]

Writes RESULTS/gpu.json (device, driver, versions, counts, timings) and RESULTS/gpu.log.
"""

import argparse
import datetime
import json
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import ptx

ROOT = Path(__file__).resolve().parents[2]


class Log:
    def __init__(self, path):
        self.file = path.open("w")

    def run(self, command, env=None, timeout=420):
        command = [str(c) for c in command]
        print("$", " ".join(command), file=self.file, flush=True)
        try:
            done = subprocess.run(command, cwd=ROOT, env={**os.environ, **(env or {})}, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, errors="replace", timeout=timeout)
            code, output = done.returncode, done.stdout
        except subprocess.TimeoutExpired as late:
            code, output = 124, (late.stdout or b"").decode(errors="replace") if isinstance(late.stdout, bytes) else str(late.stdout)
        print(output, file=self.file, flush=True)
        print(f"[exit {code}]", file=self.file, flush=True)
        print(output[-3500:])
        return code, output


def unpack(bundle, folder):
    with tarfile.open(bundle) as archive:
        archive.extractall(folder, filter="data")
    return folder / "prefix"


def versions(log):
    _, smi = log.run(["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"])
    found = {"date": datetime.date.today().isoformat(), "device": smi.strip(), "python": sys.version.split()[0]}
    for name in ("torch", "triton", "cupy", "numpy", "nanobind"):
        code, out = log.run([sys.executable, "-c", f"import {name}; print({name}.__version__)"])
        found[name] = out.strip().splitlines()[-1] if code == 0 else None
    return found


def build(log, prefix, folder):
    for command in (["cmake", "-S", "tools/gpu", "-B", folder / "build", f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Release",
                     f"-DFMT_INCLUDE={prefix}/include", f"-DPython_EXECUTABLE={sys.executable}"],
                    ["cmake", "--build", folder / "build", "-j", str(os.cpu_count())]):
        code, output = log.run(command)
        if code:
            raise SystemExit(f"the extension does not build:\n{output[-4000:]}")


def counts(output):
    found = {kind: 0 for kind in ("passed", "failed", "skipped", "error")}
    for line in reversed(output.splitlines()):
        if re.search(r"\d+ (passed|failed|error)", line):
            for number, kind in re.findall(r"(\d+) (passed|failed|skipped|error)", line):
                found[kind] += int(number)
            break
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parts = ["tests", "examples", "bench", "answers", "ptx", "sanitizer"]
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    parser.add_argument("--seed", type=int, default=0, help="the first random PTX program")
    parser.add_argument("--programs", type=int, default=10000, help="random PTX programs")
    parser.add_argument("--folder", type=Path, default=Path("/tmp/intarsia_gpu"))
    parser.add_argument("--select", help="pytest -k expression")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    log = Log(options.out / "gpu.log")
    results = {"machine": versions(log), "parts": {}}
    prefix = unpack(options.bundle, options.folder)
    build(log, prefix, options.folder)
    library_folder = next(prefix.glob("lib*"))
    env = {"PYTHONPATH": str(ROOT / "python"), "LD_LIBRARY_PATH": f"{library_folder}:{os.environ.get('LD_LIBRARY_PATH', '')}",
           "INTARSIA_EXPECT_GPU": "1"}
    if "tests" in options.only:
        select = ["-k", options.select] if options.select else []
        _, output = log.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *select, "tests/gpu", "tests/python/test_gpu.py"], env)
        results["parts"]["tests"] = counts(output)
    if "examples" in options.only:
        passed = {}
        for script in sorted((ROOT / "examples").rglob("*.py")):
            passed[str(script.relative_to(ROOT))] = log.run([sys.executable, script], env)[0] == 0
        results["parts"]["examples"] = passed
    if "bench" in options.only:
        code, output = log.run([sys.executable, "bench/gpu.py", "--json", str(options.out / "bench.json")], env)
        results["parts"]["bench"] = {"exit": code}
    if "answers" in options.only:
        results["parts"]["answers"] = ptx.answers(log, options.folder, options.out)
    if "ptx" in options.only:
        results["parts"]["ptx"] = ptx.random_programs(log, env, options.folder, options.out, options.seed, options.programs)
    if "sanitizer" in options.only:
        results["parts"]["sanitizer"] = ptx.sanitizer(log, options.folder, options.out)
    (options.out / "gpu.json").write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
