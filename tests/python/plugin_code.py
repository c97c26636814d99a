"""Plugins that several tests call: a tile kernel, PTX written by hand, and ids that are used once."""

import itertools

import intarsia as ia
import intarsia.language as tl
import intarsia.plugins as trtp

_ids = itertools.count()


def fresh(name="p"):
    """An id of a plugin that no other test uses."""
    return f"test::{name}{next(_ids)}"


@ia.jit
def scale_kernel(x_ptr, n, y_ptr, FACTOR: tl.constexpr, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y_ptr + i, tl.load(x_ptr + i, mask=i < n) * FACTOR, mask=i < n)


def scaled(name=None):
    """A plugin that multiplies by an attribute, in the short form."""
    plugin_id = f"test::{name}" if name else fresh("scaled")

    @trtp.register(plugin_id)
    def desc(x: trtp.TensorDesc, factor: int = 3, block: int = 128) -> trtp.TensorDesc:
        return x.like()

    @trtp.aot_impl(plugin_id)
    def aot(x, factor, block, outputs):
        n = x.shape_expr.numel()
        return trtp.launch(scale_kernel, x, n, outputs[0], FACTOR=factor, BLOCK=block).grid(
            trtp.cdiv(n, block)
        )

    return plugin_id


PTX = """
.version 7.0
.target sm_80
.address_size 64
.visible .entry add_one(.param .u64 x, .param .u32 n, .param .u64 y)
{
  .reg .pred %p<2>; .reg .b32 %r<6>; .reg .f32 %f<3>; .reg .b64 %rd<8>;
  ld.param.u64 %rd1, [x]; ld.param.u32 %r1, [n]; ld.param.u64 %rd2, [y];
  mov.u32 %r2, %ctaid.x; mov.u32 %r3, %ntid.x; mov.u32 %r4, %tid.x;
  mad.lo.s32 %r5, %r2, %r3, %r4;
  setp.ge.s32 %p1, %r5, %r1;
  @%p1 bra done;
  mul.wide.s32 %rd3, %r5, 4;
  add.s64 %rd4, %rd1, %rd3; add.s64 %rd5, %rd2, %rd3;
  ld.global.f32 %f1, [%rd4];
  add.f32 %f2, %f1, 0f3F800000;
  st.global.f32 [%rd5], %f2;
done:
  ret;
}
"""


def foreign(text=PTX, entry="add_one", extra=lambda n: [trtp.SymInt32(n)], block=128, order=None):
    plugin_id = "test::foreign"
    trtp.unregister(plugin_id)

    @trtp.register(plugin_id)
    def desc(x: trtp.TensorDesc) -> trtp.TensorDesc:
        return x.like()

    @trtp.aot_impl(plugin_id)
    def aot(x, outputs):
        n = x.shape_expr.numel()
        if order:
            return (
                trtp.launch(text, *order(x, n, outputs[0]), entry=entry)
                .grid(trtp.cdiv(n, block))
                .block(block)
            )
        params = trtp.KernelLaunchParams(grid_x=trtp.cdiv(n, block), block_x=block)
        return entry, text, params, trtp.SymIntExprs.from_tuple(extra(n))

    return plugin_id
