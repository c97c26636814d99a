"""What PTX's operations give, in exact rational arithmetic. Knows nothing of the interpreter that is tested with it.

A float is (kind, negative, value): kind "nan", "inf" or "num"; value is a Fraction that is not negative.
"""

from fractions import Fraction
from math import isqrt


class Format:
    def __init__(self, name, exponent, mantissa, finite_only=False):
        self.name, self.e, self.m, self.finite_only = name, exponent, mantissa, finite_only
        self.bits = 1 + exponent + mantissa
        self.bias = (1 << (exponent - 1)) - 1

    def decode(self, bits):
        negative = bool(bits >> (self.bits - 1))
        exponent, mantissa = bits >> self.m & ((1 << self.e) - 1), bits & ((1 << self.m) - 1)
        top = (1 << self.e) - 1
        if self.finite_only and exponent == top and mantissa == (1 << self.m) - 1:
            return "nan", False, Fraction(0)
        if exponent == top and not self.finite_only:
            return ("nan", False, Fraction(0)) if mantissa else ("inf", negative, Fraction(0))
        whole = mantissa + ((1 << self.m) if exponent else 0)
        return "num", negative, Fraction(whole) * Fraction(2) ** (max(exponent, 1) - self.bias - self.m)

    @property
    def nan(self):
        """PTX's NaN of f32, f16 and bf16; any NaN of f64 will do."""
        return "nan" if self.name == "f64" else (1 << (self.bits - 1)) - 1

    def inf(self, negative):
        return int(negative) << (self.bits - 1) | ((1 << self.e) - 1) << self.m

    def zero(self, negative):
        return int(negative) << (self.bits - 1)

    def largest(self, negative):
        if self.finite_only:
            return int(negative) << (self.bits - 1) | (1 << (self.bits - 1)) - 2
        return self.inf(negative) - 1

    def is_denormal(self, bits):
        return bits >> self.m & ((1 << self.e) - 1) == 0

    def encode(self, value, mode="rn", saturate=False):
        """The bits of a float, rounded once."""
        kind, negative, size = value
        if kind == "nan":
            return self.nan
        if kind == "inf":
            return self.largest(negative) if saturate else self.inf(negative)
        if size == 0:
            return self.zero(negative)
        exponent = max(floor_log2(size), 1 - self.bias)
        units = rounded(size / Fraction(2) ** (exponent - self.m), mode, negative)
        if units == 1 << (self.m + 1):
            units, exponent = units >> 1, exponent + 1
        if units < 1 << self.m:
            return self.zero(negative) | units
        bits = (exponent + self.bias - 1 << self.m) + units
        if bits > self.largest(False):
            away = mode in ("rn", "rna") or (mode == "rp" and not negative) or (mode == "rm" and negative)
            return self.inf(negative) if away and not saturate else self.largest(negative)
        return self.zero(negative) | bits


def floor_log2(value):
    guess = value.numerator.bit_length() - value.denominator.bit_length()
    return guess if Fraction(2) ** guess <= value else guess - 1


def rounded(value, mode, negative):
    """A Fraction that is not negative as an integer."""
    below, rest = divmod(value.numerator, value.denominator)
    rest = Fraction(rest, value.denominator)
    if rest == 0 or mode == "rz" or (mode == "rp" and negative) or (mode == "rm" and not negative):
        return below
    if mode in ("rp", "rm"):
        return below + 1
    half = Fraction(1, 2)
    return below + (rest > half or (rest == half and (mode == "rna" or below & 1)))


F16, BF16 = Format("f16", 5, 10), Format("bf16", 8, 7)
F32, F64, TF32 = Format("f32", 8, 23), Format("f64", 11, 52), Format("tf32", 8, 10)
E4M3, E5M2 = Format("e4m3", 4, 3, finite_only=True), Format("e5m2", 5, 2)
FORMATS = {f.name: f for f in (F16, BF16, F32, F64, E4M3, E5M2)}
ONE, ZERO = ("num", False, Fraction(1)), ("num", False, Fraction(0))


def signed_of(value):
    return -value[2] if value[1] else value[2]


def of_fraction(value, zero_negative=False):
    return ("num", value < 0 or (value == 0 and zero_negative), abs(value))


def negated(a):
    return a[0], not a[1], a[2]


def multiply(a, b):
    negative = a[1] != b[1]
    if "nan" in (a[0], b[0]) or {a[0], b[0]} == {"inf", "num"} and 0 in (a[2] if a[0] == "num" else 1, b[2] if b[0] == "num" else 1):
        return "nan", False, Fraction(0)
    if "inf" in (a[0], b[0]):
        return "inf", negative, Fraction(0)
    return "num", negative, a[2] * b[2]


