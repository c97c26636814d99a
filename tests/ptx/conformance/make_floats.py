"""Tables of float arithmetic, approximate functions and conversions."""

import random
from decimal import Decimal, getcontext
from fractions import Fraction

from oracle import BF16, E4M3, E5M2, F16, F32, F64, FORMATS, ONE, TF32, Rounding, add, clamp, divide, limits, multiply, negated, of_fraction, rounded, signed_of, smaller, square_root, to_signed
from table import FLOATS, Table, bits_of, integers, pick

MODES = ("rn", "rz", "rm", "rp")


def subtract(a, b, mode="rn"):
    return add(a, negated(b), mode)


def arithmetic():
    t = Table("floats", "f32 and f64 arithmetic.")
    for form, ftz in ((F32, ("", ".ftz")), (F64, ("",))):
        n, name = form.name, FLOATS[form.name]
        for mode in ("", *MODES):
            m = mode or "rn"
            for flush in ftz:
                for sat in ("", ".sat") if form is F32 else ("",):
                    how = Rounding(form, m, bool(flush), bool(sat))
                    suffix = f"{'.' + mode if mode else ''}{flush}{sat}.{n}"
                    count = 10 if not sat else 6
                    for op, f in (("add", lambda a, b: add(a, b, m)), ("sub", lambda a, b: subtract(a, b, m)), ("mul", multiply)):
                        t.map(f"{op}{suffix} <o:{n}>, <i:{n}>, <i:{n}>;", pick(name, count, op + suffix, 2), lambda a, b: how.apply(f, a, b))
                    fused = lambda a, b, c: add(multiply(a, b), c, m)
                    if mode:
                        t.map(f"fma{suffix} <o:{n}>, <i:{n}>, <i:{n}>, <i:{n}>;", pick(name, count, "fma" + suffix, 3), lambda *a: how.apply(fused, *a))
                        t.map(f"mad{suffix} <o:{n}>, <i:{n}>, <i:{n}>, <i:{n}>;", pick(name, 4, "mad" + suffix, 3), lambda *a: how.apply(fused, *a))
                if not mode:
                    continue
                how = Rounding(form, m, bool(flush))
                suffix = f".{mode}{flush}.{n}"
                t.map(f"div{suffix} <o:{n}>, <i:{n}>, <i:{n}>;", pick(name, 12, "div" + suffix, 2), lambda a, b: how.apply(divide, a, b))
                t.map(f"rcp{suffix} <o:{n}>, <i:{n}>;", name, lambda a: how.apply(lambda x: divide(ONE, x), a))
                t.map(f"sqrt{suffix} <o:{n}>, <i:{n}>;", name, lambda a: how.apply(square_root, a))
    others(t)
    t.write()


def others(t):
    for n in ("f32", "f64"):
        form = FORMATS[n]
        numbers = [x for x in FLOATS[n] if form.decode(x)[0] != "nan"]
        top = 1 << (form.bits - 1)
        for flush in ("", ".ftz") if n == "f32" else ("",):
            how = Rounding(form, "rn", bool(flush))
            t.map(f"abs{flush}.{n} <o:{n}>, <i:{n}>;", numbers, lambda a: how.apply(lambda v: (v[0], False, v[2]), a))
            t.map(f"neg{flush}.{n} <o:{n}>, <i:{n}>;", numbers, lambda a: how.apply(negated, a))
        t.map(f"copysign.{n} <o:{n}>, <i:{n}>, <i:{n}>;", pick(numbers, 8, "copysign", 2), lambda a, b: a & top | b & (top - 1))
        kinds = {
            "finite": lambda k, d: k == "num", "infinite": lambda k, d: k == "inf", "number": lambda k, d: k != "nan",
            "notanumber": lambda k, d: k == "nan", "normal": lambda k, d: k == "num" and not d, "subnormal": lambda k, d: k == "num" and d,
        }
        for kind, f in kinds.items():
            sets = FLOATS[n][2:]  # zeros are neither
            t.map(f"testp.{kind}.{n} <o:pred>, <i:{n}>;", sets, lambda a: int(f(form.decode(a)[0], form.is_denormal(a))))
    extremes(t, ("f32", "f64"))


