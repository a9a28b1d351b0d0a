"""Every network of the fixtures, which exists in Keras and in the language of cnnc: what is converted from the one is the other."""

import os
import re
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests/fixtures")]
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
from convert import keras_file, keras_network, keras_weights
from convert.cnnc_network import Network, find_cnnc, run
from convert.problem import Problem
from networks import CASES

# What Keras does not save (functools.partial), what it has not (then the fixture is written in Python), blocks.
UNSAVED = {"activation_words", "activation_of_one", "activation_classes", "activation_images"}
REFUSED = {"l2_pooling", "l2_pooling_kinds", "locally_connected2d", "local_response_normalization", "augmentation", "augmentation_random"}
OTHERWISE = {"blocks": "names of layers in blocks", "conv2d_padding": "explicit padding, which is a layer in Keras",
             "layer_normalization": "the axes in another order"}


def defaults():
    """Of each kind of thing, {name: {argument: default}}, out of the manual."""
    made, group, thing = {}, {}, {}
    for line in (ROOT / "docs/reference.md").read_text().splitlines():
        if line.startswith("## "):
            group = made.setdefault(line[3:], {})
        elif line.startswith("### "):
            thing = group.setdefault(line[4:], {})
        elif match := re.match(r"\| `(\w+)` \|.*\| (`.*?`|required) \| ", line):
            thing[match.group(1)] = match.group(2).strip("`")
    return made


DEFAULTS = defaults()
WHAT = {"activation": "Activations", "recurrent_activation": "Activations"}


def plain(text, kind="Layers"):
    """A call as cnnc prints it, without the arguments that are at their defaults, and without seeds."""
    match = re.fullmatch(r"(\w+)\((.*)\)", text)
    if not match:
        return text
    name, inside = match.groups()
    parts, depth, begin = [], 0, 0
    for i, character in enumerate(inside + ","):
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            parts.append(inside[begin:i].strip())
            begin = i + 1
    kept = []
    for part in filter(None, parts):
        key, value = part.split("=", 1)
        group = WHAT.get(key) or {"_regularizer": "Regularizers", "_initializer": "Initializers"}.get("_" + key.split("_")[-1], "Layers")
        value = plain(value, group)
        default = DEFAULTS[kind].get(name, {}).get(key)
        if key != "seed" and value not in (default, f"[{default}]", f"{default}()", f"{default}x{default}", f"[{default}x{default}]") and not (default == "none" and value == "linear()"):
            kept.append(f"{key}={value}")
    return f"{name}({', '.join(kept)})"


def build(case):
    """The Keras model of a case, compiled."""
    keras.utils.clear_session()
    made = case["build"]()
    if isinstance(made[0], keras.Model):
        model, optimizer, loss = made
    else:
        inputs, outputs, optimizer, loss = made
        model = keras.Model(inputs, outputs)
    model.compile(optimizer=optimizer, loss=loss, **case.get("compile", dict)())
    return model


def graph(path):
    """The outputs of a network as terms: kind(arguments), the name where it has weights, what it is applied to."""
    net = Network(path)
    terms = {}
    for layer in net.layers.values():
        own = (layer.name + ": ") * bool(layer.tensors) + plain(f"{layer.kind}({layer.arguments})")
        terms[layer.name] = own if not layer.inputs else (own, *(terms[name] for name in layer.inputs))
    outputs = re.search(r"^outputs (.*)$", run(find_cnnc(None), "--dump=shapes", path), re.M).group(1)
    return [terms[name] for name in re.findall(r"([^\s(,]+)\(", outputs)], net.shapes


class Fixtures(unittest.TestCase):
    def test_all(self):
        wanted = re.compile(os.environ.get("FIXTURES", ".*"))
        with tempfile.TemporaryDirectory() as folder:
            for name in CASES:
                if wanted.fullmatch(name) and name not in UNSAVED and name not in OTHERWISE:
                    with self.subTest(name):
                        self.check(name, Path(folder))

    def check(self, name, folder):
        file, net = folder / "model.keras", folder / f"{name}.net"
        model = build(CASES[name])
        model.save(file)
        config = keras_file.read_config(file)
        if name in REFUSED:
            with self.assertRaisesRegex(Problem, "cnnc has no such layer"):
                keras_network.translate(config, name, inference=False)
            return
        text, _ = keras_network.translate(config, name, inference=False)
        net.write_text(text)
        terms, shapes = graph(net)
        expected, expected_shapes = graph(ROOT / f"tests/fixtures/{name}.net")
        self.assertEqual(expected_shapes, shapes)
        self.assertEqual(terms, expected, text)
        weights = keras_weights.of_model(file, config)
        Network(net).check(weights)
        for variable in model.weights:
            path = re.sub("/(simple_rnn|lstm|gru)_cell/", "/", variable.path)
            np.testing.assert_array_equal(weights[path], variable.numpy(), path)


class Names(unittest.TestCase):
    def test_of_layers(self):
        """Each layer keeps its name, so that `compare` and `predict --layer` find it; those that cnnc gives itself are not written."""
        model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.MaxPooling2D(name="smaller"), keras.layers.Flatten(name="flatten"),
                                  keras.layers.LeakyReLU(name="leaky_re_lu_7"), keras.layers.Dense(2, name="dense")])
        with tempfile.TemporaryDirectory() as folder:
            model.save(f"{folder}/a.keras")
            text, _ = keras_network.translate(keras_file.read_config(f"{folder}/a.keras"), "a", inference=True)
        self.assertEqual(text.split("\n")[3:-1], ["input(8, 8, 1)", "smaller = max_pooling2d(2x2)", "flatten()", "leaky_re_lu_7 = leaky_relu()", "dense(2)"])

    def test_a_model_called_model(self):
        """`model` is a word of the language, and what people call their file."""
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        with tempfile.TemporaryDirectory() as folder:
            file, net, code = Path(folder) / "a.keras", Path(folder) / "model.net", Path(folder) / "model.c"
            model.save(file)
            net.write_text(keras_network.translate(keras_file.read_config(file), "model", inference=True)[0])
            run(find_cnnc(None), net, "-o", code)
            self.assertIn("void model_predict(", code.with_suffix(".h").read_text())
        self.assertEqual([keras_file.model_name(name) for name in ("let", "2nd net", "model")], ["let_", "_2nd_net", "model"])
        self.assertEqual(keras_file.identifier("model"), "model_")


if __name__ == "__main__":
    unittest.main()
