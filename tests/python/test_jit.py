"""Kernels written in Python, launched on NumPy arrays."""

import numpy as np
import pytest

import intarsia as ia
import intarsia.language as tl


@ia.jit
def add_kernel(x_ptr, n_elements, y_ptr, BLOCK_SIZE: tl.constexpr):
    pid = tl.program_id(0)
    offsets = pid * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_elements
    x = tl.load(x_ptr + offsets, mask=mask)
    tl.store(y_ptr + offsets, x + 1, mask=mask)


@pytest.mark.parametrize("n", [0, 1, 255, 256, 257, 1000])
@pytest.mark.parametrize("dtype", ["float32", "float16", "int32", "int64", "uint8", "float64"])
def test_add_one_of_every_dtype_by_one_definition(n, dtype):
    x = np.arange(n).astype(dtype)
    y = np.full(n + 3, 77, dtype)
    add_kernel[(tl.cdiv(n, 256),)](x, n, y, BLOCK_SIZE=256)
    np.testing.assert_array_equal(y[:n], x + np.ones((), dtype))
    assert (y[n:] == 77).all()


def test_the_grid_may_be_a_function_of_the_arguments():
    x, y = np.arange(100, dtype=np.float32), np.zeros(100, np.float32)
    add_kernel[lambda meta: (tl.cdiv(meta["n_elements"], meta["BLOCK_SIZE"]),)](x, 100, y, BLOCK_SIZE=64)
    np.testing.assert_array_equal(y, x + 1)


def test_extents_need_not_be_powers_of_two():
    x, y = np.arange(300, dtype=np.float32), np.zeros(300, np.float32)
    add_kernel[(3,)](x, 300, y, BLOCK_SIZE=100)
    np.testing.assert_array_equal(y, x + 1)


@ia.jit
def softmax_kernel(out_ptr, in_ptr, stride, n_cols, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK)
    x = tl.load(in_ptr + row * stride + cols, mask=cols < n_cols, other=-float("inf"))
    x = x - tl.max(x, axis=0)
    e = tl.exp(x)
    tl.store(out_ptr + row * stride + cols, e / tl.sum(e, axis=0), mask=cols < n_cols)


@pytest.mark.parametrize("rows, cols", [(1, 1), (7, 3), (5, 64), (3, 781)])
def test_softmax(rows, cols):
    x = np.random.default_rng(rows).standard_normal((rows, cols)).astype(np.float32)
    y = np.zeros_like(x)
    softmax_kernel[(rows,)](y, x, cols, cols, BLOCK=tl.next_power_of_2(cols))
    e = np.exp(x.astype(np.float64) - x.max(1, keepdims=True))
    np.testing.assert_allclose(y, e / e.sum(1, keepdims=True), rtol=1e-6, atol=1e-7)


@ia.jit
def row_mean(total, n):
    return total / n


