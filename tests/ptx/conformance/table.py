"""Writing the tables: one line a form, with sets of inputs and the outputs each must give."""

import random
from pathlib import Path

folder = Path(__file__).parent  # make.py may write elsewhere


class Table:
    """In a template `<o:f32>` is a result, `<i:f32>` an argument, `<m:u32>` and `<s:u32>` a cell of
    global and of shared memory, which is argument and result. A set is (arguments, results), bits or "nan" or "*"."""

    def __init__(self, name, about):
        self.path, self.lines = folder / f"{name}.txt", [f"# {about} Written by make.py."]

    def line(self, template, sets):
        shown = [f"{' '.join(map(text, a))} > {' '.join(map(text, r))}".strip() for a, r in sets]
        self.lines.append(f"{template} | " + " | ".join(shown))

    def map(self, template, arguments, f, width=None):
        """f gives the result, or a tuple of them."""
        sets = []
        for a in arguments:
            a = a if isinstance(a, tuple) else (a,)
            r = f(*a)
            r = r if isinstance(r, tuple) else (r,)
            sets.append((a, tuple(v if isinstance(v, str) or width is None else v & ((1 << width) - 1) for v in r)))
        self.line(template, sets)

    def write(self):
        self.path.write_text("\n".join(self.lines) + "\n")


def text(value):
    return value if isinstance(value, str) else f"{value:x}"


def bits_of(type):
    return {"pred": 1, "f16x2": 32, "bf16x2": 32, "u16x2": 32, "s16x2": 32, "bf16": 16, "tf32": 32}.get(type) or int(
        "".join(c for c in type if c.isdigit())
    )


def pick(values, count, seed, arity):
    """`count` tuples of `arity` values: the first ones walk the list against itself, the others are drawn."""
    draw = random.Random(seed)
    out = [tuple(values[(i * (j + 1) + j) % len(values)] for j in range(arity)) for i in range(min(count, len(values)))]
    while len(out) < count:
        out.append(tuple(draw.choice(values) for _ in range(arity)))
    return out


def integers(width, seed=1, more=6):
    draw = random.Random(f"{width}/{seed}")
    top = 1 << (width - 1)
    fixed = [0, 1, 2, top - 1, top, 2 * top - 1, 2 * top - 2, 0x55555555 & (2 * top - 1)]
    return fixed + [draw.randrange(2 * top) for _ in range(more)]


FLOATS = {
    "f32": [0, 0x80000000, 0x3F800000, 0xBF800000, 0x00000001, 0x807FFFFF, 0x00800000, 0x7F7FFFFF, 0x7F800000, 0xFF800000,
            0x7FC00001, 0x3F000000, 0x40490FDB, 0xC2F6E979, 0x3EAAAAAB, 0x4B7FFFFF, 0x33800001, 0x1E3CE508],
    "f64": [0, 1 << 63, 0x3FF0000000000000, 0xBFF0000000000000, 1, 0x800FFFFFFFFFFFFF, 0x10000000000000, 0x7FEFFFFFFFFFFFFF,
            0x7FF0000000000000, 0xFFF0000000000000, 0x7FF8000000000001, 0x3FE0000000000000, 0x400921FB54442D18, 0xC05EDD2F1A9FBE77,
            0x3FD5555555555555, 0x3CA0000000000001],
    "f16": [0, 0x8000, 0x3C00, 0xBC00, 0x0001, 0x83FF, 0x0400, 0x7BFF, 0x7C00, 0xFC00, 0x7E01, 0x3800, 0x4248, 0xD7B0, 0x3555, 0x1001],
    "bf16": [0, 0x8000, 0x3F80, 0xBF80, 0x0001, 0x807F, 0x0080, 0x7F7F, 0x7F80, 0xFF80, 0x7FC1, 0x3F00, 0x4049, 0xC2F7, 0x3EAB, 0x3381],
}
