"""A state_dict of PyTorch for a network of cnnc.

A state_dict has names, shapes and an order, but no graph: the modules that have weights are matched with the .net's layers that have
weights, one by one, each to the layer of its own name or else in order, and every shape is checked. Then

    Conv2d      (out, in, h, w)          kernel (h, w, in, out)
    Conv2d, groups = channels            depthwise kernel (h, w, channels, multiplier)
    Conv1d      (out, in, length)        kernel (length, in, out)
    Linear      (out, in)                kernel (in, out); behind a flatten the inputs come in another order, see below
    BatchNorm   weight, bias, running_*  gamma, beta, moving_*
    LayerNorm   weight, bias             gamma, beta
    LSTM        gates i f g o            the same order in Keras; its one bias is the sum of PyTorch's two
    GRU         gates r z n              z r h, and two biases
    RNN                                  one bias, the sum
    Embedding, PReLU                     as they are

PyTorch flattens channels x height x width, cnnc height x width x channels. `orders` follows that through the network: for
each tensor that is flat, at which place of PyTorch's each of its numbers stands.
"""

import math
import re
import zipfile
from pathlib import Path

import numpy as np

from convert import safetensors_file
from convert.problem import Problem

RECURRENT = {"simple_rnn": (0,), "lstm": (0, 1, 2, 3), "gru": (1, 0, 2)}  # the gates in Keras's order, as PyTorch counts them
NORMALIZATION = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
KEEP_ORDER = ("dropout alpha_dropout gaussian_dropout gaussian_noise activation relu relu6 leaky_relu elu selu gelu silu mish sigmoid "
              "hard_sigmoid tanh softplus softsign exponential linear softmax rescaling batch_normalization p_re_lu").split()
REMEDY = 'Write one in Python: torch.save(model.state_dict(), "state.pt")'
OF_PLACES = ("conv1d", "max_pooling1d", "average_pooling1d", "zero_padding1d", "cropping1d", "up_sampling1d", "spatial_dropout1d")


def read(path):
    if path.endswith(".safetensors"):
        return safetensors_file.read(path)
    state = load(path)
    state = state.get("state_dict", state.get("model_state_dict", state)) if isinstance(state, dict) else state
    if not isinstance(state, dict) or not state or not all(isinstance(value, torch_tensor()) for value in state.values()):
        raise Problem(f"{path}: holds {described(state)}, not a state_dict. {REMEDY}")
    return {name: tensor.detach().float().numpy() if tensor.is_floating_point() else tensor.numpy() for name, tensor in state.items()}


def torch_tensor():
    import torch

    return torch.Tensor


def described(value):
    if isinstance(value, dict) and value:
        return "a dict of " + ", ".join(map(str, list(value)[:4])) + ", ..." * (len(value) > 4)
    return f"a {type(value).__name__}" if value else f"an empty {type(value).__name__}"


def load(path):
    """What torch.save wrote, without running any code of it."""
    try:
        import torch
    except ImportError:
        raise Problem(f"{path} needs torch to be read: pip install torch") from None
    if Path(path).is_dir():
        raise Problem(f"{path}: is a folder. {REMEDY}")
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        if "config.json" in names and "metadata.json" in names:
            raise Problem(f"{path}: is a .keras file: give it that suffix")
        if any(name.endswith("constants.pkl") for name in names):
            raise Problem(f"{path}: is TorchScript, a program (torch.jit.save), not a state_dict. {REMEDY}")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # of many kinds: of pickle, zipfile, torch
        if "nsupported global" in str(error) or "nsupported class" in str(error):
            raise Problem(f"{path}: holds Python objects, such as a whole model (torch.save(model)), and not only its weights. {REMEDY}") from None
        raise Problem(f"{path}: is no file of torch.save, or a damaged one. {REMEDY}") from None


