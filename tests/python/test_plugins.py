"""Plugins defined in Python: schemas, implementations, tactics, and what goes wrong."""

import enum
import sys
from typing import List, Literal, Optional, Tuple

import numpy as np
import numpy.typing as npt
import pytest

import intarsia as ia
import intarsia.language as tl
import intarsia.plugins as trtp
from golden import shown
from plugin_code import PTX, foreign, fresh


@ia.jit
def scale_kernel(x_ptr, n, y_ptr, FACTOR: tl.constexpr, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y_ptr + i, tl.load(x_ptr + i, mask=i < n) * FACTOR, mask=i < n)


def scaled(name=None):
    """A plugin that multiplies by an attribute, in the short form."""
    plugin_id = f"test::{name}" if name else fresh("scaled")

    @trtp.register(plugin_id)
    def desc(x: trtp.TensorDesc, factor: int = 3, block: int = 128) -> trtp.TensorDesc:
        return x.like()

    @trtp.aot_impl(plugin_id)
    def aot(x, factor, block, outputs):
        n = x.shape_expr.numel()
        return trtp.launch(scale_kernel, x, n, outputs[0], FACTOR=factor, BLOCK=block).grid(
            trtp.cdiv(n, block)
        )

    return plugin_id


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


def messages(*calls):
    texts = []
    for call in calls:
        with pytest.raises(ia.Error) as error:
            call()
        texts.append(shown(error.value))
    return "\n\n".join(texts)


def test_combinations_that_are_wrong(golden):
    c = trtp.AutoTuneCombination
    golden(
        "combination_errors",
        messages(
            lambda: c("FP33, FP32").expand(1, 1),
            lambda: c("FP32").expand(1, 1),
            lambda: c("FP32, FP32, FP32").expand(1, 1),
            lambda: c("FP32|FP16, FP32|FP16|BF16").expand(1, 1),
            lambda: c("FP32|FP16*BF16, FP32").expand(1, 1),
            lambda: c("FP32,").expand(1, 0),
            lambda: c("FP32, FP32", tactics=[0]),
            lambda: c("FP32, FP32", tactics=[1, 1]),
            lambda: [x := c(), x.pos(0, "FP32"), x.pos(0, "FP16")],
        ),
    )


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


def written_for(pointer):
    """A plugin whose kernel was compiled for elements of one dtype."""
    plugin_id = "test::written_for"

    @trtp.register(plugin_id)
    def desc(x: trtp.TensorDesc) -> trtp.TensorDesc:
        return x.like()

    @trtp.aot_impl(plugin_id)
    def aot(x, outputs):
        kernel = ia.compile_kernel(scale_kernel, f"{pointer}, i32, {pointer}", {"FACTOR": 2, "BLOCK": 64})
        return trtp.launch(kernel, x, x.numel(), outputs[0]).grid(trtp.cdiv(x.numel(), 64))

    return plugin_id


# ---- foreign code ----------------------------------------------------------------------------------------


def test_kernels_that_do_not_fit_their_binding(golden):
    x = ia.iota((300,))
    exe = ia.compile(
        lambda x: ia.plugin(foreign(extra=lambda n: [trtp.SymInt32(n * (1 << 30))]), [x]),
        args=[ia.InputInfo((ia.NamedDimension("n", 0, 1, 5),))],
    )
    reqntid = PTX.replace("\n{", "\n.reqntid 64\n{")
    golden(
        "binding_errors",
        messages(
            lambda: ia.plugin(foreign(extra=lambda n: [trtp.SymInt32(n), trtp.SymInt32(n)]), [x]).eval(),
            lambda: ia.plugin(foreign(extra=lambda n: []), [x]).eval(),
            lambda: ia.plugin(foreign(order=lambda x, n, y: (x, trtp.SymInt32(n))), [x]).eval(),
            lambda: ia.plugin(foreign(order=lambda x, n, y: (x, trtp.SymInt64(n), y)), [x]).eval(),
            lambda: ia.plugin(foreign(entry="add_two"), [x]).eval(),
            lambda: ia.plugin(foreign(reqntid), [x]).eval(),
            lambda: ia.plugin(foreign(block=2048), [x]).eval(),
            lambda: ia.plugin(foreign(PTX.replace("st.global.f32", "st.global.q32")), [x]).eval(),
            lambda: ia.plugin(foreign(PTX.replace(".visible", ".visble")), [x]).eval(),
            lambda: ia.plugin(scaled("scaled"), [x], block=0).eval(),
            lambda: ia.plugin(written_for("*fp16"), [x]).eval(),
            lambda: exe(ia.iota((3,))),
        ),
    )


