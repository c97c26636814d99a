"""Tables of integer, bit, comparison and video instructions."""

from oracle import clamp, compare, FORMATS, limits, to_signed
from table import FLOATS, Table, bits_of, integers, pick

INT = ["u16", "u32", "u64", "s16", "s32", "s64"]


def value(x, type):
    return to_signed(x, bits_of(type)) if type[0] == "s" else x


def map_values(table, op, types, f, result=None, count=10, arity=None, modifiers=""):
    """Integers of one type in, f of their values out."""
    for type in types:
        width = bits_of(type)
        n = arity or f.__code__.co_argcount - 1
        holes = "".join(f", <i:{type}>" for _ in range(n))
        out = result(type) if result else type
        table.map(
            f"{op}.{type} <o:{out}>{holes};",
            pick(integers(width), count, op + type, n),
            lambda *a, t=type: f(t, *(value(x, t) for x in a)),
            bits_of(out),
        )


def trunc_div(a, b):
    q = abs(a) // abs(b)
    return -q if (a < 0) != (b < 0) else q


def arithmetic():
    t = Table("integers", "Integer arithmetic.")
    map_values(t, "add", INT, lambda t, a, b: a + b)
    map_values(t, "sub", INT, lambda t, a, b: a - b)
    map_values(t, "add.sat", ["s32"], lambda t, a, b: clamp(a + b, "s", 32))
    map_values(t, "sub.sat", ["s32"], lambda t, a, b: clamp(a - b, "s", 32))
    map_values(t, "mul.lo", INT, lambda t, a, b: a * b)
    map_values(t, "mul.hi", INT, lambda t, a, b: a * b >> bits_of(t))
    wide = lambda t: t[0] + str(2 * bits_of(t))
    map_values(t, "mul.wide", ["u16", "s16", "u32", "s32"], lambda t, a, b: a * b, wide)
    map_values(t, "mad.lo", INT, lambda t, a, b, c: a * b + c)
    map_values(t, "mad.hi", INT, lambda t, a, b, c: (a * b >> bits_of(t)) + c)
    map_values(t, "mad.hi.sat", ["s32"], lambda t, a, b, c: clamp((a * b >> 32) + c, "s", 32))
    for type in ("u16", "s16", "u32", "s32"):
        w, out = bits_of(type), type[0] + str(2 * bits_of(type))
        sets = [(a, b, c) for (a, b), (c,) in zip(pick(integers(w), 8, type, 2), pick(integers(2 * w), 8, type + "c", 1))]
        t.map(f"mad.wide.{type} <o:{out}>, <i:{type}>, <i:{type}>, <i:{out}>;", sets,
              lambda a, b, c, t=type: value(a, t) * value(b, t) + c, 2 * w)
    low24 = lambda t, x: to_signed(x, 24) if t[0] == "s" else x & 0xFFFFFF
    map_values(t, "mul24.lo", ["u32", "s32"], lambda t, a, b: low24(t, a) * low24(t, b))
    map_values(t, "mul24.hi", ["u32", "s32"], lambda t, a, b: low24(t, a) * low24(t, b) >> 16)
    map_values(t, "mad24.lo", ["u32", "s32"], lambda t, a, b, c: low24(t, a) * low24(t, b) + c)
    map_values(t, "mad24.hi", ["u32", "s32"], lambda t, a, b, c: (low24(t, a) * low24(t, b) >> 16) + c)
    map_values(t, "mad24.hi.sat", ["s32"], lambda t, a, b, c: clamp((low24(t, a) * low24(t, b) >> 16) + c, "s", 32))
    for op, f in (("div", trunc_div), ("rem", lambda a, b: a - b * trunc_div(a, b))):
        for type in INT:
            least = 1 << (bits_of(type) - 1)
            pairs = [(a, b) for a, b in pick(integers(bits_of(type)), 20, op + type, 2)
                     if b and not (type[0] == "s" and a == least and b == 2 * least - 1)]
            t.map(f"{op}.{type} <o:{type}>, <i:{type}>, <i:{type}>;", pairs[:10],
                  lambda a, b, t=type: f(value(a, t), value(b, t)), bits_of(type))
    map_values(t, "abs", ["s16", "s32", "s64"], lambda t, a: abs(a))
    map_values(t, "neg", ["s16", "s32", "s64"], lambda t, a: -a)
    map_values(t, "min", INT, lambda t, a, b: min(a, b))
    map_values(t, "max", INT, lambda t, a, b: max(a, b))
    map_values(t, "min.relu", ["s32"], lambda t, a, b: max(0, min(a, b)))
    map_values(t, "max.relu", ["s32"], lambda t, a, b: max(0, max(a, b)))
    map_values(t, "sad", INT, lambda t, a, b, c: c + abs(a - b))
    halves(t)
    dots(t)
    carries(t)
    t.write()


