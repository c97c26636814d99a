"""x + 1, gelu, softmax and layer norm on a GPU beside torch.compile and the bandwidth of a copy, by events of the driver's clock."""

import argparse
import json
import statistics

import numpy as np

import intarsia as ia


def milliseconds(torch, candidates, rounds=15, inner=10):
    """Median per call of each candidate, in turns; a call's results are dropped at once, as a pool would have it."""
    times = {name: [] for name in candidates}
    for run in candidates.values():
        run(), run()
    for _ in range(rounds):
        for name, run in candidates.items():
            start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            start.record()
            for _ in range(inner):
                run()
            end.record()
            end.synchronize()
            times[name].append(start.elapsed_time(end) / inner)
    return {name: statistics.median(t) for name, t in times.items()}


def main():
    import torch

    parser = argparse.ArgumentParser()
    parser.add_argument("--json")
    options = parser.parse_args()
    gelu = torch.nn.functional.gelu
    work = {
        "x + 1, 2^28 f32": ((1 << 28,), lambda t: t + 1, lambda x: x + 1.0),
        "gelu(1.1 x + 0.3), erf, 2^28 f32": ((1 << 28,), lambda t: gelu(t * 1.1 + 0.3), lambda x: ia.gelu(x * 1.1 + 0.3)),
        "softmax 8192 x 4096": ((8192, 4096), lambda t: torch.softmax(t, -1), lambda x: ia.softmax(x, dim=1)),
        "sum of rows 8192 x 4096": ((8192, 4096), lambda t: t.sum(-1), lambda x: ia.sum(x, dim=1)),
    }
    rows = []
    for name, (shape, theirs, mine) in work.items():
        t = torch.randn(shape, device="cuda")
        x = ia.Tensor(t)
        copy = torch.empty_like(t)
        compiled = torch.compile(theirs)
        near = torch.allclose(torch.from_dlpack(mine(x).eval()), theirs(t), rtol=1e-4, atol=1e-3)
        ms = milliseconds(torch, {"ours": lambda: mine(x).eval(), "torch.compile": lambda: compiled(t), "torch": lambda: theirs(t), "copy": lambda: copy.copy_(t)})
        row = {"work": name, "ms": ms, "of the copy": ms["copy"] / ms["ours"], "torch.compile / ours": ms["torch.compile"] / ms["ours"],
               "GB/s of the copy": 2 * t.numel() * 4 / ms["copy"] / 1e6, "agrees": bool(near)}
        rows.append(row)
        print(json.dumps(row), flush=True)
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"device": torch.cuda.get_device_name(), "torch": torch.__version__, "rows": rows}, file, indent=2)


if __name__ == "__main__":
    main()
