"""Plugins defined in Python: schemas, implementations, tactics."""

import enum
import sys
from typing import List, Literal, Optional, Tuple

import numpy as np
import numpy.typing as npt
import pytest

import intarsia as ia
import intarsia.language as tl
import intarsia.plugins as trtp
from plugin_code import fresh, scale_kernel, scaled


# ---- calling ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [ia.float32, ia.float16, ia.bfloat16, ia.int32, ia.int64])
@pytest.mark.parametrize("n", [0, 1, 127, 128, 129, 1000])
def test_one_definition_serves_every_dtype_and_shape(dtype, n):
    x = ia.cast(ia.iota((n,)), dtype) if n else ia.zeros((0,), dtype)
    out = ia.plugin(scaled(), [x], factor=2)
    assert out.dtype is dtype and out.shape == (n,)
    np.testing.assert_array_equal(np.asarray(out), np.asarray(x + x))


def test_defaults_keyword_order_and_the_call_by_attribute():
    plugin_id = scaled()
    x = ia.Tensor([1.0, 2.0])
    assert ia.plugin(plugin_id, [x]).tolist() == [3.0, 6.0]
    assert ia.plugin(plugin_id, [x], block=64, factor=2).tolist() == [2.0, 4.0]
    assert getattr(trtp.op.test, plugin_id.split("::")[1])(x, factor=5).tolist() == [5.0, 10.0]
    assert ia.plugin(plugin_id, [x], factor=np.int64(4)).tolist() == [4.0, 8.0]


def test_the_call_by_attribute_suggests_near_ids():
    plugin_id = scaled()
    namespace, name = plugin_id.split("::")
    assert name in dir(getattr(trtp.op, namespace)) and name in repr(getattr(trtp.op, namespace))
    for wrong in (f"{namespace}.{name}x", f"{namespace}t.{name}"):
        with pytest.raises(AttributeError, match=f"did you mean '{plugin_id}'"):
            eval(f"op.{wrong}", {"op": trtp.op})


def test_twice_in_one_expression_with_different_attributes():
    plugin_id = scaled()
    x = ia.Tensor([1.0, 2.0])
    out = ia.plugin(plugin_id, [ia.plugin(plugin_id, [x * 2.0], factor=5)], factor=7) + 1.0
    assert out.tolist() == [71.0, 141.0]


def test_a_dynamic_extent_in_a_compiled_function():
    plugin_id = scaled()
    exe = ia.compile(
        lambda x: ia.plugin(plugin_id, [x], factor=2) + 1.0,
        args=[ia.InputInfo((ia.NamedDimension("n", 0, 1000, 1 << 24),))],
    )
    for n in (0, 1, 255, 256, 257, 100_000):
        x = np.arange(n, dtype=np.float32)
        np.testing.assert_array_equal(np.asarray(exe(x)), x * 2 + 1)


def test_impl_beside_aot_impl_is_the_second_choice():
    plugin_id = scaled()

    @trtp.impl(plugin_id)
    def never(x, outputs, stream):
        raise AssertionError("aot_impl is taken")

    assert ia.plugin(plugin_id, [ia.Tensor([1.0])]).tolist() == [3.0]


class Mode(enum.Enum):
    DOWN = 1
    UP = 2


def test_every_kind_of_attribute_arrives_as_it_was_given():
    plugin_id = fresh("kinds")
    seen = {}

    @trtp.register(plugin_id)
    def desc(
        x: trtp.TensorDesc,
        b: bool,
        i: int,
        f: float,
        s: str,
        raw: bytes,
        mode: Mode,
        how: Literal["fast", "slow"],
        ints: List[int],
        floats: list[float],
        words: list[str],
        a32: npt.NDArray[np.float32],
        a8: npt.NDArray[np.int8],
        ab: npt.NDArray[np.bool_],
        t: ia.dtype,
        missing: Optional[int] = None,
        text: "int" = 4,
    ) -> trtp.TensorDesc:
        seen.update(locals())
        return x.like()

    given = dict(
        b=True,
        i=-(1 << 60),
        f=1,
        s="ä\0b",
        raw=b"\0\xff",
        mode=Mode.UP,
        how="slow",
        ints=[1, 2],
        floats=[1.5, 2],
        words=["a", "b"],
        a32=np.array([1.5, np.nan, -0.0], np.float32),
        a8=np.array([-1, 2], np.int8),
        ab=np.array([True, False]),
        t=ia.float16,
    )
    ia.plugin(plugin_id, [ia.Tensor([1.0])], **given)
    for name in ("b", "i", "s", "raw", "mode", "how", "ints", "words", "t"):
        assert seen[name] == given[name] and type(seen[name]) is type(given[name])
    assert seen["f"] == 1.0 and type(seen["f"]) is float and seen["floats"] == [1.5, 2.0]
    assert seen["a32"].tobytes() == given["a32"].tobytes() and seen["a32"].dtype == np.float32
    assert (seen["a8"] == [-1, 2]).all() and seen["ab"].tolist() == [True, False]
    assert seen["missing"] is None and seen["text"] == 4


# ---- tactics ---------------------------------------------------------------------------------------------