def extremes(t, names):
    for n in names:
        half = n in ("f16", "bf16")
        form = FORMATS[n]
        numbers = [x for x in FLOATS[n] if form.decode(x)[0] != "nan"]
        for op in ("min", "max"):
            for flush in ("", ".ftz") if n in ("f32", "f16") else ("",):
                for wins in ("", ".NaN") if n != "f64" else ("",):
                    how = Rounding(form, "rn", bool(flush))
                    f = lambda a, b: how.apply(lambda x, y: smaller(x, y, op == "max", bool(wins)), a, b)
                    nan = FLOATS[n][10]
                    pairs = pick(FLOATS[n], 10, op + n, 2) + [(nan, FLOATS[n][2]), (FLOATS[n][2], nan), (nan, nan), (0, numbers[1]), (numbers[1], 0)]
                    t.map(f"{op}{flush}{wins}.{n} <o:{n}>, <i:{n}>, <i:{n}>;", pairs, f)
                    if half:
                        paired(t, f"{op}{flush}{wins}", n, f, 2)
            if n == "f64":
                continue
            top = 1 << (form.bits - 1)
            f = lambda a, b: (a ^ b) & top | (max if op == "max" else min)(a & (top - 1), b & (top - 1))
            t.map(f"{op}.xorsign.abs.{n} <o:{n}>, <i:{n}>, <i:{n}>;", pick(numbers, 8, op + "xor", 2), f)


def paired(t, op, n, f, arity, values=None):
    """The packed form: f on each half."""
    values = values or FLOATS[n]
    sets = [tuple(a | b << 16 for a, b in zip(q[:arity], q[arity:])) for q in pick(values, 10, op + n, 2 * arity)]
    sets = [s for s in sets if all(f(*(x >> k & 0xFFFF for x in s)) != "nan" for k in (0, 16))]
    t.map(f"{op}.{n}x2 <o:{n}x2>" + f", <i:{n}x2>" * arity + ";", sets, lambda *a: sum(f(*(x >> k & 0xFFFF for x in a)) << k for k in (0, 16)))


def halves():
    t = Table("halves", "f16 and bf16 arithmetic.")
    for n in ("f16", "bf16"):
        form = FORMATS[n]
        numbers = [x for x in FLOATS[n] if form.decode(x)[0] != "nan"]
        for rn in ("", ".rn"):
            for flush in ("", ".ftz") if n == "f16" else ("",):
                for sat in ("", ".sat") if n == "f16" else ("",):
                    how = Rounding(form, "rn", bool(flush), bool(sat))
                    for op, f in (("add", add), ("sub", subtract), ("mul", multiply)):
                        g = lambda a, b: how.apply(f, a, b)
                        t.map(f"{op}{rn}{flush}{sat}.{n} <o:{n}>, <i:{n}>, <i:{n}>;", pick(FLOATS[n], 10, op, 2), g)
                        paired(t, f"{op}{rn}{flush}{sat}", n, g, 2)
        for last in ("", ".relu", ".sat") if n == "f16" else ("", ".relu"):
            for flush in ("", ".ftz") if n == "f16" else ("",):
                how = Rounding(form, "rn", bool(flush), last == ".sat", last == ".relu")
                g = lambda a, b, c: how.apply(lambda x, y, z: add(multiply(x, y), z), a, b, c)
                t.map(f"fma.rn{flush}{last}.{n} <o:{n}>, <i:{n}>, <i:{n}>, <i:{n}>;", pick(numbers, 10, "fma", 3), g)
                paired(t, f"fma.rn{flush}{last}", n, g, 3)
        for relu in ("", ".relu"):  # of numbers: what it does with the NaN of a copy's outside PTX says of that copy
            how = Rounding(form, "rn", relu=bool(relu))
            g = lambda a, b, c: how.apply(lambda x, y, z: add(multiply(x, y), z), a, b, c)
            finite = [x for x in numbers if form.decode(x)[0] == "num"]
            t.map(f"fma.rn.oob{relu}.{n} <o:{n}>, <i:{n}>, <i:{n}>, <i:{n}>;", pick(finite, 8, "oob", 3), g)
            paired(t, f"fma.rn.oob{relu}", n, g, 3, finite)
        for flush in ("", ".ftz") if n == "f16" else ("",):
            how = Rounding(form, "rn", bool(flush))
            for op, f in (("abs", lambda v: (v[0], False, v[2])), ("neg", negated)):
                g = lambda a: how.apply(f, a)
                t.map(f"{op}{flush}.{n} <o:{n}>, <i:{n}>;", numbers, g)
                paired(t, f"{op}{flush}", n, g, 1, numbers)
    extremes(t, ("f16", "bf16"))
    t.write()


