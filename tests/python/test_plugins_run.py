"""Plugins that run functions of the process, and code of others."""

from typing import Tuple

import numpy as np
import pytest

import intarsia as ia
import intarsia.language as tl
import intarsia.plugins as trtp
from plugin_code import PTX, foreign, fresh


def test_impl_runs_a_function_of_the_process():
    plugin_id = fresh("impl")

    @trtp.register(plugin_id)
    def desc(x: trtp.TensorDesc, y: trtp.TensorDesc) -> Tuple[trtp.TensorDesc, trtp.TensorDesc]:
        return x.like(), y.like()

    @trtp.impl(plugin_id)
    def run(x: trtp.Tensor, y: trtp.Tensor, outputs: Tuple[trtp.Tensor], stream: int):
        assert stream == 0 and x.shape == (4,) and x.strides == (1,) and x.dtype is ia.float32
        np.asarray(outputs[0])[:] = np.asarray(x) * 2
        np.from_dlpack(outputs[1])[:] = np.asarray(y) + 1

    a, b = ia.plugin(plugin_id, [ia.iota((4,)), ia.Tensor([1, 2])])
    assert a.tolist() == [0, 2, 4, 6] and b.tolist() == [2, 3]


def test_an_output_that_shares_its_inputs_memory():
    """TensorRT's sample of an addition in place, in three forms: a function, a kernel, PTX in the guide's order."""
    function, kernel, ptx = fresh("in_place"), fresh("in_place"), fresh("in_place")

    for plugin_id in (function, kernel, ptx):

        @trtp.register(plugin_id)
        def desc(inp0: trtp.TensorDesc, delta: int) -> trtp.TensorDesc:
            return inp0.aliased()

    @trtp.impl(function)
    def run(inp0, delta, outputs, stream):
        assert outputs[0].data_ptr == inp0.data_ptr
        np.asarray(inp0)[1:] += delta

    @trtp.aot_impl(kernel)
    def aot(inp0, delta, outputs):
        assert outputs[0].is_aliased and outputs[0].get_aliased() is inp0 and not inp0.is_aliased
        return trtp.launch(add_in_place, inp0, delta, inp0.numel(), BLOCK=64).grid(
            trtp.cdiv(inp0.numel(), 64)
        )

    @trtp.aot_impl(ptx)
    def aot_ptx(inp0, delta, outputs):
        n = inp0.numel()
        params = trtp.KernelLaunchParams(grid_x=trtp.cdiv(n, 128), block_x=128)
        return "add_one", PTX, params, trtp.SymIntExprs.from_tuple((trtp.SymInt32(n - 1),))

    x = ia.Tensor([1.0, 2.0, 3.0]) * 2.0
    for plugin_id, expected in ((function, [2, 5, 7]), (kernel, [2, 5, 7]), (ptx, [3, 5, 6])):
        out = ia.plugin(plugin_id, [x], delta=1)
        assert (out.tolist(), (x + 0.0).tolist()) == (expected, [2, 4, 6])
    with pytest.raises(ia.Error, match="input itself"):
        trtp.from_shape_expr((2,), ia.float32).aliased()