def split(x, parts, kind, width):
    out = [x >> (width * i) & ((1 << width) - 1) for i in range(parts)]
    return [to_signed(v, width) for v in out] if kind == "s" else out


def joined(values, width):
    return sum((v & ((1 << width) - 1)) << (width * i) for i, v in enumerate(values))


def halves(t):
    for kind in "us":
        for op, f in (("add", lambda a, b: a + b), ("min", min), ("max", max),
                      ("min.relu", lambda a, b: max(0, min(a, b))), ("max.relu", lambda a, b: max(0, a, b))):
            if kind == "u" and "relu" in op:
                continue
            g = lambda a, b, f=f: joined([f(x, y) for x, y in zip(split(a, 2, kind, 16), split(b, 2, kind, 16))], 16)
            t.map(f"{op}.{kind}16x2 <o:b32>, <i:b32>, <i:b32>;", pick(integers(32), 10, op + kind, 2), g, 32)


def dots(t):
    for a in "us":
        for b in "us":
            f = lambda x, y, c: c + sum(p * q for p, q in zip(split(x, 4, a, 8), split(y, 4, b, 8)))
            t.map(f"dp4a.{a}32.{b}32 <o:b32>, <i:b32>, <i:b32>, <i:b32>;", pick(integers(32), 10, a + b, 3), f, 32)
            for half in ("lo", "hi"):
                f = lambda x, y, c, h=half: c + sum(
                    p * q for p, q in zip(split(x, 2, a, 16), split(y, 4, b, 8)[2 * (h == "hi"):][:2]))
                t.map(f"dp2a.{half}.{a}32.{b}32 <o:b32>, <i:b32>, <i:b32>, <i:b32>;", pick(integers(32), 8, half + a + b, 3), f, 32)


def carries(t):
    for type in ("u32", "s32", "u64", "s64"):
        w = bits_of(type)
        four = pick(integers(w), 12, "carry" + type, 4)
        both = lambda low, high: (low & ((1 << w) - 1), high & ((1 << w) - 1))
        t.map(f"add.cc.{type} <o:{type}>, <i:{type}>, <i:{type}>; addc.{type} <o:{type}>, <i:{type}>, <i:{type}>;", four,
              lambda a, b, c, d: both(a + b, (a + b >> w) + c + d))
        t.map(f"sub.cc.{type} <o:{type}>, <i:{type}>, <i:{type}>; subc.{type} <o:{type}>, <i:{type}>, <i:{type}>;", four,
              lambda a, b, c, d: both(a - b, c - d - (a < b)))
        triple = f"<o:{type}>, <i:{type}>, <i:{type}>"
        t.map(f"add.cc.{type} {triple}; addc.cc.{type} {triple}; addc.{type} {triple};", pick(integers(w), 8, "cc" + type, 6),
              lambda *a: chain(w, *a))
        t.map(f"sub.cc.{type} {triple}; subc.cc.{type} {triple}; subc.{type} {triple};", pick(integers(w), 8, "bc" + type, 6),
              lambda *a: chain(w, *a, sign=-1))
        three = pick(integers(w), 8, "madc" + type, 6)
        for half in ("lo", "hi"):
            for tail in ("", ".cc"):
                def f(a, b, c, d, e, g, h=half, t=type):
                    product = value(a, t) * value(b, t)
                    low = ((product >> w if h == "hi" else product) & ((1 << w) - 1)) + c
                    second = value(d, t) * value(e, t)
                    return both(low, (second >> w if h == "hi" else second) + g + (low >> w))
                t.map(f"mad.{half}.cc.{type} <o:{type}>, <i:{type}>, <i:{type}>, <i:{type}>; "
                      f"madc.{half}{tail}.{type} <o:{type}>, <i:{type}>, <i:{type}>, <i:{type}>;", three, f)