def modules_of(state):
    """The modules in order, each with its tensors by their last name; the layers of a stacked LSTM are modules of their own."""
    modules = {}
    for name, tensor in state.items():
        module, _, part = name.removeprefix("module.").rpartition(".")
        if part == "num_batches_tracked":
            continue
        stacked = re.fullmatch(r"((?:weight|bias)_[ih]h)_l(\d+)(_reverse)?", part)
        if stacked:
            part = stacked.group(1) + (stacked.group(3) or "")
            if stacked.group(2) != "0":
                module = f"{module}.l{stacked.group(2)}"
        modules.setdefault(module, {})[part] = tensor
    return modules


# ---- which module belongs to which layer ------------------------------------------------------------------


def matched(modules, net, pairs):
    """(layer, module's name) for each; `pairs`: those that the user named."""
    layers = {name: layer for name, layer in net.layers.items() if layer.tensors}
    chosen = {}
    for module, layer in pairs.items():
        if module not in modules:
            raise Problem(f"--map {module}={layer}: the state_dict has no module {module}; it has {', '.join(modules)}")
        if layer not in layers:
            raise Problem(f"--map {module}={layer}: the network has no layer {layer} with weights; it has {', '.join(layers)}")
        chosen[layer] = module
    for name in layers:
        if name not in chosen and name in modules and name not in pairs:
            chosen[name] = name
    rest = [name for name in layers if name not in chosen]
    others = [name for name in modules if name not in chosen.values()]
    if len(rest) != len(others):
        raise Problem(
            f"{len(others)} modules with weights for {len(rest)} layers:\n  the state_dict has {describe(others)}\n  "
            f"the network has {describe(rest)}\nA module that is not used, or a layer that is missing in the .net?"
        )
    chosen.update(zip(rest, others))
    return [(layers[name], chosen[name]) for name in layers]


def describe(names):
    return ", ".join(names) or "none"


# ---- the order of what is flat ----------------------------------------------------------------------------


def size_of(layer):
    return math.prod(layer.shape)


def orders(net):
    """For layers whose output is flat and in another order than PyTorch's: the place there of each number here."""
    found = {}
    for layer in net.layers.values():
        inputs = [net.layers[name] for name in layer.inputs]
        if layer.kind == "flatten" or (layer.kind == "reshape" and len(layer.shape) == 1):
            shape = inputs[0].shape
            if len(shape) == 3 or (len(shape) == 2 and of_places(net, inputs[0])):
                first = np.arange(math.prod(shape)).reshape(shape[-1], *shape[:-1])
                found[layer.name] = np.moveaxis(first, 0, -1).reshape(-1)
            elif inputs[0].name in found:
                found[layer.name] = found[inputs[0].name]
        elif layer.kind in KEEP_ORDER and inputs and inputs[0].name in found:
            found[layer.name] = found[inputs[0].name]
        elif layer.kind == "concatenate" and any(part.name in found for part in inputs) and len(layer.shape) == 1:
            parts, begin = [], 0
            for part in inputs:
                parts.append(begin + found.get(part.name, np.arange(size_of(part))))
                begin += size_of(part)
            found[layer.name] = np.concatenate(parts)
    return found


def of_places(net, layer):
    """Whether what has two axes is length x channels of convolutions, whose channels come first in PyTorch."""
    while layer.kind in KEEP_ORDER:
        layer = net.layers[layer.inputs[0]]
    return layer.kind in OF_PLACES


# ---- one layer --------------------------------------------------------------------------------------------


def kernel_of(kind, array, shape):
    if kind == "dense" and array.ndim == 2:
        return array.T
    if kind == "conv2d" and array.ndim == 4:
        return array.transpose(2, 3, 1, 0)
    if kind == "conv1d" and array.ndim == 3:
        return array.transpose(2, 1, 0)
    if kind == "depthwise_conv2d" and array.ndim == 4 and array.shape[1] == 1 and array.shape[0] % shape[2] == 0:
        height, width = array.shape[2:]
        return array.reshape(shape[2], -1, height, width).transpose(2, 3, 0, 1)
    if kind in ("dense", "conv2d") and array.size == math.prod(shape):  # a convolution used as a dense layer, or the reverse
        flat = array.reshape(array.shape[0], -1) if array.ndim == 2 or array.shape[2:] == (1, 1) else None
        if flat is not None:
            return flat.T.reshape(shape)
    return None


