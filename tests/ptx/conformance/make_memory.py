"""Tables of loads, stores, atomics, moves, and instructions that only hint."""

from oracle import FORMATS, add, clamp, smaller, to_signed, Rounding
from table import FLOATS, Table, bits_of, integers, pick

MEM = ["b8", "b16", "b32", "b64", "u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64", "f32", "f64"]
ORDERS, SCOPES = ("relaxed", "acquire", "release", "acq_rel"), ("cta", "cluster", "gpu", "sys")


def holder(type):
    return "b16" if bits_of(type) == 8 else type


def memory():
    t = Table("memory", "Loads and stores.")
    for type in MEM:
        w = bits_of(type)
        r = max(16, w)
        sign = lambda x: (to_signed(x, w) if type[0] == "s" else x) & ((1 << r) - 1)
        for space, cell in (("global", "m"), ("shared", "s")):
            t.map(f"ld.{space}.{type} <o:{holder(type)}>, <{cell}:{type}>;", integers(w)[:8], lambda x: (sign(x), x))
            t.line(f"st.{space}.{type} <{cell}:{type}>, <i:{holder(type)}>;", [((0, x), (x,)) for x in integers(w)[:8]])
        for wide in ("b32", "b64"):  # a register may be wider than what is loaded
            if w < bits_of(wide) and type[0] in "us":
                full = (1 << bits_of(wide)) - 1
                t.map(f"ld.global.{type} <o:{wide}>, <m:{type}>;", integers(w)[:8],
                      lambda x: ((to_signed(x, w) if type[0] == "s" else x) & full, x))
    modified(t)
    vectors(t)
    t.write()


def modified(t):
    values = integers(32)[3:7]
    loads = ["weak.global", "weak", "global.ca", "global.cg", "global.cs", "global.lu", "global.cv", "global.L1::evict_last", "global.L1::no_allocate",
             "global.L2::128B", "global.nc", "global.nc.L1::no_allocate.L2::256B", "global.cg.nc", "volatile.global", "volatile", "relaxed.gpu.global",
             "acquire.sys.global", "relaxed.cta", "acquire.cluster.global"]
    for m in loads:
        ld = "ld." + m if m else "ld"
        t.map(f"{ld}.u32 <o:u32>, <m:u32>;", values, lambda x: (x, x))
    t.map("ld.global.L2::cache_hint.u32 <o:u32>, <m:u32>, <i:b64>;", [(x, 0) for x in values], lambda x, _: (x, x))
    for m in ("volatile.shared", "relaxed.cta.shared", "acquire.cta.shared::cta", "shared::cta", "weak.shared"):
        t.map(f"ld.{m}.u32 <o:u32>, <s:u32>;", values, lambda x: (x, x))
    t.map("ldu.global.u32 <o:u32>, <m:u32>;", values, lambda x: (x, x))
    for m in ("weak.global", "weak", "global.wb", "global.cg", "global.cs", "global.wt", "global.L1::no_allocate", "volatile.global", "volatile",
              "relaxed.gpu.global", "release.sys.global", "release.cta"):
        t.line(f"st.{m}.u32 <m:u32>, <i:u32>;", [((0, x), (x,)) for x in values])
    t.line("st.global.L2::cache_hint.u32 <m:u32>, <i:u32>, <i:b64>;", [((0, x, 0), (x,)) for x in values])
    for m in ("volatile.shared", "relaxed.cta.shared", "release.cta.shared", "shared::cta"):
        t.line(f"st.{m}.u32 <s:u32>, <i:u32>;", [((0, x), (x,)) for x in values])


def vectors(t):
    for type, n in (("u32", 2), ("f32", 2), ("b32", 2), ("u16", 4), ("b16", 2), ("u8", 4), ("s8", 2), ("s16", 4)):
        w, cell = bits_of(type), f"b{bits_of(type) * n}"
        r = holder(type)
        parts = lambda x: tuple(((to_signed(p, w) if type[0] == "s" else p) & ((1 << max(16, w)) - 1)) for p in (x >> (w * i) & ((1 << w) - 1) for i in range(n)))
        values = integers(w * n)[3:12]
        out, into = ", ".join([f"<o:{r}>"] * n), ", ".join([f"<i:{r}>"] * n)
        for space, role in (("global", "m"), ("shared", "s")):
            t.map(f"ld.{space}.v{n}.{type} {{{out}}}, <{role}:{cell}>;", values, lambda x: (*parts(x), x))
            t.line(f"st.{space}.v{n}.{type} <{role}:{cell}>, {{{into}}};", [((0, *parts(x)), (x,)) for x in values])
    t.map("ld.volatile.global.v2.u32 {<o:u32>, <o:u32>}, <m:b64>;", integers(64)[3:7], lambda x: (x & 0xFFFFFFFF, x >> 32, x))


