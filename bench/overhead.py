"""What a call costs beside the work: evaluating `x + 1` (2 x 2) again, and the first evaluation of a new structure. One thread."""

import json
import time

from timing import one_core, per_call

one_core()

import numpy as np  # noqa: E402

import intarsia as ia  # noqa: E402
import intarsia.language as tl  # noqa: E402
import intarsia.plugins as plugins  # noqa: E402


def again():
    x = ia.Tensor(np.zeros((2, 2), np.float32))

    def empty():
        pass

    return {"work": "x + 1 (2 x 2) again, from Python", "us": per_call(lambda: (x + 1.0).eval()) * 1e6,
            "empty call us": per_call(empty) * 1e6}


def first():
    x = ia.Tensor(np.linspace(0, 1, 1000, dtype=np.float32))
    times = []
    for k in range(1, 9):  # each round is a structure that was never seen
        y = x
        for _ in range(k):
            y = ia.tanh(y * 2.0) + ia.exp(y)
        start = time.process_time()
        y.eval()
        times.append(time.process_time() - start)
    return {"work": "first evaluation of a new elementwise structure (4 operators), CPU", "ms": times[0] * 1e3, "ms by rounds": [t * 1e3 for t in times]}


@ia.jit
def add_kernel(x, n, y, BLOCK_SIZE: tl.constexpr):
    i = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    tl.store(y + i, tl.load(x + i, mask=i < n) + 1, mask=i < n)


def plugin():
    from timing import interleaved

    def define(name, as_ptx):
        @plugins.register(name)
        def desc(x: plugins.TensorDesc) -> plugins.TensorDesc:
            return x.like()

        @plugins.aot_impl(name)
        def aot(x, outputs, tactic):
            n = x.numel()
            if not as_ptx:
                return plugins.launch(add_kernel, x, n, outputs[0], BLOCK_SIZE=1024).grid(plugins.cdiv(n, 1024))
            compiled = ia.compile_kernel(add_kernel, {"x": "*fp32", "n": "i32", "y": "*fp32"}, {"BLOCK_SIZE": 1024}, target="sm_90a")
            text = str(compiled.asm["ptx"]) + "\n"  # changed by a character: plain PTX, executed as it stands
            threads = compiled.metadata.num_warps * 32
            return plugins.launch(text, x, plugins.SymInt32(n), outputs[0], entry=compiled.name).grid(plugins.cdiv(n, 1024)).block(threads)

    define("bench::tile", False), define("bench::ptx", True)
    x, info = ia.Tensor(np.zeros(1 << 20, np.float32)), ia.InputInfo((1 << 20,), ia.float32)
    work = {"built-in": lambda t: t + 1.0, "tile language": lambda t: ia.plugin("bench::tile", [t]),
            "PTX in the interpreter": lambda t: ia.plugin("bench::ptx", [t])}
    compiled = {name: ia.compile(function, args=[info]) for name, function in work.items()}
    seconds = interleaved({name: lambda run=run: run(x) for name, run in compiled.items()}, rounds=51)
    lazy = interleaved({name: lambda function=function: function(x).eval() for name, function in work.items()}, rounds=51)
    return {"work": "plugin add-one, 2^20 f32, compiled", "ms": {k: v * 1e3 for k, v in seconds.items()},
            "tile / built-in": seconds["tile language"] / seconds["built-in"], "PTX / built-in": seconds["PTX in the interpreter"] / seconds["built-in"],
            "us more when called lazily, tile": (lazy["tile language"] - lazy["built-in"]) * 1e6}


if __name__ == "__main__":
    print(json.dumps([again(), first(), plugin()]))
