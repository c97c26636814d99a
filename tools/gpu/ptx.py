"""The parts of tools/gpu/run.py about PTX: the GPU's answers, random programs, and compute-sanitizer beside our checks."""

import concurrent.futures
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHECKS = ROOT / "tests" / "ptx" / "checks"
TOOLS = ("none", "memcheck", "racecheck", "initcheck", "synccheck")


def run_limited(command, seconds, env=None):
    """Exit code (124: ran out of time), output and seconds. What it started ends with it."""
    start = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen([str(c) for c in command], stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                                   env={**os.environ, "CUDA_CACHE_DISABLE": "1", **(env or {})})
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = 124
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        return code, output.read().decode(errors="replace"), time.monotonic() - start


def answers(log, folder, out):
    """Takes the answers of tests/ptx/cuda again, for both architectures."""
    result = {}
    for arch in ("sm80", "sm90"):
        code, _ = log.run([folder / "build" / "ptx_answer", ROOT / "tests" / "ptx" / "cuda", arch, out / f"answers.{arch}.bin"])
        result[arch] = code
    return result


def random_run(program, first, last, out, seconds):
    """Findings, programs done, where it broke (None: nowhere) and why. What was done before it broke counts."""
    file = out / f"random_{first}.json"
    file.unlink(missing_ok=True)
    code, _, _ = run_limited([program, "programs", first, last, file], seconds)
    if not file.exists():
        return [], 0, first, code
    part = json.loads(file.read_text())
    finished = code in (0, 1) and not part["error"]
    return part["findings"], part["done"], None if finished else part["next"], part["error"] or code


def random_chunk(program, first, last, out, deadline, batch=16):
    """Programs first … last - 1. A batch that breaks the GPU or its assembler is done again one by one."""
    found, broken, done = [], [], 0
    while first < last and time.monotonic() < deadline:
        part, count, at, _ = random_run(program, first, last, out, 45)
        found += part
        done += count
        if at is None:
            break
        first = min(last, at + batch)
        for seed in range(at, first):
            part, count, here, why = random_run(program, seed, seed + 1, out, 10)
            found += part
            done += count
            if here is not None:
                broken.append({"seed": seed, "why": why})
    return found, broken, done


def broken_at(program, seed, out, most=45):
    """The first of a program's outermost statements with which it breaks or hangs the GPU (or its assembler)."""
    for limit in range(most):
        code, output, _ = run_limited([program, "part", seed, limit, out / f"part_{seed}.json"], 10)
        file = out / f"part_{seed}.json"
        error = json.loads(file.read_text())["error"] if code == 1 and file.exists() else ""
        file.unlink(missing_ok=True)
        if code not in (0, 1) or error:
            return {"seed": seed, "limit": limit, "exit": code, "error": error, "statement": output[-3000:]}
    return {"seed": seed, "limit": most, "exit": 0}


def least(program, seed, out, deadline):
    """The least of a program that differs, by level of optimisation of the assembler; None where none does or time ran out."""
    file = out / f"least_{seed}.json"
    code, _, _ = run_limited([program, "reduce", seed, file], max(1, min(60, deadline - time.monotonic())))
    found = json.loads(file.read_text())["findings"] if code in (0, 1) and file.exists() else []
    file.unlink(missing_ok=True)
    return found[0] if found else None


def operations_alone(program, out):
    """Every operation alone, over 1024 operands."""
    code, _, seconds = run_limited([program, "operations", out / "operations.json"], 300)
    result = {"exit": code, "seconds": round(seconds, 1)}
    if (out / "operations.json").exists():
        operations = json.loads((out / "operations.json").read_text())
        result.update({key: operations[key] for key in ("done", "error", "findings")})
    return result