def atomics():
    t = Table("atomics", "Atomics and reductions: one lane to a cell.")
    for space, cell in (("global", "m"), ("shared", "s"), ("", "m"), ("shared::cta", "s")):
        where = "." + space if space else ""
        for order in ("",) if space != "global" else ("", ".relaxed.gpu", ".acquire.cta", ".release.sys", ".acq_rel.cluster"):
            every(t, f"{order}{where}", "", cell, order in ("", ".relaxed.gpu", ".release.sys"))
        if space in ("global", "shared"):  # as Triton writes them
            every(t, f"{where}.gpu.acq_rel", "", cell, False)
            every(t, f"{where}.gpu.relaxed", "", cell, True, triton=True)
    packed_vectors(t)
    t.write()


def every(t, before, after, cell, reduces, triton=False):
    def both(op, type, sets, f, red=reduces):
        args = f"<{cell}:{type}>" + f", <i:{type}>" * (len(sets[0]) - 1)
        mask = (1 << bits_of(type)) - 1
        results = [f(*s) if isinstance(f(*s), str) else f(*s) & mask for s in sets]
        t.line(f"atom{before}.{op}{after}.{type} <o:{type}>, {args};", [(s, (s[0], r)) for s, r in zip(sets, results)])
        if red and not (triton and op.startswith("add")):
            t.line(f"red{before}.{op}{after}.{type} {args};", [(s, (r,)) for s, r in zip(sets, results)])
    for w in (32, 64):
        pairs = pick(integers(w), 4, "atom", 2)
        both("exch", f"b{w}", pairs, lambda a, b: b, False)
        for op, f in (("and", lambda a, b: a & b), ("or", lambda a, b: a | b), ("xor", lambda a, b: a ^ b)):
            both(op, f"b{w}", pairs, f)
        for kind in "us":
            read = lambda x: to_signed(x, w) if kind == "s" else x
            if kind + str(w) != "s64":
                both("add", f"{kind}{w}", pairs, lambda a, b: a + b)
            both("min", f"{kind}{w}", pairs, lambda a, b: min(a, b, key=read))
            both("max", f"{kind}{w}", pairs, lambda a, b: max(a, b, key=read))
    for w in (16, 32, 64):
        top = (1 << w) - 1
        both("cas", f"b{w}", [(5, 5, 7), (5, 6, 7), (top, top, 0), (0, 1, top)], lambda a, b, c: c if a == b else a, False)
    wrap = [(3, 5), (5, 5), (6, 5), (0, 5), (0xFFFFFFFF, 0)]
    both("inc", "u32", wrap, lambda a, b: 0 if a >= b else a + 1)
    both("dec", "u32", wrap, lambda a, b: b if a == 0 or a > b else a - 1)
    for n in ("f32", "f64"):
        numbers = [x for x in FLOATS[n] if FORMATS[n].decode(x)[0] == "num" and not FORMATS[n].is_denormal(x)] + [FORMATS[n].zero(False)]
        both("add", n, pick(numbers, 5, "fadd", 2), lambda a, b: Rounding(FORMATS[n]).apply(add, a, b))
    for n in ("f16", "bf16"):
        numbers = [x for x in FLOATS[n] if FORMATS[n].decode(x)[0] == "num" and x & 0x7FFF < 0x7B00]
        f = lambda a, b: Rounding(FORMATS[n]).apply(add, a, b)
        both("add.noftz", n, pick(numbers, 5, "hadd", 2), f)
        quads = pick(numbers, 5, "h2add", 4)
        both("add.noftz", n + "x2", [(a | b << 16, c | d << 16) for a, b, c, d in quads], lambda x, y: f(x & 0xFFFF, y & 0xFFFF) | f(x >> 16, y >> 16) << 16)