def add(a, b, mode="rn"):
    if "nan" in (a[0], b[0]) or (a[0] == b[0] == "inf" and a[1] != b[1]):
        return "nan", False, Fraction(0)
    if "inf" in (a[0], b[0]):
        return a if a[0] == "inf" else b
    total = signed_of(a) + signed_of(b)
    both = a[1] and b[1] and a[2] == b[2] == 0
    return of_fraction(total, both or (total == 0 and mode == "rm" and not (a[2] == b[2] == 0 and not a[1] and not b[1])))


def divide(a, b):
    negative = a[1] != b[1]
    zero_a, zero_b = a[0] == "num" and a[2] == 0, b[0] == "num" and b[2] == 0
    if "nan" in (a[0], b[0]) or (a[0] == b[0] == "inf") or (zero_a and zero_b):
        return "nan", False, Fraction(0)
    if a[0] == "inf" or zero_b:
        return "inf", negative, Fraction(0)
    return ("num", negative, Fraction(0)) if b[0] == "inf" else ("num", negative, a[2] / b[2])


def square_root(a):
    """Close enough to the root that every rounding of it is right: 200 bits and a sticky one."""
    if a[0] == "nan" or (a[1] and (a[0] == "inf" or a[2] != 0)):
        return "nan", False, Fraction(0)
    if a[0] == "inf" or a[2] == 0:
        return a
    scale = 400 + 2 * max(0, -floor_log2(a[2]))
    whole = a[2].numerator * (1 << scale) // a[2].denominator
    root = isqrt(whole)
    exact = root * root == whole and (a[2].numerator << scale) % a[2].denominator == 0
    return "num", False, Fraction(2 * root + (not exact), 1 << (scale // 2 + 1))


class Rounding:
    """An operation's modifiers: mode, ftz, sat, relu, satfinite; wraps exact functions of decoded floats."""

    def __init__(self, form, mode="rn", ftz=False, sat=False, relu=False, satfinite=False):
        self.form, self.mode, self.ftz, self.sat, self.relu, self.satfinite = form, mode, ftz, sat, relu, satfinite

    def read(self, bits):
        if self.ftz and self.form.is_denormal(bits):
            bits &= 1 << (self.form.bits - 1)
        return self.form.decode(bits)

    def write(self, value):
        if self.relu and value[0] != "nan" and value[1]:
            value = ZERO
        if self.sat:
            if value[0] == "nan" or value[1]:
                value = ZERO
            elif value[0] == "inf" or value[2] > 1:
                value = ONE
        bits = self.form.encode(value, self.mode)
        if self.satfinite and self.form.decode(bits)[0] == "inf":
            bits -= 1
        if self.ftz and value[0] == "num" and self.is_tiny(value):
            bits &= 1 << (self.form.bits - 1)
        return bits

    def is_tiny(self, value):
        """Less than the least normal number once rounded, if exponents had no least: what an H100 flushes."""
        least = Fraction(2) ** (1 - self.form.bias)
        if value[2] >= least:
            return False
        return self.form.decode(self.form.encode((value[0], value[1], value[2] / least), self.mode))[2] < 1

    def apply(self, f, *bits):
        return self.write(f(*(self.read(b) for b in bits)))


def smaller(a, b, largest, nan_wins):
    """min and max: a NaN loses against a number unless it wins; -0 is below +0."""
    if "nan" in (a[0], b[0]):
        if nan_wins or a[0] == b[0]:
            return "nan", False, Fraction(0)
        return b if a[0] == "nan" else a
    key = lambda v: (float("inf") if v[0] == "inf" else v[2]) * (-1 if v[1] else 1)
    low = a if (key(a), not a[1]) <= (key(b), not b[1]) else b
    return (b if low is a else a) if largest else low


def compare(name, a, b):
    """Of floats, by setp's names."""
    if name in ("num", "nan"):
        return ("nan" in (a[0], b[0])) == (name == "nan")
    if "nan" in (a[0], b[0]):
        return name.endswith("u") and name != "u"
    key = lambda v: (Fraction(10) ** 400 if v[0] == "inf" else v[2]) * (-1 if v[1] else 1)
    x, y = key(a), key(b)
    return {"eq": x == y, "ne": x != y, "lt": x < y, "le": x <= y, "gt": x > y, "ge": x >= y}[name[:2]]


def to_signed(value, bits):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def limits(kind, bits):
    return (0, (1 << bits) - 1) if kind == "u" else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)


def clamp(value, kind, bits):
    low, high = limits(kind, bits)
    return max(low, min(high, value))
