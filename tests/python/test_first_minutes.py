"""What a person who knows TensorRT, Tripy, Triton and CuPy tries first. Each is also tested where it belongs."""

import linecache
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

import intarsia as ia
import intarsia.language as tl
import intarsia.plugins as trtp
from plugin_code import fresh

ROOT = pathlib.Path(__file__).resolve().parents[2]

REGISTER = """
@trtp.register(ID)
def add_plugin_desc(inp0: trtp.TensorDesc, block_size: int) -> trtp.TensorDesc:
    return inp0.like()
"""
KERNEL = """
@ia.jit
def add_kernel(x_ptr, n, y_ptr, BLOCK_SIZE: tl.constexpr):
    i = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    tl.store(y_ptr + i, tl.load(x_ptr + i, mask=i < n) + 1, mask=i < n)
"""
IMPLEMENT = """
@trtp.aot_impl(ID)
def add_plugin_aot_impl(inp0, block_size, outputs, tactic):
    n = inp0.numel()
    return trtp.launch(add_kernel, inp0, n, outputs[0], BLOCK_SIZE=block_size).grid(trtp.cdiv(n, block_size))
"""
LOOK = """
print(trtp.op.example.add(ia.iota((3,)), block_size=256).tolist())
"""


class Notebook:
    """Cells as IPython runs them: each time under a new file name."""

    def __init__(self, plugin_id):
        self.names = {"ia": ia, "tl": tl, "trtp": trtp, "ID": plugin_id, "__name__": "__main__"}
        self.count = 0

    def run(self, *cells):
        for text in cells:
            self.count += 1
            name = f"<ipython-input-{self.count}-{abs(hash(text)):x}>"
            linecache.cache[name] = (len(text), None, text.splitlines(True), name)
            exec(compile(text, name, "exec"), self.names)
        return ia.plugin(self.names["ID"], [ia.iota((3,))], block_size=64).tolist()


def test_cells_run_again_and_edited_cells_give_the_new_answer():
    book = Notebook(fresh("cells"))
    assert book.run(REGISTER, KERNEL, IMPLEMENT) == [1, 2, 3]
    assert book.run(REGISTER, IMPLEMENT) == book.run(REGISTER, KERNEL, IMPLEMENT) == [1, 2, 3]
    assert book.run(KERNEL.replace("+ 1", "+ 2")) == [2, 3, 4]
    assert book.run(REGISTER.replace("int)", "int = 64)"), IMPLEMENT) == [2, 3, 4]
    assert ia.plugin(book.names["ID"], [ia.iota((2,))]).tolist() == [2, 3]


def test_an_edited_file_gives_the_new_answer_in_a_new_process(tmp_path):
    script = tmp_path / "add.py"
    head = "import intarsia as ia, intarsia.language as tl, intarsia.plugins as trtp\nID = 'example::add'\n"
    env = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    for step, expected in (("+ 1", "[1.0, 2.0, 3.0]\n"), ("+ 2", "[2.0, 3.0, 4.0]\n")):
        script.write_text(head + REGISTER + KERNEL.replace("+ 1", step) + IMPLEMENT + LOOK)
        done = subprocess.run([sys.executable, script], env=env, capture_output=True, text=True)
        assert done.stdout == expected, done.stderr


def test_ptx_of_a_cuda_compiler_with_the_output_in_the_middle():
    text = (ROOT / "tests" / "ptx" / "cuda" / "blocks.sm80.ptx").read_text()
    plugin_id = fresh("transpose")

    @trtp.register(plugin_id)
    def desc(x: trtp.TensorDesc) -> trtp.TensorDesc:
        out = x.like()
        out.shape_expr = (x.shape_expr[1], x.shape_expr[0])
        return out

    @trtp.aot_impl(plugin_id)
    def aot(x, outputs):
        rows, columns = x.shape_expr
        launch = trtp.launch(text, x, outputs[0], rows, columns, entry="transpose")
        return launch.grid(trtp.cdiv(columns, 32), trtp.cdiv(rows, 32)).block(32, 8)

    x = np.arange(40 * 70, dtype=np.float32).reshape(40, 70)
    np.testing.assert_array_equal(np.asarray(ia.plugin(plugin_id, [x])), x.T)


def test_the_result_of_a_plugin_prints():
    book = Notebook(fresh("prints"))
    book.run(REGISTER, KERNEL, IMPLEMENT)
    out = ia.plugin(book.names["ID"], [ia.iota((2, 2))], block_size=256)
    assert str(out) == "tensor([[1., 1.],\n        [2., 2.]], dtype=f32, shape=[2, 2], device=cpu)"


@pytest.mark.parametrize("n", [0, 1, 98_432])
def test_a_launch_on_arrays_of_numpy(n):
    names = Notebook("").names
    linecache.cache["launch.py"] = (len(KERNEL), None, KERNEL.splitlines(True), "launch.py")
    exec(compile(KERNEL, "launch.py", "exec"), names)
    x, y = np.arange(n, dtype=np.float32), np.zeros(n, np.float32)
    names["add_kernel"][(tl.cdiv(n, 256),)](x, n, y, BLOCK_SIZE=256)
    np.testing.assert_array_equal(y, x + 1)