def chain(w, a, b, c, d, e, f, sign=1):
    """Three additions, or subtractions, that hand the carry on."""
    first = a + sign * b
    second = c + sign * d + (first >> w)
    third = e + sign * f + (second >> w)
    return tuple(v & ((1 << w) - 1) for v in (first, second, third))


# ---- bits ------------------------------------------------------------------------------------------------


def bits():
    t = Table("bits", "Logic, shifts, fields, permutations.")
    for op, f in (("and", lambda a, b: a & b), ("or", lambda a, b: a | b), ("xor", lambda a, b: a ^ b)):
        t.map(f"{op}.pred <o:pred>, <i:pred>, <i:pred>;", [(0, 0), (0, 1), (1, 0), (1, 1)], f, 1)
        t.map(f"{op}.pred <o:pred>, !<i:pred>, <i:pred>;", [(0, 0), (0, 1), (1, 0), (1, 1)], lambda a, b, f=f: f(1 - a, b), 1)
        for w in (16, 32, 64):
            t.map(f"{op}.b{w} <o:b{w}>, <i:b{w}>, <i:b{w}>;", pick(integers(w), 8, op, 2), f, w)
    t.map("not.pred <o:pred>, <i:pred>;", [0, 1], lambda a: 1 - a, 1)
    for w in (16, 32, 64):
        t.map(f"not.b{w} <o:b{w}>, <i:b{w}>;", integers(w), lambda a: ~a, w)
        t.map(f"cnot.b{w} <o:b{w}>, <i:b{w}>;", integers(w), lambda a: a == 0, w)
        counts = [(a, n) for a in integers(w)[3:7] for n in (0, 1, w - 1, w, w + 1, 0xFFFFFFFF)]
        t.map(f"shl.b{w} <o:b{w}>, <i:b{w}>, <i:u32>;", counts, lambda a, n: a << n if n < w else 0, w)
        for type in (f"b{w}", f"u{w}", f"s{w}"):
            t.map(f"shr.{type} <o:{type}>, <i:{type}>, <i:u32>;", counts, lambda a, n, t=type: value(a, t) >> min(n, w), w)
    for table in (0x00, 0x80, 0xE8, 0x96, 0xCA, 0xFF):
        t.map(f"lop3.b32 <o:b32>, <i:b32>, <i:b32>, <i:b32>, {table};", pick(integers(32), 6, str(table), 3), lambda a, b, c: lop3(a, b, c, table), 32)
    for op in ("or", "and"):
        logic = lambda a, b, c, q, op=op: (r := lop3(a, b, c, 0x80), (r != 0 or q) if op == "or" else (r != 0 and q))
        t.map(f"lop3.{op}.b32 <o:b32>|<o:pred>, <i:b32>, <i:b32>, <i:b32>, 128, <i:pred>;",
              [(*x, i & 1) for i, x in enumerate(pick([0, 1, 0xFF00, 0xFFFFFFFF, 0x1234], 10, op, 3))], lambda *a: tuple(int(v) for v in logic(*a)))
    shifts(t)
    fields(t)
    counting(t)
    t.write()


def lop3(a, b, c, table):
    return sum((table >> ((a >> i & 1) << 2 | (b >> i & 1) << 1 | c >> i & 1) & 1) << i for i in range(32))


