"""Names of nvtripy, tensorrt, triton and cupy over ours, as scripts use them."""

import os
import pathlib
import subprocess
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(tmp_path, text, *options, fails=False):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(text))
    env = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    done = subprocess.run(
        [sys.executable, "-m", "intarsia.compat", *options, str(script)],
        env=env,
        capture_output=True,
        text=True,
    )
    assert (done.returncode != 0) == fails, done.stderr
    return done


def test_tensorrt_dtypes(tmp_path):
    run(
        tmp_path,
        """
        import numpy as np, tensorrt as trt, tensorrt.plugin as trtp
        assert trt.nptype(trt.float32) is np.float32 and trt.nptype(trt.DataType.HALF) is np.float16
        assert trt.DataType.FLOAT is trt.float32 and trt.int64.itemsize == 8 and trt.bool is trt.DataType.BOOL
        try:
            trt.nptype(trt.bfloat16)
        except TypeError as error:
            assert "bfloat16" in str(error)
        trtp.AutoTuneCombination("FP32|FP16, FP32|FP16")
        assert trt.plugin is trtp
    """,
    )


def test_triton_old_and_new_call_forms(tmp_path):
    done = run(
        tmp_path,
        """
        import numpy as np, triton, triton.language as tl
        from triton.backends.compiler import GPUTarget

        @triton.jit
        def add_kernel(x_ptr, n, y_ptr, BLOCK_SIZE: tl.constexpr):
            i = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
            tl.store(y_ptr + i, tl.load(x_ptr + i, mask=i < n) + 1, mask=i < n)

        old = triton.compile(triton.compiler.ASTSource(add_kernel, "*fp32,i32,*fp32", constants={"BLOCK_SIZE": 256}))
        by_index = triton.compile(triton.compiler.ASTSource(add_kernel, {0: "*fp32", 1: "i32", 2: "*fp32"}, constants={3: 256}))
        new = triton.compile(
            triton.compiler.ASTSource(add_kernel, {"x_ptr": "*fp32", "n": "i32", "y_ptr": "*fp32", "BLOCK_SIZE": "constexpr"}, {("BLOCK_SIZE",): 256}),
            target=GPUTarget("cuda", 80, 32), options={"num_warps": 8})
        assert old.asm["kernel"] == by_index.asm["kernel"]
        assert old.metadata.num_warps == 4 and new.metadata.num_warps == 8 and new.metadata.target == "sm_80"
        assert old.metadata.name == "add_kernel" and old.metadata.shared == 0
        assert ".visible .entry add_kernel" in old.asm["ptx"] and ".target sm_80" in new.asm["ptx"] and "reqntid 256" in new.asm["ptx"]
        assert set(old.asm.keys()) >= {"kernel", "llvm", "ptx", "x86"}

        x, y = np.arange(1000, dtype=np.float32), np.zeros(1000, np.float32)
        add_kernel[(triton.cdiv(1000, 256),)](x, 1000, y, BLOCK_SIZE=256, num_warps=4)
        assert (y == x + 1).all()
        assert triton.next_power_of_2(100) == 128
        print("done")
    """,
    )
    assert done.stdout == "done\n"


def test_autotune_and_heuristics(tmp_path):
    run(
        tmp_path,
        """
        import numpy as np, triton, triton.language as tl

        told, hooked = [], []
        @triton.autotune(
            configs=[triton.Config({"BLOCK": b}, num_warps=w, pre_hook=lambda args: hooked.append(args["BLOCK"])) for b, w in ((64, 2), (256, 4), (1024, 8))],
            key=["n"], reset_to_zero=["y_ptr"], prune_configs_by={"early_config_prune": lambda configs, args, **_: configs[:2]})
        @triton.heuristics({"EVEN": lambda args: args["n"] % args["BLOCK"] == 0})
        @triton.jit
        def accumulate(x_ptr, n, y_ptr, BLOCK: tl.constexpr, EVEN: tl.constexpr):
            i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
            if EVEN:
                tl.store(y_ptr + i, tl.load(y_ptr + i) + tl.load(x_ptr + i))
            else:
                tl.store(y_ptr + i, tl.load(y_ptr + i, mask=i < n) + tl.load(x_ptr + i, mask=i < n), mask=i < n)

        for n in (1000, 1024):
            x, y = np.arange(n, dtype=np.float32), np.full(n, 7, np.float32)
            grid = lambda meta: (triton.cdiv(n, meta["BLOCK"]),)
            accumulate[grid](x, n, y)
            assert (y == x).all(), "each trial starts from zeros, and so does the launch"
            accumulate[grid](x, n, y)
            assert (y == 2 * x).all(), "nothing is timed again"
        assert len(accumulate.cache) == 2 and accumulate.best_config.kwargs["BLOCK"] in (64, 256)
        assert set(hooked) == {64, 256} and accumulate.best_config.num_warps in (2, 4)
        accumulate.cache.clear()
        for wrong in (lambda: accumulate(x, n, y), lambda: accumulate[grid](x, n, y, BLOCK=64), lambda: triton.autotune([], key=["m"])(accumulate.fn)):
            try:
                wrong()
            except Exception as error:
                told.append(str(error).split("\\n")[0])
        assert told == [
            "'accumulate' is a kernel: launch it as accumulate[grid](...)",
            "'BLOCK' of accumulate is given by the call and by its configuration (BLOCK: 64, num_warps: 2, num_stages: 3, num_ctas: 1)",
            "autotune of accumulate names 'm', and its parameters are x_ptr, n, y_ptr, BLOCK, EVEN",
        ], told
    """,
    )


