"""What people hand to the converter by mistake: a plain message that says what the file is and what to do, never a traceback."""

import os
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

import h5py
import numpy as np
import torch
from mnist import TOOL
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 2)


class Refusals(unittest.TestCase):
    def setUp(self):
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.before = os.getcwd()
        os.chdir(held.name)
        self.addCleanup(os.chdir, self.before)
        Path("n.net").write_text("input(3)\ndense(2)\n")

    def refused(self, words, *arguments):
        result = subprocess.run([sys.executable, TOOL, *arguments], capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertNotIn("Traceback", result.stderr)
        self.assertLess(result.stderr.count("\n"), 4, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)
        self.assertFalse(Path("out").exists())

    def weights_refused(self, file, *words):
        with self.subTest(file):
            self.refused((file, *words), "weights", file, "--net", "n.net", "-o", "out")

    def network_refused(self, file, *words):
        with self.subTest(file):
            self.refused((file, *words), "network", file, "-o", "out")

    def test_pytorch(self):
        torch.save(Net(), "whole.pt")
        torch.save([1, 2], "list.pth")
        torch.save({"epoch": 3, "loss": 0.5}, "dict.pt")
        torch.save({}, "empty.pt")
        with zipfile.ZipFile("script.pt", "w") as archive:  # as torch.jit.save lays it out
            archive.writestr("script/constants.pkl", b"")
        torch.save(Net().state_dict(), "cut.pt")
        Path("cut.pt").write_bytes(Path("cut.pt").read_bytes()[:-100])
        Path("text.pt").write_text("not a model\n")
        Path("nothing.pth").touch()
        Path("folder.pt").mkdir()
        state = "torch.save(model.state_dict()"
        self.weights_refused("whole.pt", "whole model", state)
        self.weights_refused("list.pth", "a list", state)
        self.weights_refused("dict.pt", "a dict of epoch, loss", state)
        self.weights_refused("empty.pt", "an empty dict", state)
        self.weights_refused("script.pt", "TorchScript", state)
        self.weights_refused("cut.pt", state)
        self.weights_refused("text.pt", state)
        self.weights_refused("nothing.pth", state)
        self.weights_refused("folder.pt", "is a folder", state)
        self.weights_refused("none.pt", "No such file")
        self.network_refused("whole.pt", "PyTorch's files hold no layers", "by hand")

    def test_safetensors(self):
        files = {"text": b"not tensors, but a text", "list": b"\2\0\0\0\0\0\0\0[]", "no_place": b'\x0a\0\0\0\0\0\0\0{"a": {}}  ',
                 "short": b'\x3a\0\0\0\0\0\0\0{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}   ', "odd": b'\x07\0\0\0\0\0\0\0{"a":3}'}
        for name, content in files.items():
            Path(f"{name}.safetensors").write_bytes(content)
            self.weights_refused(f"{name}.safetensors", "safetensors file")

    def test_keras(self):
        with h5py.File("other.h5", "w") as file:
            file["a"] = np.zeros(3)
        with h5py.File("only.weights.h5", "w") as file:
            file.create_group("layers")
        with zipfile.ZipFile("other.keras", "w") as archive:
            archive.writestr("a.txt", "b")
        with zipfile.ZipFile("broken.keras", "w") as archive:
            archive.writestr("config.json", "{")
        Path("text.keras").write_text("a model")
        Path("text.h5").write_text("a model")
        Path("saved").mkdir()
        Path("saved/saved_model.pb").touch()
        Path("folder").mkdir()
        save = 'model.save("model.keras")'
        for file in ("other.keras", "broken.keras", "text.keras", "other.h5"):
            self.network_refused(file, save)
        self.network_refused("only.weights.h5", "weights and no layers", save)
        self.network_refused("saved", "SavedModel", save)
        self.network_refused("folder", "is a folder", save)
        self.network_refused("none.keras", "No such file")
        self.weights_refused("other.h5", "not the weights of a Keras 3 model")
        self.weights_refused("text.h5", "not an HDF5 file", "save_weights")
        self.weights_refused("other.keras", save)
        self.weights_refused("saved", "is a folder", "model.keras")
        self.weights_refused("n.net", "this takes")


if __name__ == "__main__":
    unittest.main()
