"""The tables of tests/ptx/conformance are what their oracle computes, and PTX that NVIDIA's assembler takes, where there is one."""

import itertools
import pathlib
import re
import subprocess
import sys

import pytest

from intarsia.commands import ptxas

FOLDER = pathlib.Path(__file__).parents[1] / "ptx" / "conformance"


def test_tables_are_what_the_oracle_computes(tmp_path):
    subprocess.run([sys.executable, FOLDER / "make.py", tmp_path], check=True)
    made = sorted(path.name for path in tmp_path.iterdir())
    assert len(made) > 30
    for name in made:
        assert (tmp_path / name).read_text() == (FOLDER / name).read_text(), f"{name}: run {FOLDER.name}/make.py"


def entry(form, number):
    """A kernel around a line of a table; what fills the holes is declared and never defined, which ptxas accepts."""
    registers, count = [], itertools.count()

    def fill(hole):
        role, type = hole[1], hole[2]
        if role in "ms":
            return "[%mem]" if role == "m" else "[%cell]"
        bits = {"pred": 1, "f16x2": 32, "bf16x2": 32, "bf16": 16}.get(type) or int(re.sub(r"\D", "", type))
        kind = "pred" if bits == 1 else type if re.fullmatch("[fus](32|64)", type) else f"b{bits}"
        registers.append(f".reg .{kind} %v{next(count)};")
        return f"%v{len(registers) - 1}"

    body = re.sub(r"<(.):(\w+)>", fill, form)
    head = "ld.param.u64 %mem, [mem]; mov.u32 %cell, cells;"
    return f".visible .entry k{number}(.param .u64 mem) {{ .reg .b64 %mem; .reg .b32 %cell; {' '.join(registers)} {head} {body} ret; }}\n"


def refused(texts, arch):
    """Those of the texts that ptxas does not take, with what it says: all in one module, then one by one if that fails."""
    head = f".version 8.8\n.target {arch}\n.address_size 64\n.shared .align 16 .b8 cells[512];\n"
    program, architecture = ptxas.find(), int(re.sub(r"\D", "", arch))
    if ptxas.assemble(program, head + "".join(texts), arch, architecture)["accepted"]:
        return {}
    if len(texts) == 1:
        return {texts[0]: ptxas.assemble(program, head + texts[0], arch, architecture)["output"]}
    half = len(texts) // 2
    return refused(texts[:half], arch) | refused(texts[half:], arch)


@pytest.mark.skipif(ptxas.find() is None, reason="no ptxas")
@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda p: p.stem)
def test_ptxas_takes_every_form(path):
    forms = {line.split(" | ")[0] for line in path.read_text().splitlines() if line and line[0] != "#"}
    texts = [entry(form, number) for number, form in enumerate(sorted(forms))]
    missing = refused(texts, "sm_90a") if texts else {}
    missing = {text: refused([text], "sm_100a") for text in missing}  # some forms are newer
    assert not any(missing.values()), missing


@pytest.mark.skipif(ptxas.find() is None, reason="no ptxas")
def test_ptxas_takes_every_kernel():
    for path in sorted(FOLDER.glob("*.ptx")):
        said = ptxas.assemble(ptxas.find(), path.read_text(), "sm_90a", 90)
        assert said["accepted"], f"{path.name}: {said['output']}"