def test_autotune_lists_tactics_and_one_of_them_runs():
    plugin_id, tried = fresh("tuned"), set()

    @trtp.register(plugin_id)
    def desc(x: trtp.TensorDesc) -> trtp.TensorDesc:
        return x.like()

    @trtp.autotune(plugin_id)
    def tune(x, outputs):
        return [trtp.AutoTuneCombination("FP32|FP16, FP32|FP16", tactics=[1, 2])]

    @trtp.aot_impl(plugin_id)
    def aot(x, outputs, tactic):
        tried.add(tactic)
        n, block = x.shape_expr.numel(), 64 * tactic
        return trtp.launch(scale_kernel, x, n, outputs[0], FACTOR=2, BLOCK=block).grid(trtp.cdiv(n, block))

    assert ia.plugin(plugin_id, [ia.iota((1000,))])[999].item() == 1998
    assert tried == {1, 2}
    with pytest.raises(ia.Error, match="f64|FP64|float64"):
        ia.plugin(plugin_id, [ia.zeros((4,), ia.float64)]).eval()


F32, F16 = ia.float32.code, ia.float16.code


@pytest.mark.parametrize(
    "text, ports, expected",
    [
        ("FP32|FP16, FP32|FP16", 2, [(F32, F32), (F16, F16)]),
        (
            "FP32*FP16, FP32|FP16, FP32|FP16",
            3,
            [(F32, F32, F32), (F32, F16, F16), (F16, F32, F32), (F16, F16, F16)],
        ),
        ("FP32|FP16, FP32", 2, [(F32, F32), (F16, F32)]),
        ("  FP32 | FP16 , FP32  ", 2, [(F32, F32), (F16, F32)]),
        ("f32|f16, f32", 2, [(F32, F32), (F16, F32)]),
    ],
)
def test_the_grammar_of_combinations(text, ports, expected):
    found = trtp.AutoTuneCombination(text).expand(ports - 1, 1)
    assert [tuple(p[0] for p in choice) for choice, _ in found] == expected


def test_combinations_by_position():
    c = trtp.AutoTuneCombination()
    c.pos(0, "FP32|FP16")
    c.pos([1], "FP32|FP16", "LINEAR")
    c.tactics(t for t in (3, 4))
    assert [t for _, t in c.expand(1, 1)] == [[3, 4], [3, 4]]


# ---- several steps ---------------------------------------------------------------------------------------


@ia.jit
def add_scaled(a_ptr, b_ptr, n, out_ptr, S: tl.constexpr, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr + i, tl.load(a_ptr + i, mask=i < n) + tl.load(b_ptr + i, mask=i < n) * S, mask=i < n)


def test_two_steps_with_a_temporary_two_outputs_and_an_array_attribute():
    plugin_id = fresh("steps")

    @trtp.register(plugin_id)
    def desc(
        a: trtp.TensorDesc, b: trtp.TensorDesc, weights: npt.NDArray[np.int32]
    ) -> Tuple[trtp.TensorDesc, trtp.TensorDesc]:
        return a.like(), a.like()

    @trtp.aot_impl(plugin_id)
    def aot(a, b, weights, outputs):
        n = a.shape_expr.numel()
        steps = trtp.Steps()
        middle = steps.temporary("middle", a.dtype, (n,))
        grid = trtp.cdiv(n, 64)
        steps.add(trtp.launch(add_scaled, a, b, n, middle, S=int(weights[0]), BLOCK=64).grid(grid))
        steps.add(trtp.launch(add_scaled, middle, b, n, outputs[0], S=int(weights[1]), BLOCK=64).grid(grid))
        steps.copy(middle, outputs[1])
        return steps

    a, b = np.arange(100, dtype=np.float32), np.ones(100, np.float32)
    x, y = ia.plugin(plugin_id, [ia.Tensor(a), ia.Tensor(b)], weights=np.array([2, 10], np.int32))
    np.testing.assert_array_equal(np.asarray(y), a + 2)
    np.testing.assert_array_equal(np.asarray(x), a + 12)


def test_every_name_of_tensorrt_plugin_is_there():
    for name in (
        "AutoTuneCombination SymInt32 SymInt8 SymInt16 ShapeExpr SizeTensorShapeExpr SymExprs ShapeExprs SymIntExprs Shape TensorDesc SizeTensorDesc "
        "Tensor KernelLaunchParams op register impl aot_impl autotune cdiv max min size_tensor from_shape_expr"
    ).split():
        assert hasattr(trtp, name) and name in trtp.__all__


def test_typed_symbolic_integers():
    n = ia.Dim.symbol("n")
    a = trtp.SymInt32(n)
    assert isinstance(2 * a + 1, trtp.SymInt32) and str(2 * a + 1) == str(trtp.SymInt32(2 * n + 1))
    assert repr(trtp.SymInt16(3)) == "SymInt16(3)" and trtp.SymInt32(3).dtype is ia.int32
    assert bool(trtp.SymInt32(3) == 3) and int(trtp.SymInt8(7) // 2) == 3
    assert str(trtp.max(n, 3)) and int(trtp.min(4, 9)) == 4 and int(trtp.cdiv(np.int64(7), 2)) == 4
    with pytest.raises(ia.Error, match="8 extents"):
        trtp.ShapeExprs(9)
    assert str(trtp.ShapeExprs.from_tuple((n, 3)).numel()) == str(3 * n)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the type statement is new in Python 3.12")
def test_an_alias_of_an_array_type_is_that_type():
    scope = {"np": np}
    exec("type Alias[T: np.generic] = np.ndarray[tuple[int, ...], np.dtype[T]]", scope)
    plugin_id = fresh("alias")

    def desc(x: trtp.TensorDesc, taps) -> trtp.TensorDesc:
        return x.like()

    desc.__annotations__["taps"] = scope["Alias"][np.float32]
    trtp.register(plugin_id)(desc)
    assert ia.plugin(plugin_id, [ia.Tensor([1.0])], taps=np.ones(2, np.float32)).shape == (1,)
