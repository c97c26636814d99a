"""Tables of instructions in which the 32 lanes of a warp work together: a set is a lane."""

import random

from oracle import BF16, E4M3, E5M2, F16, F32, F64, of_fraction, to_signed
from fractions import Fraction
from table import Table, bits_of

FULL = 0xFFFFFFFF


def warp(t, template, arguments, f):
    """arguments: by lane; f gives the results of all lanes."""
    t.line(template, list(zip([a if isinstance(a, tuple) else (a,) for a in arguments], f(arguments))))


def exchanges():
    t = Table("warps", "Exchanges and votes of a warp.")
    values = [random.Random("shfl").randrange(1 << 32) for _ in range(32)]
    for mode in ("up", "down", "bfly", "idx"):
        for distance in (0, 1, 5, 16, 31):
            for clamp_mask in (0, 0x0F00, 0x1800) if mode == "up" else (0x1F, 0, 0x0F1F, 0x181F):
                warp(t, f"shfl.sync.{mode}.b32 <o:b32>|<o:pred>, <i:b32>, {distance}, {clamp_mask}, -1;", values,
                     lambda v: [shuffled(v, mode, lane, distance, clamp_mask) for lane in range(32)])
    bits = [random.Random("vote").randrange(2) for _ in range(32)]
    for given in (bits, [1] * 32, [0] * 32):
        ballot = sum(b << i for i, b in enumerate(given))
        for mode, r in (("all", all(given)), ("any", any(given)), ("uni", all(given) or not any(given))):
            warp(t, f"vote.sync.{mode}.pred <o:pred>, <i:pred>, -1;", given, lambda v: [(int(r),)] * 32)
        warp(t, "vote.sync.ballot.b32 <o:b32>, <i:pred>, -1;", given, lambda v: [(ballot,)] * 32)
        warp(t, "vote.sync.ballot.b32 <o:b32>, !<i:pred>, -1;", given, lambda v: [(FULL & ~ballot,)] * 32)
    warp(t, "activemask.b32 <o:b32>;", [()] * 32, lambda v: [(FULL,)] * 32)
    warp(t, "elect.sync <o:b32>|<o:pred>, -1;", [()] * 32, lambda v: [(0, int(lane == 0)) for lane in range(32)])
    for w in (32, 64):
        few = [(3, 1 << (w - 1), 77)[i * i % 3] for i in range(32)]
        warp(t, f"match.any.sync.b{w} <o:b32>, <i:b{w}>, -1;", few, lambda v: [(sum((x == y) << i for i, y in enumerate(v)),) for x in v])
        for given in (few, [9] * 32):
            same = len(set(given)) == 1
            warp(t, f"match.all.sync.b{w} <o:b32>|<o:pred>, <i:b{w}>, -1;", given, lambda v: [(FULL if same else 0, int(same))] * 32)
    for kind in "us":
        read = lambda x: to_signed(x, 32) if kind == "s" else x
        for op, f in (("add", sum), ("min", min), ("max", max)):
            warp(t, f"redux.sync.{op}.{kind}32 <o:{kind}32>, <i:{kind}32>, -1;", values, lambda v: [(f(read(x) for x in v) & FULL,)] * 32)
    for op, start, f in (("and", FULL, lambda a, b: a & b), ("or", 0, lambda a, b: a | b), ("xor", 0, lambda a, b: a ^ b)):
        total = start
        for x in values:
            total = f(total, x)
        warp(t, f"redux.sync.{op}.b32 <o:b32>, <i:b32>, -1;", values, lambda v: [(total,)] * 32)
    warp(t, "bar.warp.sync -1; mov.b32 <o:b32>, <i:b32>;", values, lambda v: [(x,) for x in v])
    t.write()


def shuffled(values, mode, lane, distance, clamp_mask):
    """PTX's own description: segments of lanes, and a lane beyond its segment keeps its value."""
    low, segment = clamp_mask & 31, clamp_mask >> 8 & 31
    most = (lane & segment) | (low & ~segment & 31)
    least = lane & segment
    if mode == "up":
        at = lane - distance
        inside = at >= most
    elif mode == "down":
        at = lane + distance
        inside = at <= most
    elif mode == "bfly":
        at = lane ^ distance
        inside = at <= most
    else:
        at = least | distance & ~segment & 31
        inside = at <= most
    return (values[at if inside else lane], int(inside))


# ---- tensor cores ----------------------------------------------------------------------------------------

WIDTH = {"f16": 16, "bf16": 16, "tf32": 32, "f32": 32, "f64": 64, "e4m3": 8, "e5m2": 8, "s8": 8, "u8": 8, "s4": 4, "u4": 4, "s32": 32, "b1": 1}
FORMS = {"f16": F16, "bf16": BF16, "f32": F32, "tf32": F32, "f64": F64, "e4m3": E4M3, "e5m2": E5M2}


def encoded(type, v):
    return FORMS[type].encode(of_fraction(Fraction(v))) if type in FORMS else v & ((1 << WIDTH[type]) - 1)


