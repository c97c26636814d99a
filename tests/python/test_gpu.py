"""On a CUDA device, where there is one."""

import numpy as np
import pytest

import intarsia as ia
import intarsia.language as tl
import intarsia.plugins as trtp

pytestmark = pytest.mark.skipif("cuda:0" not in ia.devices(), reason="no CUDA device")


@ia.jit
def add_kernel(x_ptr, n, y_ptr, BLOCK_SIZE: tl.constexpr):
    i = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    tl.store(y_ptr + i, tl.load(x_ptr + i, mask=i < n) + 1, mask=i < n)


def test_the_default_device_is_the_gpu():
    assert ia.default_device() == "cuda:0"
    x = ia.iota((3, 4)) * 2.0
    assert x.device == "cuda:0" and x.__dlpack_device__() == (2, 0)
    np.testing.assert_array_equal(np.asarray(x + 1), np.arange(3).repeat(4).reshape(3, 4) * 2.0 + 1)


def test_computing_on_the_cpu_when_asked():
    with ia.device("cpu"):
        assert (ia.iota((4,)) + 1).device == "cpu"


@pytest.mark.parametrize("n", [0, 1, 255, 256, 257, 100_000])
def test_kernels_launch_where_their_arrays_live(n):
    torch = pytest.importorskip("torch")
    x = torch.arange(n, dtype=torch.float32, device="cuda")
    y = torch.zeros_like(x)
    add_kernel[(tl.cdiv(n, 256),)](x, n, y, BLOCK_SIZE=256)
    torch.cuda.synchronize()
    assert torch.equal(y, x + 1)


def test_tensors_are_shared_with_pytorch_without_a_copy():
    torch = pytest.importorskip("torch")
    x = torch.arange(6.0, device="cuda")
    t = ia.Tensor(x)
    assert torch.from_dlpack(t).data_ptr() == x.data_ptr()
    assert torch.equal(torch.from_dlpack(t + 1), x + 1)


def test_a_plugin_of_the_tile_language():
    @trtp.register("test::gpu_add")
    def desc(x: trtp.TensorDesc) -> trtp.TensorDesc:
        return x.like()

    @trtp.aot_impl("test::gpu_add")
    def aot(x, outputs):
        n = x.numel()
        return trtp.launch(add_kernel, x, n, outputs[0], BLOCK_SIZE=256).grid(trtp.cdiv(n, 256))

    assert ia.plugin("test::gpu_add", [ia.iota((1000,))]).tolist() == [i + 1 for i in range(1000)]


def test_autotuned_kernels_are_timed_on_the_device():
    torch = pytest.importorskip("torch")
    from intarsia.compat.triton_autotune import Config, autotune

    @autotune([Config({"BLOCK": b}, num_warps=w) for b, w in ((64, 2), (512, 4), (2048, 8))], key=["n"], reset_to_zero=["y_ptr"])
    @ia.jit
    def accumulate(x_ptr, n, y_ptr, BLOCK: tl.constexpr):
        i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
        tl.store(y_ptr + i, tl.load(y_ptr + i, mask=i < n) + tl.load(x_ptr + i, mask=i < n), mask=i < n)

    n = 100_000
    x, y = torch.arange(n, dtype=torch.float32, device="cuda"), torch.full((n,), 7.0, device="cuda")
    for times in (1, 2):
        accumulate[lambda meta: (tl.cdiv(n, meta["BLOCK"]),)](x, n, y)
        torch.cuda.synchronize()
        assert torch.equal(y, times * x), "the trials start from zeros, and only the first launch times"
    assert len(accumulate.cache) == 1


def test_tactics_of_a_plugin_are_timed_on_the_device():
    @trtp.register("test::gpu_tuned")
    def desc(x: trtp.TensorDesc) -> trtp.TensorDesc:
        return x.like()

    @trtp.autotune("test::gpu_tuned")
    def tune(x, outputs):
        return [trtp.AutoTuneCombination("FP32, FP32", "LINEAR", [64, 512])]

    @trtp.aot_impl("test::gpu_tuned")
    def aot(x, outputs, tactic):
        n = x.numel()
        return trtp.launch(add_kernel, x, n, outputs[0], BLOCK_SIZE=tactic).grid(trtp.cdiv(n, tactic))

    compiled = ia.compile(lambda x: ia.plugin("test::gpu_tuned", [x]), args=[ia.InputInfo((1000,), ia.float32)])
    assert compiled(ia.iota((1000,))).tolist() == [i + 1 for i in range(1000)]
