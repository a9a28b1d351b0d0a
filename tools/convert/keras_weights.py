"""Weights of Keras 3: out of model.keras, whose config names the layers, or out of model.weights.h5, where the .net does.

In the h5 file a layer stands under its class and a number, in the order of the model's layers, whatever its name is:
layers/conv2d_1/vars/0. Inside, the cell of a recurrent layer stands under `cell`, what a wrapper wraps under `layer`, `forward_layer`,
`backward_layer`. The variables of a layer are numbered in the order in which Keras makes them, which is that of cnnc's tensors.
"""

import io
import zipfile

import numpy as np

from convert.keras_file import layers_of, snake_case
from convert.problem import Problem

RECURRENT = ("simple_rnn", "lstm", "gru")
KERNEL = ("kernel", "bias")


def open_h5(file, name):
    try:
        import h5py
    except ImportError:
        raise Problem("Keras's weights need h5py: pip install h5py") from None
    try:
        return h5py.File(file, "r")
    except OSError:
        raise Problem(f'{name}: not an HDF5 file, or a damaged one. Write it in Keras 3: model.save_weights("model.weights.h5")') from None


def variables(kind, config):
    """The names of a layer's variables in their order; None: it has none."""
    bias = ("bias",) if config.get("use_bias", True) else ()
    if kind in ("dense", "conv1d", "conv2d", "depthwise_conv2d"):
        return ("kernel", *bias)
    if kind == "separable_conv2d":
        return ("depthwise_kernel", "pointwise_kernel", *bias)
    if kind in RECURRENT:
        return ("kernel", "recurrent_kernel", *bias)
    if kind in ("batch_normalization", "layer_normalization"):
        names = ("gamma",) * config.get("scale", True) + ("beta",) * config.get("center", True)
        return names + ("moving_mean", "moving_variance") * (kind == "batch_normalization")
    return {"embedding": ("embeddings",), "p_re_lu": ("alpha",)}.get(kind, ())


def tensors_of(kind, config, prefix):
    """The names of a layer's tensors in cnnc, in order."""
    if kind == "time_distributed":
        inner = config["layer"]
        inner_kind = snake_case(inner["class_name"])
        return tensors_of(inner_kind, inner["config"], f"{prefix}/{inner_kind}")
    if kind == "bidirectional":
        names = []
        for direction in ("forward", "backward"):
            inner = config["layer"] if direction == "forward" else config.get("backward_layer") or config["layer"]
            inner_kind = snake_case(inner["class_name"])
            names += tensors_of(inner_kind, inner["config"], f"{prefix}/{direction}_{inner_kind}")
        return names
    return [f"{prefix}/{name}" for name in variables(kind, config)]


def place(kind, parts):
    """Where the h5 file has what stands in cnnc under these parts of a name (without the layer's own), the variable's apart."""
    if not parts:
        return "/cell" if kind in RECURRENT else ""
    if kind == "time_distributed":
        return "/layer" + place(parts[0], parts[1:])
    direction, inner_kind = parts[0].split("_", 1)
    return f"/{direction}_layer" + place(inner_kind, parts[1:])


def read_layers(h5, file, layers):
    """Tensors by name, of layers: (kind, the names of all its tensors)."""
    root = next((name for name in ("layers", "_layer_checkpoint_dependencies") if name in h5), None)
    if root is None:
        raise Problem(f"{file}: not the weights of a Keras 3 model. Load the model in Keras 3 and save it as model.keras")
    tensors, used = {}, {}
    for kind, names in layers:
        number = used.get(kind, 0)
        used[kind] = number + 1
        group = f"{root}/{kind}_{number}" if number else f"{root}/{kind}"
        counts = {}
        for name in names:
            within = group + place(kind, name.split("/")[1:-1]) + "/vars"
            index = counts.get(within, 0)
            counts[within] = index + 1
            if f"{within}/{index}" not in h5:
                raise Problem(f"{file}: has no {within}/{index}, which would be {name}: it is of another network")
            tensors[name] = np.asarray(h5[f"{within}/{index}"])
        for within, count in counts.items():
            if len(h5[within]) != count:
                raise Problem(f"{file}: {within} has {len(h5[within])} variables, not {count}: arguments of that layer differ, such as use_bias")
    for kind, count in used.items():
        if f"{root}/{kind}_{count}" in h5:
            raise Problem(f"{file}: has more layers {kind} than the {count} of the network")
    if not tensors:
        raise Problem(f"{file}: the network has no weights")
    return tensors


def of_model(path, config):
    layers = []
    for layer in layers_of(config):
        kind = snake_case(layer["class_name"])
        layers.append((kind, tensors_of(kind, layer["config"], layer["net_name"])))
    with zipfile.ZipFile(path) as archive:
        return read_layers(open_h5(io.BytesIO(archive.read("model.weights.h5")), path), path, layers)


def of_file(path, net):
    if net is None:
        raise Problem(f"{path} holds no names of layers: say which network it is for, with --net model.net")
    layers = [(layer.kind, list(layer.tensors)) for layer in net.layers.values()]
    return read_layers(open_h5(path, path), path, layers)
