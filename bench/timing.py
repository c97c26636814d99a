"""How every benchmark here measures: candidates take turns in one process, on one core, and medians are compared."""

import os
import statistics
import time


def one_core():
    """One core for everything that runs from here on, so that thread pools of all peers have one thread."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    os.environ.pop("OPENBLAS_CORETYPE", None)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def interleaved(candidates, rounds=11, warmups=2):
    """Median seconds of each candidate (name -> callable), A B C A B C …"""
    times = {name: [] for name in candidates}
    for _ in range(warmups):
        for run in candidates.values():
            run()
    for _ in range(rounds):
        for name, run in candidates.items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(t) for name, t in times.items()}


def per_call(run, calls=20000):
    """Seconds a call, the best of seven loops."""
    best = float("inf")
    for _ in range(7):
        start = time.perf_counter()
        for _ in range(calls):
            run()
        best = min(best, (time.perf_counter() - start) / calls)
    return best