def packed_vectors(t):
    def one(op, type, n, f, values, each=None):
        w = bits_of(type)
        into, out = ", ".join([f"<i:{type}>"] * n), ", ".join([f"<o:{type}>"] * n)
        sets = []
        for q in pick(values, 4, op + type, 2 * n):
            old, given = q[:n], q[n:]
            new = [f(a, b) for a, b in zip(old, given)]
            join = lambda v: sum(x << (w * i) for i, x in enumerate(v))
            sets.append((old, given, join(old), join(new)))
        noftz = ".noftz" if type != "f32" else ""
        cell = f"<m:b{w * n}>"
        t.line(f"atom.global.{op}{noftz}.v{n}.{type} {{{out}}}, {cell}, {{{into}}};", [((m, *given), (*old, new)) for old, given, m, new in sets])
        t.line(f"red.global.{op}{noftz}.v{n}.{type} {cell}, {{{into}}};", [((m, *given), (new,)) for old, given, m, new in sets])
    plain = [0x3F800000, 0xC0000000, 0x3F000000, 0x41200000, 0]
    one("add", "f32", 2, lambda a, b: Rounding(FORMATS["f32"]).apply(add, a, b), plain)
    for n in ("f16", "bf16"):
        numbers = [x for x in FLOATS[n] if FORMATS[n].decode(x)[0] == "num" and x & 0x7FFF < 0x7B00]
        form = Rounding(FORMATS[n])
        ops = {"add": lambda a, b: form.apply(add, a, b)}
        for name, largest in (("min", False), ("max", True)):
            ops[name] = lambda a, b, m=largest: form.apply(lambda x, y: smaller(x, y, m, False), a, b)
        for op, f in ops.items():
            one(op, n, 2, f, numbers)
            one(op, n, 4, f, numbers)
            one(op, n + "x2", 2, lambda x, y: f(x & 0xFFFF, y & 0xFFFF) | f(x >> 16, y >> 16) << 16, [a | b << 16 for a, b in pick(numbers, 6, "x2", 2)])


def moves():
    t = Table("moves", "mov, and instructions that change nothing a program can see.")
    t.map("mov.pred <o:pred>, <i:pred>;", [0, 1], lambda a: a)
    t.map("mov.pred <o:pred>, !<i:pred>;", [0, 1], lambda a: 1 - a)
    for type in ("b16", "b32", "b64", "u16", "u32", "u64", "s16", "s32", "s64", "f32", "f64"):
        t.map(f"mov.{type} <o:{type}>, <i:{type}>;", integers(bits_of(type))[:6], lambda a: a)
    for w, n in ((32, 2), (64, 2), (64, 4)):
        part = f"b{w // n}"
        split = lambda x: tuple(x >> (w // n * i) & ((1 << w // n) - 1) for i in range(n))
        t.map(f"mov.b{w} {{{', '.join([f'<o:{part}>'] * n)}}}, <i:b{w}>;", integers(w)[:6], split)
        t.line(f"mov.b{w} <o:b{w}>, {{{', '.join([f'<i:{part}>'] * n)}}};", [(split(x), (x,)) for x in integers(w)[:6]])
    t.map("mov.b128 %huge, {<i:b64>, <i:b64>}; mov.b128 {<o:b64>, <o:b64>}, %huge;".replace("mov.b128 %huge", "{ .reg .b128 %huge; mov.b128 %huge", 1) + " }",
          pick(integers(64), 4, "b128", 2), lambda a, b: (a, b))
    for hint in ("membar.cta", "membar.gl", "membar.sys", "fence.acq_rel.gpu", "fence.sc.cta", "fence.acquire.cluster", "fence.release.sys", "fence.proxy.alias",
                 "fence.proxy.async", "fence.proxy.async.global", "fence.proxy.async.shared::cta", "fence.mbarrier_init.release.cluster", "membar.proxy.alias",
                 "fence.proxy.tensormap::generic.release.gpu", "fence.acquire.sync_restrict::shared::cluster.cluster",
                 "fence.release.sync_restrict::shared::cta.cluster", "fence.proxy.async::generic.acquire.sync_restrict::shared::cluster.cluster",
                 "fence.proxy.async::generic.release.sync_restrict::shared::cta.cluster", "griddepcontrol.wait", "griddepcontrol.launch_dependents",
                 "nanosleep.u32 100", "pmevent 3", "pmevent.mask 7", "wgmma.fence.sync.aligned", "wgmma.commit_group.sync.aligned",
                 "wgmma.wait_group.sync.aligned 0", "setmaxnreg.inc.sync.aligned.u32 64", "setmaxnreg.dec.sync.aligned.u32 32"):
        t.line(f"{hint}; mov.b32 <o:b32>, <i:b32>;", [((7,), (7,))])
    for hint in ("prefetch.global.L1", "prefetch.L2", "prefetch.global.L2::evict_last", "prefetchu.L1"):
        t.line(f"{hint} <m:b32>;", [((7,), (7,))])
    t.line("applypriority.global.L2::evict_normal <m:b32>, 128;", [((7,), (7,))])
    t.line("createpolicy.fractional.L2::evict_last.b64 <o:b64>, 0f3F800000;", [((), ("*",))])
    t.line("createpolicy.fractional.L2::evict_first.L2::evict_unchanged.b64 <o:b64>;", [((), ("*",))])
    t.write()