# ---- what goes wrong -------------------------------------------------------------------------------------


def test_calls_that_do_not_fit(golden):
    known = "test::known"

    @trtp.register(known)
    def desc(
        x: trtp.TensorDesc,
        factor: int,
        alpha: float = 1.0,
        taps: npt.NDArray[np.float32] = np.zeros(1, np.float32),
        how: Literal["a", "b"] = "a",
    ) -> trtp.TensorDesc:
        return x.like()

    x = ia.ones((2,))
    golden(
        "plugin_call_errors",
        messages(
            lambda: ia.plugin("test::knwon", [x]),
            lambda: ia.plugin("known", [x]),
            lambda: ia.plugin(known, [x]),
            lambda: ia.plugin(known, [x], factro=3),
            lambda: ia.plugin(known, [x], factor="a"),
            lambda: ia.plugin(known, [x], factor=True),
            lambda: ia.plugin(known, [x], factor=1.5),
            lambda: ia.plugin(known, [x], factor=1, taps=np.zeros((2, 2), np.float32)),
            lambda: ia.plugin(known, [x], factor=1, taps=np.zeros(2, np.float64)),
            lambda: ia.plugin(known, [x], factor=1, how="c"),
            lambda: ia.plugin(known, [], factor=1),
            lambda: ia.plugin(known, [x, x], factor=1),
            lambda: ia.plugin(known, ["x"], factor=1),
            lambda: ia.plugin(3, [x]),
            lambda: ia.plugin("CustomGelu", [x], version="1", namespace="", output_info=[]),
        ),
    )
    trtp.unregister(known)


def register_text(signature, body="return x.like()", plugin_id="test::schema", names=None):
    space = {
        "trtp": trtp,
        "np": np,
        "npt": npt,
        "Tuple": Tuple,
        "List": List,
        "Optional": Optional,
        **(names or {}),
    }
    text = f"def desc({signature}:\n    {body}\n"
    exec(compile(text, "schema.py", "exec"), space)
    trtp.register(plugin_id)(space["desc"])


def test_schemas_that_cannot_be(golden):
    x = "x: trtp.TensorDesc"
    golden(
        "schema_errors",
        messages(
            lambda: register_text(f"{x}) -> trtp.TensorDesc", plugin_id="neg"),
            lambda: register_text(f"{x}) -> trtp.TensorDesc", plugin_id="a::b::c"),
            lambda: register_text(f"{x}) -> trtp.TensorDesc", plugin_id="a.b::c"),
            lambda: register_text(f"{x}) -> trtp.TensorDesc", plugin_id="std::x"),
            lambda: register_text(f"{x}) -> trtp.TensorDesc", plugin_id="a::"),
            lambda: register_text(f"{x}) -> trtp.TensorDesc", plugin_id="a::1x"),
            lambda: register_text("x) -> trtp.TensorDesc"),
            lambda: register_text(f"n: int, {x}) -> trtp.TensorDesc"),
            lambda: register_text(f"{x}, outputs: int) -> trtp.TensorDesc"),
            lambda: register_text(f"{x}, a: complex) -> trtp.TensorDesc"),
            lambda: register_text(f"{x}, a: dict) -> trtp.TensorDesc"),
            lambda: register_text(f"{x}, a: np.ndarray) -> trtp.TensorDesc"),
            lambda: register_text(f"{x}, a: 'Nothing') -> trtp.TensorDesc"),
            lambda: register_text(f"{x}, *rest: int) -> trtp.TensorDesc"),
            lambda: register_text(f"{x}, **rest: int) -> trtp.TensorDesc"),
            lambda: register_text(f"{x}, n: int = 1.5) -> trtp.TensorDesc"),
            lambda: register_text(f"{x}) -> int"),
            lambda: register_text(f"{x}) -> Tuple[trtp.TensorDesc, ...]"),
        ),
    )
    with pytest.raises(ia.Error, match="no plugin 'test::schema'"):
        ia.plugin("test::schema", [ia.ones((2,))])


