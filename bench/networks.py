"""The networks of the benchmark as peers build them, their weights, and what they compute in double precision.

A layer is a tuple:

    conv FILTERS SIZE PADDING ACTIVATION    max_pool SIZE    average_pool SIZE    dropout RATE    flatten    dense UNITS ACTIVATION
    lstm UNITS, gru UNITS: the image read row by row

Every network begins by scaling numbers from 0 to 255 to 0 to 1. Weights have Keras's names and layouts.
"""
import json
import struct

import numpy as np

SAMPLES = 128  # of the inputs that all must agree on

NETWORKS = {
    "mnist_cnn": {
        "file": "examples/mnist_cnn/mnist_cnn.net",
        "size": 28,
        "layers": [("conv", 32, 3, "valid", "relu"), ("conv", 64, 3, "valid", "relu"), ("max_pool", 2), ("dropout", 0.25),
                   ("flatten",), ("dense", 128, "relu"), ("dropout", 0.5), ("dense", 10, "softmax")],
    },
    "mlp": {
        "file": "examples/mlp/mlp.net",
        "size": 28,
        "layers": [("flatten",), ("dense", 512, "relu"), ("dense", 10, "softmax")],
    },
    "lenet5": {
        "file": "examples/lenet5/lenet5.net",
        "size": 28,
        "layers": [("conv", 6, 5, "same", "tanh"), ("average_pool", 2), ("conv", 16, 5, "valid", "tanh"), ("average_pool", 2),
                   ("flatten",), ("dense", 120, "tanh"), ("dense", 84, "tanh"), ("dense", 10, "softmax")],
    },
    "micro": {
        "file": "bench/micro.net",
        "size": 12,
        "layers": [("conv", 4, 3, "valid", "relu"), ("max_pool", 2), ("conv", 8, 3, "valid", "relu"), ("flatten",),
                   ("dense", 32, "relu"), ("dense", 10, "softmax")],
        "options": ["--unroll=full"],
        "inference_only": True,
    },
    "lstm": {"file": "examples/lstm/lstm.net", "size": 28, "layers": [("lstm", 128), ("dropout", 0.2), ("dense", 10, "softmax")]},
    "gru": {"file": "examples/gru/gru.net", "size": 28, "layers": [("gru", 128), ("dropout", 0.2), ("dense", 10, "softmax")]},
    "wide": {
        "file": "bench/wide.net",
        "size": 28,
        "layers": [("flatten",), ("dense", 1509, "relu"), ("dense", 10, "softmax")],
    },
}


GATES = {"lstm": 4, "gru": 3}


