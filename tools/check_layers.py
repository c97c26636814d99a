#!/usr/bin/env python3
"""Checks that every #include in src/ follows src/layers.txt, and that only the layers named there include LLVM."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.M)


def read_layers(path):
    layers = {}
    for line in path.read_text().splitlines():
        line = line.split("#")[0].strip()
        if line:
            name, _, allowed = line.partition(":")
            layers[name.strip()] = set(allowed.split())
    return layers


def problems(root=ROOT):
    layers = read_layers(root / "src" / "layers.txt")
    found = []
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in {".h", ".cpp", ".hpp", ".inc"}:
            continue
        layer = path.relative_to(root / "src").parts[0]
        if layer not in layers:
            found.append(f"{path.relative_to(root)}: folder {layer} is not in src/layers.txt")
            continue
        allowed = layers[layer] | {layer}
        text = path.read_text()
        for kind, target in INCLUDE.findall(text):
            head = target.split("/")[0]
            line = text[: text.index(target)].count("\n") + 1
            where = f"{path.relative_to(root)}:{line}"
            if head == "llvm" and "llvm" not in allowed:
                found.append(f"{where}: only {', '.join(n for n, a in layers.items() if 'llvm' in a)} may include LLVM")
            elif kind == '"' and head in layers and head not in allowed:
                found.append(f"{where}: {layer} may not include {head} (allowed: {', '.join(sorted(layers[layer])) or 'nothing'})")
    return found


if __name__ == "__main__":
    bad = problems()
    print("\n".join(bad))
    sys.exit(1 if bad else 0)