def gates(array, kind):
    """Rows of gates in Keras's order."""
    parts = np.split(array, len(RECURRENT[kind]))
    return np.concatenate([parts[gate] for gate in RECURRENT[kind]])


def recurrent(kind, prefix, net, tensors, reverse, made):
    end = "_reverse" if reverse else ""
    made[f"{prefix}/kernel"] = gates(tensors[f"weight_ih{end}"], kind).T
    made[f"{prefix}/recurrent_kernel"] = gates(tensors[f"weight_hh{end}"], kind).T
    if f"bias_ih{end}" in tensors:
        two = [gates(tensors[f"bias_{which}{end}"], kind) for which in ("ih", "hh")]
        if kind != "gru":
            made[f"{prefix}/bias"] = two[0] + two[1]
        elif len(net.shapes.get(f"{prefix}/bias", (2, 0))) != 2:
            raise Problem(f"{prefix}: PyTorch's GRU is reset_after=true, its default")
        else:
            made[f"{prefix}/bias"] = np.stack(two)


def convert_layer(layer, tensors, net, order):
    """The tensors of a layer, by their names in cnnc."""
    made, kind = {}, layer.kind
    cells = {name.rsplit("/", 1)[0] for name in layer.tensors if name.endswith("/recurrent_kernel")}
    if cells:
        if "weight_ih" not in tensors:
            return {}
        for cell in cells:
            inner = kind if kind in RECURRENT else cell.rsplit("_", 1)[1].replace("rnn", "simple_rnn")
            recurrent(inner, cell, net, tensors, "/backward_" in cell, made)
        return made
    prefix = next(iter(layer.tensors)).rsplit("/", 1)[0]
    if kind == "time_distributed":
        kind = prefix.rsplit("/", 1)[-1]
    for part, array in tensors.items():
        if kind in ("batch_normalization", "layer_normalization"):
            name = NORMALIZATION.get(part, part)
            if order is not None and array.ndim == 1 and len(array) == len(order):
                array = array[order]
        elif kind == "embedding":
            name = "embeddings"
        elif kind == "p_re_lu":
            name, array = "alpha", array.reshape(layer.tensors[f"{prefix}/alpha"]) if array.size == math.prod(layer.tensors[f"{prefix}/alpha"]) else array
        elif part == "weight":
            name = "kernel"
            whole = kernel_of(kind, array, layer.tensors.get(f"{prefix}/kernel", ()))
            array = array if whole is None else whole
            if kind == "dense" and order is not None and len(array) == len(order):
                array = array[order]
        else:
            name = part
        made[f"{prefix}/{name}"] = array
    return made


def convert(state, net, pairs):
    if net is None:
        raise Problem("a state_dict holds no network: say which one it is for, with --net model.net")
    modules = modules_of(state)
    order = orders(net)
    result, wrong = {}, []
    for layer, module in matched(modules, net, pairs):
        source = order.get(layer.inputs[0])
        made = convert_layer(layer, modules[module], net, source)
        if {name: array.shape for name, array in made.items()} != layer.tensors:
            given = ", ".join(f"{part} {tuple(array.shape)}" for part, array in modules[module].items())
            wanted = ", ".join(f"{name.split('/', 1)[1]} {shape}" for name, shape in layer.tensors.items())
            wrong.append(f"module {module} ({given}) for layer {layer.name}, a {layer.kind} ({wanted})")
        result.update(made)
    if wrong:
        raise Problem(
            "these do not fit:\n  " + "\n  ".join(wrong) + "\nModules and layers are matched in order; another one is named with --map MODULE=LAYER"
        )
    return {name: result[name] for name in net.shapes}