def test_shape_rules_that_fail(golden):
    def call(signature, body, shape=(2, 3)):
        plugin_id = "test::rule"
        trtp.unregister(plugin_id)
        register_text(signature, body, plugin_id)
        try:
            return ia.plugin(plugin_id, [ia.ones(shape)])
        finally:
            trtp.unregister(plugin_id)

    one, two = (
        "x: trtp.TensorDesc) -> trtp.TensorDesc",
        "x: trtp.TensorDesc) -> Tuple[trtp.TensorDesc, trtp.TensorDesc]",
    )
    golden(
        "shape_rule_errors",
        messages(
            lambda: call(one, "return None"),
            lambda: call(one, "return x.like(), x.like()"),
            lambda: call(two, "return x.like()"),
            lambda: call(two, "return x.like(), 3"),
            lambda: call(one, "x.dtype = np.int32; return x"),
            lambda: call(one, "x.shape_expr[0] = 3; return x"),
            lambda: call(one, "out = x.like(); out.shape_expr = (x.shape_expr[0] // 0,); return out"),
        ),
    )


def test_a_rule_that_branches_on_an_unknown_extent(golden):
    plugin_id = "test::branches"

    @trtp.register(plugin_id)
    def desc(x: trtp.TensorDesc) -> trtp.TensorDesc:
        if x.shape_expr[0] == 3:
            return x.like()
        return x.like()

    assert ia.plugin(plugin_id, [ia.ones((4,))]).shape == (4,)
    golden(
        "branch_error",
        messages(
            lambda: ia.compile(
                lambda x: ia.plugin(plugin_id, [x]), args=[ia.InputInfo((ia.NamedDimension("n", 0, 1, 100),))]
            )
        ),
    )
    trtp.unregister(plugin_id)


def test_exceptions_of_users_functions_pass_through():
    plugin_id = fresh("raises")

    @trtp.register(plugin_id)
    def desc(x: trtp.TensorDesc) -> trtp.TensorDesc:
        return x.like()

    @trtp.aot_impl(plugin_id)
    def aot(x, outputs):
        return {}["missing"]

    with pytest.raises(KeyError, match="missing") as error:
        ia.plugin(plugin_id, [ia.ones((2,))]).eval()
    assert any(entry.name == "aot" for entry in error.traceback)
    if hasattr(error.value, "__notes__"):
        assert f"raised in aot_impl of plugin '{plugin_id}'" in error.value.__notes__[0]


def test_what_aot_impl_must_return(golden):
    def call(result):
        plugin_id = "test::returns"
        trtp.unregister(plugin_id)

        @trtp.register(plugin_id)
        def desc(x: trtp.TensorDesc) -> trtp.TensorDesc:
            return x.like()

        @trtp.aot_impl(plugin_id)
        def aot(x, outputs):
            return result(x)

        return ia.plugin(plugin_id, [ia.ones((2,))]).eval()

    params = trtp.KernelLaunchParams()
    golden(
        "aot_result_errors",
        messages(
            lambda: call(lambda x: None),
            lambda: call(lambda x: ("a", PTX)),
            lambda: call(lambda x: (3, PTX, params, trtp.SymIntExprs(0))),
            lambda: call(lambda x: ("a", 3, params, trtp.SymIntExprs(0))),
            lambda: call(lambda x: ("a", PTX, {}, trtp.SymIntExprs(0))),
            lambda: call(lambda x: ("a", PTX, params, 3)),
            lambda: call(lambda x: ("a", PTX, params, trtp.SymIntExprs(1))),
            lambda: trtp.KernelLaunchParams(grid_x=1.5),
            lambda: trtp.KernelLaunchParams(grid_x=-1),
        ),
    )


def test_parameters_of_implementations(golden):
    plugin_id = "other_tests::parameters"

    @trtp.register(plugin_id)
    def desc(x: trtp.TensorDesc, factor: int) -> trtp.TensorDesc:
        return x.like()

    def aot(x, faktor, outputs):
        pass

    def run(x, outputs, streem):
        pass

    golden(
        "implementation_errors",
        messages(
            lambda: trtp.aot_impl(plugin_id)(aot),
            lambda: trtp.impl(plugin_id)(run),
            lambda: trtp.aot_impl("other_tests::parametres")(aot),
            lambda: trtp.autotune(plugin_id)(run),
        ),
    )
    trtp.unregister(plugin_id)


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
