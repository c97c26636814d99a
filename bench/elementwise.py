"""x + 1 and gelu(1.1 x + 0.3) on 2^24 f32 beside ONNX Runtime, OpenVINO, PyTorch and a copy of the same bytes.

Every candidate makes a new result per call, but for the copy, which goes into memory that exists. One thread.
"""

import json
import sys

from timing import interleaved, one_core

one_core()

import numpy as np  # noqa: E402

import intarsia as ia  # noqa: E402

N = 1 << 24
WORK = {"x + 1": None, "gelu(1.1 x + 0.3), erf": "none", "gelu(1.1 x + 0.3), tanh": "tanh"}


def ours(kind, x):
    tensor = ia.Tensor(x)
    if kind is None:
        return lambda: (tensor + 1.0).eval()
    return lambda: ia.gelu(tensor * 1.1 + 0.3, approximate=kind).eval()


def onnx_model(kind):
    from onnx import TensorProto, helper

    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [N])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [N])
    constant = lambda name, value: helper.make_tensor(name, TensorProto.FLOAT, [], [value])  # noqa: E731
    if kind is None:
        nodes, constants = [helper.make_node("Add", ["x", "one"], ["y"])], [constant("one", 1.0)]
    else:
        nodes = [helper.make_node("Mul", ["x", "a"], ["m"]), helper.make_node("Add", ["m", "b"], ["s"]),
                 helper.make_node("Gelu", ["s"], ["y"], approximate=kind)]
        constants = [constant("a", 1.1), constant("b", 0.3)]
    graph = helper.make_graph(nodes, "bench", [x], [y], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9).SerializeToString()


def onnxruntime(kind, x):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(onnx_model(kind), options, providers=["CPUExecutionProvider"])
    value = ort.OrtValue.ortvalue_from_numpy(x)
    return lambda: session.run_with_ort_values(["y"], {"x": value})


def openvino(kind, x):
    import openvino as ov

    core = ov.Core()
    request = core.compile_model(core.read_model(onnx_model(kind)), "CPU", {"INFERENCE_NUM_THREADS": 1}).create_infer_request()
    tensor = ov.Tensor(x, shared_memory=True)
    return lambda: request.infer([tensor], share_inputs=True, share_outputs=True)


def torch_functions(kind, x):
    import torch

    torch.set_num_threads(1)
    tensor = torch.from_numpy(x)
    function = (lambda t: t + 1) if kind is None else (lambda t: torch.nn.functional.gelu(t * 1.1 + 0.3, approximate=kind))
    compiled = torch.compile(function)
    return {"PyTorch": lambda: function(tensor), "PyTorch compiled": lambda: compiled(tensor)}


def candidates(kind, x):
    out = {"ours": ours(kind, x)}
    for name, make in (("ONNX Runtime", onnxruntime), ("OpenVINO", openvino)):
        try:
            out[name] = make(kind, x)
        except ImportError:
            print(f"{name} is not installed", file=sys.stderr)
    try:
        out.update(torch_functions(kind, x))
    except ImportError:
        print("PyTorch is not installed", file=sys.stderr)
    return out


def main():
    x = np.random.default_rng(0).standard_normal(N).astype(np.float32)
    target = np.empty_like(x)
    rows = []
    for name, kind in WORK.items():
        runs = {"copy": lambda: np.copyto(target, x), **candidates(kind, x)}
        seconds = interleaved(runs)
        peers = {p: s for p, s in seconds.items() if p not in ("ours", "copy")}
        rows.append({"work": f"{name}, 2^24 f32", "ms": {p: s * 1e3 for p, s in seconds.items()},
                     "of the copy": seconds["copy"] / seconds["ours"], "best peer / ours": min(peers.values()) / seconds["ours"] if peers else None})
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
