"""What must hold on an NVIDIA GPU. tools/gpu/run.py runs this on a machine that has one; elsewhere every test is skipped."""

import os
import pathlib
import re
import subprocess
import sys
from typing import Tuple

import numpy as np
import pytest

import intarsia as ia
import intarsia.language as tl
import intarsia.plugins as trtp

ROOT = pathlib.Path(__file__).resolve().parents[2]
GPU = "cuda:0" in ia.devices()
pytestmark = pytest.mark.skipif(not GPU, reason="no CUDA device")


def test_the_gpu_is_there_when_it_is_expected_and_is_the_default():
    assert ia.default_device() == "cuda:0"


def test_results_live_where_they_are_computed():
    x = ia.Tensor(np.arange(6, dtype=np.float32))
    y = x * 2.0 + 1.0
    assert "cuda" in str(y.device)
    np.testing.assert_array_equal(np.asarray(y), np.arange(6) * 2 + 1)


@ia.jit
def add_kernel(x_ptr, n, y_ptr, BLOCK_SIZE: tl.constexpr):
    i = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    inside = i < n
    tl.store(y_ptr + i, tl.load(x_ptr + i, mask=inside) + 1, mask=inside)


@trtp.register("gpu::add_one")
def add_one(x: trtp.TensorDesc, block_size: int = 256) -> trtp.TensorDesc:
    return x.like()


@trtp.aot_impl("gpu::add_one")
def add_one_aot(x, block_size, outputs, tactic):
    n = x.numel()
    return trtp.launch(add_kernel, x, n, outputs[0], BLOCK_SIZE=block_size).grid(trtp.cdiv(n, block_size))


@pytest.mark.parametrize("dtype", [ia.float32, ia.float16, ia.bfloat16, ia.int32, ia.int64])
def test_one_executable_for_every_extent(dtype):
    n = ia.NamedDimension("n", 0, 1000, 1 << 24)
    exe = ia.compile(lambda x: ia.plugin("gpu::add_one", [x], block_size=256), args=[ia.InputInfo((n,), dtype)])
    for extent in (0, 1, 255, 256, 257, 10**6, 1 << 24):
        x = ia.cast(ia.Tensor((np.arange(extent) % 100).astype(np.int32)), dtype)
        got = np.asarray(ia.cast(exe(x), ia.float32))
        np.testing.assert_array_equal(got, (np.arange(extent) % 100 + 1).astype(np.float32))


def gelu(x):
    from math import erf

    return x * 0.5 * (1 + np.vectorize(erf)(x / np.sqrt(2)))


@pytest.mark.parametrize("rows", [1, 33, 200])
def test_a_small_network(rows):
    rng = np.random.default_rng(0)
    x, w1, b1, w2 = (rng.standard_normal(s).astype(np.float32) for s in ((rows, 64), (64, 96), (96,), (96, 48)))
    weight, bias = np.ones(96, np.float32), np.zeros(96, np.float32)
    t = [ia.Tensor(a) for a in (x, w1, b1, w2, weight, bias)]
    out = ia.gelu(ia.layer_norm(t[0] @ t[1] + t[2], t[4], t[5])) @ t[3] + ia.softmax(t[0] @ t[1][:, :48], dim=-1)
    d = [a.astype(np.float64) for a in (x, w1, b1, w2)]
    h = d[0] @ d[1] + d[2]
    h = (h - h.mean(-1, keepdims=True)) / np.sqrt(h.var(-1, keepdims=True) + 1e-5)
    e = d[0] @ d[1][:, :48]
    e = np.exp(e - e.max(-1, keepdims=True))
    expected = gelu(h) @ d[3] + e / e.sum(-1, keepdims=True)
    got = np.asarray(out).astype(np.float64)
    assert np.linalg.norm(got - expected) / np.linalg.norm(expected) < 2e-6


