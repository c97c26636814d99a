"""intarsia.ptx: loading, launching, what it refuses; and the command line over it."""

import json

import numpy as np
import pytest

import intarsia as ia
from intarsia.commands import main

SCALE = """.version 8.0
.target sm_80
.address_size 64
.visible .entry scale(.param .u64 .ptr .global .align 4 x, .param .u32 n, .param .f32 factor) {
  .reg .pred %p<2>; .reg .b32 %r<6>; .reg .f32 %f<3>; .reg .b64 %d<4>;
  ld.param.u64 %d1, [x]; ld.param.u32 %r1, [n]; ld.param.f32 %f1, [factor];
  mov.u32 %r2, %ctaid.x; mov.u32 %r3, %ntid.x; mov.u32 %r4, %tid.x;
  mad.lo.s32 %r2, %r2, %r3, %r4;
  setp.ge.s32 %p1, %r2, %r1;
  @%p1 bra END;
  mul.wide.s32 %d2, %r2, 4; add.s64 %d1, %d1, %d2;
  ld.global.f32 %f2, [%d1];
  mul.rn.f32 %f2, %f2, %f1;
  st.global.f32 [%d1], %f2;
END: ret;
}
"""
# LLVM's dialect: registers without types.
EX2 = """.version 8.0
.target sm_80
.address_size 64
.visible .entry ex2(.param .b64 x, .param .b32 factor) {
  .reg .b32 %r<3>; .reg .b64 %d<4>;
  ld.param.b64 %d1, [x]; ld.param.b32 %r2, [factor];
  mov.u32 %r1, %tid.x;
  mul.wide.u32 %d2, %r1, 4; add.s64 %d1, %d1, %d2;
  ld.global.b32 %r1, [%d1]; ex2.approx.f32 %r1, %r1; mul.f32 %r1, %r1, %r2; st.global.b32 [%d1], %r1;
  ret;
}
"""


def test_a_kernel_works_on_arrays_in_place():
    x = np.arange(1000, dtype=np.float32)
    result = ia.ptx.load(SCALE)["scale"].launch(4, (256,), [x, 1000, 1.5])
    assert result.clean and result.require_clean() is result
    assert (x == np.arange(1000, dtype=np.float32) * np.float32(1.5)).all()
    assert result.inexact == [] and result.steps > 0 and result.printed == ""


COUNTER = """.version 8.0
.target sm_80
.address_size 64
.visible .global .align 4 .u32 counter = 5;
.visible .global .align 8 .u64 place = counter;
.visible .entry bump(.param .u64 out) {
  .reg .b32 %r<2>; .reg .b64 %d<2>;
  ld.param.u64 %d0, [out];
  atom.global.add.u32 %r0, [counter], 1;
  st.global.u32 [%d0], %r0;
  ret;
}
.visible .entry look(.param .u64 out) {
  .reg .b32 %r<2>; .reg .b64 %d<2>;
  ld.param.u64 %d0, [out];
  ld.global.u64 %d1, [place];
  ld.global.u32 %r0, [%d1];
  st.global.u32 [%d0], %r0;
  ret;
}
"""


@pytest.mark.parametrize("first", ["bump", "look"])
def test_kernels_of_a_module_share_its_variables_also_through_addresses_in_them(first):
    module, out = ia.ptx.load(COUNTER), np.zeros(1, np.uint32)
    module[first]
    seen = []
    for entry in ("look", "bump", "bump", "look"):
        module.launch(1, 1, [out], entry=entry).require_clean()
        seen.append(int(out[0]))
    assert seen == [5, 5, 6, 7]


def test_a_module_of_one_kernel_is_launched_itself():
    x = np.ones(4, np.float32)
    assert ia.ptx.load(SCALE).launch(1, 32, [x, 4, 2.0], checks="all").clean
    assert x.tolist() == [2.0] * 4
    with pytest.raises(ia.Error, match=r"^PTX has 2 kernels \(bump, look\); launch\(..., entry=...\) says which"):
        ia.ptx.load(COUNTER).launch(1, 1, [np.zeros(1, np.uint32)])


