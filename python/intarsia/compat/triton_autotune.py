"""triton.autotune and triton.heuristics: the values of compile-time parameters, found before a launch."""

from __future__ import annotations

import time

from intarsia import _intarsia
from intarsia.errors import Error, Unsupported

_TRIALS = 5  # of each configuration, after one that compiles it; the fastest counts


class Config:
    """One configuration of an autotuned kernel: values of compile-time parameters, and options of the launch."""

    def __init__(self, kwargs, num_warps=4, num_stages=3, num_ctas=1, maxnreg=None, pre_hook=None):
        self.kwargs, self.pre_hook = dict(kwargs), pre_hook
        self.num_warps, self.num_stages, self.num_ctas, self.maxnreg = (
            num_warps,
            num_stages,
            num_ctas,
            maxnreg,
        )

    def all_kwargs(self):
        options = {n: getattr(self, n) for n in ("num_warps", "num_stages", "num_ctas", "maxnreg")}
        return {**self.kwargs, **{n: v for n, v in options.items() if v is not None}}

    def __repr__(self):
        return ", ".join(f"{n}: {v}" for n, v in self.all_kwargs().items())


class _Decorated:
    """A kernel whose launch finds some of its arguments first."""

    def __init__(self, fn):
        self.fn, self.arg_names, self.__name__ = fn, fn.arg_names, fn.__name__

    def __getitem__(self, grid):
        return lambda *args, **kwargs: self.run(*args, grid=grid, **kwargs)

    def __call__(self, *args, **kwargs):
        raise Error(f"'{self.__name__}' is a kernel: launch it as {self.__name__}[grid](...)")

    def _named(self, args, kwargs):
        return {**dict(zip(self.arg_names, args)), **kwargs}


class Heuristics(_Decorated):
    """A kernel some of whose arguments are functions of the others."""

    def __init__(self, fn, values):
        super().__init__(fn)
        self.values = values

    def run(self, *args, grid, **kwargs):
        named = self._named(args, kwargs)
        found = {name: heuristic(named) for name, heuristic in self.values.items()}
        return self.fn[grid](*args, **kwargs, **found)


class Autotuner(_Decorated):
    """A kernel that is launched with the fastest of its configurations; timed once for each value of its keys."""

    def __init__(
        self, fn, configs, key, reset_to_zero=(), restore_value=(), pre_hook=None, post_hook=None, prune=None
    ):
        super().__init__(fn)
        self.configs, self.keys, self.cache, self.best_config = list(configs), list(key), {}, None
        self.reset_to_zero, self.restore_value = list(reset_to_zero or ()), list(restore_value or ())
        self.pre_hook, self.post_hook, self.prune = pre_hook, post_hook, dict(prune or {})
        for name in (*self.keys, *self.reset_to_zero, *self.restore_value):
            if name not in self.arg_names:
                raise Error(
                    f"autotune of {self.__name__} names '{name}', and its parameters are {', '.join(self.arg_names)}"
                )

    def run(self, *args, grid, **kwargs):
        named = self._named(args, kwargs)
        key = tuple(named.get(k) for k in self.keys)
        key += tuple(str(v.dtype) for v in named.values() if hasattr(v, "dtype"))
        if key not in self.cache:
            self.cache[key] = self._fastest(self._pruned(named, kwargs), args, grid, kwargs, named)
        self.best_config = config = self.cache[key]
        if config.pre_hook is not None:
            config.pre_hook({**named, **config.all_kwargs()})
        return self.fn[grid](*args, **kwargs, **config.all_kwargs())

    def _pruned(self, named, kwargs):
        configs = self.configs or [Config({})]
        for config in configs:
            twice = config.kwargs.keys() & named.keys()
            if twice:
                raise Error(
                    f"'{min(twice)}' of {self.__name__} is given by the call and by its configuration ({config})"
                )
        early, model, most = (self.prune.get(n) for n in ("early_config_prune", "perf_model", "top_k"))
        if early is not None:
            configs = list(early(configs, named, **kwargs))
        if model is not None and most is not None and len(configs) > 1:
            most = int(most * len(configs)) if isinstance(most, float) else most
            configs = sorted(configs, key=lambda c: model(**{**named, **c.all_kwargs()}))[: max(1, most)]
        return configs

    def _fastest(self, configs, args, grid, kwargs, named):
        if len(configs) == 1:
            return configs[0]
        kept = {n: _copy(named[n]) for n in self.restore_value}
        times, reasons = {}, []
        for config in configs:
            try:
                times[config] = min(
                    self._time(config, args, grid, kwargs, named, kept) for _ in range(_TRIALS + 1)
                )
            except Unsupported as error:
                reasons.append(f"\n  {config}: {error.message}")
        if not times:
            raise Unsupported(f"no configuration of {self.__name__} can run here:{''.join(reasons)}")
        self._prepare(named, kept)
        return min(times, key=times.get)

    def _time(self, config, args, grid, kwargs, named, kept):
        self._prepare(named, kept)
        if self.pre_hook is not None:
            self.pre_hook({**named, **config.all_kwargs()}, reset_only=False)
        if config.pre_hook is not None:
            config.pre_hook({**named, **config.all_kwargs()})
        _wait(named)
        start = time.perf_counter()
        self.fn[grid](*args, **kwargs, **config.all_kwargs())
        _wait(named)
        taken = time.perf_counter() - start
        if self.post_hook is not None:
            self.post_hook({**named, **config.all_kwargs()}, exception=None)
        return taken

    def _prepare(self, named, kept):
        for name in self.reset_to_zero:
            named[name][...] = 0
        for name, value in kept.items():
            named[name][...] = value


def _copy(array):
    return array.clone() if hasattr(array, "clone") else array.copy()


def _wait(named):
    """Until what was launched on the devices of these arrays has happened."""
    for value in named.values():
        if getattr(value, "is_cuda", False) or hasattr(value, "__cuda_array_interface__"):
            _intarsia.synchronize(_intarsia.memory_of(value).device_id)
            return


def autotune(
    configs,
    key,
    prune_configs_by=None,
    reset_to_zero=None,
    restore_value=None,
    pre_hook=None,
    post_hook=None,
    warmup=None,
    rep=None,
    use_cuda_graph=False,
    do_bench=None,
    cache_results=False,
):
    """Launches a kernel with the fastest of `configs`, timed anew when an argument named in `key` has another value.

    The launches that are timed write what the kernel writes: name what it updates in reset_to_zero or restore_value.
    """
    return lambda fn: Autotuner(
        fn, configs, key, reset_to_zero, restore_value, pre_hook, post_hook, prune_configs_by
    )


def heuristics(values):
    """Computes arguments of a kernel from the others: {"BLOCK": lambda args: next_power_of_2(args["n"])}."""
    return lambda fn: Heuristics(fn, values)