def shifts(t):
    counts = [(a, b, n) for a, b in pick(integers(32), 4, "shf", 2) for n in (0, 1, 31, 32, 33, 63, 100)]
    for mode in ("clamp", "wrap"):
        real = (lambda n: min(n, 32)) if mode == "clamp" else (lambda n: n & 31)
        t.map(f"shf.l.{mode}.b32 <o:b32>, <i:b32>, <i:b32>, <i:u32>;", counts, lambda a, b, n: (b << 32 | a) << real(n) >> 32, 32)
        t.map(f"shf.r.{mode}.b32 <o:b32>, <i:b32>, <i:b32>, <i:u32>;", counts, lambda a, b, n: (b << 32 | a) >> real(n), 32)
    selectors = [0x3210, 0x7654, 0x0123, 0x89AB, 0xFEDC, 0x4040, 0x1234]
    for mode in ("", "f4e", "b4e", "rc8", "ecl", "ecr", "rc16"):
        sets = [(0x80C1F2A3, 0x71B25394, s) for s in (selectors if not mode else range(8 if mode in ("f4e", "b4e") else 4))]
        t.map(f"prmt.b32{'.' + mode if mode else ''} <o:b32>, <i:b32>, <i:b32>, <i:b32>;", sets, lambda a, b, c, m=mode: prmt(a, b, c, m), 32)


def prmt(a, b, c, mode):
    byte = lambda i: (b << 32 | a) >> (8 * i) & 0xFF
    n = c & 3
    picked = {  # lowest byte first
        "f4e": [n, n + 1, n + 2, n + 3],
        "b4e": [n, (n - 1) % 8, (n - 2) % 8, (n - 3) % 8],
        "rc8": [n] * 4,
        "ecl": [max(i, n) for i in range(4)],
        "ecr": [min(i, n) for i in range(4)],
        "rc16": [0, 1, 0, 1] if n % 2 == 0 else [2, 3, 2, 3],
    }.get(mode)
    if picked:
        return sum(byte(i) << (8 * k) for k, i in enumerate(picked))
    out = 0
    for k in range(4):
        select = c >> (4 * k) & 15
        v = byte(select & 7)
        out |= (0xFF * (v >> 7) if select & 8 else v) << (8 * k)
    return out


def fields(t):
    places = [(0, 0), (0, 8), (4, 4), (31, 1), (31, 9), (60, 8), (63, 1), (0, 32), (0, 64), (40, 3), (256 + 3, 5), (2, 300)]
    for type in ("u32", "s32", "u64", "s64"):
        w = bits_of(type)
        sets = [(a, p, n) for a in integers(w)[3:6] for p, n in places[:10]]
        t.map(f"bfe.{type} <o:{type}>, <i:{type}>, <i:u32>, <i:u32>;", sets, lambda a, p, n, t=type: bfe(a, p, n, t), w)
    for w in (32, 64):
        sets = [(a, b, p, n) for a, b in pick(integers(w), 3, "bfi", 2) for p, n in places[:10]]
        t.map(f"bfi.b{w} <o:b{w}>, <i:b{w}>, <i:b{w}>, <i:u32>, <i:u32>;", sets, lambda a, b, p, n, w=w: bfi(a, b, p, n, w), w)
    pairs = [(0, 0), (0, 5), (5, 0), (3, 4), (31, 1), (31, 31), (0, 32), (32, 1), (33, 2), (4, 40)]
    for mode in ("clamp", "wrap"):
        real = (lambda n: min(n, 32)) if mode == "clamp" else (lambda n: n & 31)
        t.map(f"bmsk.{mode}.b32 <o:b32>, <i:b32>, <i:b32>;", pairs, lambda a, n: ((1 << real(n)) - 1) << real(a), 32)
        for type in ("u32", "s32"):
            sets = [(a, n) for a in (0xFFFFFFFF, 0x12345678, 0x80000080) for n in (0, 1, 8, 31, 32, 40)]
            t.map(f"szext.{mode}.{type} <o:{type}>, <i:{type}>, <i:u32>;", sets, lambda a, n, t=type: szext(a, real(n), t), 32)
    sets = [(0x00F0_0010, b, o) for b, o in ((4, 0), (5, 0), (0, 1), (4, 1), (5, 1), (0, 3), (31, -1), (21, -1), (21, -2), (4, -1), (3, -1), (0, 9))]
    t.map("fns.b32 <o:b32>, <i:b32>, <i:b32>, <i:s32>;", [(m, b, o & 0xFFFFFFFF) for m, b, o in sets], lambda m, b, o: fns(m, b, to_signed(o, 32)), 32)