def test_sources_may_be_paths_text_and_bytes(tmp_path):
    path = tmp_path / "scale.ptx"
    path.write_text(SCALE)
    for given in (path, str(path), SCALE, SCALE.encode(), SCALE.encode() + b"\0"):
        module = ia.ptx.load(given)
        assert list(module) == ["scale"] and module.target == "sm_80" and module.version == "8.0"
        assert "scale" in module and len(module) == 1 and not module.problems
    with pytest.raises(ia.Error, match="nothing.ptx cannot be read: No such file"):
        ia.ptx.load("nothing.ptx")
    with pytest.raises(ia.Error, match=r"scale.ptx has no entry 'scal'; it has scale"):
        ia.ptx.load(path)["scal"]


def test_parameters_have_types_kinds_and_directions():
    x, n, factor = ia.ptx.load(SCALE)["scale"].parameters
    assert (x.name, x.type, x.bytes, x.pointer, x.direction) == ("x", "u64", 8, "declared", "in/out")
    assert (n.type, n.bytes, n.pointer, n.direction) == ("u32", 4, "no", "value")
    assert factor.offset == 12
    assert ia.ptx.load(EX2)["ex2"].parameters[0].pointer == "inferred"


def test_values_are_converted_by_the_parameters_type():
    x = np.zeros(32, np.float32)
    result = ia.ptx.load(EX2)["ex2"].launch(1, 32, [x, 2.5])  # a float for .b32 is f32
    assert (x == 2.5).all() and result.inexact == ["ex2.approx.f32"]
    kernel = ia.ptx.load(SCALE)["scale"]
    x[:] = 1
    kernel.launch(1, 32, [x, np.int32(32), np.float32(3)]).require_clean()
    kernel.launch(1, 32, [x, True, 7]).require_clean()
    kernel.launch(1, 32, [x, (31).to_bytes(4, "little"), 2]).require_clean()
    assert x[0] == 42 and x[1] == 6 and x[31] == 3


@pytest.mark.parametrize(
    "args, message",
    [
        ([0], r"kernel scale takes 3 parameters \(x, n, factor\), 1 are given"),
        ([None, 1.5, 1], r"parameter 1 \('n'\) is a value of type .u32; the float 1.5 is given"),
        ([None, 1 << 32, 1], r"parameter 1 \('n'\) is a value of type .u32; 4294967296 is given"),
        ([None, np.int64(1), 1], r"'n'\) is a value of type .u32; a numpy.int64 is given"),
        ([None, 1, np.int32(1)], r"'factor'\) is a value of type .f32; a numpy.int32 is given"),
        ([None, np.zeros(4), 1], r"'n'\) is a value of type .u32; a ndarray is given"),
        ([np.zeros((4, 4))[:, 1], 1, 1], r"'x'\) is a pointer; an array that is not contiguous is given"),
        ([None, b"12", 1], r"'n'\) is a value of 4 bytes; bytes of length 2 is given"),
        (["text", 1, 1], r"an array is wanted"),
    ],
)
def test_arguments_that_do_not_fit_are_named(args, message):
    with pytest.raises(ia.Error, match=message):
        ia.ptx.load(SCALE)["scale"].launch(1, 32, args)


def test_launches_that_cannot_be_are_errors():
    kernel = ia.ptx.load(SCALE)["scale"]
    x = np.zeros(4, np.float32)
    for given, message in [
        (dict(block=2048), "has 2048 threads; sm_90 runs at most 1024"),
        (dict(grid=(1, 1, 1, 1)), "grid has 4 extents"),
        (dict(grid=-1), "grid is -1"),
        (dict(shared=1 << 20), "of shared memory"),
        (dict(arch="sm_12"), "no device of architecture sm_12 is known"),
        (dict(arch="x"), "an architecture is 'sm_90' or 90"),
        (dict(checks="rases"), "no check is called 'rases'"),
        (dict(mode="slow"), "mode is 'slow'"),
        (dict(trace={"line": 3}), "trace takes block, warp and most, not line"),
    ]:
        grid, block = given.pop("grid", 1), given.pop("block", 32)
        with pytest.raises(ia.Error, match=message):
            kernel.launch(grid, block, [x, 0, 1.0], **given)


