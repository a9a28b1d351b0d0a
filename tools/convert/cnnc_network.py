"""A .net as cnnc understands it: its layers in order, with their inputs, shapes and tensors."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from convert.problem import Problem

# Names that tensors of a file can have; the others of the graph are made of them (kernels in other layouts).
PARTS = ("kernel bias recurrent_kernel depthwise_kernel pointwise_kernel gamma beta moving_mean moving_variance embeddings alpha").split()


class Layer:
    def __init__(self, name, kind, arguments, inputs):
        self.name, self.kind, self.arguments, self.inputs = name, kind, arguments, inputs
        self.shape = None
        self.tensors = {}  # their shapes by name, in order


def find_cnnc(given):
    beside = Path(__file__).resolve().parents[2] / "build" / "cnnc"
    cnnc = given or os.environ.get("CNNC") or (str(beside) if beside.exists() else shutil.which("cnnc"))
    if not cnnc:
        raise Problem("cnnc is not to be found: build it with make, or name it with --cnnc build/cnnc")
    return cnnc


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise Problem(f"{' '.join(map(str, command))} failed:\n{result.stderr.strip()}")
    return result.stdout


def sizes(text):
    return tuple(int(size) for size in re.findall(r"\d+", text))


class Network:
    def __init__(self, path, cnnc=None):
        self.path, self.layers = path, {}
        cnnc = find_cnnc(cnnc)
        for line in run(cnnc, "--dump=layers", path).splitlines():
            match = re.match(r"(\S+) = (\w+)\((.*?)\)(?: <- (.*))?$", line)
            if match:
                name, kind, arguments, inputs = match.groups()
                self.layers[name] = Layer(name, kind, arguments, inputs.split(", ") if inputs else [])
        shapes = {}
        for line in run(cnnc, "--dump=shapes", path).splitlines():
            for name, shape in re.findall(r"([^\s(]+)\(([\d, ]*)\)", line):
                shapes.setdefault(name, sizes(shape))
        for name, shape in shapes.items():
            if name in self.layers:
                self.layers[name].shape = shape
            elif name.rsplit("/", 1)[-1] in PARTS:
                owner = next((layer for layer in self.layers.values() if name.startswith(layer.name + "/")), None)
                if owner:
                    owner.tensors[name] = shape
        self.shapes = {name: shape for layer in self.layers.values() for name, shape in layer.tensors.items()}

    def check(self, tensors):
        """That these are the network's tensors: all, no others, in its shapes."""
        wrong = []
        for name, shape in self.shapes.items():
            if name not in tensors:
                wrong.append(f"{name} {shape} is missing")
            elif tensors[name].shape != shape:
                wrong.append(f"{name} has shape {tensors[name].shape}, the network wants {shape}")
        wrong += [f"{name} is none of the network's" for name in tensors if name not in self.shapes]
        if wrong:
            raise Problem(f"the weights are not those of {self.path}:\n  " + "\n  ".join(wrong))