def a_places(m, k, type):
    """For each lane and register the (row, column, bit) of its elements."""
    w = WIDTH[type]
    per, rows = max(1, 32 // w), m // 8
    registers = m * k // 32 // per
    return [[[(lane // 4 + (8 * (r & 1) if rows == 2 else 0), lane % 4 * per + e + 4 * per * (r >> 1 if rows == 2 else r), w * e) for e in range(per)]
             for r in range(registers)] for lane in range(32)]


def b_places(k, type):
    w = WIDTH[type]
    per = max(1, 32 // w)
    return [[[(lane % 4 * per + e + 4 * per * r, lane // 4, w * e) for e in range(per)] for r in range(8 * k // 32 // per)] for lane in range(32)]


def c_places(m, type):
    if type == "f16":
        return [[[(lane // 4 + 8 * r, lane % 4 * 2 + h, 16 * h) for h in range(2)] for r in range(m // 8)] for lane in range(32)]
    return [[[(lane // 4 + 8 * (i >> 1), lane % 4 * 2 + (i & 1), 0)] for i in range(m // 4)] for lane in range(32)]


def fragment(places, matrix, type):
    return [[sum(encoded(type, matrix[r][c]) << bit for r, c, bit in register) for register in lane] for lane in places]


def product(t, shape, types, tail="", op=None):
    m, k = (int(x) for x in shape[1:].replace("n8", "").split("k"))
    d, a, b, c = types
    draw = random.Random(shape + "".join(types))
    pick = lambda type: draw.randint(-3 if type[0] not in "ub" else 0, 1 if type == "b1" else 3)
    A, B = [[pick(a) for _ in range(k)] for _ in range(m)], [[pick(b) for _ in range(8)] for _ in range(k)]
    C = [[draw.randint(-9, 9) for _ in range(8)] for _ in range(m)]
    times = {None: lambda x, y: x * y, "xor": lambda x, y: x ^ y, "and": lambda x, y: x & y}[op]
    D = [[C[i][j] + sum(times(A[i][x], B[x][j]) for x in range(k)) for j in range(8)] for i in range(m)]
    hole = lambda type: "f64" if type == "f64" else type if type in ("f32", "s32") else "b32"
    parts = [(fragment(c_places(m, d), D, d), d, "o"), (fragment(a_places(m, k, a), A, a), a, "i"), (fragment(b_places(k, b), B, b), b, "i"),
             (fragment(c_places(m, c), C, c), c, "i")]
    operands = ", ".join("{" + ", ".join([f"<{role}:{hole(type)}>"] * len(lanes[0])) + "}" for lanes, type, role in parts)
    sets = [(tuple(x for lanes, _, role in parts if role == "i" for x in lanes[lane]), tuple(parts[0][0][lane])) for lane in range(32)]
    t.line(f"mma.sync.aligned.{shape}.row.col{tail}.{d}.{a}.{b}.{c}{f'.{op}.popc' if op else ''} {operands};", sets)


def matrices():
    t = Table("matrices", "mma: small integers, whose sums are exact in every format.")
    for shape in ("m16n8k8", "m16n8k16"):
        for d in ("f32", "f16"):
            product(t, shape, (d, "f16", "f16", d))
        product(t, shape, ("f32", "bf16", "bf16", "f32"))
    for shape in ("m16n8k4", "m16n8k8"):
        product(t, shape, ("f32", "tf32", "tf32", "f32"))
    for a in ("e4m3", "e5m2"):
        for b in ("e4m3", "e5m2"):
            for shape in ("m16n8k16", "m16n8k32"):
                product(t, shape, ("f32", a, b, "f32"))
                product(t, shape, ("f16", a, b, "f16"))
    for shape in ("m8n8k16", "m16n8k16", "m16n8k32"):
        for a, b in (("s8", "s8"), ("u8", "s8"), ("s8", "u8"), ("u8", "u8")):
            product(t, shape, ("s32", a, b, "s32"), ".satfinite" if a == b else "")
    for shape in ("m8n8k32", "m16n8k32", "m16n8k64"):
        for a, b in (("s4", "s4"), ("u4", "s4"), ("u4", "u4")):
            product(t, shape, ("s32", a, b, "s32"))
    for shape in ("m8n8k128", "m16n8k128", "m16n8k256"):
        for op in ("xor", "and"):
            product(t, shape, ("s32", "b1", "b1", "s32"), op=op)
    for shape in ("m8n8k4", "m16n8k4", "m16n8k8", "m16n8k16"):
        product(t, shape, ("f64",) * 4)
        product(t, shape, ("f64",) * 4, ".rn")
    tile = [[r * 8 + c for c in range(8)] for r in range(8)]
    pairs = lambda rows: [rows[lane // 4][lane % 4 * 2] | rows[lane // 4][lane % 4 * 2 + 1] << 16 for lane in range(32)]
    turned = [[tile[c][r] for c in range(8)] for r in range(8)]
    t.line("movmatrix.sync.aligned.m8n8.trans.b16 <o:b32>, <i:b32>;", [((x,), (y,)) for x, y in zip(pairs(tile), pairs(turned))])
    t.write()
