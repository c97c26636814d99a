"""One plugin, y = x + 1, with four implementations: a kernel of the tile language, CUDA C++, PTX from a file, and a Python function.

All give the same bits; which of them run where is printed.
"""

import pathlib

import numpy as np

import intarsia as ia
import intarsia.language as tl
import intarsia.plugins as trtp

ID = "example::elemwise_add_plugin"
KERNELS = pathlib.Path(__file__).parent / "kernels"


@trtp.register(ID)
def add_plugin_desc(inp0: trtp.TensorDesc, block_size: int) -> trtp.TensorDesc:
    return inp0.like()


@ia.jit
def add_kernel(x_ptr, n_elements, y_ptr, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_elements
    tl.store(y_ptr + offsets, tl.load(x_ptr + offsets, mask=mask) + 1, mask=mask)


@trtp.aot_impl(ID, name="tile", priority=1)
def add_by_tile_language(inp0, block_size, outputs):
    n = inp0.numel()
    return trtp.launch(add_kernel, inp0, n, outputs[0], BLOCK_SIZE=block_size).grid(trtp.cdiv(n, block_size))


@trtp.aot_impl(ID, name="cuda")
def add_by_cuda(inp0, block_size, outputs):
    n, source = inp0.numel(), trtp.CudaSource((KERNELS / "add.cu").read_text(), name="add.cu")
    return (
        trtp.launch(source, inp0, n, outputs[0], entry="add<float>")
        .grid(trtp.cdiv(n, block_size))
        .block(block_size)
    )


@trtp.aot_impl(ID, name="ptx")
def add_by_ptx(inp0, block_size, outputs):
    n = inp0.numel()
    params = trtp.KernelLaunchParams(grid_x=trtp.cdiv(n, block_size), block_x=block_size)
    return (
        "add_one",
        (KERNELS / "add.ptx").read_text(),
        params,
        trtp.SymIntExprs.from_tuple((trtp.SymInt32(n),)),
    )


@trtp.impl(ID, name="function", target="cpu")
def add_by_function(inp0, outputs, stream):
    np.add(np.asarray(inp0), np.float32(1), out=np.asarray(outputs[0]))


def main():
    print(ia.plugin(ID, [ia.iota((2, 2))], block_size=256))
    x = ia.iota((1000, 3)) * 0.37 - 500.0
    wanted = (x + 1).numpy().tobytes()
    for implementation in ("tile", "cuda", "ptx", "function"):
        trtp.prefer(ID, implementation)
        try:
            got = ia.plugin(ID, [x], block_size=256).numpy().tobytes()
        except ia.Unsupported as error:
            print(f"{implementation}: not here: {error.message}")
            continue
        assert got == wanted, f"{implementation} gives other bits"
        print(f"{implementation}: the bits of x + 1")


if __name__ == "__main__":
    main()
