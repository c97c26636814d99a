"""A script in the shape of the guide of TensorRT's plugins: register, a kernel with its launch, a call. Runs under intarsia.compat."""

from typing import Tuple, Union

import cupy as cp
import numpy as np
import nvtripy as tp
import tensorrt as trt
import tensorrt.plugin as trtp
import triton
import triton.language as tl


@trtp.register("guide_like::scaled_add")
def scaled_add_desc(a: trtp.TensorDesc, b: trtp.TensorDesc, scale: int, block_size: int) -> trtp.TensorDesc:
    assert a.dtype == trt.float32
    return a.like()


@triton.jit
def scaled_add_kernel(a_ptr, b_ptr, n, out_ptr, SCALE: tl.constexpr, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = i < n
    a = tl.load(a_ptr + i, mask=inside)
    b = tl.load(b_ptr + i, mask=inside)
    tl.store(out_ptr + i, a + SCALE * b, mask=inside)


@trtp.aot_impl("guide_like::scaled_add")
def scaled_add_aot(
    a: trtp.TensorDesc,
    b: trtp.TensorDesc,
    scale: int,
    block_size: int,
    outputs: Tuple[trtp.TensorDesc],
    tactic: int,
) -> Tuple[Union[str, bytes], Union[str, bytes], trtp.KernelLaunchParams, trtp.SymExprs]:
    src = triton.compiler.ASTSource(
        fn=scaled_add_kernel,
        signature="*fp32,*fp32,i32,*fp32",
        constants={"SCALE": scale, "BLOCK": block_size},
    )
    compiled = triton.compile(src)
    n = a.shape_expr.numel()
    params = trtp.KernelLaunchParams()
    params.grid_x = trtp.cdiv(n, block_size)
    params.block_x = compiled.metadata.num_warps * 32
    params.shared_mem = compiled.metadata.shared
    extra = trtp.SymIntExprs(1)
    extra[0] = trtp.SymInt32(n)
    return compiled.metadata.name, compiled.asm["ptx"], params, extra


a, b = tp.iota((3, 100)), tp.iota((3, 100), dim=1)
out = tp.plugin("guide_like::scaled_add", [a, b], block_size=128, scale=3)
assert cp.allclose(cp.from_dlpack(out), cp.from_dlpack(a + b * 3.0))
print("plugin and operators agree on", out.shape)