def bfe(a, pos, length, type):
    w = bits_of(type)
    pos, length = pos & 255, length & 255
    sign = a >> min(pos + length - 1, w - 1) & 1 if type[0] == "s" and length else 0
    return sum((a >> (pos + i) & 1 if i < length and pos + i < w else sign) << i for i in range(w))


def bfi(a, b, pos, length, w):
    pos, length = pos & 255, length & 255
    for i in range(length):
        if pos + i < w:
            b = b & ~(1 << (pos + i)) | (a >> i & 1) << (pos + i)
    return b


def szext(a, n, type):
    if n == 0:
        return 0
    a &= (1 << n) - 1
    return to_signed(a, n) if type[0] == "s" else a


def fns(mask, base, offset):
    at, left, step = base, max(abs(offset) - 1, 0), -1 if offset < 0 else 1
    if offset == 0:
        return base if mask >> base & 1 else -1
    while 0 <= at < 32:
        if mask >> at & 1:
            if left == 0:
                return at
            left -= 1
        at += step
    return -1


def counting(t):
    for w in (32, 64):
        t.map(f"clz.b{w} <o:u32>, <i:b{w}>;", integers(w), lambda a: w - a.bit_length())
        t.map(f"popc.b{w} <o:u32>, <i:b{w}>;", integers(w), lambda a: bin(a).count("1"))
        t.map(f"brev.b{w} <o:b{w}>, <i:b{w}>;", integers(w), lambda a: int(f"{a:0{w}b}"[::-1], 2))
        for kind in "us":
            def highest(a, k=kind):
                a = a ^ (1 << w) - 1 if k == "s" and a >> (w - 1) else a
                return a.bit_length() - 1
            t.map(f"bfind.{kind}{w} <o:u32>, <i:{kind}{w}>;", integers(w), highest, 32)
            t.map(f"bfind.shiftamt.{kind}{w} <o:u32>, <i:{kind}{w}>;", integers(w), lambda a: w - 1 - highest(a) if highest(a) >= 0 else -1, 32)


# ---- comparisons -----------------------------------------------------------------------------------------

UNSIGNED = {"lo": "lt", "ls": "le", "hi": "gt", "hs": "ge"}
FCMP = "eq ne lt le gt ge equ neu ltu leu gtu geu num nan".split()


def order(name, a, b):
    return int({"eq": a == b, "ne": a != b, "lt": a < b, "le": a <= b, "gt": a > b, "ge": a >= b}[UNSIGNED.get(name, name)])


def comparisons():
    t = Table("comparisons", "setp, set, selp, slct.")
    logic = {"and": lambda x, c: x & c, "or": lambda x, c: x | c, "xor": lambda x, c: x ^ c}
    for type in ("u16", "u32", "u64", "s16", "s32", "s64", "b16", "b32", "b64"):
        w = bits_of(type)
        pairs = pick(integers(w), 8, "setp" + type, 2) + [(5, 5)]
        names = ["eq", "ne"] + (["lt", "le", "gt", "ge"] if type[0] != "b" else []) + (list(UNSIGNED) if type[0] == "u" else [])
        for name in names:
            t.map(f"setp.{name}.{type} <o:pred>, <i:{type}>, <i:{type}>;", pairs, lambda a, b: order(name, value(a, type), value(b, type)))
            if type[0] == "b":
                continue
            for out, true in (("u32", 0xFFFFFFFF), ("s32", 0xFFFFFFFF), ("f32", 0x3F800000)):
                if out == "u32" or name in ("eq", "lt"):
                    t.map(f"set.{name}.{out}.{type} <o:{out}>, <i:{type}>, <i:{type}>;", pairs, lambda a, b: true * order(name, value(a, type), value(b, type)))
        for op, g in logic.items():
            sets = [(a, b, i & 1) for i, (a, b) in enumerate(pairs)]
            t.map(f"setp.eq.{op}.{type} <o:pred>|<o:pred>, <i:{type}>, <i:{type}>, <i:pred>;", sets,
                  lambda a, b, c: (g(order("eq", a, b), c), g(1 - order("eq", a, b), c)))
            if type == "s32":
                t.map(f"set.lt.{op}.u32.s32 <o:u32>, <i:s32>, <i:s32>, !<i:pred>;", sets,
                      lambda a, b, c: 0xFFFFFFFF * g(order("lt", value(a, type), value(b, type)), 1 - c))
    float_comparisons(t, logic)
    selections(t)
    t.write()