def test_what_the_kernel_does_wrong_is_reported():
    kernel = ia.ptx.load(SCALE, source="scale.ptx")["scale"]
    x = np.ones(40, np.float32)
    result = kernel.launch((2,), (32,), [x, 41, 2.0])
    load, store = result.reports
    assert (load.kind, load.block, load.thread, load.line) == ("out-of-bounds access", (1, 0, 0), (8, 0, 0), 12)
    assert "'x' (160 bytes)" in load.what and load.instruction == "ld.global.f32 %f2, [%d1];"
    assert (x == 2).all()
    with pytest.raises(ia.Error, match="out-of-bounds access in kernel scale"):
        result.require_clean()
    x.flags.writeable = False
    assert kernel.launch(1, 32, [x, 1, 2.0]).reports[0].kind == "store to read-only memory"


def test_a_text_that_is_wrong_names_its_line():
    with pytest.raises(ia.Error, match=r"bad.ptx:2: expected .*\n *.target sm_80 sm_90"):
        ia.ptx.load(SCALE.replace("sm_80", "sm_80 sm_90"), source="bad.ptx")
    with pytest.raises(ia.Error, match=r"bad.ptx:12: operand 1 .*\n *ld.global.f32 %f9, \[%d1\];"):
        ia.ptx.load(SCALE.replace("%f2, [%d1]", "%f9, [%d1]"), source="bad.ptx")["scale"]
    module = ia.ptx.load(SCALE.replace("mul.rn.f32", "mul.rn.f31").replace("ld.global.f32", "ld.globl.f32"))
    assert [(p.line, p.nearest) for p in module.problems] == [(12, "ld.global.f32"), (13, "mul.rn.f32")]


def test_a_trace_shows_one_warp():
    x = np.arange(64, dtype=np.float32)
    result = ia.ptx.load(SCALE)["scale"].launch(1, 64, [x, 40, 2.0], trace=dict(warp=1))
    mul = next(s for s in result.trace if s.opcode == "mul.rn.f32")
    assert mul.lanes == 0xFF and mul.line == 13
    assert "%f2 <- 64 66 68" in str(mul)
    assert not ia.ptx.load(SCALE)["scale"].launch(1, 64, [x, 40, 2.0]).trace


def test_tensors_and_other_arrays_are_taken_without_a_copy():
    x = ia.ones((4, 4)) * 2.0
    ia.eval(x)
    ia.ptx.load(SCALE)["scale"].launch(1, 32, [x, 16, 0.5]).require_clean()
    assert (np.from_dlpack(x) == 1).all()
    y = memoryview(bytearray(np.ones(4, np.float32).tobytes())).cast("f")
    ia.ptx.load(SCALE)["scale"].launch(1, 32, [y, 4, 3.0]).require_clean()
    assert y.tolist() == [3.0] * 4


BOX = """.version 8.7
.target sm_90
.address_size 64
.visible .entry box(.param .align 64 .b8 map[128], .param .u64 out, .param .u32 x, .param .u32 y) {
  .reg .pred %p<2>; .reg .b32 %r<6>; .reg .b64 %d<6>;
  .shared .align 128 .b8 tile[128]; .shared .align 8 .b64 bar;
  mov.b64 %d1, map; cvta.param.u64 %d1, %d1; ld.param.u64 %d2, [out]; ld.param.u32 %r1, [x]; ld.param.u32 %r2, [y];
  mov.u32 %r3, %tid.x;
  setp.ne.u32 %p1, %r3, 0;
  @%p1 bra WAIT;
  mbarrier.init.shared::cta.b64 [bar], 1;
  fence.mbarrier_init.release.cluster;
  mbarrier.arrive.expect_tx.shared::cta.b64 %d3, [bar], 128;
  cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [tile], [%d1, {%r1, %r2}], [bar];
WAIT: bar.sync 0;
AGAIN: mbarrier.try_wait.parity.shared::cta.b64 %p1, [bar], 0;
  @!%p1 bra AGAIN;
  mul.wide.u32 %d4, %r3, 4; add.u64 %d2, %d2, %d4; shl.b32 %r4, %r3, 2;
  mov.u32 %r5, tile; add.u32 %r4, %r4, %r5; ld.shared.u32 %r5, [%r4]; st.global.u32 [%d2], %r5;
  ret;
}
"""


