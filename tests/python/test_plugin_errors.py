"""What a user of plugins reads when something does not fit."""

from typing import List, Literal, Optional, Tuple

import numpy as np
import numpy.typing as npt
import pytest

import intarsia as ia
import intarsia.plugins as trtp
from golden import messages
from plugin_code import PTX, foreign, fresh, scale_kernel, scaled


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


def test_an_impl_that_returns_its_result(golden):
    plugin_id = "test::returning"

    @trtp.register(plugin_id)
    def desc(x: trtp.TensorDesc) -> trtp.TensorDesc:
        return x.like()

    @trtp.impl(plugin_id)
    def run(x, outputs, stream):
        return np.asarray(x) + 1

    def without(x, stream):
        pass

    golden(
        "impl_errors",
        messages(
            lambda: ia.plugin(plugin_id, [ia.ones((2,))]).eval(),
            lambda: trtp.impl(plugin_id)(without),
        ),
    )
    trtp.unregister(plugin_id)


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