def float_comparisons(t, logic):
    for type in ("f32", "f64", "f16", "bf16"):
        form = FORMATS[type]
        read = lambda x: form.decode(x)
        nan = FLOATS[type][10]
        pairs = pick(FLOATS[type], 10, "fcmp" + type, 2) + [(nan, nan), (nan, 0), (0, FLOATS[type][1]), (FLOATS[type][2],) * 2]
        for name in FCMP:
            f = lambda a, b: int(compare(name, read(a), read(b)))
            t.map(f"setp.{name}.{type} <o:pred>, <i:{type}>, <i:{type}>;", pairs, f)
            outs = [("u32", 0xFFFFFFFF), ("f32", 0x3F800000)] if type in ("f32", "f64") else [(type, {"f16": 0x3C00, "bf16": 0x3F80}[type]), ("u32", 0xFFFFFFFF), ("u16", 0xFFFF)]
            for out, true in outs:
                t.map(f"set.{name}.{out}.{type} <o:{out}>, <i:{type}>, <i:{type}>;", pairs, lambda a, b: true * f(a, b))
        for op, g in logic.items():
            two = type in ("f32", "f64")
            both = lambda a, b, c: tuple(g(v, c) for v in (int(compare("ltu", read(a), read(b))), 1 - int(compare("ltu", read(a), read(b)))))
            t.map(f"setp.ltu.{op}.{type} <o:pred>{'|<o:pred>' * two}, <i:{type}>, <i:{type}>, <i:pred>;",
                  [(a, b, i & 1) for i, (a, b) in enumerate(pairs)], lambda *a: both(*a)[: 1 + two])
        if type in ("f32", "f64"):
            t.map(f"set.lt.or.u32.{type} <o:u32>, <i:{type}>, <i:{type}>, <i:pred>;", [(a, b, i & 1) for i, (a, b) in enumerate(pairs)],
                  lambda a, b, c: 0xFFFFFFFF * (int(compare("lt", read(a), read(b))) | c))
        if type in ("f32", "f16"):
            tiny, zero = FLOATS[type][4], 0
            t.map(f"setp.gt.ftz.{type} <o:pred>, <i:{type}>, <i:{type}>;", [(tiny, zero), (zero, tiny), (FLOATS[type][6], tiny)],
                  lambda a, b: int(b == tiny and a == FLOATS[type][6]))
    for type in ("f16", "bf16"):
        form, true = FORMATS[type], {"f16": 0x3C00, "bf16": 0x3F80}[type]
        packs = [(a | b << 16, c | d << 16) for a, b, c, d in pick(FLOATS[type], 10, "x2" + type, 4)]
        each = lambda name, x, y: [int(compare(name, form.decode(x >> s & 0xFFFF), form.decode(y >> s & 0xFFFF))) for s in (0, 16)]
        for name in ("lt", "neu", "nan"):
            t.map(f"setp.{name}.{type}x2 <o:pred>|<o:pred>, <i:{type}x2>, <i:{type}x2>;", packs, lambda x, y: tuple(each(name, x, y)))
            t.map(f"set.{name}.{type}x2.{type}x2 <o:{type}x2>, <i:{type}x2>, <i:{type}x2>;", packs,
                  lambda x, y: sum(true * v << (16 * i) for i, v in enumerate(each(name, x, y))))


