"""The tables of tests/ptx/conformance are what their oracle computes."""

import pathlib
import subprocess
import sys

FOLDER = pathlib.Path(__file__).parents[1] / "ptx" / "conformance"


def test_tables_are_what_the_oracle_computes(tmp_path):
    subprocess.run([sys.executable, FOLDER / "make.py", tmp_path], check=True)
    made = sorted(path.name for path in tmp_path.iterdir())
    assert len(made) > 30
    for name in made:
        assert (tmp_path / name).read_text() == (FOLDER / name).read_text(), f"{name}: run {FOLDER.name}/make.py"
