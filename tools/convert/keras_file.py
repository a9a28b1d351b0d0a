"""A .keras file: a zip of config.json (the layers and compile()), model.weights.h5 and metadata.json."""

import json
import re
import zipfile

from convert.problem import Problem

RESERVED = {"model", "let", "block", "repeat"}


def read_config(path):
    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("config.json"))
    except (zipfile.BadZipFile, KeyError):
        raise Problem(f'{path}: not a .keras file of Keras 3. Load it in Keras and save it again: model.save("model.keras")') from None


def snake_case(name):
    """As Keras makes names of classes: MaxPooling2D is max_pooling2d, ReLU re_lu, LSTM lstm."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def identifier(name):
    """A name as the language of cnnc can write it."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", name)
    if not re.match("[A-Za-z_]", name):
        name = "_" + name
    return name + "_" if name in RESERVED else name


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