def selections(t):
    for type in ("b16", "b32", "b64", "u16", "u32", "u64", "s16", "s32", "s64", "f32", "f64"):
        sets = [(*x, i & 1) for i, x in enumerate(pick(integers(bits_of(type)), 6, "selp", 2))]
        t.map(f"selp.{type} <o:{type}>, <i:{type}>, <i:{type}>, <i:pred>;", sets, lambda a, b, p: a if p else b)
    for type in ("b16", "b32", "b64", "u16", "u32", "u64", "s16", "s32", "s64", "f32", "f64"):
        pairs = pick(integers(bits_of(type)), 8, "slct", 2)
        t.map(f"slct.{type}.s32 <o:{type}>, <i:{type}>, <i:{type}>, <i:s32>;", [(*x, c) for x, c in zip(pairs, (0, 1, 0xFFFFFFFF, 0x80000000, 7))],
              lambda a, b, c: a if c < 1 << 31 else b)
        floats = (0, 0x80000000, 0x3F800000, 0xBF800000, 0x7FC00000, 0x7F800000, 0xFF800000, 0x80000001)
        t.map(f"slct.{type}.f32 <o:{type}>, <i:{type}>, <i:{type}>, <i:f32>;", [(*x, c) for x, c in zip(pairs, floats)],
              lambda a, b, c: a if c in (0, 0x80000000, 0x3F800000, 0x7F800000) else b)
        t.map(f"slct.ftz.{type}.f32 <o:{type}>, <i:{type}>, <i:{type}>, <i:f32>;", [(*x, c) for x, c in zip(pairs, (0x80000001, 0xBF800000))],
              lambda a, b, c: a if c == 0x80000001 else b)


# ---- video -----------------------------------------------------------------------------------------------


def video():
    t = Table("video", "Video instructions.")
    second = {"add": lambda x, c: x + c, "min": min, "max": max}
    ops = {"vadd": lambda a, b: a + b, "vsub": lambda a, b: a - b, "vabsdiff": lambda a, b: abs(a - b), "vmin": min, "vmax": max}
    words = pick(integers(32), 10, "video", 2)
    for op, f in ops.items():
        for d, a, b in (("u32", "u32", "u32"), ("s32", "s32", "s32"), ("s32", "u32", "s32")):
            exact = lambda x, y: f(value(x, a), value(y, b))
            t.map(f"{op}.{d}.{a}.{b}.sat <o:{d}>, <i:{a}>, <i:{b}>;", words, lambda x, y: clamp(exact(x, y), d[0], 32), 32)
        t.map(f"{op}.s32.s32.u32 <o:s32>, <i:s32>.b1, <i:u32>.h1;", words, lambda x, y: f(to_signed(x >> 8, 8), y >> 16), 32)
        for name, g in second.items():
            t.map(f"{op}.s32.s32.s32.sat.{name} <o:s32>, <i:s32>, <i:s32>, <i:s32>;", pick(integers(32), 8, op + name, 3),
                  lambda x, y, c: g(clamp(f(to_signed(x, 32), to_signed(y, 32)), "s", 32), to_signed(c, 32)), 32)
    shifts = [(a, n) for a in (0x80000001, 0x7FFFFFFF, 0x1234) for n in (0, 1, 31, 32, 33)]
    for mode in ("clamp", "wrap"):
        real = (lambda n: min(n, 32)) if mode == "clamp" else (lambda n: n & 31)
        for op, f in (("vshl", lambda a, n: a << n), ("vshr", lambda a, n: a >> n)):
            for kind in "us":
                t.map(f"{op}.{kind}32.{kind}32.u32.{mode} <o:{kind}32>, <i:{kind}32>, <i:u32>;", shifts, lambda a, n: f(value(a, kind + "32"), real(n)), 32)
            t.map(f"{op}.u32.u32.u32.{mode}.add <o:u32>, <i:u32>, <i:u32>, <i:u32>;", [(*s, 5) for s in shifts],
                  lambda a, n, c: (f(a, real(n)) & 0xFFFFFFFF) + c, 32)
    # from an H100: what is saturated has 34 bits, the sign among them
    t.map("vshl.u32.u32.u32.sat.clamp <o:u32>, <i:u32>.b0, <i:u32>;", [(0xFFFFFFC4, 0xBFB94EDA), (0x81, 24), (0x81, 25), (0x81, 26), (0x81, 27)],
          lambda a, n: clamp(to_signed((a & 0xFF) << min(n, 32), 34), "u", 32), 32)
    t.map("vshl.s32.s32.u32.sat.clamp <o:s32>, <i:s32>.b3, <i:u32>;", [(0x81030D0F, 0x5071E2BC), (0x81030D0F, 24), (0x81030D0F, 25), (0x43000000, 31)],
          lambda a, n: clamp(to_signed(to_signed(a >> 24, 8) << min(n, 32), 34), "s", 32), 32)
    t.map("vshl.s32.u32.u32.sat.wrap <o:s32>, <i:u32>.h1, <i:u32>;", [(0xD1A935CB, 0xC998FFDA), (0x00010000, 31), (0x00010000, 30), (0x00070000, 31)],
          lambda a, n: clamp(to_signed(a >> 16 << (n & 31), 34), "s", 32), 32)
    three = pick(integers(32), 10, "vmad", 3)
    t.map("vmad.u32.u32.u32 <o:u32>, <i:u32>, <i:u32>, <i:u32>;", three, lambda a, b, c: a * b + c, 32)
    t.map("vmad.s32.s32.s32.shr7 <o:s32>, <i:s32>.h0, <i:s32>.b2, <i:s32>;", three, lambda a, b, c: to_signed(a, 16) * to_signed(b >> 16, 8) + to_signed(c, 32) >> 7, 32)
    t.map("vmad.s32.s32.s32.sat.shr15 <o:s32>, <i:s32>, <i:s32>, <i:s32>;", three,
          lambda a, b, c: clamp(to_signed(a, 32) * to_signed(b, 32) + to_signed(c, 32) >> 15, "s", 32), 32)
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        t.map(f"vset.s32.s32.{name} <o:u32>, <i:s32>, <i:s32>;", words, lambda a, b: order(name, to_signed(a, 32), to_signed(b, 32)))
        t.map(f"vset.u32.u32.{name}.add <o:u32>, <i:u32>, <i:u32>, <i:u32>;", three, lambda a, b, c: order(name, a, b) + c, 32)
    lanes(t)
    t.write()