# ---- approximate -----------------------------------------------------------------------------------------

getcontext().prec = 60


def near_least(form, draw):
    """Two numbers whose product is just below the least normal one, or is it."""
    one = draw.randrange(1 << form.m, 2 << form.m)
    other = (1 << 2 * form.m + 1) // one + draw.choice((0, 0, 0, 1))
    exponents = form.bias  # their fields' sum
    first = draw.randrange(1, exponents)
    encode = lambda whole, field: form.encode(("num", draw.random() < 0.5, Fraction(whole) * Fraction(2) ** (field - form.bias - form.m)), "rn")
    return encode(one, first), encode(other, exponents - first)


def flushing():
    """20480 such results of an H100, over these operations, agreed with the rule of Rounding.is_tiny."""
    t = Table("flushing", "Results around the least normal number, under .ftz.")
    for form in (F32, F16):
        n, draw = form.name, random.Random(form.name)
        for mode in MODES if form is F32 else ("rn",):
            for last in ("", ".sat") if form is F32 else ("", ".sat", ".relu"):
                how = Rounding(form, mode, True, last == ".sat", last == ".relu")
                products = [near_least(form, draw) for _ in range(12)]
                fused = [(a, b, draw.choice((0, 1, form.encode(("num", draw.random() < 0.5, Fraction(2) ** (2 - form.bias)), "rn")))) for a, b in products]
                if last != ".relu":
                    t.map(f"mul.{mode}.ftz{last}.{n} <o:{n}>, <i:{n}>, <i:{n}>;", products, lambda a, b: how.apply(multiply, a, b))
                t.map(f"fma.{mode}.ftz{last}.{n} <o:{n}>, <i:{n}>, <i:{n}>, <i:{n}>;", fused, lambda a, b, c: how.apply(lambda x, y, z: add(multiply(x, y), z, mode), a, b, c))
    draw = random.Random("others")
    for mode in MODES:
        how = Rounding(F32, mode, True)
        wholes = [draw.randrange(0x800001, 0x1000000) for _ in range(10)]
        quotients = [(0x00800000 + (w - 1 & 0x7FFFFF), 0x3F800000 + (w & 0x7FFFFF)) for w in wholes]
        t.map(f"div.{mode}.ftz.f32 <o:f32>, <i:f32>, <i:f32>;", quotients, lambda a, b: how.apply(divide, a, b))
        t.map(f"rcp.{mode}.ftz.f32 <o:f32>, <i:f32>;", [0x7E800000, 0x7E800001, 0xFE800001, 0x7E800002, 0x7F7FFFFF], lambda a: how.apply(lambda x: divide(ONE, x), a))
        doubles = [sign | 0x3810000000000000 - (1 << k) for sign in (0, 1 << 63) for k in (0, 26, 27, 28, 29, 30)]
        t.map(f"cvt.{mode}.ftz.f32.f64 <o:f32>, <i:f64>;", doubles, lambda a: how.write(F64.decode(a)))
    t.write()


def decimal_of(value):
    v = signed_of(value)
    return Decimal(v.numerator) / Decimal(v.denominator)


def power_of_two(v):
    return ("num", False, Fraction((decimal_of(v) * Decimal(2).ln()).exp())) if v[0] == "num" else v if not v[1] or v[0] == "nan" else ("num", False, Fraction(0))