CASES = {
    "softmax": lambda x: ia.softmax(x, dim=-1),
    "sum": lambda x: ia.sum(x, dim=0),
    "sum_all": lambda x: ia.sum(x),
    "max": lambda x: ia.max(x, dim=1),
    "argmax": lambda x: ia.argmax(x, dim=1),
    "cumulative": lambda x: ia.tanh(x) * ia.sigmoid(x) - ia.exp(-x),
    "transposed": lambda x: ia.permute(x, (1, 0)) + 1.0,
    "matmul": lambda x: x @ ia.permute(x, (1, 0)),
    "slices": lambda x: x[1:, ::2] * 2.0,
    "where": lambda x: ia.where(x > 0.0, x, x * 0.5),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("shape", [(2, 3), (33, 1000), (70, 4097)])
def test_the_gpu_agrees_with_the_cpu(name, shape):
    x = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    on_gpu = np.asarray(CASES[name](ia.Tensor(x)))
    with ia.device("cpu"):
        on_cpu = np.asarray(CASES[name](ia.Tensor(x)))
    if on_cpu.dtype.kind != "f":
        np.testing.assert_array_equal(on_gpu, on_cpu)
    else:
        assert np.linalg.norm(on_gpu - on_cpu) <= 2e-6 * max(1.0, np.linalg.norm(on_cpu))


def test_pytorch_tensors_come_and_go_without_a_copy():
    torch = pytest.importorskip("torch")
    x = torch.arange(1000, device="cuda", dtype=torch.float32)
    y = torch.from_dlpack(ia.Tensor(x) * 3.0)
    assert y.device.type == "cuda" and torch.equal(y, x * 3)
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        a = torch.full((1 << 22,), 2.0, device="cuda")
        for _ in range(20):
            a = a * 1.0
        b = torch.from_dlpack(ia.Tensor(a) + 1.0)
        total = b.sum()
    stream.synchronize()
    assert total.item() == 3.0 * (1 << 22)


def test_kernels_launch_on_pytorch_and_cupy_arrays():
    torch = pytest.importorskip("torch")
    x = torch.arange(1000, device="cuda", dtype=torch.float32)
    y = torch.empty_like(x)
    add_kernel[(tl.cdiv(1000, 256),)](x, 1000, y, BLOCK_SIZE=256)
    assert torch.equal(y, x + 1)
    cp = pytest.importorskip("cupy")
    a = cp.arange(1000, dtype=cp.float32)
    b = cp.empty_like(a)
    add_kernel[(tl.cdiv(1000, 256),)](a, 1000, b, BLOCK_SIZE=256)
    assert bool((b == a + 1).all())


def guide_blocks():
    for guide in (ROOT.parent / "shared" / "design" / "guide.md", ROOT / "build" / "gpu" / "guide.md"):
        if guide.exists():
            return re.findall(r"```py\n(.*?)```", guide.read_text(), re.S)
    pytest.skip("the guide is not beside the project")


@pytest.mark.parametrize("options", [(), ("--triton=real",)])
def test_the_guide_as_printed(tmp_path, options):
    pytest.importorskip("cupy")
    if options:
        pytest.importorskip("triton")
    script = tmp_path / "guide.py"
    script.write_text("from typing import Tuple, Union\n\nimport cupy as cp\nimport nvtripy as tp\n" + "\n".join(guide_blocks()) + "\nprint('the assertion holds')\n")
    env = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    done = subprocess.run([sys.executable, "-m", "intarsia.compat", *options, str(script)], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "the assertion holds" in done.stdout


CUDA_SOURCE = r"""
extern "C" __global__ void add_one(const float* x, int n, float* y) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = x[i] + 1.0f;
}
"""


def test_cuda_cpp_on_the_gpu():
    @trtp.register("gpu::add_cuda")
    def desc(x: trtp.TensorDesc) -> trtp.TensorDesc:
        return x.like()

    @trtp.aot_impl("gpu::add_cuda")
    def aot(x, outputs, tactic):
        n = x.numel()
        return trtp.launch(trtp.CudaSource(CUDA_SOURCE), x, n, outputs[0], entry="add_one").grid(trtp.cdiv(n, 128)).block(128)

    x = np.arange(1000, dtype=np.float32)
    np.testing.assert_array_equal(np.asarray(ia.plugin("gpu::add_cuda", [ia.Tensor(x)])), x + 1)