def programs_of(program, scratch, first, count, keep, workers=16, chunk=160, limit=360):
    """`count` programs from seed `first`: those that differ, whole and reduced, and those that break the assembler or the GPU.

    What is known so far goes to the file `keep` whenever there is more.
    """
    start = time.monotonic()
    result = {"first": first, "asked": count, "done": 0, "differ": 0, "seconds": 0, "findings": [], "broken": [], "explained": []}

    def add(findings=(), broken=(), done=0):
        result["findings"] += findings
        result["broken"] += broken
        result.update({"done": result["done"] + done, "differ": len(result["findings"]), "seconds": round(time.monotonic() - start, 1)})
        keep.write_text(json.dumps(result, indent=1) + "\n")

    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        jobs = [pool.submit(random_chunk, program, at, min(at + chunk, first + count), scratch, start + limit)
                for at in range(first, first + count, chunk)]
        for job in concurrent.futures.as_completed(jobs):
            add(*job.result())
        for finding in result["findings"]:
            finding["seed"] = int(finding["name"][1:])
        small = pool.map(lambda f: least(program, f["seed"], scratch, start + limit + 60), result["findings"])
        for finding, reduced in zip(result["findings"], small):
            finding["reduced"] = reduced
        if time.monotonic() < start + limit:
            result["explained"] = list(pool.map(lambda b: broken_at(program, b["seed"], scratch), result["broken"][:8]))
    add()
    return result


def random_programs(log, env, folder, out, first, count):
    """Every operation alone, then `count` programs from seed `first`; all of it goes to random.json."""
    program, scratch = folder / "build" / "ptx_random", folder / "random"
    scratch.mkdir(parents=True, exist_ok=True)
    os.environ.update(env)  # for the threads
    found = {"operations": operations_alone(program, out),
             "programs": programs_of(program, scratch, first, count, out / "programs.json")}
    (out / "random.json").write_text(json.dumps(found, indent=1) + "\n")
    for finding in found["programs"]["findings"]:
        small = finding["reduced"] or {"what": finding["what"], "statement": "not reduced"}
        print(finding["name"], small["what"], small["statement"], sep="\n", file=log.file, flush=True)
    programs = {key: value for key, value in found["programs"].items() if key not in ("findings", "explained")}
    return {"operations": {**found["operations"], "findings": len(found["operations"].get("findings", []))}, "programs": programs}


def one_check(program, tool, name, seconds):
    """What one tool says of one kernel."""
    command = [program, CHECKS, name]
    if tool != "none":
        options = {"memcheck": ["--leak-check", "no"], "racecheck": ["--racecheck-report", "all"], "initcheck": [], "synccheck": []}[tool]
        command = ["compute-sanitizer", "--tool", tool, *options, "--error-exitcode", "9", "--print-limit", "20", *command]
    code, output, took = run_limited(command, seconds)
    lines = [line.strip(" =") for line in output.splitlines() if line.startswith("=========")]
    told = [line for line in lines if line and not line.startswith(("COMPUTE-SANITIZER", "ERROR SUMMARY: 0", "RACECHECK SUMMARY: 0"))]
    return {"kernel": name, "tool": tool, "exit": code, "seconds": round(took, 2), "reported": code == 9 or (tool != "none" and bool(told)),
            "first": " | ".join(told[:3])[:400], "output": "" if lines else output[-300:]}


def sanitizer(log, folder, out, workers=12, seconds=20):
    """Each kernel of tests/ptx/checks under each tool; one JSON for docs/ptx-checks.md."""
    program = folder / "build" / "ptx_checks"
    if shutil.which("compute-sanitizer") is None:
        return {"error": "compute-sanitizer is not installed"}
    _, version, _ = run_limited(["compute-sanitizer", "--version"], 20)
    code, listing, _ = run_limited([program, CHECKS, "--list"], 20)
    if code:
        return {"error": listing}
    names = listing.split()
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        rows = list(pool.map(lambda job: one_check(program, job[1], job[0], seconds), [(n, t) for n in names for t in TOOLS]))
    _, ours, _ = run_limited([program, CHECKS, "--interpret"], 60)
    rows += [json.loads(line) for line in ours.splitlines() if line.startswith("{")]
    for row in rows:
        print(json.dumps(row), file=log.file, flush=True)
    _, device, _ = run_limited(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], 20)
    data = {"device": device.strip(), "version": [line for line in version.splitlines() if line.strip()][-1:], "rows": rows}
    (out / "sanitizer.json").write_text(json.dumps(data, indent=1) + "\n")
    return {"kernels": len(names), "runs": len(rows), "reported": sum(r["reported"] for r in rows), "late": sum(r["exit"] == 124 for r in rows),
            "seconds": round(time.monotonic() - start, 1)}
