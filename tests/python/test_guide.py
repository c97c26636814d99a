"""The guide's own code, and a script of the same shape, run as a user runs them."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
GUIDE = ROOT.parent / "shared" / "design" / "guide.md"
IMPORTS = "from typing import Tuple, Union\n\nimport cupy as cp\nimport nvtripy as tp\n"


def run(script, *options):
    env = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    done = subprocess.run(
        [sys.executable, "-m", "intarsia.compat", *options, str(script)],
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done


def guide_script(folder):
    if not GUIDE.exists():
        pytest.skip(f"the guide is not beside the project: {GUIDE}")
    blocks = re.findall(r"```py\n(.*?)```", GUIDE.read_text(), re.S)
    assert len(blocks) == 3
    script = folder / "guide.py"
    script.write_text(IMPORTS + "\n".join(blocks) + "\nprint('the assertion holds')\n")
    return script


def test_the_guide_as_printed(tmp_path):
    done = run(guide_script(tmp_path))
    assert "the assertion holds" in done.stdout
    assert done.stderr.count("uses as addresses what its signature declares as scalars") == 1
    assert "interpreter" not in done.stderr


def test_a_script_of_the_same_shape():
    done = run(ROOT / "tests" / "python" / "guide_like.py")
    assert "plugin and operators agree on (3, 100)" in done.stdout


@pytest.mark.peers
@pytest.mark.parametrize("which", ["guide", "guide_like"])
def test_with_the_installed_triton(tmp_path, which):
    pytest.importorskip("triton")
    script = guide_script(tmp_path) if which == "guide" else ROOT / "tests" / "python" / "guide_like.py"
    done = run(script, "--triton=real")
    assert "compiling with Triton" in done.stderr
