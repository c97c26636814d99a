"""Kernels whose operands are whole matrices: wmma and wgmma, with small integers whose sums are exact."""

import random
import re
from fractions import Fraction

import table
from make_warps import WIDTH, a_places, encoded, fragment
from oracle import FORMATS, Rounding, add, smaller, to_signed

HEAD = ".version 8.7\n.target sm_90a\n.address_size 64\n"


def packed(values, type):
    """Row after row, as 32-bit words."""
    w = WIDTH[type]
    bits = sum(encoded(type, v) << (w * i) for i, v in enumerate(values))
    return [bits >> (32 * i) & 0xFFFFFFFF for i in range(max(1, len(values) * w // 32))]


def write(name, about, words_in, words_out, text, block=32):
    line = lambda key, words: f"//! {key} {' '.join(f'0x{w:x}' for w in words)}\n"
    (table.folder / f"{name}.ptx").write_text(f"// {about} Written by make.py.\n//! block {block}\n{line('in', words_in)}{line('out', words_out)}{HEAD}{text}")


def numbers(draw, rows, columns, type, most=3):
    low = 0 if type[0] == "u" or type == "b1" else -most
    return [[draw.randint(low, 1 if type == "b1" else most) for _ in range(columns)] for _ in range(rows)]


def flat(matrix, row_major=True):
    return [v for line in (matrix if row_major else list(zip(*matrix))) for v in line]


# ---- wmma ------------------------------------------------------------------------------------------------


def registers(m, n, k, part, type):
    if part in "cd":
        count = m * n // 32
        return count // 2 if type == "f16" else count
    if type == "f16":
        return 8
    elements = m * k if part == "a" else k * n
    return elements // 32 if type == "f64" else max(1, elements * WIDTH[type] // 1024)


def wmma(name, shape, types, layouts=("row", "col"), c_layout="row", space="global", tail="", op=None):
    m, n, k = (int(x) for x in re.findall(r"\d+", shape))
    d, a, b, c = types
    draw = random.Random(name)
    A, B, C = numbers(draw, m, k, a), numbers(draw, k, n, b), numbers(draw, m, n, c if c != "f16" else "f32")
    times = {None: lambda x, y: x * y, "xor": lambda x, y: x ^ y, "and": lambda x, y: x & y}[op]
    D = [[C[i][j] + sum(times(A[i][x], B[x][j]) for x in range(k)) for j in range(n)] for i in range(m)]
    ra, rb, rc = layouts[0] == "row", layouts[1] == "row", c_layout == "row"
    words = [packed(flat(A, ra), a), packed(flat(B, rb), b), packed(flat(C, rc), c)]
    at = [0, 4 * len(words[0]), 4 * (len(words[0]) + len(words[1]))]
    kind = lambda t: "f64" if t == "f64" else "f32" if t == "f32" else "b32"
    declare, lists = "", {}
    for part, type in zip("dabc", types):
        count = registers(m, n, k, part, type)
        declare += f"  .reg .{kind(type)} %{part}<{count}>;\n"
        lists[part] = "{" + ", ".join(f"%{part}{i}" for i in range(count)) + "}"
    total = sum(map(len, words))
    shared, copy, base = "", "", "%in"
    if space == "shared":
        shared, base = f"  .shared .align 128 .b8 tile[{4 * total}];\n", "tile"
        copy = f"""  mov.u32 %r1, %tid.x; mov.u32 %r3, tile;
COPY: mul.wide.u32 %x, %r1, 4; add.u64 %x, %x, %in; ld.global.u32 %r2, [%x]; shl.b32 %r4, %r1, 2; add.u32 %r4, %r4, %r3; st.shared.u32 [%r4], %r2;
  add.u32 %r1, %r1, 32; setp.lt.u32 %p, %r1, {total}; @%p bra COPY;
  bar.sync 0;
"""
    load = lambda part, layout, i, type, stride: f"  wmma.load.{part}.sync.aligned.{layout}.{shape}.{space}.{type} {lists[part]}, [{base}+{at[i]}], {stride};\n"
    what = f"{op}.popc." if op else ""
    kinds = f"{d}.{c}" if a == "f16" else f"{d}.{a}.{b}.{c}"
    satfinite = ".satfinite" if tail == ".satfinite" else ""
    text = f""".visible .entry k(.param .u64 in, .param .u64 out) {{
  .reg .pred %p; .reg .b32 %r<5>; .reg .b64 %in, %out, %x;
{shared}{declare}  ld.param.u64 %in, [in]; ld.param.u64 %out, [out];
{copy}{load("a", layouts[0], 0, a, k if ra else m)}{load("b", layouts[1], 1, b, n if rb else k)}{load("c", c_layout, 2, c, n if rc else m)}\
  wmma.mma.{what}sync.aligned.{layouts[0]}.{layouts[1]}.{shape}{'.rn' if tail == '.rn' else ''}.{kinds}{satfinite} {lists["d"]}, {lists["a"]}, {lists["b"]}, {lists["c"]};
  wmma.store.d.sync.aligned.{c_layout}.{shape}.global.{d} [%out], {lists["d"]}, {n if rc else m};
  ret;
}}
"""
    write(f"wmma_{name}", f"wmma of {shape}, {kinds}.", sum(words, []), packed(flat(D, rc), d), text)


def all_wmma():
    for shape in ("m16n16k16", "m8n32k16", "m32n8k16"):
        wmma(f"f16_{shape}", shape, ("f32", "f16", "f16", "f32"))
        wmma(f"bf16_{shape}", shape, ("f32", "bf16", "bf16", "f32"), ("col", "row"), "col", "shared")
        wmma(f"s8_{shape}", shape, ("s32", "s8", "s8", "s32"))
    wmma("f16_f16", "m16n16k16", ("f16", "f16", "f16", "f16"), ("row", "row"), "row", "shared")
    wmma("u8_satfinite", "m16n16k16", ("s32", "u8", "u8", "s32"), ("col", "row"), "col", tail=".satfinite")
    wmma("tf32", "m16n16k8", ("f32", "tf32", "tf32", "f32"), ("row", "col"))
    wmma("f64", "m8n8k4", ("f64",) * 4, ("row", "col"))
    wmma("f64_rn", "m8n8k4", ("f64",) * 4, ("col", "row"), "col", tail=".rn")
    wmma("s4", "m8n8k32", ("s32", "s4", "s4", "s32"))
    wmma("u4", "m8n8k32", ("s32", "u4", "u4", "s32"), tail=".satfinite")
    wmma("b1_xor", "m8n8k128", ("s32", "b1", "b1", "s32"), op="xor")
    wmma("b1_and", "m8n8k128", ("s32", "b1", "b1", "s32"), op="and")


# ---- wgmma -----------------------------------------------------------------------------------------------


def wgmma(name, types, k, n=8, from_registers=True, scale=1):
    """B in shared memory without a swizzle: core matrices of 8 rows of 16 bytes, the next along k behind the first."""
    d, a, b = types
    draw = random.Random(name)
    A, B, C = numbers(draw, 64, k, a), numbers(draw, k, n, b), numbers(draw, 64, n, "s32")
    D = [[(C[i][j] if scale else 0) + sum(A[i][x] * B[x][j] for x in range(k)) for j in range(n)] for i in range(64)]
    per = 128 // WIDTH[b]  # elements of 16 bytes
    core = lambda M, rows, type: [w for first in range(0, rows, 8) for part in range(k // per) for r in range(8)
                                  for w in packed([M[first + r][part * per + e] for e in range(per)], type)]
    b_words = core([list(column) for column in zip(*B)], n, b)
    places = a_places(16, k, a)
    a_words = [w for warp in range(4) for lane in fragment(places, A[16 * warp:16 * warp + 16], a) for w in lane] if from_registers else core(A, 64, a)
    half = d == "f16"
    def results(matrix):
        out = []
        for thread in range(128):
            row, column = thread // 32 * 16 + thread % 32 // 4, thread % 4 * 2
            for j in range(0, n, 8):
                for i in (0, 8):
                    pair = [encoded(d, matrix[row + i][j + column + e]) for e in range(2)]
                    out += [pair[0] | pair[1] << 16] if half else pair
        return out
    count = n // (4 if half else 2)
    kind = "b32" if half else {"f32": "f32", "s32": "s32"}[d]
    lists = "{" + ", ".join(f"%d{i}" for i in range(count)) + "}"
    loads = "".join(f"ld.global.{kind} %d{i}, [%x+{4 * i}]; " for i in range(count))
    stores = "".join(f"st.global.{kind} [%x+{4 * i}], %d{i}; " for i in range(count))
    shared_words = len(b_words) + (0 if from_registers else len(a_words))
    copied = b_words + ([] if from_registers else a_words)
    register_a = "  mul.wide.u32 %x, %t, 16; add.u64 %x, %x, %in; ld.global.v4.b32 {%a0, %a1, %a2, %a3}, [%x+" + str(4 * shared_words) + "];\n"
    c_at = 4 * (shared_words + (len(a_words) if from_registers else 0))
    descriptor = lambda register, start: f"""  mov.u32 %r1, tile; add.u32 %r1, %r1, {start}; shr.u32 %r1, %r1, 4; cvt.u64.u32 {register}, %r1;
  or.b64 {register}, {register}, {(128 >> 4) << 16 | (8 * k * WIDTH[b] // 8 >> 4) << 32};
"""
    floats = ", 1, 1" if a != "s8" and a != "u8" else ""
    transposed = ("" if from_registers else ", 0") + ", 0" if a in ("f16", "bf16") else ""
    text = f""".visible .entry k(.param .u64 in, .param .u64 out) {{
  .reg .pred %p; .reg .b32 %r<5>, %a<4>, %t; .reg .{kind} %d<{count}>; .reg .b64 %in, %out, %x, %da, %db;
  .shared .align 128 .b8 tile[{4 * shared_words}];
  ld.param.u64 %in, [in]; ld.param.u64 %out, [out]; mov.u32 %t, %tid.x;
  mov.u32 %r1, %t; mov.u32 %r3, tile;
COPY: setp.ge.u32 %p, %r1, {shared_words}; @%p bra COPIED;
  mul.wide.u32 %x, %r1, 4; add.u64 %x, %x, %in; ld.global.u32 %r2, [%x]; shl.b32 %r4, %r1, 2; add.u32 %r4, %r4, %r3; st.shared.u32 [%r4], %r2;
  add.u32 %r1, %r1, 128; bra COPY;
COPIED: fence.proxy.async.shared::cta;
  bar.sync 0;
{register_a if from_registers else ""}  mul.wide.u32 %x, %t, {4 * count}; add.u64 %x, %x, %in; add.u64 %x, %x, {c_at}; {loads}
{descriptor("%db", 0)}{"" if from_registers else descriptor("%da", 4 * len(b_words))}  setp.eq.u32 %p, 0, {0 if scale else 1};
  wgmma.fence.sync.aligned;
  wgmma.mma_async.sync.aligned.m64n{n}k{k}.{d}.{a}.{b} {lists}, {"{%a0, %a1, %a2, %a3}" if from_registers else "%da"}, %db, %p{floats}{transposed};
  wgmma.commit_group.sync.aligned;
  wgmma.wait_group.sync.aligned 0;
  mul.wide.u32 %x, %t, {4 * count}; add.u64 %x, %x, %out; {stores}
  ret;
}}
"""
    words = copied + (a_words if from_registers else []) + results(C)
    write(f"wgmma_{name}", f"wgmma of m64n{n}k{k}, {d}.{a}.{b}, A in {'registers' if from_registers else 'shared memory'}.", words, results(D), text, 128)


def all_wgmma():
    wgmma("f16", ("f32", "f16", "f16"), 16)
    wgmma("f16_shared", ("f32", "f16", "f16"), 16, 16, False)
    wgmma("f16_f16", ("f16", "f16", "f16"), 16, 16, True)
    wgmma("bf16", ("f32", "bf16", "bf16"), 16, 8, True, 0)
    wgmma("tf32", ("f32", "tf32", "tf32"), 8)
    wgmma("e4m3_e5m2", ("f32", "e4m3", "e5m2"), 32)
    wgmma("e5m2_f16", ("f16", "e5m2", "e5m2"), 32, 8, False)
    wgmma("s8", ("s32", "s8", "s8"), 32, 24, False)
    wgmma("u8", ("s32", "u8", "u8"), 32)


# ---- bulk reductions -------------------------------------------------------------------------------------


def reductions():
    """cp.reduce.async.bulk of 16 bytes for each operation and type, to global memory and to shared memory of the own block."""
    floats = {"f16": [1.5, -2, 100, 0.25, 3, 4, -5, 6], "bf16": [1, -2, 128, 0.5, 3, 4, -5, 6], "f32": [1.5, -2, 1e3, 0.25], "f64": [1.5, -2.25]}
    to_bits = lambda type, v: [FORMATS[type].encode(("num", x < 0, abs(Fraction(x)))) for x in v]
    cases = {"global": [], "shared": []}

    def case(op, type, f, spaces=("global", "shared"), values=None):
        w = {"f16": 16, "bf16": 16}.get(type) or int(type[1:])
        count = 128 // w
        source = values or [(0x1234567 * (i + 3)) % (1 << w) if w > 16 else i for i in range(count)]
        before = (values[1:] + values[:1]) if values else [(0xFEDCBA98 * (i + 1)) % (1 << w) for i in range(count)]
        after = [f(a, b) & ((1 << w) - 1) for a, b in zip(before, source)]
        words = lambda v: [sum(x << (w * i) for i, x in enumerate(v)) >> (32 * k) & 0xFFFFFFFF for k in range(4)]
        for space in spaces:
            cases[space].append((op + (".noftz" if type in ("f16", "bf16") and op == "add" else ""), type, words(before), words(source), words(after)))

    for op, f in (("and", lambda a, b: a & b), ("or", lambda a, b: a | b), ("xor", lambda a, b: a ^ b)):
        case(op, "b32", f)
        case(op, "b64", f, ("global",))
    for type in ("u32", "s32", "u64"):
        case("add", type, lambda a, b: a + b)
    for op, f in (("inc", lambda a, b: 0 if a >= b else a + 1), ("dec", lambda a, b: b if a == 0 or a > b else a - 1)):
        case(op, "u32", f)
    for type in ("u32", "s32", "u64", "s64"):
        key = lambda x: to_signed(x, int(type[1:])) if type[0] == "s" else x
        for op, f in (("min", min), ("max", max)):
            case(op, type, lambda a, b: f(a, b, key=key), ("global", "shared") if type.endswith("32") else ("global",))
    for type, values in floats.items():
        form = FORMATS[type]
        case("add", type, lambda a, b: Rounding(form).apply(add, a, b), ("global",), to_bits(type, values))
        if type in ("f16", "bf16"):
            for op in ("min", "max"):
                case(op, type, lambda a, b: Rounding(form).apply(lambda x, y: smaller(x, y, op == "max", False), a, b), ("global",), to_bits(type, values))
    for space, some in cases.items():
        write_reductions(space, some)


def write_reductions(space, cases):
    n = len(cases)
    loads = "ld.global.v4.u32 {%r0, %r1, %r2, %r3}"
    steps = ""
    for i, (op, type, *_) in enumerate(cases):
        if space == "global":
            steps += f"  add.u64 %x, %out, {16 * i}; add.u32 %r4, %s, {16 * i}; cp.reduce.async.bulk.global.shared::cta.bulk_group.{op}.{type} [%x], [%r4], 16;\n"
        else:
            steps += f"  add.u32 %r5, %t, {16 * i}; add.u32 %r4, %s, {16 * i}; cp.reduce.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes.{op}.{type} [%r5], [%r4], 16, [bar];\n"
    target = "st.global.v4.u32 [%x], {%r0, %r1, %r2, %r3}" if space == "global" else "add.u32 %r5, %t, %o; st.shared.v4.u32 [%r5], {%r0, %r1, %r2, %r3}"
    finish = """  cp.async.bulk.commit_group;
  cp.async.bulk.wait_group 0;
""" if space == "global" else f"""AGAIN: mbarrier.try_wait.parity.shared::cta.b64 %p, [bar], 0;
  @!%p bra AGAIN;
  mov.u32 %o, 0;
BACK: cvt.u64.u32 %x, %o; add.u64 %x, %x, %out; add.u32 %r5, %t, %o; ld.shared.v4.u32 {{%r0, %r1, %r2, %r3}}, [%r5]; st.global.v4.u32 [%x], {{%r0, %r1, %r2, %r3}};
  add.u32 %o, %o, 16; setp.lt.u32 %p, %o, {16 * n}; @%p bra BACK;
"""
    begin = "" if space == "global" else f"  mbarrier.init.shared::cta.b64 [bar], 1; mbarrier.arrive.expect_tx.shared::cta.b64 _, [bar], {16 * n};\n"
    cluster = "" if space == "global" else ".explicitcluster .reqnctapercluster 1, 1, 1 "
    text = f""".visible .entry k(.param .u64 in, .param .u64 out) {cluster}{{
  .reg .pred %p; .reg .u32 %r<6>, %s, %t, %o; .reg .u64 %in, %out, %x;
  .shared .align 16 .b8 source[{16 * n}]; .shared .align 16 .b8 target[{16 * n}]; .shared .align 8 .b64 bar;
  ld.param.u64 %in, [in]; ld.param.u64 %out, [out]; mov.u32 %s, source; mov.u32 %t, target; mov.u32 %o, 0;
FILL: cvt.u64.u32 %x, %o; add.u64 %x, %x, %in; {loads}, [%x+{16 * n}]; add.u32 %r4, %s, %o; st.shared.v4.u32 [%r4], {{%r0, %r1, %r2, %r3}};
  {loads}, [%x]; cvt.u64.u32 %x, %o; add.u64 %x, %x, %out; {target};
  add.u32 %o, %o, 16; setp.lt.u32 %p, %o, {16 * n}; @%p bra FILL;
{begin}  fence.proxy.async;
{steps}{finish}  ret;
}}
"""
    words = [w for c in cases for w in c[2]] + [w for c in cases for w in c[3]]
    write(f"reduce_{space}", f"cp.reduce.async.bulk into {space} memory.", words, [w for c in cases for w in c[4]], text, 1)