def logarithm(v):
    if v[0] == "nan" or (v[1] and (v[0] == "inf" or v[2] != 0)):
        return "nan", False, Fraction(0)
    if v[0] == "inf" or v[2] == 0:
        return "inf", v[0] == "num", Fraction(0)
    return of_fraction(Fraction(0) if v[2] == 1 else Fraction(decimal_of(v).ln() / Decimal(2).ln()))


def series(x, start):
    total, term, k = Decimal(0), (x if start else Decimal(1)), start
    while abs(term) > Decimal(10) ** -55:
        total += term
        term = -term * x * x / ((k + 1) * (k + 2))
        k += 2
    return total


def sine(v):
    if v[0] != "num":
        return "nan", False, Fraction(0)
    return v if v[2] == 0 else of_fraction(Fraction(series(decimal_of(v), 1)))


def cosine(v):
    return of_fraction(Fraction(series(decimal_of(v), 0))) if v[0] == "num" else ("nan", False, Fraction(0))


def tangent(v):
    if v[0] == "nan":
        return v
    if v[0] == "inf" or v[2] > 100:  # nearer to one than half a unit of any format
        return "num", v[1], Fraction(1)
    if v[2] == 0:
        return v
    e = (2 * abs(decimal_of(v))).exp()
    return "num", v[1], Fraction((e - 1) / (e + 1))


def reciprocal_root(v):
    if v[0] == "num" and v[2] == 0:
        return "inf", v[1], Fraction(0)
    root = square_root(v)
    return divide(ONE, root)


def approximate():
    t = Table("approximate", "Approximate functions: the correctly rounded value, which is ours.")
    small = [0, 0x80000000, 0x3F800000, 0xBF800000, 0x3F000000, 0x40490FDB, 0xBFC00000, 0x41200000, 0x3DCCCCCD, 0x40A66666]
    special = [0x7F800000, 0xFF800000, 0x7FC00000]
    positive = [0, 0x3F800000, 0x40800000, 0x3F000000, 0x40490FDB, 0x41200000, 0x7F800000, 0x3DCCCCCD, 0x501502F9, 0x7F7FFFFF, 0xBF800000, 0xFF800000]
    for flush in ("", ".ftz"):
        how = Rounding(F32, "rn", bool(flush))
        for op, f, values in (
            ("ex2", power_of_two, small + special + [0x42FE0000, 0xC2FC0000, 0x43000000]),
            ("lg2", logarithm, positive), ("sin", sine, small), ("cos", cosine, small),
            ("rsqrt", reciprocal_root, positive), ("sqrt", square_root, positive), ("rcp", lambda v: divide(ONE, v), small + special),
        ):
            t.map(f"{op}.approx{flush}.f32 <o:f32>, <i:f32>;", values, lambda a: how.apply(f, a))
        for kind in ("approx", "full"):
            t.map(f"div.{kind}{flush}.f32 <o:f32>, <i:f32>, <i:f32>;", pick(small[2:], 10, "div", 2), lambda a, b: how.apply(divide, a, b))
        if flush:
            t.map("ex2.approx.ftz.f32 <o:f32>, <i:f32>;", [0xC3020000], lambda a: 0)
    t.map("tanh.approx.f32 <o:f32>, <i:f32>;", small + special, lambda a: Rounding(F32).apply(tangent, a))
    doubles = [0x3FF0000000000000, 0x4010000000000000, 0x3FD0000000000000, 0x7FF0000000000000, 0]
    exact = {"rcp": [1, 1 / 4, 4, 0, float("inf")], "rsqrt": [1, 1 / 2, 2, 0, float("inf")]}
    for op, flush in (("rcp", ".ftz"), ("rsqrt", ".ftz"), ("rsqrt", "")):
        pack = lambda v: F64.encode(of_fraction(Fraction(v))) if v != float("inf") else F64.inf(False)
        t.line(f"{op}.approx{flush}.f64 <o:f64>, <i:f64>;", [((a,), (pack(r),)) for a, r in zip(doubles, exact[op])])
    for n, flush in (("f16", ""), ("bf16", "")):
        form = FORMATS[n]
        values = [x for x in FLOATS[n] if form.decode(x)[0] != "nan" and not form.is_denormal(x)]
        for op, f, mods in (("tanh", tangent, "tanh.approx"), ("ex2", power_of_two, "ex2.approx" + (".ftz" if n == "bf16" else ""))):
            keep = [v for v in values if op == "tanh" or form.decode(v)[0] == "inf" or abs(signed_of(form.decode(v))) < 14]
            g = lambda a: Rounding(form, "rn", n == "bf16" and op == "ex2").apply(f, a)
            t.map(f"{mods}.{n} <o:{n}>, <i:{n}>;", keep, g)
            paired(t, mods, n, g, 1, keep)
    t.write()