def test_restored_values_and_a_single_configuration(tmp_path):
    run(
        tmp_path,
        """
        import numpy as np, triton, triton.language as tl
        from triton.runtime import Autotuner

        @triton.jit
        def twice(x_ptr, B: tl.constexpr):
            i = tl.arange(0, B)
            tl.store(x_ptr + i, tl.load(x_ptr + i) * 2)

        x = np.ones(64, np.float32)
        tuned = triton.autotune([triton.Config({"B": b}) for b in (32, 64)], key=[], restore_value=["x_ptr"])(twice)
        assert isinstance(tuned, Autotuner)
        tuned[(1,)](x)
        assert x[:32].tolist() == [2.0] * 32 and x[32:].max() <= 2
        y = np.ones(8, np.float32)
        triton.autotune([triton.Config({"B": 8})], key=[])(twice)[(1,)](y)
        assert y.tolist() == [2.0] * 8
    """,
    )


def test_program_ids_are_32_bits_and_blocks_powers_of_two(tmp_path):
    done = run(
        tmp_path,
        """
        import numpy as np, triton, triton.language as tl

        @triton.jit
        def k(x_ptr, B: tl.constexpr):
            tl.static_assert(tl.program_id(0).dtype == tl.int32)
            tl.store(x_ptr + tl.arange(0, B), 1.0)

        k[(1,)](np.zeros(128, np.float32), B=128)
        k[(1,)](np.zeros(128, np.float32), B=100)
    """,
        fails=True,
    )
    assert (
        "must be a power of two in Triton, and 100 is not" in done.stderr and "tl.arange(0, B)" in done.stderr
    )


def test_cupy_is_numpy_where_it_is_missing(tmp_path):
    done = run(
        tmp_path,
        """
        import cupy as cp
        assert cp.asnumpy(cp.arange(3)).tolist() == [0, 1, 2] and cp.allclose(cp.ones(2), 1)
    """,
    )
    assert done.stderr.count("CuPy is not installed") == 1


def test_tripys_names(tmp_path):
    run(
        tmp_path,
        """
        import nvtripy as tp
        x = tp.iota((2, 3), dim=1) + tp.ones((2, 3), dtype=tp.float32)
        assert tp.allclose(x, tp.Tensor([[1.0, 2.0, 3.0]] * 2))
        try:
            x @ x
        except tp.TripyException as error:
            assert "columns of lhs" in str(error)
        f = tp.compile(lambda a: tp.relu(a), args=[tp.InputInfo((tp.NamedDimension("n", 1, 2, 3), 3), tp.float32)])
        assert f(x).tolist() == x.tolist()
    """,
    )


def test_what_is_missing_is_named(tmp_path):
    for text, message in (
        ("import tensorrt as trt\ntrt.Builder", "intarsia.compat has no tensorrt.Builder"),
        ("import triton\ntriton.testing", "intarsia.compat has no triton.testing"),
        ("import triton.language as tl\ntl.dot_scaled", "intarsia.compat has no triton.language.dot_scaled"),
        ("import nvtripy as tp\ntp.resize", "intarsia.compat has no nvtripy.resize"),
        ("import tensorrt.plugin as trtp\ntrtp.nothing", "intarsia.compat has no tensorrt.plugin.nothing"),
    ):
        assert message in run(tmp_path, text, fails=True).stderr


def test_a_script_that_is_not_there():
    env = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    call = [sys.executable, "-m", "intarsia.compat", "no_such_script.py"]
    done = subprocess.run(call, env=env, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.endswith("error: there is no file 'no_such_script.py'\n")


def test_scripts_see_their_arguments(tmp_path):
    (tmp_path / "beside.py").write_text("value = 3\n")
    script = tmp_path / "script.py"
    script.write_text("import sys, beside\nprint(sys.argv[1:], beside.value, __name__)\n")
    env = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    done = subprocess.run(
        [sys.executable, "-m", "intarsia.compat", str(script), "a", "--b"],
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "['a', '--b'] 3 __main__"
