"""`intarsia ptx check` and `intarsia ptx run`. Guide and JSON: docs/ptx.md."""

from __future__ import annotations

import argparse
import json

import numpy as np

from .. import ptx
from ..errors import Error
from . import ptxas
from .ptx_arguments import SYNTAX, Argument
from .terminal import Terminal

SCHEMA = 1  # of the JSON; grows when a field changes its meaning or goes away


def add_to(commands):
    parser = commands.add_parser("ptx", help="check PTX and run it without a GPU")
    which = parser.add_subparsers(dest="which", required=True, metavar="check|run")
    check = which.add_parser("check", help="say whether all of a file runs here, and what its kernels take")
    _common(check)
    check.add_argument("--no-ptxas", action="store_true", help="leave NVIDIA's assembler out where it is found")
    check.set_defaults(run=run_check)
    run = which.add_parser(
        "run",
        help="launch a kernel on the CPU and check it while it runs",
        epilog=SYNTAX,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _common(run)
    run.add_argument("--entry", default="", help="the kernel; may be left out where there is one")
    run.add_argument("--grid", default="1", metavar="X[,Y,Z]", help="blocks (1)")
    run.add_argument("--block", metavar="X[,Y,Z]", help="threads of a block (the kernel's .reqntid, else 1)")
    run.add_argument("--cluster", metavar="X[,Y,Z]", help="blocks of a cluster (the kernel's .reqnctapercluster, else 1)")
    run.add_argument("--shared", type=int, default=0, metavar="BYTES", help="dynamic shared memory")
    run.add_argument("--arg", action="append", default=[], metavar="ARG", help="one parameter; see below")
    run.add_argument("--check", default="all", metavar="NAMES", help=f"all, none, or some of {','.join(ptx.check_names())}; -NAME leaves one out")
    run.add_argument("--mode", choices=("exact", "fast"), default="exact", help="tensor cores: as the device's, or summed in f32")
    run.add_argument("--no-contraction", action="store_true", help="for code assembled with -fmad=false")
    run.add_argument("--trace", nargs="?", const="", metavar="block=X,Y,Z,warp=N,most=N,line=N", help="print what one warp does, of all lines or one")
    run.add_argument("--seed", type=int, default=0, help="of random: arrays")
    run.set_defaults(run=run_run)


def _common(parser):
    parser.add_argument("file", help="PTX, or a fatbin that holds it")
    parser.add_argument("--arch", default="sm_90", help="the imitated device (sm_90)")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto")


# ---- check -----------------------------------------------------------------------------------------------


def run_check(given):
    found = _examine(given)
    if given.json:
        print(json.dumps({"schema": SCHEMA, "command": "ptx check", **found}, indent=2))
    else:
        _show_check(found, Terminal(given.color))
    return 0 if found["ok"] else 1


def _examine(given):
    found = {"file": given.file, "arch": given.arch, "ok": True, "version": "", "target": ""}
    found.update(error="", problems=[], entries=[], ptxas=None)
    _must_read(given.file)
    try:
        module = ptx.load(given.file, arch=given.arch)
    except Error as error:
        return {**found, "ok": False, "error": error.message}
    found["version"], found["target"] = module.version, module.target
    found["problems"] = [vars(p) for p in module.problems]
    found["entries"] = [_entry(module, name) for name in module]
    program = None if given.no_ptxas else ptxas.find()
    if program:
        architecture = ptx._architecture(given.arch, None)
        found["ptxas"] = ptxas.assemble(program, module.text, module.target, architecture)
    bad = any(e["error"] or e["unfit"] for e in found["entries"])
    found["ok"] = not (found["problems"] or bad or (found["ptxas"] and not found["ptxas"]["accepted"]))
    return found


def _must_read(path):
    try:
        open(path, "rb").close()
    except OSError as error:
        raise Error(f"{path} cannot be read: {error.strerror}") from None


def _entry(module, name):
    out = {"name": name, "line": 0, "parameters": [], "shared_bytes": 0, "local_bytes": 0}
    out.update(reqntid=None, maxntid=None, cluster=None, unfit=[], error="")
    try:
        entry = module[name]
    except Error as error:
        return {**out, "error": error.message}
    out["parameters"] = [
        {"name": p.name, "type": p.type, "bytes": p.bytes, "kind": _kind(p), "direction": p.direction}
        for p in entry.parameters
    ]
    for field in ("line", "shared_bytes", "local_bytes", "reqntid", "maxntid", "cluster"):
        out[field] = getattr(entry, field)
    out["unfit"] = entry.unfit()
    return out


def _kind(p):
    return "value" if p.pointer == "no" else "pointer"


def _show_check(found, t):
    t.line(f"{t.paint('head', found['file'])}: " + _headline(found))
    if found["error"]:
        t.line(f"{t.paint('bad', 'error')}: {found['error']}")
    for p in found["problems"]:
        times = f" ({p['count']} times)" if p["count"] > 1 else ""
        t.line(f"{t.paint('bad', 'not covered')}: {p['what']}{times}")
        t.line(f"  {t.paint('place', 'line ' + str(p['line']))}: {p['instruction']}")
        if p["nearest"]:
            t.line(f"  nearest form: {p['nearest']}")
    for entry in found["entries"]:
        _show_entry(entry, found, t)
    if found["ptxas"] is None:
        t.line(t.paint("dim", "ptxas: not asked, or not found"))
    elif found["ptxas"]["accepted"]:
        t.line(f"ptxas: {t.paint('good', 'accepted')}")
    else:
        t.line(f"ptxas: {t.paint('bad', 'refused')}\n{found['ptxas']['output']}")
    t.line(t.paint("good", "ok") if found["ok"] else t.paint("bad", "not ok"))


def _headline(found):
    if not found["version"]:
        return "cannot be read"
    return f"PTX {found['version']} for {found['target']}, {len(found['entries'])} entries, on {found['arch']}"


def _show_entry(entry, found, t):
    t.line(f"entry {t.paint('head', entry['name'])}, line {entry['line']}")
    if entry["error"] and not found["problems"]:
        t.line(f"  {t.paint('bad', 'error')}: {entry['error']}")
    for i, p in enumerate(entry["parameters"]):
        kind = p["direction"] if p["kind"] == "value" else f"pointer, {p['direction']}"
        shown = f".{p['type']}" if p["type"] else "bytes"
        t.line(f"  {i}  {p['name']}: {shown}, {p['bytes']} bytes, {kind}")
    facts = [f"{entry['shared_bytes']} bytes of shared memory", f"{entry['local_bytes']} of local memory"]
    facts += [f".{n} {', '.join(map(str, entry[n]))}" for n in ("reqntid", "maxntid", "cluster") if entry[n]]
    of_ptxas = (found["ptxas"] or {"entries": {}})["entries"].get(entry["name"])
    if of_ptxas:
        facts.append(f"{of_ptxas['registers']} registers, {of_ptxas['spill_bytes']} bytes spilled")
    t.line("  " + ", ".join(facts))
    for why in entry["unfit"]:
        t.line(f"  {t.paint('bad', 'does not fit')}: {why}")


# ---- run -------------------------------------------------------------------------------------------------


def run_run(given):
    module = ptx.load(given.file, arch=given.arch)
    entry = module[given.entry]
    random = np.random.default_rng(given.seed)
    arguments = [Argument(text, random) for text in given.arg]
    trace, lines = _trace(given.trace)
    result = entry.launch(
        _extents(given.grid, "--grid"),
        _extents(given.block, "--block") if given.block else entry.reqntid or 1,
        [a.passed for a in arguments],
        cluster=_extents(given.cluster, "--cluster") if given.cluster else None,
        shared=given.shared,
        checks=given.check,
        mode=given.mode,
        contraction=not given.no_contraction,
        trace=trace,
    )
    if lines:
        result.trace[:] = [step for step in result.trace if step.line in lines]
    for argument in arguments:
        argument.save()
    if given.json:
        print(json.dumps(_run_json(given, entry, arguments, result), indent=2))
    else:
        _show_run(entry, arguments, result, Terminal(given.color))
    return 0 if result.clean else 1


def _extents(text, option):
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise Error(f"{option} is X, X,Y or X,Y,Z, not '{text}'") from None


def _trace(text):
    """ "block=1,0,0,warp=2,line=9" as (what launch takes, lines to show); "" is all of the first warp of the first block."""
    if text is None:
        return None, []
    found, key = {}, None
    for part in filter(None, text.split(",")):
        name, equals, value = part.partition("=")
        key = name if equals else key
        if key not in ("block", "warp", "most", "line") or not (value or name).isdigit():
            raise Error(f"--trace is block=X,Y,Z,warp=N,most=N,line=N or some of these, not '{text}'")
        found.setdefault(key, []).append(int(value if equals else name))
    lines = found.pop("line", [])
    return {k: tuple(v) if k == "block" else v[0] for k, v in found.items()}, lines


def _shown(array):
    """The first values and, of numbers, the extremes."""
    flat = array.reshape(-1)
    head = " ".join(f"{v:.8g}" if array.dtype.kind == "f" else str(v) for v in flat[:8])
    if flat.size <= 8:
        return head
    with np.errstate(all="ignore"):
        finite = flat[np.isfinite(flat)] if array.dtype.kind == "f" else flat
        ends = f"  (min {finite.min():.8g}, max {finite.max():.8g}" if finite.size else "  (nothing finite"
        lost = flat.size - finite.size
    return f"{head} …{ends}{f', {lost} not finite' if lost else ''})"


def _show_run(entry, arguments, result, t):
    for step in result.trace:
        t.line(str(step))
    if result.printed:
        t.line(result.printed.rstrip("\n"))
    for report in result.reports:
        t.report(report)
    for p, a in zip(entry.parameters, arguments):
        if a.is_array and (p.written or a.target):
            where = f" -> {a.target}" if a.target else ""
            dtype = f"{a.value.dtype.name}{list(a.value.shape)}"
            t.line(f"{t.paint('head', p.name)}: {dtype}{where}  {_shown(a.value)}")
    if result.inexact:
        t.line(f"{t.paint('note', 'inexact')}: {', '.join(result.inexact)}; a GPU may round these otherwise")
    else:
        t.line("inexact: none; a GPU's results must be equal bit for bit")
    reports = len(result.reports)
    t.line(t.paint("good", "ok") if not reports else t.paint("bad", f"{reports} report{'s' if reports > 1 else ''}"))


def _run_json(given, entry, arguments, result):
    values = []
    for p, a in zip(entry.parameters, arguments):
        one = {"name": p.name, "given": a.text, "written_to": a.target}
        if a.is_array:
            one.update(dtype=a.value.dtype.name, shape=list(a.value.shape), first=_plain(a.value.reshape(-1)[:8]))
        values.append(one)
    reports = [{k: v for k, v in vars(r).items() if k != "text"} for r in result.reports]
    return {
        "schema": SCHEMA,
        "command": "ptx run",
        "file": given.file,
        "entry": entry.name,
        "arch": given.arch,
        "ok": result.clean,
        "reports": reports,
        "inexact": result.inexact,
        "printed": result.printed,
        "steps": result.steps,
        "arguments": values,
        "trace": [_trace_json(s) for s in result.trace],
    }


def _plain(values):
    """Numbers as JSON has them: what is not finite as a string."""
    return [v if not isinstance(v, float) or np.isfinite(v) else str(v) for v in values.tolist()]


def _trace_json(step):
    values = [{"name": n, "type": t, "written": w, "bits": bits} for n, t, w, bits in step.values]
    return {
        "line": step.line,
        "instruction": step.instruction,
        "opcode": step.opcode,
        "source": step.source,
        "lanes": step.lanes,
        "values": values,
    }