# ---- conversions -----------------------------------------------------------------------------------------

INT = ["u16", "u32", "u64", "s16", "s32", "s64"]
INT8 = ["u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64"]


def register(type):
    return "b16" if bits_of(type) == 8 else type


def widened(v, type):
    """A result of 8 bits in a register of 16: sign-extended where signed."""
    w = max(16, bits_of(type))
    return v & ((1 << w) - 1)


def conversions():
    t = Table("conversions", "cvt.")
    for a in INT8:
        for b in INT8:
            values = integers(bits_of(b))[:10]
            read = lambda x: to_signed(x, bits_of(b)) if b[0] == "s" else x
            wrap = lambda v: to_signed(v, bits_of(a)) if a[0] == "s" else v & ((1 << bits_of(a)) - 1)
            t.map(f"cvt.{a}.{b} <o:{register(a)}>, <i:{register(b)}>;", values, lambda x: widened(wrap(read(x)), a))
            if limits(a[0], bits_of(a))[0] > limits(b[0], bits_of(b))[0] or limits(a[0], bits_of(a))[1] < limits(b[0], bits_of(b))[1]:
                t.map(f"cvt.sat.{a}.{b} <o:{register(a)}>, <i:{register(b)}>;", values[:8], lambda x: widened(clamp(read(x), a[0], bits_of(a)), a))
    to_integers(t)
    from_integers(t)
    between(t)
    packed(t)
    t.write()


def to_integers(t):
    modes = {"rni": "rn", "rzi": "rz", "rmi": "rm", "rpi": "rp"}
    for n in ("f32", "f64", "f16", "bf16"):
        form = FORMATS[n]
        for name, mode in modes.items():
            for type in INT8 if n != "bf16" else INT:
                values = [x for x in FLOATS[n] if form.decode(x)[0] != "nan"]
                values += [form.encode(of_fraction(Fraction(v, 2))) for v in (1, 3, 5, -1, -3, -5, 201, -255)]
                def whole(x, flush=False):
                    if flush and form.is_denormal(x):
                        return 0
                    kind, negative, size = form.decode(x)
                    low, high = limits(type[0], bits_of(type))
                    if kind == "inf":
                        return low if negative else high
                    v = rounded(size, mode, negative)
                    return max(low, min(high, -v if negative else v))
                if bits_of(type) == 8:  # what is beyond 8 bits is left to .sat
                    values = [x for x in values if form.decode(x)[0] == "num" and abs(signed_of(form.decode(x))) < 100 and not (type[0] == "u" and form.decode(x)[1])]
                t.map(f"cvt.{name}.{type}.{n} <o:{register(type)}>, <i:{n}>;", values[:24], lambda x: widened(whole(x), type))
                if name == "rpi" and n == "f32" and bits_of(type) > 8:
                    t.map(f"cvt.{name}.ftz.{type}.{n} <o:{register(type)}>, <i:{n}>;", [0x1, form.encode(ONE)], lambda x: widened(whole(x, True), type))
        for type in ("u32", "s32"):
            if n != "f64":  # PTX leaves a NaN of 64 bits open
                t.line(f"cvt.rni.{type}.{n} <o:{type}>, <i:{n}>;", [((FLOATS[n][10],), (0,))])
        for name, mode in modes.items():
            values = [x for x in FLOATS[n] if form.decode(x)[0] == "num"] + [form.encode(of_fraction(Fraction(v, 2))) for v in (1, 3, 5, -1, -3)]
            def integral(x):
                kind, negative, size = form.decode(x)
                return form.encode(("num", negative, Fraction(rounded(size, mode, negative))))
            t.map(f"cvt.{name}.{n}.{n} <o:{n}>, <i:{n}>;", values, integral)
        if n != "bf16":
            t.map(f"cvt.sat.{n}.{n} <o:{n}>, <i:{n}>;", FLOATS[n], lambda x: Rounding(form, sat=True).apply(lambda v: v, x))