@ia.jit
def layer_norm_kernel(x_ptr, w_ptr, b_ptr, y_ptr, stride, n, eps, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    total = tl.zeros([BLOCK], dtype=tl.float32)
    for start in range(0, n, BLOCK):
        cols = start + tl.arange(0, BLOCK)
        total += tl.load(x_ptr + row * stride + cols, mask=cols < n, other=0.0).to(tl.float32)
    mean = row_mean(tl.sum(total, axis=0), n)
    square = tl.zeros([BLOCK], dtype=tl.float32)
    for start in range(0, n, BLOCK):
        cols = start + tl.arange(0, BLOCK)
        x = tl.load(x_ptr + row * stride + cols, mask=cols < n, other=0.0).to(tl.float32)
        x = tl.where(cols < n, x - mean, 0.0)
        square += x * x
    rstd = 1 / tl.sqrt(tl.sum(square, axis=0) / n + eps)
    for start in range(0, n, BLOCK):
        cols = start + tl.arange(0, BLOCK)
        mask = cols < n
        w, b = tl.load(w_ptr + cols, mask=mask), tl.load(b_ptr + cols, mask=mask)
        x = tl.load(x_ptr + row * stride + cols, mask=mask, other=0.0).to(tl.float32)
        tl.store(y_ptr + row * stride + cols, (x - mean) * rstd * w + b, mask=mask)


@pytest.mark.parametrize("n", [1, 33, 128, 300])
def test_layer_norm_with_loops_and_a_helper(n):
    rng = np.random.default_rng(n)
    x, w, b = (
        rng.standard_normal((4, n)).astype(np.float32),
        rng.standard_normal(n).astype(np.float32),
        rng.standard_normal(n).astype(np.float32),
    )
    y = np.zeros_like(x)
    layer_norm_kernel[(4,)](x, w, b, y, n, n, 1e-5, BLOCK=128)
    d = x.astype(np.float64)
    expected = (d - d.mean(1, keepdims=True)) / np.sqrt(d.var(1, keepdims=True) + 1e-5) * w + b
    np.testing.assert_allclose(y, expected, rtol=2e-5, atol=2e-5)


@ia.jit
def matmul_kernel(
    a_ptr,
    b_ptr,
    c_ptr,
    m,
    n,
    k,
    stride_a,
    stride_b,
    stride_c,
    M: tl.constexpr,
    N: tl.constexpr,
    K: tl.constexpr,
):
    rows = tl.program_id(0) * M + tl.arange(0, M)
    cols = tl.program_id(1) * N + tl.arange(0, N)
    ks = tl.arange(0, K)
    a_ptrs = a_ptr + rows[:, None] * stride_a + ks[None, :]
    b_ptrs = b_ptr + ks[:, None] * stride_b + cols[None, :]
    acc = tl.zeros((M, N), dtype=tl.float32)
    for i in range(0, tl.cdiv(k, K)):
        left = k - i * K
        a = tl.load(a_ptrs, mask=(rows[:, None] < m) & (ks[None, :] < left), other=0.0)
        b = tl.load(b_ptrs, mask=(ks[:, None] < left) & (cols[None, :] < n), other=0.0)
        acc = tl.dot(a, b, acc)
        a_ptrs += K
        b_ptrs += K * stride_b
    c_ptrs = c_ptr + rows[:, None] * stride_c + cols[None, :]
    tl.store(c_ptrs, acc.to(c_ptr.dtype.element_ty), mask=(rows[:, None] < m) & (cols[None, :] < n))


@pytest.mark.parametrize("m, n, k", [(1, 1, 1), (16, 16, 16), (20, 33, 17), (5, 40, 0)])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_matmul(m, n, k, dtype):
    rng = np.random.default_rng(m)
    a, b = rng.standard_normal((m, k)).astype(dtype), rng.standard_normal((k, n)).astype(dtype)
    c = np.zeros((m, n), dtype)
    matmul_kernel[(tl.cdiv(m, 16), tl.cdiv(n, 32))](a, b, c, m, n, k, k, n, n, M=16, N=32, K=16)
    expected = a.astype(np.float64) @ b.astype(np.float64)
    np.testing.assert_allclose(
        c, expected, rtol=2e-3 if dtype is np.float16 else 1e-5, atol=2e-3 if dtype is np.float16 else 1e-5
    )


@ia.jit
def early_return(out_ptr, flag):
    if flag == 0:
        tl.store(out_ptr, 10)
        return
    elif flag == 1:
        value = 20
    else:
        value = flag * 100
    tl.store(out_ptr, value)


@pytest.mark.parametrize("flag, expected", [(0, 10), (1, 20), (2, 200), (3, 300)])
def test_branches_and_early_return(flag, expected):
    out = np.zeros(1, np.int32)
    early_return[(1,)](out, flag)
    assert out[0] == expected


@ia.jit
def three_flags(a, b):
    if a:
        if b:
            return 3
        return 2
    if b:
        return 1
    return 0


@ia.jit
def nested_returns(out_ptr, a, b):
    tl.store(out_ptr, three_flags(a, b))


@pytest.mark.parametrize("a", [0, 1])
@pytest.mark.parametrize("b", [0, 1])
def test_helpers_return_from_nested_branches(a, b):
    out = np.full(1, -1, np.int32)
    nested_returns[(1,)](out, a, b)
    assert out[0] == 2 * a + b


@ia.jit
def loops(out_ptr, n):
    up, down, tail = 0, 0, 0
    for i in range(0, n, 3):
        up += i
    for i in range(n, 0, -7):
        down += i
    for i in tl.static_range(4):
        tail += i
    j = n
    while j > 1:
        j = j // 2
        tail += 1
    tl.store(out_ptr, up)
    tl.store(out_ptr + 1, down)
    tl.store(out_ptr + 2, tail)


@pytest.mark.parametrize("n", [0, 1, 22, 100])
def test_loops_in_every_direction(n):
    out = np.zeros(3, np.int32)
    loops[(1,)](out, n)
    assert list(out) == [sum(range(0, n, 3)), sum(range(n, 0, -7)), 6 + max(0, n.bit_length() - 1)]


def test_an_edited_kernel_gives_the_new_answer(tmp_path):
    import importlib.util
    import os

    file = tmp_path / "edited.py"
    text = "import intarsia as ia, intarsia.language as tl\n@ia.jit\ndef k(x, y, N: tl.constexpr):\n    i = tl.arange(0, N)\n    tl.store(y + i, tl.load(x + i) + {})\n"
    x, y = np.zeros(8, np.float32), np.zeros(8, np.float32)
    for stamp, step in enumerate((1, 2)):
        file.write_text(text.format(step))
        os.utime(file, (stamp, stamp))
        spec = importlib.util.spec_from_file_location("edited", file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.k[(1,)](x, y, N=8)
        assert (y == step).all()


SCALE = tl.constexpr(2)


@ia.jit
def scaled(x, N: tl.constexpr):
    i = tl.arange(0, N)
    tl.store(x + i, tl.load(x + i) * SCALE)


def test_a_changed_global_is_seen():
    global SCALE
    x = np.ones(4, np.float32)
    scaled[(1,)](x, N=4)
    SCALE = tl.constexpr(5)
    scaled[(1,)](x, N=4)
    SCALE = tl.constexpr(2)
    assert (x == 10).all()


@ia.jit
def promotions(i8, f16, out, alpha):
    tl.store(out, tl.load(i8) + 100)
    tl.static_assert((tl.load(i8) + 100).dtype == tl.int8)
    tl.static_assert((tl.load(i8) * 1.5).dtype == tl.float32)
    tl.static_assert((tl.load(f16) * 2.0).dtype == tl.float16)
    tl.static_assert((tl.load(f16) * alpha).dtype == tl.float32)
    tl.static_assert((tl.load(f16) / tl.load(f16)).dtype == tl.float32)
    tl.static_assert((tl.load(i8) < 3).dtype == tl.int1)
    tl.static_assert(tl.sum(tl.arange(0, 4).to(tl.int8), axis=0).dtype == tl.int32)


def test_promotion_follows_the_table():
    out = np.zeros(1, np.int32)
    promotions[(1,)](np.full(1, 100, np.int8), np.zeros(1, np.float16), out, 0.5)
    assert out[0] == -56


def test_compiled_kernels_show_their_code():
    compiled = ia.compile_kernel(
        add_kernel,
        {"x_ptr": "*fp32", "n_elements": "i32", "y_ptr": "*fp32"},
        {"BLOCK_SIZE": 128},
        "sm_90a",
        num_warps=8,
    )
    assert compiled.name == compiled.metadata.name == "add_kernel"
    assert (
        compiled.metadata.num_warps == 8
        and compiled.metadata.num_ctas == 1
        and compiled.metadata.target == "sm_90a"
    )
    assert {"kernel", "llvm", "ptx", "x86"} <= set(compiled.asm.keys())
    assert "load" in compiled.asm["kernel"] and "test_jit.py" in compiled.asm["kernel"]


@ia.jit
def reads_nothing_it_should_not(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(y_ptr + i, tl.load(x_ptr + i, mask=i < n), mask=i < n + 1)


def test_masked_lanes_without_other_are_zero():
    y = np.full(8, 9, np.float32)
    reads_nothing_it_should_not[(1,)](np.ones(4, np.float32), y, 4, BLOCK=8)
    assert list(y) == [1, 1, 1, 1, 0, 9, 9, 9]


@ia.jit
def welford_combine(mean_a, m2_a, n_a, mean_b, m2_b, n_b):
    n = n_a + n_b
    delta = mean_b - mean_a
    share = tl.where(n == 0.0, 0.0, n_b / n)
    return mean_a + delta * share, m2_a + m2_b + delta * delta * n_a * share, n


@ia.jit
def welford(x_ptr, out_ptr, N: tl.constexpr):
    i = tl.arange(0, N)
    x = tl.load(x_ptr + i)
    mean, m2, n = tl.reduce((x, tl.zeros_like(x), tl.full([N], 1.0, tl.float32)), 0, welford_combine)
    tl.store(out_ptr, mean)
    tl.store(out_ptr + 1, m2 / n)


def test_reductions_by_a_function_of_the_user():
    x = np.random.default_rng(1).standard_normal(256).astype(np.float32)
    out = np.zeros(2, np.float32)
    welford[(1,)](x, out, N=256)
    np.testing.assert_allclose(out, [x.mean(), x.var()], rtol=1e-4, atol=1e-5)


@ia.jit
def indices(x_ptr, out_ptr, N: tl.constexpr):
    x = tl.load(x_ptr + tl.arange(0, N))
    tl.store(out_ptr, tl.argmax(x, axis=0))
    tl.store(out_ptr + 1, tl.argmin(x, 0))
    value, place = tl.max(x, axis=0, return_indices=True)
    tl.store(out_ptr + 2, place)
    tl.store(out_ptr + 3, value.to(tl.int32))


def test_argmax_takes_the_first_of_equals_and_the_first_nan():
    out = np.zeros(4, np.int32)
    indices[(1,)](np.array([1, 5, 5, 0], np.float32), out, N=4)
    assert list(out) == [1, 3, 1, 5]
    indices[(1,)](np.array([1, np.nan, 5, np.nan], np.float32), out, N=4)
    assert out[0] == 1