def test_tensor_maps_say_where_boxes_lie():
    x, out = np.arange(8 * 16, dtype=np.float32).reshape(8, 16), np.zeros((4, 8), np.float32)
    kernel = ia.ptx.load(BOX)["box"]
    kernel.launch(1, 32, [ia.ptx.tensor_map(x, (4, 8)), out, 4, 2]).require_clean()
    assert (out == x[2:6, 4:12]).all()
    kernel.launch(1, 32, [ia.ptx.tensor_map(x, (4, 8)), ia.ptx.Uninitialised(out), 12, 6]).require_clean()
    assert (out[:2, :4] == x[6:, 12:]).all() and not out[2:].any() and not out[:, 4:].any()
    with pytest.raises(ia.Error, match="box"):
        ia.ptx.tensor_map(x, (4, 300))
    with pytest.raises(ia.Error, match="'x'. is a value of type .u32; a tensor map of 128 bytes is given"):
        kernel.launch(1, 32, [None, out, ia.ptx.tensor_map(x, (4, 8)), 2])


# ---- the command line ------------------------------------------------------------------------------------


@pytest.fixture
def scale(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scale.ptx").write_text(SCALE)
    return tmp_path


def test_check_says_what_kernels_take(scale, capsys):
    assert main(["ptx", "check", "scale.ptx", "--no-ptxas"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines() == [
        "scale.ptx: PTX 8.0 for sm_80, 1 entries, on sm_90",
        "entry scale, line 4",
        "  0  x: .u64, 8 bytes, pointer, in/out",
        "  1  n: .u32, 4 bytes, value",
        "  2  factor: .f32, 4 bytes, value",
        "  0 bytes of shared memory, 0 of local memory",
        "ptxas: not asked, or not found",
        "ok",
    ]


def test_check_lists_all_that_is_not_covered(scale, capsys):
    (scale / "scale.ptx").write_text(SCALE.replace("mul.rn.f32", "mul.rn.f31").replace("ld.global.f32", "ld.globl.f32"))
    assert main(["ptx", "check", "scale.ptx", "--no-ptxas", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == 1 and not found["ok"]
    assert [p["nearest"] for p in found["problems"]] == ["ld.global.f32", "mul.rn.f32"]
    main(["ptx", "check", "scale.ptx", "--no-ptxas"])
    out = capsys.readouterr().out
    assert "not covered: 'mul.rn.f31' is not in the opcode table\n  line 13: mul.rn.f31 %f2, %f2, %f1;\n  nearest form: mul.rn.f32" in out


def test_check_says_what_the_device_cannot_do(scale, capsys):
    assert main(["ptx", "check", "scale.ptx", "--no-ptxas", "--arch", "sm_75"]) == 1
    assert "does not fit: PTX for sm_80 does not run on sm_75" in capsys.readouterr().out
    (scale / "scale.ptx").write_text("not PTX\n")
    assert main(["ptx", "check", "scale.ptx"]) == 1
    assert "error: scale.ptx:1: expected '.version', found 'not'" in capsys.readouterr().out


def test_run_reads_and_writes_arrays(scale, capsys):
    np.save("x.npy", np.arange(40, dtype=np.float32))
    args = ["ptx", "run", "scale.ptx", "--entry", "scale", "--grid", "2", "--block", "32,1", "--arg", "y.npy=x.npy"]
    assert main([*args, "--arg", "u32:40", "--arg", "f32:2"]) == 0
    out = capsys.readouterr().out
    assert "x: float32[40] -> y.npy  0 2 4 6 8 10 12 14 …  (min 0, max 78)" in out
    assert "inexact: none" in out and out.splitlines()[-1] == "ok"
    assert (np.load("y.npy") == np.arange(40) * 2).all() and (np.load("x.npy") == np.arange(40)).all()
    assert main([*args, "--arg", "u32:41", "--arg", "f32:2"]) == 1
    out = capsys.readouterr().out
    assert "out-of-bounds access: load of 4 bytes" in out and "line 12: ld.global.f32 %f2, [%d1];" in out
    assert main([*args, "--arg", "u32:41", "--arg", "f32:2", "--check", "none,alignment"]) == 0
    assert main([*args, "--arg", "u32:41", "--arg", "f32:2", "--color", "always"]) == 1
    assert "\x1b[1;31mout-of-bounds access\x1b[0m" in capsys.readouterr().out


def test_run_as_json(scale, capsys):
    args = ["ptx", "run", "scale.ptx", "--arg", "arange:f32:2x4", "--arg", "u32:9", "--arg", "f32:3", "--block", "32"]
    assert main([*args, "--json", "--trace", "block=0,0,warp=0,most=2"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["entry"] == "scale" and found["schema"] == 1
    assert found["arguments"][0]["shape"] == [2, 4] and found["arguments"][0]["first"] == [3.0 * i for i in range(8)]
    assert found["reports"][0]["thread"] == [8, 0, 0] and "text" not in found["reports"][0]
    assert len(found["trace"]) == 2 and len(found["trace"][0]["values"][0]["bits"]) == 32


def test_run_prints_a_trace(scale, capsys):
    args = ["ptx", "run", "scale.ptx", "--arg", "zeros:f32:8", "--arg", "u32:8", "--arg", "f32:3", "--block", "32"]
    assert main([*args, "--trace", "line=13"]) == 0
    assert capsys.readouterr().out.count("lanes") == 1
    assert main([*args, "--trace"]) == 0
    assert "   13  mul.rn.f32 %f2, %f2, %f1;   lanes 0x000000ff\n         %f2 <- 0 in each lane" in capsys.readouterr().out


@pytest.mark.parametrize(
    "args, message",
    [
        (["--arg", "f31:2"], "--arg f31:2: cannot be read.\nOne --arg for each parameter"),
        (["--arg", "u32:-1"], "--arg u32:-1: -1 does not fit u32"),
        (["--arg", "i8:x"], "'x' is not a number of type i8"),
        (["--arg", "zeros:f32"], "wanted zeros:TYPE:EXTENTS"),
        (["--arg", "y.npy=f32:1"], "only an array is written to a file"),
        (["--arg", "none.npy"], "none.npy cannot be read as an array: No such file"),
        (["--arg", "null"], "takes 3 parameters (x, n, factor), 1 are given"),
        (["--grid", "a"], "--grid is X, X,Y or X,Y,Z, not 'a'"),
        (["--trace", "lane=1"], "--trace is block=X,Y,Z,warp=N,most=N,line=N"),
        (["--entry", "k"], "has no entry 'k'; it has scale"),
    ],
)
def test_run_asked_wrongly_is_status_2(scale, capsys, args, message):
    rest = ["--arg", "null", "--arg", "u32:0", "--arg", "f32:0"] if "--arg" not in args else []
    assert main(["ptx", "run", "scale.ptx", *args, *rest]) == 2
    assert message in capsys.readouterr().err


def test_values_of_the_command_line_have_their_bits():
    from intarsia.commands.ptx_arguments import Argument

    values = {
        "i8:-1": "ff",
        "u64:0xff": "ff00000000000000",
        "b32:-2": "feffffff",
        "f16:1": "003c",
        "bf16:1.00390625": "803f",  # halfway: to even
        "bf16:1.01171875": "823f",
        "f64:-0.0": "0000000000000080",
        "f32:inf": "0000807f",
    }
    for text, bits in values.items():
        assert Argument(text, None).value.hex() == bits, text
    assert Argument("zeros:bf16:3", None).value.dtype == np.uint16
    assert Argument("null", None).value is None
