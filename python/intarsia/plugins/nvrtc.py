"""Where Python packages keep NVRTC, the compiler of CUDA C++."""

import importlib.util
from pathlib import Path


def folders():
    """Folders of the packages below `nvidia` that hold a libnvrtc: `nvidia-cuda-nvrtc` and what brings it along."""
    try:
        spec = importlib.util.find_spec("nvidia")
    except (ImportError, ValueError):
        return []
    roots = spec.submodule_search_locations if spec and spec.submodule_search_locations else []
    return sorted(
        {str(library.parent) for root in roots for library in Path(root).glob("*/lib/libnvrtc.so.*")}
    )
