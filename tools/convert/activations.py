"""What every layer gives, in Keras or PyTorch, as a file that `trainer compare` sets beside what the compiled network gives.

Keras's layers have cnnc's names. A PyTorch model is recorded in Python, under the names of its modules, and the .net's layers are found among
these: by name, as --map says, or in order, a module of that kind and shape for each layer. PyTorch's arrays have their channels in front:
they are turned when they are recorded, and what is flat afterwards gets its numbers in cnnc's order (pytorch_weights.orders).
"""

import numpy as np

from convert import keras_file, pytorch_weights, safetensors_file
from convert.keras_network import ports
from convert.problem import Problem

KINDS = {  # of modules whose kind is not their name in small letters
    "Linear": "dense", "BatchNorm1d": "batch_normalization", "BatchNorm2d": "batch_normalization", "LayerNorm": "layer_normalization",
    "MaxPool1d": "max_pooling1d", "MaxPool2d": "max_pooling2d", "AvgPool1d": "average_pooling1d", "AvgPool2d": "average_pooling2d",
    "RNN": "simple_rnn", "LeakyReLU": "leaky_relu", "PReLU": "p_re_lu", "Hardswish": "hard_silu", "Softsign": "softsign",
}


def of_keras(path, x):
    """{layer: array} of a .keras file, for samples x: an array, or {input: array} for several inputs."""
    try:
        import keras
    except ImportError:
        raise Problem(f"{path} is run by Keras, which is not installed: pip install keras tensorflow") from None
    config = keras_file.read_config(path)
    names = {layer["config"]["name"]: layer["net_name"] for layer in keras_file.layers_of(config)}
    model = keras.models.load_model(path, compile=False)
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    outputs = keras.Model(model.inputs, [layer.output for layer in layers])(samples_in_order(path, config, names, x), training=False)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return {names[layer.name]: keras.ops.convert_to_numpy(output) for layer, output in zip(layers, outputs)}


def samples_in_order(path, config, names, x):
    """The samples as Keras takes them: an array for each input."""
    if config["class_name"] == "Sequential":
        if isinstance(x, dict):
            raise Problem(f"{path} has one input: x.npy without a name is enough")
        return [x]
    wanted = [names[name] for name, *_ in ports(config["config"]["input_layers"])]
    given = {wanted[0]: x} if len(wanted) == 1 and not isinstance(x, dict) else x
    if not isinstance(given, dict) or set(given) != set(wanted):
        raise Problem(f"{path} has the inputs {', '.join(wanted)}: name the samples of each, " + " ".join(f"{name}={name}.npy" for name in wanted))
    return [given[name] for name in wanted]


def record(model, x, path):
    """Runs a PyTorch model on x and writes what each of its innermost modules gives: sys.path.append("tools"), then
    `from convert.activations import record; record(model, x, "torch.safetensors")`."""
    import torch

    arrays, kinds, held = {}, {}, []  # held: tensors of three axes whose channels are in front, kept so that their ids stay theirs

    def keep(name, module):
        def hook(_, inputs, output):
            output = output[0] if isinstance(output, tuple) else output
            kind = type(module).__name__
            first = kind.endswith("1d") or any(inputs[0] is tensor for tensor in held)
            if output.ndim == 3 and first:
                held.append(output)
            if output.ndim == 3 and kind in ("LSTM", "GRU", "RNN") and not module.batch_first:
                output = output.transpose(0, 1)
            if output.ndim == 4 or (output.ndim == 3 and first):
                output = output.movedim(1, -1)
            arrays[name], kinds[name] = output.detach().float().cpu().numpy(), kind

        return hook

    inner = [(name, module) for name, module in model.named_modules() if not list(module.children())]
    hooks = [module.register_forward_hook(keep(name, module)) for name, module in inner]
    was_training = model.training
    try:
        model.eval()
        with torch.no_grad():
            model(x)
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    safetensors_file.write(path, arrays, {"modules": " ".join(f"{name}={kind}" for name, kind in kinds.items())})


def kind_of(module):
    return KINDS.get(module, module.lower())


def as_layer(array, layer, order):
    """A module's array as that layer gives it, or None: its shape does not fit."""
    if layer.kind in pytorch_weights.RECURRENT and array.ndim == len(layer.shape) + 2:
        array = array[:, -1]
    if array.shape[1:] != layer.shape:
        return None
    return array if order is None else array[:, order]


def of_modules(path, net, pairs):
    """{layer: array} of what `record` wrote, or of any file of arrays under the layers' own names."""
    arrays, metadata = safetensors_file.read(path), safetensors_file.read_metadata(path)
    kinds = dict(pair.split("=") for pair in metadata.get("modules", "").split())
    orders = pytorch_weights.orders(net) if kinds else {}
    made, modules, at = {}, list(kinds), 0
    for module, name in pairs.items():
        if module not in arrays or name not in net.layers:
            raise Problem(f"--map {module}={name}: {path} has {', '.join(arrays)}; the network has {', '.join(net.layers)}")
    chosen = {layer: module for module, layer in pairs.items()}
    for layer in net.layers.values():
        module = chosen.get(layer.name, layer.name if layer.name in arrays else None)
        if module is None:
            module, at = next_module(layer, modules, kinds, arrays, orders, at)
        elif module in kinds:
            at = modules.index(module) + 1
        if module is not None:
            array = as_layer(arrays[module], layer, orders.get(layer.name))
            made[layer.name] = arrays[module] if array is None else array
    return made


def next_module(layer, modules, kinds, arrays, orders, at):
    """The first module from there on of the layer's kind, or with it the one of its activation; and where to go on."""
    activation = next((part[len("activation="):].split("(")[0] for part in layer.arguments.split(", ") if part.startswith("activation=")), "linear")
    wanted = {"depthwise_conv2d": "conv2d"}.get(layer.kind, layer.kind)
    for i in range(at, len(modules)):
        if kind_of(kinds[modules[i]]) != wanted or as_layer(arrays[modules[i]], layer, orders.get(layer.name)) is None:
            continue
        if activation in ("linear", "none") or layer.kind in pytorch_weights.RECURRENT:
            return modules[i], i + 1
        follows = i + 1 < len(modules) and kind_of(kinds[modules[i + 1]]) == activation
        return (modules[i + 1], i + 2) if follows else (None, i + 1)
    return None, at


def read_samples(paths):
    """The array of the only file, or {input: array}."""
    def read(path):
        try:
            return np.load(path)
        except (OSError, ValueError):
            raise Problem(f"{path}: not an .npy file of samples") from None

    if isinstance(paths, dict):
        return {name: read(path) for name, path in paths.items()}
    return read(paths)
