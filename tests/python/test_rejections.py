"""What a kernel may not contain: every refusal shows the user's line, a caret, and what to write instead."""

import numpy as np
import pytest

import intarsia as ia
import intarsia.language as tl
from golden import kernel_from, shown


def refused(body, *arguments, compat=False, **constants):
    """The text of the error that a kernel with this body gives."""
    kernel = kernel_from(body, compat=compat)
    arguments = arguments or (np.zeros(8, np.float32),)
    with pytest.raises(ia.CompileError) as error:
        kernel[(1,)](*arguments, **constants)
    return shown(error.value)


CASES = {
    "break": ("x_ptr", "for i in range(4):\n    break"),
    "continue": ("x_ptr", "for i in range(4):\n    continue"),
    "nested_def": ("x_ptr", "def f(): pass"),
    "lambda": ("x_ptr", "f = lambda x: x"),
    "try": ("x_ptr", "try:\n    pass\nexcept ValueError:\n    pass"),
    "with": ("x_ptr", "with open('a') as f:\n    pass"),
    "chained_comparison": ("x_ptr", "i = tl.arange(0, 8)\nm = 0 <= i < 8"),
    "item_assignment": ("x_ptr", "x = tl.load(x_ptr + tl.arange(0, 8))\nx[0] = 1"),
    "item": ("x_ptr", "x = tl.load(x_ptr + tl.arange(0, 8))\ny = x[0]"),
    "undefined_name": ("x_ptr", "y = tl.load(x_ptr + offs)"),
    "unknown_function": ("x_ptr", "y = tl.lod(x_ptr)"),
    "plain_function": ("x_ptr", "y = ordinary(3)"),
    "list_comprehension": ("x_ptr", "y = [i for i in range(3)]"),
    "runtime_arange": ("x_ptr, n", "i = tl.arange(0, n)"),
    "empty_arange": ("x_ptr", "i = tl.arange(4, 4)"),
    "broadcast": ("x_ptr", "y = tl.zeros([8], tl.float32) + tl.zeros([16], tl.float32)"),
    "block_condition": ("x_ptr", "if tl.arange(0, 8) < 3:\n    pass"),
    "loop_type": ("x_ptr", "acc = 0\nfor i in range(4):\n    acc += 1.5"),
    "if_type": (
        "x_ptr, n",
        "if n > 3:\n    y = tl.zeros([8], tl.float32)\nelse:\n    y = tl.zeros([8], tl.int32)\ntl.store(x_ptr + tl.arange(0, 8), y)",
    ),
    "maybe_unassigned": ("x_ptr, n", "if n > 3:\n    y = 1\ntl.store(x_ptr, y)"),
    "other_without_mask": ("x_ptr", "y = tl.load(x_ptr, other=0.0)"),
    "mask_dtype": ("x_ptr", "y = tl.load(x_ptr + tl.arange(0, 8), mask=tl.arange(0, 8))"),
    "load_of_number": ("x_ptr, n", "y = tl.load(n + tl.arange(0, 8))"),
    "float_pointer_offset": ("x_ptr", "y = tl.load(x_ptr + 1.5)"),
    "exp_of_half": ("x_ptr", "y = tl.exp(tl.load(x_ptr).to(tl.int32))"),
    "float_floordiv": ("x_ptr", "y = tl.load(x_ptr) // 2.0"),
    "literal_out_of_range": ("x_ptr", "y = tl.load(x_ptr).to(tl.int8) + 200"),
    "matmul_operator": ("x_ptr", "a = tl.zeros([16, 16], tl.float32)\nb = a @ a"),
    "dot_shapes": ("x_ptr", "y = tl.dot(tl.zeros([16, 8], tl.float32), tl.zeros([16, 16], tl.float32))"),
    "static_assert": ("x_ptr", "tl.static_assert(1 > 2, 'one is small')"),
    "return_value": ("x_ptr", "return 3"),
    "return_in_loop": ("x_ptr", "for i in range(4):\n    return"),
    "program_axis": ("x_ptr", "i = tl.program_id(3)"),
    "wrong_argument": ("x_ptr", "y = tl.load(x_ptr, masc=True)"),
    "axis": ("x_ptr", "y = tl.sum(tl.zeros([8], tl.float32), axis=1)"),
    "reshape": ("x_ptr", "y = tl.reshape(tl.zeros([8], tl.float32), [3])"),
    "and_of_blocks": ("x_ptr", "i = tl.arange(0, 8)\nm = (i < 3) and (i > 1)"),
    "constexpr_runtime": ("x_ptr, n", "y: tl.constexpr = n"),
    "constexpr_argument": ("x_ptr, n", "y = wants_constant(n)"),
    "helper_error": ("x_ptr", "y = bad_helper(tl.arange(0, 8))"),
    "unpack": ("x_ptr", "a, b = 1, 2, 3"),
    "global_array": ("x_ptr", "y = outside_array"),
    "import": ("x_ptr", "import os"),
}


@pytest.mark.parametrize("name", CASES)
def test_refusal(name, golden):
    parameters, body = CASES[name]
    arguments = (np.zeros(8, np.float32), 5) if ", n" in parameters else (np.zeros(8, np.float32),)
    lines = "\n".join("    " + line for line in body.split("\n"))
    golden(f"refusal_{name}", refused(f"def kernel({parameters}):\n{lines}\n", *arguments))