def from_integers(t):
    for n in ("f32", "f64", "f16", "bf16"):
        form = FORMATS[n]
        for mode in MODES:
            for type in INT8 if n != "bf16" else INT:
                read = lambda x: to_signed(x, bits_of(type)) if type[0] == "s" else x
                t.map(f"cvt.{mode}.{n}.{type} <o:{n}>, <i:{register(type)}>;", integers(bits_of(type))[:12],
                      lambda x: form.encode(of_fraction(Fraction(read(x))), mode))


def between(t):
    pairs = [("f32", "f64", MODES), ("f16", "f32", MODES), ("f16", "f64", MODES), ("bf16", "f64", MODES), ("bf16", "f32", MODES),
             ("bf16", "f16", ("", *MODES)), ("f16", "bf16", ("", *MODES)), ("f64", "f32", ("",)), ("f32", "f16", ("",)), ("f64", "f16", ("",)),
             ("f32", "bf16", ("",)), ("f64", "bf16", ("",))]
    for to, source, modes in pairs:
        a, b = FORMATS[source], FORMATS[to]
        for mode in modes:
            m = "." + mode if mode else ""
            convert = lambda x: "nan" if a.decode(x)[0] == "nan" else b.encode(a.decode(x), mode or "rn")
            t.map(f"cvt{m}.{to}.{source} <o:{to}>, <i:{source}>;", FLOATS[source], convert)
            if to != "bf16" and source != "bf16":
                sat = lambda x: Rounding(b, mode or "rn", sat=True).write(a.decode(x))
                t.map(f"cvt{m}.sat.{to}.{source} <o:{to}>, <i:{source}>;", FLOATS[source], sat)
    t.map("cvt.rn.ftz.f32.f64 <o:f32>, <i:f64>;", FLOATS["f64"][:9], lambda x: Rounding(F32, ftz=True).write(F64.decode(x)))
    t.map("cvt.ftz.f64.f32 <o:f64>, <i:f32>;", FLOATS["f32"][:9], lambda x: F64.encode(Rounding(F32, ftz=True).read(x)))
    for n in ("f16", "bf16"):
        form = FORMATS[n]
        finite = [x for x in FLOATS["f32"] if F32.decode(x)[0] == "num"]
        for mode in ("rn", "rz"):
            t.map(f"cvt.{mode}.relu.{n}.f32 <o:{n}>, <i:f32>;", finite, lambda x: Rounding(form, mode, relu=True).write(F32.decode(x)))
            for text, relu in (("satfinite", False), ("satfinite.relu", True), ("relu.satfinite", True)):
                how = Rounding(form, mode, relu=relu, satfinite=True)
                values = [x for x in FLOATS["f32"] if F32.decode(x)[0] != "nan"]
                t.map(f"cvt.{mode}.{text}.{n}.f32 <o:{n}>, <i:f32>;", values, lambda x: how.write(F32.decode(x)))


