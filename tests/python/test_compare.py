"""`compare`: weights that are wrong on purpose, and the layer that it names; with Keras 3 and with PyTorch."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
from mnist import CNNC, ROOT, TOOL, command

sys.path.append(str(ROOT / "tools"))
import keras
import torch
from convert import activations, safetensors_file
from convert.cnnc_network import Network
from keras import layers
from torch import nn


def keras_model():
    keras.utils.set_random_seed(1)
    first = keras.Input((9, 8, 3))
    x = layers.Conv2D(7, 3, activation="relu", name="a")(first)
    x = layers.BatchNormalization()(x)
    y = layers.Conv2D(7, 3, padding="same", name="b")(layers.Dropout(0.3)(x))
    x = layers.Flatten()(layers.Add()([x, y]))
    model = keras.Model(first, layers.Dense(5, activation="softmax", name="out")(layers.Dense(6, activation="tanh", name="hidden")(x)))
    for variable in model.weights:
        variable.assign(np.random.default_rng(3).uniform(0.1, 0.5, variable.shape) - 0.3 * (variable.name == "kernel"))
    return model


class Torch(nn.Module):
    """Convolutions, one with its activation inside the layer in the .net, and a recurrent branch."""

    def __init__(self):
        super().__init__()
        self.conv1, self.norm, self.act1, self.pool = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)
        self.conv2, self.act2, self.flat = nn.Conv2d(4, 5, 2), nn.Tanh(), nn.Flatten()
        self.fc, self.last = nn.Linear(40, 6), nn.Linear(6, 3)

    def forward(self, x):
        x = self.pool(self.act1(self.norm(self.conv1(x))))
        return self.last(torch.relu(self.fc(self.flat(self.act2(self.conv2(x))))))


TORCH = """
model pytorch
input(12, 8, 3)
conv2d(4, 3x3)
batch_normalization(epsilon=1e-5)
relu()
max_pooling2d(2x2)
conv2d(5, 2x2, activation=tanh)
flatten()
hidden = dense(6, activation=relu)
last = dense(3)
"""


class Compare(unittest.TestCase):
    def setUp(self):
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = Path(held.name)
        self.net, self.weights, self.x = self.folder / "net.net", self.folder / "w.safetensors", self.folder / "x.npy"

    def compare(self, there, weights, *options):
        """Runs the tool: its exit status, its table as {layer: relative error}, and what it said."""
        words = [sys.executable, TOOL, "compare", "--net", self.net, "--weights", weights, there, self.x, *options]
        result = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
        lines = [line for line in result.stdout.splitlines() if "]" in line and not line.startswith("layer ")]
        rows = [line.split(")", 1) for line in lines]  # the numbers stand behind the shape
        return result.returncode, {left.split()[0]: float(right.split()[1]) for left, right in rows}, result.stdout + result.stderr

    def trainer_compares(self, there, weights):
        """The same by a trainer, which need not be built for each."""
        trainer = self.folder / "trainer"
        if not trainer.exists():
            source = self.folder / "with_compile.net"
            source.write_text(self.net.read_text() + "\ncompile(sgd, mean_squared_error)\n")
            command(CNNC, source, "-o", trainer)
        result = subprocess.run([trainer, "compare", "--weights", weights, "--activations", there, self.x], capture_output=True, text=True, check=False)
        return result.returncode, result.stdout + result.stderr

    def check_damage(self, there, named):
        """Each tensor in turn is wrong in one number: the layer that is named."""
        good = safetensors_file.read(self.weights)
        for tensor in good:
            damaged = {name: array.copy() for name, array in good.items()}
            damaged[tensor].flat[0] += 0.25
            safetensors_file.write(self.folder / "damaged.safetensors", damaged)
            with self.subTest(tensor):
                status, said = self.trainer_compares(there, self.folder / "damaged.safetensors")
                self.assertEqual(status, 1, said)
                self.assertIn(f"{named(tensor.split('/')[0])} is the first layer that differs", said)
        damaged = {name: array * (np.nan if name == tensor else 1) for name, array in good.items()}
        safetensors_file.write(self.folder / "damaged.safetensors", damaged)
        _, said = self.trainer_compares(there, self.folder / "damaged.safetensors")
        self.assertIn("one side is not finite", said)

    def test_keras(self):
        file = self.folder / "model.keras"
        model = keras_model()
        model.save(file)
        np.save(self.x, np.random.default_rng(0).normal(size=(3, 9, 8, 3)).astype(np.float32))
        command(sys.executable, TOOL, "network", file, "-o", self.net)
        command(sys.executable, TOOL, "weights", file, "--net", self.net, "-o", self.weights)
        status, errors, said = self.compare(file, self.weights)
        self.assertEqual(status, 0, said)
        self.assertEqual(list(errors), ["a", "batch_normalization", "b", "add", "flatten", "hidden", "out"])
        self.assertTrue(max(errors.values()) <= 1e-5, said)
        there = self.folder / "keras.safetensors"  # from here on without Keras, which takes long to start
        safetensors_file.write(there, activations.of_keras(str(file), np.load(self.x)))
        self.check_damage(there, lambda layer: layer)
        # Another argument, in a .net that was written by hand and cannot be trained.
        self.net.write_text(self.net.read_text().replace("activation=tanh", "activation=softsign"))
        status, _, said = self.compare(there, self.weights)
        self.assertIn("hidden is the first layer that differs", said)
        # A folder of .npy; another number of samples.
        for name, array in safetensors_file.read(there).items():
            np.save(self.folder / f"{name}.npy", array)
        self.assertEqual(self.trainer_compares(self.folder, self.weights)[0], 0)
        np.save(self.folder / "b.npy", np.load(self.folder / "b.npy") + 1)
        self.assertIn("b is the first layer that differs", self.trainer_compares(self.folder, self.weights)[1])
        np.save(self.x, np.load(self.x)[:2])
        self.assertIn("each of 2 samples", self.trainer_compares(there, self.weights)[1])

    def test_several_inputs(self):
        file = self.folder / "model.keras"
        left, right = keras.Input((4,), name="left"), keras.Input((3,), name="right")
        keras.Model([left, right], layers.Dense(2, name="out")(layers.Concatenate()([left, right]))).save(file)
        command(sys.executable, TOOL, "network", file, "-o", self.net)
        command(sys.executable, TOOL, "weights", file, "--net", self.net, "-o", self.weights)
        samples = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)
        a, b = self.folder / "a.npy", self.folder / "b.npy"
        np.save(a, samples[:, :4])
        np.save(b, samples[:, 4:])
        self.x = f"right={b}"
        status, errors, said = self.compare(file, self.weights, f"left={a}")
        self.assertEqual((status, list(errors)), (0, ["concatenate", "out"]), said)
        self.assertTrue(max(errors.values()) <= 1e-5, said)
        self.assertIn("has the inputs left, right", self.compare(file, self.weights)[2])
        self.x = b
        self.assertIn(f"which input is {b} for?", self.compare(file, self.weights, f"left={a}")[2])

    def test_pytorch(self):
        torch.manual_seed(0)
        model, there = Torch(), self.folder / "torch.safetensors"
        for name, tensor in model.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 2)
        x = np.random.default_rng(0).uniform(-1, 1, (3, 12, 8, 3)).astype(np.float32)
        np.save(self.x, x)
        activations.record(model, torch.from_numpy(x).permute(0, 3, 1, 2), there)
        torch.save(model.state_dict(), self.folder / "state.pt")
        self.net.write_text(TORCH)
        command(sys.executable, TOOL, "weights", self.folder / "state.pt", "--net", self.net, "-o", self.weights)
        status, errors, said = self.compare(there, self.weights)
        self.assertEqual(status, 0, said)
        # `hidden` has its relu inside, which PyTorch computed in a function and not in a module.
        self.assertEqual(list(errors), ["conv2d", "batch_normalization", "relu", "max_pooling2d", "conv2d_1", "flatten", "last"])
        self.assertTrue(max(errors.values()) <= 1e-5, said)
        with_names = self.folder / "named.safetensors"  # under the layers' own names, as a trainer wants them
        safetensors_file.write(with_names, activations.of_modules(there, Network(self.net, CNNC), {}))
        self.check_damage(with_names, lambda layer: "last" if layer == "hidden" else layer)
        status, _, said = self.compare(there, self.weights, "--map", "conv2=flatten")
        self.assertIn("flatten", said)
        self.assertEqual(status, 1)


if __name__ == "__main__":
    unittest.main()
