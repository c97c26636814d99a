"""Runs the stages of `./dev test`, cheapest first, and ends in one line: N passed, N failed.

A stage is a command whose output says how many tests it ran: a gtest program, pytest, or any program that prints
`N passed, N failed`. A stage that exits with an error without such a line counts as one failure.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv" / "bin" / "python"
GTEST_PASSED = re.compile(r"^\[  PASSED  \] (\d+) tests?", re.M)
GTEST_FAILED = re.compile(r"^\[  FAILED  \] (\d+) tests?, listed", re.M)
GTEST_SKIPPED = re.compile(r"^\[  SKIPPED \] (\d+) tests?, listed", re.M)
COUNTS = re.compile(r"(\d+) (passed|failed|errors?|skipped)")
THREADED_SUITES = {"base", "runtime", "compiler", "plugins", "frontend", "ptx"}
CORES = len(os.sched_getaffinity(0))


@dataclass
class Total:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list = field(default_factory=list)

    def add(self, name, passed, failed, skipped, output):
        self.passed, self.failed, self.skipped = self.passed + passed, self.failed + failed, self.skipped + skipped
        if failed:
            self.failures.append(name)
            print(output[-8000:])
        print(f"  {name}: {passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""), flush=True)


def run(command, env=None, timeout=1800):
    merged = {**os.environ, "PYTHONPATH": str(ROOT / "python"), **(env or {})}
    try:
        done = subprocess.run([str(c) for c in command], cwd=ROOT, env=merged, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", timeout=timeout)
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired as late:
        return 124, (late.stdout or b"").decode(errors="replace") + f"\ntook longer than {timeout} s"


def gtest_counts(code, output):
    count = lambda pattern: sum(int(n) for n in pattern.findall(output))
    passed, failed, skipped = count(GTEST_PASSED), count(GTEST_FAILED), count(GTEST_SKIPPED)
    return passed, failed or (1 if code else 0), skipped


def line_counts(code, output):
    found = {"passed": 0, "failed": 0, "skipped": 0}
    for line in reversed(output.splitlines()):
        if COUNTS.search(line):
            for number, kind in COUNTS.findall(line):
                found["failed" if kind.startswith("error") else kind] += int(number)
            break
    if code and code != 5 and not found["failed"]:  # pytest gives 5 where nothing was collected
        found["failed"] = 1
    return found["passed"], found["failed"], found["skipped"]


def programs_of(folder, prefix):
    for program in sorted((ROOT / folder).glob(f"{prefix}*")):
        if program.is_file() and os.access(program, os.X_OK):
            yield program.name.removeprefix(prefix), program


class Runner:
    def __init__(self, options):
        self.options, self.total = options, Total()

    def stage(self, title, body):
        if self.options.only and title not in self.options.only:
            return
        print(f"== {title}", flush=True)
        start = time.monotonic()
        body()
        print(f"  ({time.monotonic() - start:.0f} s)", flush=True)

    def counted(self, name, command, counts=line_counts, **how):
        code, output = run(command, **how)
        self.total.add(name, *counts(code, output), output)

    def build(self, preset, *targets):
        code, output = run(["./dev", "build", preset, *targets], timeout=3600)
        self.total.add(f"build {preset}", 0 if code else 1, 1 if code else 0, 0, output)
        return code == 0

    def side_by_side(self, commands, counts, env=None):
        """Runs commands (name -> command) on all cores, and counts them in their order."""
        with ThreadPoolExecutor(CORES) as pool:
            running = {name: pool.submit(run, command, env) for name, command in commands.items()}
            for name, done in running.items():
                code, output = done.result()
                self.total.add(name, *counts(code, output), output)

    def suites(self, preset, only=None, env=None):
        programs = {f"{preset} {name}": [program, "--gtest_brief=1"] for name, program in programs_of(f"build/{preset}/tests", "test_")
                    if only is None or name in only}
        self.side_by_side(programs, gtest_counts, env)

    # The stages ----------------------------------------------------------------------------------------------------

    def tree(self):
        self.counted("tree", [PYTHON, "tools/check_tree.py"])

    def unit(self):
        if self.build("dev"):
            self.suites("dev")

    def golden(self):
        self.counted("golden", [PYTHON, "tools/golden.py"])

    def python(self):
        self.counted("pytest", [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not peers", "tests/python"])

    def docs(self):
        self.counted("docs and examples", [PYTHON, "tools/check_docs.py"])

    def release(self):
        """What users install: built by g++, LLVM static and hidden; its suites, the installed package, the wheel."""
        if self.build("release"):
            self.suites("release")
            self.counted("install", [PYTHON, "tools/check_install.py"], timeout=3600)

    def asan(self):
        if self.build("asan"):
            self.suites("asan", env={"ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1"})

    def fuzz(self):
        if not self.build("asan"):
            return
        commands = {}
        for name, program in programs_of("build/asan/fuzz", "fuzz_"):
            if name in self.options.fuzz_without:
                continue
            seeds, fresh = ROOT / "fuzz" / "corpus" / name, ROOT / "build" / "asan" / "fuzz" / f"found_{name}"
            fresh.mkdir(exist_ok=True)
            commands[f"fuzz {name}"] = [program, f"-max_total_time={self.options.fuzz_seconds}", "-rss_limit_mb=4096", "-timeout=20", "-verbosity=0", "-seed=1",
                                        "-print_final_stats=1", f"-artifact_prefix={fresh}/", fresh, *([seeds] if seeds.exists() else [])]
        self.side_by_side(commands, lambda code, output: (0 if code else 1, 1 if code else 0, 0))

    def tsan(self):
        if self.build("tsan", *(f"test_{name}" for name in THREADED_SUITES)):
            # Blocks that spin on each other's plain stores race by design, and so do the host's threads that run them.
            self.suites("tsan", only=THREADED_SUITES, env={"GTEST_FILTER": "-PtxParallel.*"})

    def peers(self):
        if self.build("dev"):
            self.counted("peers", [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "peers", "tests/python"])


def main():
    parser = argparse.ArgumentParser(prog="./dev test", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="neither the release nor sanitizers nor fuzzing")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--only", nargs="+", metavar="STAGE")
    parser.add_argument("--fuzz-seconds", type=int, default=30)
    parser.add_argument("--fuzz-without", nargs="*", default=[], metavar="TARGET")
    options = parser.parse_args()
    runner = Runner(options)
    quick = ["tree", "unit", "golden", "python", "docs"]
    stages = ["peers"] if options.peers else quick if options.quick else [*quick, "release", "asan", "fuzz", "tsan"]
    for name in options.only or stages:
        runner.stage(name, getattr(runner, name))
    total = runner.total
    if total.failures:
        print("failed: " + ", ".join(total.failures))
    print(f"{total.passed} passed, {total.failed} failed" + (f", {total.skipped} skipped" if total.skipped else ""))
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
