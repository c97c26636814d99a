"""A plugin with two tactics, blocks of 256 and of 1024 elements: the tuner times them on the device and keeps the faster."""

import numpy as np

import intarsia as ia
import intarsia.language as tl
import intarsia.plugins as trtp


@trtp.register("example::square")
def square_desc(x: trtp.TensorDesc) -> trtp.TensorDesc:
    return x.like()


@ia.jit
def square_kernel(x_ptr, n, y_ptr, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    v = tl.load(x_ptr + i, mask=i < n)
    tl.store(y_ptr + i, v * v, mask=i < n)


@trtp.autotune("example::square")
def square_autotune(x, outputs):
    return [trtp.AutoTuneCombination("FP32|FP16, FP32|FP16", tactics=[1, 2])]


@trtp.aot_impl("example::square")
def square_aot(x, outputs, tactic):
    n, block = x.numel(), 256 if tactic == 1 else 1024
    return trtp.launch(square_kernel, x, n, outputs[0], BLOCK=block).grid(trtp.cdiv(n, block))


def main():
    for dtype in (ia.float32, ia.float16):
        x = ia.cast(ia.iota((100_000,)) * 0.001, dtype)
        np.testing.assert_array_equal(ia.plugin("example::square", [x]).numpy(), (x * x).numpy())
    print("x * x of 100000 elements: equal")


if __name__ == "__main__":
    main()
