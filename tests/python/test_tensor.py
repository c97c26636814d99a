"""Tensors in Python: data in and out, operators, indexing, errors at the user's line."""

import gc
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import intarsia as ia
from golden import messages


@pytest.mark.parametrize(
    "row", [r for r in ia.functions.TABLE.values() if r["example"]], ids=lambda r: r["id"]
)
def test_the_example_of_every_operator_runs(row):
    exec(row["example"], {"ia": ia, "np": np})


@pytest.mark.parametrize("row", ia.functions.TABLE.values(), ids=lambda r: r["id"])
def test_functions_have_the_signature_of_the_table(row):
    import inspect

    if row["id"] == "constant":
        return
    names = row["parameters"]
    assert sorted(names) == sorted([n for n, _, _ in row["inputs"]] + [a[0] for a in row["attributes"]])
    assert list(inspect.signature(getattr(ia, row["id"])).parameters) == names
    assert getattr(ia, row["id"]).__doc__.startswith(row["summary"])


@pytest.mark.parametrize(
    "dtype",
    [
        "bool",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float16",
        "float32",
        "float64",
    ],
)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 0, 2), (2, 3)])
def test_numpy_arrays_come_and_go(dtype, shape):
    x = np.arange(int(np.prod(shape))).astype(dtype).reshape(shape)
    t = ia.Tensor(x)
    assert t.dtype is ia.dtypes.as_dtype(dtype) and t.shape == shape and t.ndim == len(shape)
    np.testing.assert_array_equal(np.from_dlpack(t), x)
    assert t.tolist() == x.tolist()


def test_dense_arrays_are_not_copied_either_way():
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    t = ia.Tensor(x)
    back = np.from_dlpack(t)
    assert back.ctypes.data == x.ctypes.data
    y = np.from_dlpack(t + 1)
    del t
    gc.collect()
    np.testing.assert_array_equal(y, x + 1)


def test_an_array_lives_as_long_as_the_tensor_needs_it():
    class Array(np.ndarray):
        pass

    x = np.arange(4, dtype=np.float32).view(Array)
    alive = weakref.ref(x)
    t = ia.Tensor(x)
    del x
    gc.collect()
    assert (t + 1).tolist() == [1, 2, 3, 4]
    del t
    gc.collect()
    assert alive() is None


def test_strided_arrays_are_accepted():
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    for view in (x.T, x[::2], x[:, ::-1], np.broadcast_to(x[:1], (5, 4))):
        np.testing.assert_array_equal(np.from_dlpack(ia.Tensor(view)), view)


def test_read_only_arrays_are_accepted():
    x = np.arange(4, dtype=np.float32)
    x.flags.writeable = False
    assert (ia.Tensor(x) + 1).tolist() == [1, 2, 3, 4]


def test_arrays_in_another_byte_order_and_plain_buffers_are_accepted():
    import array

    big = np.arange(3, dtype=">f4")
    assert ia.Tensor(big).dtype is ia.float32 and (ia.Tensor(big) + big).tolist() == [0, 2, 4]
    assert ia.Tensor(bytearray(b"ab")).tolist() == [97, 98] and ia.Tensor(memoryview(b"ab")).dtype is ia.uint8
    assert ia.Tensor(array.array("d", [1.5, 2])).dtype is ia.float64


def test_a_tensor_goes_to_a_device():
    x = ia.iota((2,))
    assert x.to("cpu") is not None and x.to(ia.device("cpu")).tolist() == ia.copy(x, "cpu").tolist() == [0, 1]
    with pytest.raises(ia.Error, match="there is no device 'npu'"):
        x.to("npu")
    with pytest.raises(ia.Error, match="takes a device.*cast"):
        x.to(ia.float16)


def test_methods_take_extents_one_by_one_too():
    x = ia.iota((2, 3))
    assert x.reshape(3, 2).shape == x.reshape((3, 2)).shape == (3, 2) and x.reshape(-1).shape == (6,)
    assert x.permute(1, 0).shape == x.permute([1, 0]).shape == (3, 2)
    assert x.expand(4, 2, 3).shape == (4, 2, 3)


