"""Beside PyTorch, ONNX Runtime and real Triton, where they are installed (./dev test --peers)."""

import numpy as np
import pytest

import intarsia as ia
import intarsia.language as tl

pytestmark = pytest.mark.peers


@ia.jit
def add_kernel(x_ptr, n, y_ptr, BLOCK_SIZE: tl.constexpr):
    i = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    tl.store(y_ptr + i, tl.load(x_ptr + i, mask=i < n) + 1, mask=i < n)


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "int32", "int64", "uint8"])
def test_kernels_launch_on_pytorch_tensors(torch, dtype):
    x = torch.arange(100).to(getattr(torch, dtype))
    y = torch.zeros_like(x)
    add_kernel[(tl.cdiv(100, 64),)](x, 100, y, BLOCK_SIZE=64)
    assert torch.equal(y, x + 1)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "int32", "bool"])
def test_tensors_go_to_pytorch_and_back_without_a_copy(torch, dtype):
    x = torch.arange(6).reshape(2, 3).to(getattr(torch, dtype))
    t = ia.Tensor(x)
    assert t.dtype is ia.dtypes.as_dtype(x.dtype) and t.shape == (2, 3)
    back = torch.from_dlpack(t)
    assert back.data_ptr() == x.data_ptr() and torch.equal(back, x)
    if dtype != "bool":
        assert torch.equal(torch.from_dlpack(t + t), x + x)


def test_strided_pytorch_tensors_and_gradients_are_taken(torch):
    x = torch.arange(12.0).reshape(3, 4).t().requires_grad_()
    np.testing.assert_array_equal((ia.Tensor(x) * 2.0).numpy(), x.detach().numpy() * 2)
    assert (ia.ones((4, 3)) + x.detach()).tolist() == (x.detach() + 1).tolist()


def test_an_impl_may_use_pytorch(torch):
    import intarsia.plugins as trtp

    @trtp.register("test::torch_relu")
    def desc(x: trtp.TensorDesc) -> trtp.TensorDesc:
        return x.like()

    @trtp.impl("test::torch_relu")
    def run(x, outputs, stream):
        torch.from_dlpack(outputs[0]).copy_(torch.relu(torch.from_dlpack(x)))

    x = ia.cast(ia.Tensor([-1.0, 2.0]), ia.bfloat16)
    assert ia.plugin("test::torch_relu", [x]).tolist() == [0.0, 2.0]


MODEL = [
    ("softmax", lambda x: ia.softmax(x, dim=-1), lambda t, x: t.softmax(x, -1)),
    ("gelu", ia.gelu, lambda t, x: t.nn.functional.gelu(x)),
    ("gelu_tanh", lambda x: ia.gelu(x, "tanh"), lambda t, x: t.nn.functional.gelu(x, approximate="tanh")),
    (
        "layer_norm",
        lambda x: ia.layer_norm(x, ia.ones((33,)), ia.zeros((33,))),
        lambda t, x: t.nn.functional.layer_norm(x, (33,)),
    ),
    ("matmul", lambda x: x @ ia.transpose(x, 0, 1), lambda t, x: x @ x.t()),
    ("argmax", lambda x: ia.argmax(x, dim=1), lambda t, x: t.argmax(x, 1)),
]


@pytest.mark.parametrize("ours, theirs", [m[1:] for m in MODEL], ids=[m[0] for m in MODEL])
def test_results_are_pytorchs(torch, ours, theirs):
    x = torch.randn(17, 33, generator=torch.Generator().manual_seed(1))
    np.testing.assert_allclose(np.asarray(ours(ia.Tensor(x))), theirs(torch, x).numpy(), rtol=2e-5, atol=2e-5)


def test_promotion_is_tritons():
    pytest.importorskip("triton")
    import triton.language as real
    import triton.language.semantic as semantic

    names = [
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float16",
        "bfloat16",
        "float32",
        "float64",
    ]
    promote = getattr(getattr(semantic, "TritonSemantic", semantic), "computation_type_impl", None)
    if promote is None:
        pytest.skip("this Triton keeps its promotion rules elsewhere")
    owner = semantic.TritonSemantic(None) if hasattr(semantic, "TritonSemantic") else None
    differs = []
    for a in names:
        for b in names:
            args = (getattr(real, a), False, getattr(real, b), False, False)
            theirs = promote(owner, *args) if owner is not None else promote(*args)
            if str(theirs).split(".")[-1] != _ours(a, b):
                differs.append((a, b, str(theirs), _ours(a, b)))
    assert not differs


def _ours(a, b):
    from intarsia import _intarsia

    builder = _intarsia.kernel_builder("k", True)
    x = builder.scalar("x", getattr(ia, a).code)
    y = builder.scalar("y", getattr(ia, b).code)
    spelled = {"float16": "fp16", "bfloat16": "bf16", "float32": "fp32", "float64": "fp64"}
    name = ia.dtypes.of_code(builder.binary("add", x, y).dtype).name
    return spelled.get(name, name)


def test_onnx_runtime_takes_our_results():
    ort = pytest.importorskip("onnxruntime")
    x = ia.iota((2, 3)) + 1
    value = ort.OrtValue.ortvalue_from_numpy(np.from_dlpack(x))
    np.testing.assert_array_equal(value.numpy(), x.numpy())
