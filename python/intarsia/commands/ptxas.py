"""What NVIDIA's assembler says of a text, where there is one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile


def find():
    """The path of ptxas: on PATH, or below CUDA_HOME or CUDA_PATH; None where there is none."""
    folders = [os.path.join(os.environ[v], "bin") for v in ("CUDA_HOME", "CUDA_PATH") if os.environ.get(v)]
    return shutil.which("ptxas") or shutil.which("ptxas", path=os.pathsep.join(folders) or os.devnull)


def assemble(program, text, target, architecture):
    """{"accepted", "output", "entries": {name: {"registers", "shared_bytes", "spill_bytes"}}} for the device. Code of sm_90a is assembled as such."""
    arch = target if target.rstrip("af") == f"sm_{architecture}" else f"sm_{architecture}"
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "text.ptx")
        with open(path, "w") as file:
            file.write(text)
        done = subprocess.run(
            [program, "-v", f"-arch={arch}", path, "-o", os.path.join(folder, "out")],
            capture_output=True,
            text=True,
        )
    output = (done.stdout + done.stderr).replace(path, "FILE").strip()
    return {"accepted": done.returncode == 0, "output": "" if done.returncode == 0 else output, "entries": _resources(output)}


def _resources(output):
    entries, name = {}, None
    for line in output.splitlines():
        if found := re.search(r"Compiling entry function '([^']+)'", line):
            name = found[1]
            entries[name] = {"registers": 0, "shared_bytes": 0, "spill_bytes": 0}
        elif name and (found := re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", line)):
            entries[name]["spill_bytes"] = int(found[1]) + int(found[2])
        elif name and (found := re.search(r"Used (\d+) registers", line)):
            entries[name]["registers"] = int(found[1])
            shared = re.search(r"(\d+) bytes smem", line)
            entries[name]["shared_bytes"] = int(shared[1]) if shared else 0
            name = None
    return entries
