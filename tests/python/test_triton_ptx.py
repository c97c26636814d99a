"""PTX of the installed Triton, for Hopper, launched and checked on the CPU (./dev test --peers)."""

import numpy as np
import pytest

import intarsia as ia

pytestmark = pytest.mark.peers
triton = pytest.importorskip("triton")
tl = pytest.importorskip("triton.language")


@triton.jit
def matmul_of_descriptors(a, b, c, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    row, column = tl.program_id(0) * BM, tl.program_id(1) * BN
    of_a = tl.make_tensor_descriptor(a, shape=[M, K], strides=[K, 1], block_shape=[BM, BK])
    of_b = tl.make_tensor_descriptor(b, shape=[N, K], strides=[K, 1], block_shape=[BN, BK])
    of_c = tl.make_tensor_descriptor(c, shape=[M, N], strides=[N, 1], block_shape=[BM, BN])
    sums = tl.zeros((BM, BN), dtype=tl.float32)
    for k in range(0, K, BK):
        sums = tl.dot(of_a.load([row, k]), of_b.load([column, k]).T, sums)
    of_c.store([row, column], sums.to(tl.float16))


@triton.jit
def persistent_matmul(a, b, c, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    of_a = tl.make_tensor_descriptor(a, shape=[M, K], strides=[K, 1], block_shape=[BM, BK])
    of_b = tl.make_tensor_descriptor(b, shape=[N, K], strides=[K, 1], block_shape=[BN, BK])
    of_c = tl.make_tensor_descriptor(c, shape=[M, N], strides=[N, 1], block_shape=[BM, BN])
    columns = tl.cdiv(N, BN)
    for tile in tl.range(tl.program_id(0), tl.cdiv(M, BM) * columns, tl.num_programs(0), flatten=True, warp_specialize=True):
        row, column = tile // columns * BM, tile % columns * BN
        sums = tl.zeros((BM, BN), dtype=tl.float32)
        for k in range(0, K, BK):
            sums = tl.dot(of_a.load([row, k]), of_b.load([column, k]).T, sums)
        of_c.store([row, column], sums.to(tl.float16))


@triton.jit
def causal_attention(q, k, v, o, length, scale, D: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr):
    m, d, n = tl.program_id(0) * BM + tl.arange(0, BM), tl.arange(0, D), tl.arange(0, BN)
    queries = tl.load(q + m[:, None] * D + d[None, :])
    out, sums, most = tl.zeros((BM, D), tl.float32), tl.zeros((BM,), tl.float32), tl.full((BM,), float("-inf"), tl.float32)
    for first in range(0, length, BN):
        at = first + n
        scores = tl.dot(queries, tl.load(k + at[None, :] * D + d[:, None])) * scale
        scores = tl.where(m[:, None] >= at[None, :], scores, float("-inf"))
        now = tl.maximum(most, tl.max(scores, 1))
        powers, kept = tl.exp(scores - now[:, None]), tl.exp(most - now)
        sums, most = sums * kept + tl.sum(powers, 1), now
        out = out * kept[:, None] + tl.dot(powers.to(tl.float16), tl.load(v + at[:, None] * D + d[None, :]))
    tl.store(o + m[:, None] * D + d[None, :], (out / sums[:, None]).to(tl.float16))


def aligned(count):
    """Zeroed bytes at a multiple of 128, as Triton's launcher gives for what a kernel keeps in global memory."""
    raw = np.zeros(count + 128, np.uint8)
    return raw[-raw.ctypes.data % 128 :][:count]


def launch(kernel, signature, constants, grid, args):
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    names = kernel.arg_names
    source = ASTSource(
        kernel, {n: signature.get(n, "constexpr") for n in names}, {(i,): constants[n] for i, n in enumerate(names) if n in constants}
    )
    compiled = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"ptx_version": 86})
    entry = ia.ptx.load(compiled.asm["ptx"], source=kernel.__name__)[compiled.metadata.name]
    scratch = compiled.metadata.global_scratch_size * int(np.prod(grid))
    given = [*args, aligned(scratch) if scratch else None, None][: len(entry.parameters)]
    entry.launch(grid, entry.reqntid, given, shared=compiled.metadata.shared).require_clean()


def halves(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float16)


MATMUL = {"a": "*fp16", "b": "*fp16", "c": "*fp16", "M": "i32", "N": "i32", "K": "i32"}


@pytest.mark.parametrize("kernel, grid", [(matmul_of_descriptors, (2, 2)), (persistent_matmul, (3,))])
def test_tensor_maps_that_kernels_make_and_specialised_warps(kernel, grid):
    m, n, k = 128, 72, 96
    a, b, c = halves(m, k), halves(n, k), np.zeros((m, n), np.float16)
    launch(kernel, MATMUL, dict(BM=64, BN=64, BK=64), grid, [a, b, c, m, n, k])
    np.testing.assert_allclose(c.astype(float), a.astype(float) @ b.astype(float).T, rtol=2e-3, atol=2e-2)


def test_attention_in_products_of_warp_groups():
    length, d = 128, 64
    q, k, v, o = (halves(length, d) * np.float16(s) for s in (1, 1.25, 0.75, 0))
    pointers = dict.fromkeys("qkvo", "*fp16")
    launch(causal_attention, {**pointers, "length": "i32", "scale": "fp32"}, dict(D=d, BM=64, BN=64), (length // 64,), [q, k, v, o, length, 0.125])
    scores = q.astype(float) @ k.astype(float).T * 0.125
    scores[np.triu_indices(length, 1)] = -np.inf
    powers = np.exp(scores - scores.max(1, keepdims=True))
    np.testing.assert_allclose(o.astype(float), powers / powers.sum(1, keepdims=True) @ v.astype(float), atol=5e-3)