def lanes(t):
    def average(a, b):
        """Rounded away from zero at the half, as CUDA's own emulation of __vavgs2 has it."""
        return a + b + (a + b >= 0) >> 1
    ops = {"vadd": lambda a, b: a + b, "vsub": lambda a, b: a - b, "vabsdiff": lambda a, b: abs(a - b), "vavrg": average, "vmin": min, "vmax": max}
    for parts in (2, 4):
        w = 32 // parts
        sets = pick(integers(32), 10, f"v{parts}", 3)
        for op, f in ops.items():
            for kind in "us":
                each = lambda a, b: [f(x, y) for x, y in zip(split(a, parts, kind, w), split(b, parts, kind, w))]
                t.map(f"{op}{parts}.{kind}32.{kind}32.{kind}32 <o:b32>, <i:b32>, <i:b32>, <i:b32>;", sets, lambda a, b, c: joined(each(a, b), w), 32)
                t.map(f"{op}{parts}.{kind}32.{kind}32.{kind}32.sat <o:b32>, <i:b32>, <i:b32>, <i:b32>;", sets,
                      lambda a, b, c: joined([clamp(v, kind, w) for v in each(a, b)], w), 32)
                if op in ("vabsdiff", "vmin", "vmax"):  # whose lanes fit before they are added
                    t.map(f"{op}{parts}.{kind}32.{kind}32.{kind}32.add <o:b32>, <i:b32>, <i:b32>, <i:b32>;", sets,
                          lambda a, b, c: sum(each(a, b)) + c, 32)
        for name in ("eq", "ne", "lt", "le", "gt", "ge"):
            each = lambda a, b: [order(name, x, y) for x, y in zip(split(a, parts, "s", w), split(b, parts, "s", w))]
            t.map(f"vset{parts}.s32.s32.{name} <o:b32>, <i:b32>, <i:b32>, <i:b32>;", sets, lambda a, b, c: joined(each(a, b), w), 32)
            t.map(f"vset{parts}.s32.s32.{name}.add <o:b32>, <i:b32>, <i:b32>, <i:b32>;", sets, lambda a, b, c: sum(each(a, b)) + c, 32)
