"""A .keras file: a zip of config.json (the layers and compile()), model.weights.h5 and metadata.json."""

import json
import re
import zipfile
from pathlib import Path

from convert.problem import Problem

RESERVED = {"model", "let", "block", "repeat"}
SAVE = 'Load it in Keras 3 and save it again: model.save("model.keras")'


def read_config(path):
    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("config.json"))
    except (zipfile.BadZipFile, KeyError, ValueError):
        raise Problem(f"{path}: {what_else(path)}") from None
    except IsADirectoryError:
        if (Path(path) / "saved_model.pb").exists():
            raise Problem(f'{path}: is a SavedModel, a program without layers. Save the model where it was made: model.save("model.keras")') from None
        raise Problem(f'{path}: is a folder, not a .keras file of Keras 3: model.save("model.keras")') from None


def what_else(path):
    """What a file is that is no .keras file, and what to do."""
    with open(path, "rb") as file:
        head = file.read(8)
    if head == b"\x89HDF\r\n\x1a\n" and str(path).endswith(".weights.h5"):
        return "holds weights and no layers. Save the whole model in Keras: model.save(\"model.keras\")"
    if head == b"\x89HDF\r\n\x1a\n":
        return f"is HDF5, as Keras 2 saved models. {SAVE}"
    if str(path).endswith((".pt", ".pth", ".bin", ".safetensors")):
        return "PyTorch's files hold no layers: write the network by hand, a line for each module; docs/converting.md has the table"
    return f"not a .keras file of Keras 3. {SAVE}"


def snake_case(name):
    """As Keras makes names of classes: MaxPooling2D is max_pooling2d, ReLU re_lu, LSTM lstm."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def identifier(name, reserved=RESERVED):
    """A name as the language of cnnc can write it."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", name)
    if not re.match("[A-Za-z_]", name):
        name = "_" + name
    return name + "_" if name in reserved else name


def model_name(name):
    """The same for the network as a whole, which may be called `model`."""
    return identifier(name, RESERVED - {"model"})


def layers_of(config):
    """The layers of a Sequential or Functional model, each with its class, its name, its config."""
    if config.get("class_name") not in ("Sequential", "Functional", "Model"):
        raise Problem(
            f"the model is a {config.get('class_name')}: only Sequential and functional models hold their graph. "
            "Build it with keras.Model(inputs, outputs) and save that"
        )
    layers = config["config"]["layers"]
    taken = set()
    for layer in layers:
        name = identifier(layer["config"].setdefault("name", layer.get("name") or snake_case(layer["class_name"])))
        while name in taken:
            name += "_"
        taken.add(name)
        layer["net_name"] = name
    return layers
