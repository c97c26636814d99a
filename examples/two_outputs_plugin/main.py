"""A plugin with two inputs, two outputs, an array attribute, and two steps with a workspace between them.

total[j] = bias[j] + weights[0] * sum over i of x[i, j];  peak[j] = the largest x[i, j].
The first step reduces blocks of rows into the workspace, the second the blocks; the workspace grows with the rows.
"""

from typing import Tuple

import numpy as np
import numpy.typing as npt

import intarsia as ia
import intarsia.language as tl
import intarsia.plugins as trtp

ROWS, COLUMNS = 64, 32


@trtp.register("example::column_stats")
def column_stats(
    x: trtp.TensorDesc, bias: trtp.TensorDesc, weights: npt.NDArray[np.float32]
) -> Tuple[trtp.TensorDesc, trtp.TensorDesc]:
    peak = x.like()
    peak.shape_expr = (x.shape_expr[1],)
    return bias.like(), peak


@ia.jit
def reduce_rows(x, n, m, sums, peaks, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    inside = (rows[:, None] < n) & (column[None, :] < m)
    at = x + rows[:, None] * m + column[None, :]
    to = tl.program_id(0) * m + column
    tl.store(sums + to, tl.sum(tl.load(at, inside, 0.0), axis=0), column < m)
    tl.store(peaks + to, tl.max(tl.load(at, inside, -float("inf")), axis=0), column < m)


@ia.jit
def reduce_blocks(sums, peaks, bias, weight, parts, m, total, peak, COLUMNS: tl.constexpr):
    column = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)
    inside = column < m
    acc, largest = tl.zeros([COLUMNS], tl.float32), tl.full([COLUMNS], -float("inf"), tl.float32)
    for i in range(parts):
        acc += tl.load(sums + i * m + column, inside)
        largest = tl.maximum(largest, tl.load(peaks + i * m + column, inside))
    tl.store(total + column, acc * weight + tl.load(bias + column, inside), inside)
    tl.store(peak + column, largest, inside)


@trtp.aot_impl("example::column_stats")
def column_stats_aot(x, bias, weights, outputs):
    if len(weights) != 1:
        raise ia.Error("weights has one element")
    n, m = x.shape_expr
    parts, steps = trtp.cdiv(n, ROWS), trtp.Steps()
    sums, peaks = (steps.temporary(name, ia.float32, (parts, m)) for name in ("sums", "peaks"))
    steps.add(
        trtp.launch(reduce_rows, x, n, m, sums, peaks, ROWS=ROWS, COLUMNS=COLUMNS).grid(
            parts, trtp.cdiv(m, COLUMNS)
        )
    )
    steps.add(
        trtp.launch(
            reduce_blocks, sums, peaks, bias, float(weights[0]), parts, m, *outputs, COLUMNS=COLUMNS
        ).grid(trtp.cdiv(m, COLUMNS))
    )
    return steps


def main():
    for n, m in ((1000, 50), (1, 1), (64, 33)):
        x, bias = ia.iota((n, m)) * 0.5, ia.iota((m,))
        total, peak = ia.plugin("example::column_stats", [x, bias], weights=np.array([0.25], np.float32))
        values = x.numpy().astype(np.float64)
        np.testing.assert_allclose(total.numpy(), np.arange(m) + 0.25 * values.sum(0), rtol=1e-5)
        np.testing.assert_array_equal(peak.numpy(), values.max(0))
    print("sums and maxima of columns are NumPy's")


if __name__ == "__main__":
    main()