def shapes(network):
    """The shape of each layer's output without the batch, after that of the input."""
    shape = (network["size"], network["size"], network.get("channels", 1))
    result = [shape]
    for layer in network["layers"]:
        if layer[0] == "conv":
            smaller = 0 if layer[3] == "same" else layer[2] - 1
            shape = (shape[0] - smaller, shape[1] - smaller, layer[1])
        elif layer[0] in ("max_pool", "average_pool"):
            shape = (shape[0] // layer[1], shape[1] // layer[1], shape[2])
        elif layer[0] == "flatten":
            shape = (int(np.prod(shape)),)
        elif layer[0] in ("dense", *GATES):
            shape = (layer[1],)
        result.append(shape)
    return result


def multiply_adds(network):
    """Of each layer for one sample, convolutions counted as direct ones."""
    result, before = [], None
    for layer, shape in zip([("input",)] + network["layers"], shapes(network)):
        if layer[0] == "conv":
            result.append(int(np.prod(shape)) * layer[2] ** 2 * before[2])
        elif layer[0] == "dense":
            result.append(before[0] * shape[0])
        elif layer[0] in GATES:
            result.append(before[0] * GATES[layer[0]] * shape[0] * (before[1] + shape[0]))
        elif layer[0] != "input":
            result.append(0)
        before = shape
    return result


def make_weights(network, seed=4):
    """{name: array}, in the order of the layers. Biases are not zero, so that a misplaced one shows."""
    random = np.random.default_rng(seed)
    weights, used = {}, {}
    for layer, before in zip(network["layers"], shapes(network)):
        if layer[0] == "conv":
            kind, shape = "conv2d", (layer[2], layer[2], before[2], layer[1])
        elif layer[0] == "dense":
            kind, shape = "dense", (before[0], layer[1])
        elif layer[0] in GATES:
            kind, shape = layer[0], (before[1], GATES[layer[0]] * layer[1])
        else:
            continue
        name = kind if kind not in used else f"{kind}_{used[kind]}"
        used[kind] = used.get(kind, 0) + 1
        inputs = int(np.prod(shape[:-1]))
        limit = np.sqrt(6 / (inputs + shape[-1] * inputs / shape[-2]))
        weights[name + "/kernel"] = random.uniform(-limit, limit, shape).astype("<f4")
        if layer[0] in GATES:
            limit = np.sqrt(6 / (layer[1] + shape[1]))
            weights[name + "/recurrent_kernel"] = random.uniform(-limit, limit, (layer[1], shape[1])).astype("<f4")
        biases = (2, shape[1]) if layer[0] == "gru" else shape[-1:]
        weights[name + "/bias"] = random.uniform(-0.05, 0.05, biases).astype("<f4")
    return weights


def pairs(weights):
    """[(kernel, bias), ...] in the order of the layers; of recurrent ones (kernel, recurrent kernel, bias)."""
    layers = {}
    for name, array in weights.items():
        layers.setdefault(name.split("/")[0], []).append(array)
    return [tuple(arrays) for arrays in layers.values()]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def recurrence(kind, x, kernel, recurrent, bias):
    """The last output of Keras's LSTM (gates i, f, c, o) or GRU (z, r, h; reset_after)."""
    units = recurrent.shape[0]
    h = c = np.zeros((len(x), units))
    for t in range(x.shape[1]):
        if kind == "lstm":
            i, f, g, o = np.split(x[:, t] @ kernel + h @ recurrent + bias, 4, 1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        else:
            (xz, xr, xh), (hz, hr, hh) = np.split(x[:, t] @ kernel + bias[0], 3, 1), np.split(h @ recurrent + bias[1], 3, 1)
            z = sigmoid(xz + hz)
            h = z * h + (1 - z) * np.tanh(xh + sigmoid(xr + hr) * hh)
    return h


def write_safetensors(path, weights):
    header, offset = {}, 0
    for name, array in weights.items():
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in weights.values():
            file.write(array.tobytes())


def read_safetensors(path):
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header, data = json.loads(file.read(length)), file.read()
    header.pop("__metadata__", None)
    return {name: np.frombuffer(data[slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"]) for name, entry in header.items()}


def starting_state(work):
    """Which weights a piece of work begins with: inference is what one does with a network that has been trained."""
    return "trained" if work == "infer" else "initial"


def reference(network, weights, x):
    """What the network makes of x (n, size, size, 1), in double precision."""
    values, left = x.astype(np.float64) / 255, pairs(weights)
    for layer in network["layers"]:
        if layer[0] in ("conv", "dense"):
            kernel, bias = (array.astype(np.float64) for array in left.pop(0))
        if layer[0] == "conv":
            if layer[3] == "same":
                border = layer[2] // 2
                values = np.pad(values, ((0, 0), (border, border), (border, border), (0, 0)))
            windows = np.lib.stride_tricks.sliding_window_view(values, layer[2:3] * 2, axis=(1, 2))  # n h w c r s
            values = np.einsum("nhwcrs,rscf->nhwf", windows, kernel, optimize=True) + bias
        elif layer[0] in ("max_pool", "average_pool"):
            n, h, w, c = values.shape
            tiles = values.reshape(n, h // layer[1], layer[1], w // layer[1], layer[1], c)
            values = tiles.max((2, 4)) if layer[0] == "max_pool" else tiles.mean((2, 4))
        elif layer[0] == "flatten":
            values = values.reshape(len(values), -1)
        elif layer[0] == "dense":
            values = values @ kernel + bias
        elif layer[0] in GATES:
            values = recurrence(layer[0], values[..., 0], *(array.astype(np.float64) for array in left.pop(0)))
        if layer[-1] == "relu":
            values = np.maximum(values, 0)
        elif layer[-1] == "tanh":
            values = np.tanh(values)
        elif layer[-1] == "softmax":
            values = np.exp(values - values.max(-1, keepdims=True))
            values /= values.sum(-1, keepdims=True)
    return values