@ia.jit
def add_in_place(x_ptr, delta, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = (i < n) & (i > 0)
    tl.store(x_ptr + i, tl.load(x_ptr + i, mask=inside) + delta, mask=inside)


def test_registering_again_from_the_same_place_replaces():
    plugin_id = fresh("again")
    for factor in (2, 5):

        @trtp.register(plugin_id)
        def desc(x: trtp.TensorDesc) -> trtp.TensorDesc:
            return x.like()

        @trtp.impl(plugin_id)
        def run(x, outputs, stream):
            np.asarray(outputs[0])[:] = np.asarray(x) * factor

        assert ia.plugin(plugin_id, [ia.Tensor([1.0])]).tolist() == [factor]


def test_a_plugin_without_inputs_and_one_with_many():
    count, total = fresh("count"), fresh("total")

    @trtp.register(count)
    def count_desc(n: int) -> trtp.TensorDesc:
        return trtp.from_shape_expr((n,), ia.int64)

    @trtp.impl(count)
    def count_impl(n, outputs, stream):
        np.asarray(outputs[0])[:] = np.arange(n)

    @trtp.register(total)
    def total_desc(*xs: trtp.TensorDesc) -> trtp.TensorDesc:
        return xs[0].like()

    @trtp.impl(total)
    def total_impl(*xs, outputs, stream):
        np.asarray(outputs[0])[:] = sum(np.asarray(x) for x in xs)

    assert ia.plugin(count, [], n=5).tolist() == [0, 1, 2, 3, 4]
    x = ia.Tensor([1.0, 2.0])
    for n in (1, 2, 5):
        assert ia.plugin(total, [x] * n).tolist() == [n, 2 * n]
    with pytest.raises(ia.Error, match="xs"):
        ia.plugin(total, [])


def test_shapes_from_symbols():
    plugin_id = fresh("shapes")

    @trtp.register(plugin_id)
    def desc(x: trtp.TensorDesc) -> trtp.TensorDesc:
        n, m, k = x.shape_expr
        out = x.like()
        out.shape_expr = (2 * n, m + 1, trtp.cdiv(k, 4))
        out.dtype = ia.int32
        return out

    out = ia.plugin(plugin_id, [ia.zeros((3, 4, 9))])
    assert out.shape == (6, 5, 3) and out.dtype is ia.int32
    shapes = []
    dims = [ia.NamedDimension(n, 1, 8, 64) for n in "nmk"]

    @trtp.impl(plugin_id)
    def run(x, outputs, stream):
        np.asarray(outputs[0])[:] = 0

    exe = ia.compile(lambda x: ia.plugin(plugin_id, [x]), args=[ia.InputInfo(tuple(dims))])
    for shape in ((1, 2, 3), (5, 6, 7), (8, 1, 64)):
        shapes.append(exe(np.zeros(shape, np.float32)).shape)
    assert shapes == [(2, 3, 1), (10, 7, 2), (16, 2, 16)]


@pytest.mark.parametrize("form", [str, str.encode], ids=["str", "bytes"])
def test_ptx_runs_without_a_gpu(form):
    x = ia.iota((300,))
    np.testing.assert_array_equal(
        np.asarray(ia.plugin(foreign(form(PTX), form("add_one")), [x])), np.arange(300) + 1
    )


def test_arguments_in_another_order():
    text = PTX.replace(
        ".param .u64 x, .param .u32 n, .param .u64 y", ".param .u64 y, .param .u64 x, .param .u32 n"
    )
    out = ia.plugin(foreign(text, order=lambda x, n, y: (y, x, trtp.SymInt32(n))), [ia.iota((300,))])
    np.testing.assert_array_equal(np.asarray(out), np.arange(300) + 1)


CUDA = """
template <class T> __global__ void add(T* y, const T* x, int n, float by) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = x[i] + T(by);
}
"""


def test_cuda_source_with_a_template_and_arguments_in_another_order():
    plugin_id = fresh("cuda")

    @trtp.register(plugin_id)
    def desc(x: trtp.TensorDesc, by: float) -> trtp.TensorDesc:
        return x.like()

    @trtp.aot_impl(plugin_id)
    def aot(x, by, outputs):
        n = x.numel()
        source = trtp.CudaSource(CUDA, name="add.cu")
        return (
            trtp.launch(source, outputs[0], x, n, by, entry="add<float>").grid(trtp.cdiv(n, 128)).block(128)
        )

    try:
        out = ia.plugin(plugin_id, [ia.iota((300,))], by=2.5).tolist()
    except ia.Unsupported as error:
        pytest.skip(f"no NVRTC here: {error.message}")
    assert out == [i + 2.5 for i in range(300)]


def test_values_that_do_not_fit_32_bits():
    exe = ia.compile(
        lambda x: ia.plugin(foreign(extra=lambda n: [trtp.SymInt32(n * (1 << 30))]), [x]),
        args=[ia.InputInfo((ia.NamedDimension("n", 0, 1, 5),))],
    )
    with pytest.raises(ia.Error, match=r"n.*does not fit|32"):
        exe(ia.iota((3,)))


@ia.jit
def halve_kernel(x_ptr, n, y_ptr, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y_ptr + i, tl.load(x_ptr + i, mask=i < n) * 0.5 + 1.0, mask=i < n)


@pytest.mark.parametrize("change", ["", "\n"], ids=["as printed", "changed"])
def test_ptx_of_our_own_is_a_kernel_until_somebody_changes_it(change):
    plugin_id = fresh("own")

    @trtp.register(plugin_id)
    def desc(x: trtp.TensorDesc) -> trtp.TensorDesc:
        return x.like()

    @trtp.aot_impl(plugin_id)
    def aot(x, outputs):
        compiled = ia.compile_kernel(halve_kernel, "*fp32, i32, *fp32", {"BLOCK": 256})
        n, ptx = x.numel(), compiled.asm["ptx"]
        assert isinstance(ptx, str) and ptx.kernel is compiled.kernel and not hasattr(ptx + "\n", "kernel")
        params = trtp.KernelLaunchParams(grid_x=trtp.cdiv(n, 256), block_x=32 * compiled.metadata.num_warps)
        return (
            compiled.name,
            ptx if not change else ptx + change,
            params,
            trtp.SymIntExprs.from_tuple((trtp.SymInt32(n),)),
        )

    exe = ia.compile(lambda x: ia.plugin(plugin_id, [x]), args=[ia.InputInfo((300,))])
    x = np.arange(300, dtype=np.float32)
    np.testing.assert_array_equal(np.asarray(exe(x)), x * 0.5 + 1)
    assert ("form=ptx" in str(exe)) == bool(change)