def test_names_that_tensors_do_not_have_suggest_near_ones():
    x = ia.iota((2,))
    with pytest.raises(AttributeError, match="no 'softmaxx'; did you mean softmax?"):
        x.softmaxx
    with pytest.raises(AttributeError, match="no 'layer_norm'; there is the function intarsia.layer_norm"):
        x.layer_norm
    assert not hasattr(x, "nothing_like_it") and f"{ia.Tensor(2.5):.2f}" == "2.50" and f"{x}" == str(x)


def test_numbers_and_lists_get_the_usual_dtypes():
    assert ia.Tensor([1, 2]).dtype is ia.int32
    assert ia.Tensor([1, 1 << 40]).dtype is ia.int64
    assert ia.Tensor([1, 2.5]).dtype is ia.float32
    assert ia.Tensor([True, False]).dtype is ia.bool
    assert ia.Tensor(3).shape == () and ia.Tensor(3).tolist() == 3
    assert ia.Tensor([]).dtype is ia.float32 and ia.Tensor([]).shape == (0,)
    assert ia.Tensor([1, 2], dtype=ia.bfloat16).tolist() == [1.0, 2.0]
    assert ia.Tensor([1.5, 2], dtype="float64").dtype is ia.float64


def test_operators_take_numbers_arrays_and_lists_on_either_side():
    x = ia.Tensor([1.0, 2.0])
    assert (2 - x).tolist() == [1.0, 0.0] and (x * 2.5).tolist() == [2.5, 5.0]
    assert (np.float32(2) * x).tolist() == [2.0, 4.0]
    assert (np.array([1, 2], np.float32) + x).tolist() == [2.0, 4.0]
    assert (x + np.array([1, 2], np.float32)).tolist() == [2.0, 4.0]
    assert (x**2).tolist() == [1.0, 4.0] and (-x).tolist() == [-1.0, -2.0]
    assert (x < 2).tolist() == [True, False] and (~(x < 2)).tolist() == [False, True]
    assert ((x > 0) & (x < 2)).tolist() == [True, False]
    assert (ia.Tensor([7, -7]) // 2).tolist() == [3, -4] and (ia.Tensor([7, -7]) % 4).tolist() == [3, 1]
    with pytest.raises(TypeError):
        x + "a"


def test_numbers_in_a_list_beside_a_tensor_are_numbers():
    x, i = ia.Tensor([1.0, 2.0]), ia.Tensor([1, 2])
    assert (x + [1, 2]).tolist() == ([1, 2] + x).tolist() == [2.0, 4.0]
    assert (x == [1, 0]).tolist() == [True, False] and (i * (2, 3)).dtype is ia.int32
    with pytest.raises(ia.Error, match="a float does not become int32"):
        i + [1.5, 2]
    with pytest.raises(ia.Error, match="256 of the list does not fit uint8"):
        ia.cast(i, ia.uint8) + [1, 256]


def test_numbers_of_one_element_become_python_numbers():
    assert float(ia.Tensor([1.5])) == 1.5 and int(ia.Tensor(3)) == 3 and bool(ia.Tensor([True]))
    assert ia.Tensor([[2]]).item() == 2
    with pytest.raises(ia.Error, match="one element"):
        bool(ia.Tensor([1, 2]))
    with pytest.raises(TypeError, match="iterated"):
        iter(ia.Tensor([1]))


INDEX = st.one_of(
    st.integers(-3, 2),
    st.none(),
    st.just(Ellipsis),
    st.builds(slice, *[st.one_of(st.none(), st.integers(-4, 4))] * 2, st.sampled_from([None, 1, 2, -1, -2])),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(INDEX, max_size=4).map(tuple))
def test_indexing_is_numpys(index):
    x = np.arange(27, dtype=np.int32).reshape(3, 3, 3)
    try:
        expected = x[index]
    except IndexError:
        with pytest.raises(ia.Error):
            ia.Tensor(x)[index]
        return
    np.testing.assert_array_equal(np.asarray(ia.Tensor(x)[index]), expected)


def test_printing():
    assert str(ia.Tensor([[1, 2], [3, 4]])).startswith(
        "tensor([[1, 2],\n        [3, 4]], dtype=i32, shape=[2, 2]"
    )


def test_errors_at_the_users_line(golden):
    x, i = ia.iota((2, 3)), ia.iota((2, 3), dtype=ia.int32)
    golden(
        "tensor_errors",
        messages(
            *[
                lambda: x + ia.ones((4,)),
                lambda: x @ x,
                lambda: x + i,
                lambda: i + 1.5,
                lambda: ia.softmax(i, dim=0),
                lambda: ia.softmax(x, dim=2),
                lambda: ia.reshape(x, (4, 2)),
                lambda: ia.concatenate([x, ia.ones((2, 2))], dim=0),
                lambda: x[2],
                lambda: x[0, 0, 0],
                lambda: ia.where(x, x, x),
                lambda: ia.gelu(x, approximate="fast"),
                lambda: ia.cast(x, "float33"),
                lambda: ia.add(x, "a"),
            ]
        ),
    )


def test_errors_in_data(golden):
    golden(
        "data_errors",
        messages(
            *[
                lambda: ia.Tensor([[1, 2], [3]]),
                lambda: ia.Tensor(None),
                lambda: ia.Tensor("abc"),
                lambda: ia.Tensor([1, "a"]),
                lambda: ia.Tensor([1 << 70]),
                lambda: ia.Tensor(),
                lambda: ia.Tensor([1, 300], dtype=ia.int8),
                lambda: ia.Tensor([1.5], dtype=ia.int32),
                lambda: ia.Tensor(np.zeros(2, complex)),
                lambda: ia.cast(ia.iota((2,)), None),
                lambda: bool(ia.iota((2,))),
                lambda: float(ia.iota((2,))),
                lambda: ia.iota((2,))[np.array([0, 1])],
                lambda: ia.iota((2,))[1.5],
                lambda: ia.iota((2,))[..., ...],
            ]
        ),
    )


def test_unknown_names_suggest_near_ones():
    with pytest.raises(AttributeError, match="did you mean softmax"):
        ia.sofmax


# ---- compiled functions ----------------------------------------------------------------------------------


def test_compiled_functions_keep_signature_and_containers():
    def function(x, pair, *, scale, flag=True):
        assert flag
        return {"sum": x + pair["a"], "both": (x * scale, [pair["b"]])}

    info = ia.InputInfo((2, 2), ia.float32)
    exe = ia.compile(function, args=[info, {"a": info, "b": info}], kwargs={"scale": 3.0})
    ones = ia.ones((2, 2))
    out = exe(ones, {"a": ones * 2, "b": ones * 5})
    assert out["sum"].tolist() == [[3.0, 3.0], [3.0, 3.0]] and out["both"][0].tolist() == [
        [3.0, 3.0],
        [3.0, 3.0],
    ]
    assert out["both"][1][0].tolist() == [[5.0, 5.0], [5.0, 5.0]]
    assert list(exe.__signature__.parameters) == ["x", "pair"]
    assert list(exe.input_infos) == ["x", "pair['a']", "pair['b']"]
    assert repr(exe).startswith("<compiled function of x: InputInfo((2, 2), float32), pair['a']: ")


@pytest.mark.parametrize("n", [0, 1, 255, 256, 257, 1000])
def test_named_dimensions(n):
    exe = _dynamic()
    x = np.random.default_rng(n).standard_normal((n, 3)).astype(np.float32)
    np.testing.assert_allclose(np.from_dlpack(exe(x, x)), np.tanh(x + 2 * x), rtol=1e-6, atol=1e-6)


_cache = {}


def _dynamic():
    if "exe" not in _cache:
        rows = ia.NamedDimension("n", 0, 256, 1 << 20)
        _cache["exe"] = ia.compile(
            lambda a, b: ia.tanh(a + 2.0 * b), args=[ia.InputInfo((rows, 3)), ia.InputInfo((rows, 3))]
        )
    return _cache["exe"]


def test_arguments_that_do_not_fit(golden):
    exe = _dynamic()
    x = ia.ones((4, 3))
    golden(
        "executable_errors",
        messages(
            *[
                lambda: exe(x),
                lambda: exe(x, ia.ones((5, 3))),
                lambda: exe(x, ia.ones((4, 4))),
                lambda: exe(x, ia.ones((4, 3), ia.float16)),
                lambda: exe(x, 3),
                lambda: ia.NamedDimension("n", 3, 2, 1),
                lambda: ia.InputInfo(("a",)),
                lambda: ia.InputInfo((2, -1)),
                lambda: ia.compile("f"),
                lambda: ia.compile(lambda a: a),
                lambda: ia.compile(lambda a: 3, args=[ia.InputInfo(2)]),
                lambda: ia.compile(lambda a: a.tolist(), args=[ia.InputInfo(2)]),
            ]
        ),
    )


def test_traced_shapes_are_dims_that_functions_may_use():
    def function(x):
        assert isinstance(x.shape[0], ia.Dim) and x.shape[1] == 4
        return ia.reshape(x, (x.shape[0] * 4,))

    exe = ia.compile(function, args=[ia.InputInfo((ia.NamedDimension("n", 1, 2, 100), 4))])
    assert exe(np.ones((3, 4), np.float32)).shape == (12,)
    with pytest.raises(ia.Error, match="cannot decide"):
        ia.compile(
            lambda x: x if x.shape[0] == 3 else -x,
            args=[ia.InputInfo((ia.NamedDimension("n", 1, 2, 100), 4))],
        )


def test_the_expression_of_a_small_model_in_three_ways():
    rng = np.random.default_rng(7)
    x, w1, b1, w2 = (rng.standard_normal(s).astype(np.float32) for s in ((5, 16), (16, 32), (32,), (32, 8)))
    g, be = np.ones(32, np.float32), np.zeros(32, np.float32)

    def model(x, w1, b1, w2):
        h = ia.layer_norm(x @ w1 + b1, ia.Tensor(g), ia.Tensor(be))
        return ia.gelu(h) @ w2 + ia.softmax(x @ w1 @ w2, dim=-1)

    from math import erf, sqrt

    d = [a.astype(np.float64) for a in (x, w1, b1, w2)]
    h = d[0] @ d[1] + d[2]
    h = (h - h.mean(-1, keepdims=True)) / np.sqrt(h.var(-1, keepdims=True) + 1e-5)
    e = d[0] @ d[1] @ d[3]
    e = np.exp(e - e.max(-1, keepdims=True))
    expected = (h * 0.5 * (1 + np.vectorize(erf)(h / sqrt(2)))) @ d[3] + e / e.sum(-1, keepdims=True)
    tensors = [ia.Tensor(a) for a in (x, w1, b1, w2)]
    lazy = model(*tensors)
    exe = ia.compile(model, args=[ia.InputInfo(a.shape) for a in (x, w1, b1, w2)])
    for got in (lazy, exe(*tensors), model(*tensors).interpret()):
        np.testing.assert_allclose(np.from_dlpack(got), expected, rtol=2e-4, atol=2e-4)


def test_tensors_from_several_threads():
    from concurrent.futures import ThreadPoolExecutor

    x = ia.iota((64,))

    def work(k):
        return float(ia.sum(x * float(k) + 1.0))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(32))) == [2016.0 * k + 64 for k in range(32)]


def test_stubs_are_what_the_table_says():
    import pathlib
    import runpy

    tool = runpy.run_path(str(pathlib.Path(__file__).resolve().parents[2] / "tools" / "stubs.py"))
    assert tool["FILE"].read_text() == tool["text"](), "run tools/stubs.py"