def test_triton_wants_powers_of_two(golden):
    body = "def kernel(x_ptr, B: tl.constexpr):\n    i = tl.arange(0, B)\n    tl.store(x_ptr + i, 1.0)\n"
    golden("refusal_power_of_two", refused(body, np.zeros(128, np.float32), compat=True, B=100))
    x = np.zeros(128, np.float32)
    kernel_from(body)[(1,)](x, B=100)
    assert x.sum() == 100


def test_triton_reads_no_global_numbers(golden):
    golden("refusal_global_number", refused("def kernel(x_ptr):\n    y = number\n", compat=True))


def test_launching_with_wrong_arguments(golden):
    kernel = kernel_from(
        "def kernel(x_ptr, n, B: tl.constexpr):\n    i = tl.arange(0, B)\n    tl.store(x_ptr + i, 1.0, mask=i < n)\n"
    )
    x = np.zeros(8, np.float32)
    texts = []
    for call in (
        lambda: kernel[(1,)](x, B=8),
        lambda: kernel[(1,)](x, 8, B=8, C=3),
        lambda: kernel[(1.5,)](x, 8, B=8),
        lambda: kernel[(-1,)](x, 8, B=8),
        lambda: kernel[()](x, 8, B=8),
        lambda: kernel(x, 8, B=8),
        lambda: kernel[(1,)](x, 1 << 64, B=8),
        lambda: kernel[(1,)]([1.0], 8, B=8),
        lambda: kernel[(1,)](np.zeros(8, ">f4"), 8, B=8),
        lambda: kernel[(1,)](np.zeros(8, complex), 8, B=8),
        lambda: kernel[(1,)](x, 8, B=8, num_warps=3),
        lambda: kernel[(1,)](None, 8, B=8),
        lambda: ia.jit(len),
        lambda: ia.jit(lambda x: x),
        lambda: tl.load(x),
    ):
        with pytest.raises(ia.Error) as error:
            call()
        texts.append(shown(error.value))
    golden("launch_errors", "\n\n".join(texts))


def test_arrays_that_cannot_be_written():
    x = np.zeros(8, np.float32)
    x.flags.writeable = False
    kernel = kernel_from("def kernel(x_ptr):\n    tl.store(x_ptr + tl.arange(0, 8), 1.0)\n")
    with pytest.raises(ia.Error, match="'x_ptr' is written by the kernel, and the array given is read-only"):
        kernel[(1,)](x)


def test_numbers_and_arrays_of_numpy_are_numbers_and_arrays():
    kernel = kernel_from(
        "def kernel(x_ptr, n, B: tl.constexpr):\n    i = tl.arange(0, B)\n    tl.store(x_ptr + i, 1.0, mask=i < n)\n"
    )
    x, one = np.zeros(8, np.float32), np.zeros((), np.float32)
    kernel[(np.int32(1),)](x, np.int64(3), B=np.int16(8))
    kernel[1](one, 1, 8)
    assert x.sum() == 3 and one == 1
    assert ia.compile_kernel(kernel, ["*fp32", ia.int32], {"B": np.int64(8)}).name == "kernel"


def test_source_that_nobody_kept(golden):
    names = {"tl": tl}
    exec(compile("def kernel(x_ptr):\n    tl.store(x_ptr, 1.0)\n", "typed.py", "exec"), names)
    with pytest.raises(ia.Error) as error:
        ia.jit(names["kernel"])
    golden("source_error", shown(error.value))


def test_an_empty_grid_is_no_error():
    x = np.zeros(8, np.float32)
    kernel_from("def kernel(x_ptr):\n    tl.store(x_ptr, 1.0)\n")[(0,)](x)
    assert x[0] == 0


def test_signatures_that_do_not_fit(golden):
    kernel = kernel_from(
        "def kernel(x_ptr, n, B: tl.constexpr):\n    i = tl.arange(0, B)\n    tl.store(x_ptr + i, 1.0, mask=i < n)\n"
    )
    texts = []
    for signature, constants in (
        ("*fp32", {"B": 8}),
        ("*fp32,i33", {"B": 8}),
        ({"x_ptr": "*fp32"}, {"B": 8}),
        ({"x_ptr": "*fp32", "n": "i32", "m": "i32"}, {"B": 8}),
        ("*fp32,i32", {}),
    ):
        with pytest.raises(ia.Error) as error:
            ia.compile_kernel(kernel, signature, constants)
        texts.append(error.value.message)
    golden("signature_errors", "\n\n".join(texts))


def test_a_scalar_used_as_an_address_is_taken_as_a_pointer():
    kernel = kernel_from(
        "def kernel(x_ptr, n, B: tl.constexpr):\n    i = tl.arange(0, B)\n    p = x_ptr + i\n    tl.store(p, 1.0, mask=i < n)\n"
    )
    with pytest.warns(
        ia.IntarsiaWarning,
        match=r"kernel uses as addresses what its signature declares as scalars; taking 'x_ptr' as '\*fp32'",
    ):
        compiled = ia.compile_kernel(kernel, "fp32,i32", {"B": 8})
    assert "ptr f32" in compiled.asm["kernel"]
