"""Plugins: operators of your own. Every name of `tensorrt.plugin`, and the short forms beyond it."""

from .. import _intarsia
from .._intarsia import AutoTuneCombination, CudaSource, cdiv, select
from . import nvrtc
from .descriptors import KernelLaunchParams, SizeTensorDesc, Tensor, TensorDesc, from_shape_expr, size_tensor
from .op import op
from .registry import aot_impl, autotune, impl, prefer, register, unregister
from .steps import Launch, Steps, launch
from .symbolic import (
    Shape,
    ShapeExpr,
    ShapeExprs,
    SizeTensorShapeExpr,
    SymExpr,
    SymExprs,
    SymInt8,
    SymInt16,
    SymInt32,
    SymInt64,
    SymIntExpr,
    SymIntExprs,
    max,
    min,
)

__all__ = [
    "AutoTuneCombination",
    "CudaSource",
    "KernelLaunchParams",
    "Launch",
    "Shape",
    "ShapeExpr",
    "ShapeExprs",
    "SizeTensorDesc",
    "SizeTensorShapeExpr",
    "Steps",
    "SymExpr",
    "SymExprs",
    "SymInt16",
    "SymInt32",
    "SymInt64",
    "SymInt8",
    "SymIntExpr",
    "SymIntExprs",
    "Tensor",
    "TensorDesc",
    "aot_impl",
    "autotune",
    "cdiv",
    "from_shape_expr",
    "impl",
    "launch",
    "max",
    "min",
    "op",
    "prefer",
    "register",
    "select",
    "size_tensor",
    "unregister",
]

_intarsia.plugin_nvrtc_folders(nvrtc.folders())