def packed(t):
    numbers = [x for x in FLOATS["f32"] if F32.decode(x)[0] != "nan"]
    finite = [x for x in numbers if F32.decode(x)[0] == "num"]
    for n in ("f16", "bf16"):
        form = FORMATS[n]
        for mode in ("rn", "rz"):
            for relu in ("", ".relu"):
                how = Rounding(form, mode, relu=bool(relu))
                t.map(f"cvt.{mode}{relu}.{n}x2.f32 <o:{n}x2>, <i:f32>, <i:f32>;", pick(numbers, 10, n + mode, 2),
                      lambda a, b: how.write(F32.decode(a)) << 16 | how.write(F32.decode(b)))
            for text, relu in (("satfinite", False), ("satfinite.relu", True), ("relu.satfinite", True)):
                how = Rounding(form, mode, relu=relu, satfinite=True)
                t.map(f"cvt.{mode}.{text}.{n}x2.f32 <o:{n}x2>, <i:f32>, <i:f32>;", pick(numbers, 10, n + mode + text, 2),
                      lambda a, b: how.write(F32.decode(a)) << 16 | how.write(F32.decode(b)))
    tf32 = lambda x, mode, relu=False: Rounding(TF32, mode, relu=relu).write(F32.decode(x)) << 13
    normal = [x for x in finite if not F32.is_denormal(x)] + [0x3F801000, 0x3F803000, 0xBF801000, 0x3F800FFF]
    t.map("cvt.rna.tf32.f32 <o:b32>, <i:f32>;", normal, lambda x: tf32(x, "rna"))
    t.map("cvt.rna.satfinite.tf32.f32 <o:b32>, <i:f32>;", [*normal, 0x7F800000, 0xFF800000, 0x7F7FFFFF],
          lambda x: Rounding(TF32, "rna", satfinite=True).write(F32.decode(x)) << 13)
    for mode in ("rn", "rz"):
        t.map(f"cvt.{mode}.tf32.f32 <o:b32>, <i:f32>;", normal, lambda x: tf32(x, mode))
        t.map(f"cvt.{mode}.relu.tf32.f32 <o:b32>, <i:f32>;", normal, lambda x: tf32(x, mode, True))
    eighths(t, numbers)
    for kind in "us":
        pairs = pick(integers(32), 10, "pack" + kind, 3)
        s = lambda x: to_signed(x, 32)
        t.map(f"cvt.pack.sat.{kind}16.s32 <o:b32>, <i:s32>, <i:s32>;", [p[:2] for p in pairs],
              lambda a, b: clamp(s(a), kind, 16) << 16 & 0xFFFF0000 | clamp(s(b), kind, 16) & 0xFFFF)
        t.map(f"cvt.pack.sat.{kind}8.s32.b32 <o:b32>, <i:s32>, <i:s32>, <i:b32>;", pairs,
              lambda a, b, c: c << 16 & 0xFFFF0000 | (clamp(s(a), kind, 8) & 0xFF) << 8 | clamp(s(b), kind, 8) & 0xFF)


def eighths(t, numbers):
    nan8 = {"e4m3": 0x7F, "e5m2": 0x7F}
    values = numbers + [0x43E00000, 0x43E80000, 0x3D800000, 0x3A800000, 0xC1100000, 0x47600000, 0x3F880000, 0x3F980000, 0x3B000000]
    for form in (E4M3, E5M2):
        n = form.name
        for relu in ("", ".relu"):
            def narrow(v):
                if relu and v[1]:
                    v = ("num", False, Fraction(0))
                return form.encode(v, "rn", saturate=True)
            t.map(f"cvt.rn.satfinite{relu}.{n}x2.f32 <o:b16>, <i:f32>, <i:f32>;", pick(values, 16, n + relu, 2),
                  lambda a, b: narrow(F32.decode(a)) << 8 | narrow(F32.decode(b)))
            halves = [x for x in FLOATS["f16"] if F16.decode(x)[0] != "nan"] + [0x5F00, 0x5F40, 0x2C00, 0xC480]
            t.map(f"cvt.rn.satfinite{relu}.{n}x2.f16x2 <o:b16>, <i:f16x2>;", [a | b << 16 for a, b in pick(halves, 12, n + relu, 2)],
                  lambda x: narrow(F16.decode(x >> 16)) << 8 | narrow(F16.decode(x & 0xFFFF)))
            wide = lambda v: F16.encode(("num", False, Fraction(0)) if relu and v[1] else v)
            bytes_ = [b for b in range(256) if form.decode(b)[0] != "nan"]
            t.map(f"cvt.rn{relu}.f16x2.{n}x2 <o:f16x2>, <i:b16>;", [a | b << 8 for a, b in pick(bytes_, 24, n, 2)],
                  lambda x: wide(form.decode(x >> 8)) << 16 | wide(form.decode(x & 0xFF)))
        t.line(f"cvt.rn.satfinite.{n}x2.f32 <o:b16>, <i:f32>, <i:f32>;", [((0x7FC00000, 0), (nan8[n] << 8,))])
