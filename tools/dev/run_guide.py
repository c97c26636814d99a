"""What `./dev run` shows: the guide's plugin, from its registration to what ran where."""

import os
import re

import intarsia as ia
import intarsia.language as tl
import intarsia.plugins as plugins


@plugins.register("example::elemwise_add_plugin")
def add_plugin_desc(inp0: plugins.TensorDesc, block_size: int) -> plugins.TensorDesc:
    return inp0.like()


@ia.jit
def add_kernel(x_ptr, n_elements, y_ptr, BLOCK_SIZE: tl.constexpr):
    pid = tl.program_id(0)
    offsets = pid * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_elements
    x = tl.load(x_ptr + offsets, mask=mask)
    tl.store(y_ptr + offsets, x + 1, mask=mask)


@plugins.aot_impl("example::elemwise_add_plugin")
def add_plugin_aot_impl(inp0, block_size, outputs, tactic):
    n = inp0.numel()
    return plugins.launch(add_kernel, inp0, n, outputs[0], BLOCK_SIZE=block_size).grid(plugins.cdiv(n, block_size))


def main():
    print(f"devices: {', '.join(ia.devices())}; results are computed on {ia.default_device()}")
    inp = ia.iota((2, 2))
    out = ia.plugin("example::elemwise_add_plugin", [inp], block_size=256)
    print(f"\nplugin(iota((2, 2))):\n{out}")
    assert out.tolist() == (inp + 1.0).tolist()

    n = ia.NamedDimension("n", 0, 1000, 1 << 24)
    exe = ia.compile(lambda x: ia.plugin("example::elemwise_add_plugin", [x * 2.0], block_size=256) + 1.0, args=[ia.InputInfo((n,))])
    print("\nplugin(x * 2) + 1, compiled once for any n up to 2^24:")
    print(re.sub(r"(?m)^.*<\d+ bytes.*\n", "", str(exe)).rstrip())
    for extent in (0, 3, 257):
        print(f"  n = {extent}: {exe(ia.iota((extent,))).tolist()[:4]}")

    compiled = ia.compile_kernel(add_kernel, {"x_ptr": "*fp32", "n_elements": "i32", "y_ptr": "*fp32"}, {"BLOCK_SIZE": 256}, target="sm_90a")
    lines = str(compiled.asm["ptx"]).count("\n")
    print(f"\nthe same kernel as PTX for sm_90a: {lines} lines, {compiled.metadata.num_warps} warps, keys of asm: {sorted(compiled.asm.keys())}")
    if os.environ.get("INTARSIA_SHOW"):
        print(compiled.asm[os.environ["INTARSIA_SHOW"]])


if __name__ == "__main__":
    main()
