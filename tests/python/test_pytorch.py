"""Layers of PyTorch with weights of chance: what PyTorch says beside what the compiled network says; and what is refused."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch
from mnist import CNNC, TOOL, command
from torch import nn


class Recurrent(nn.Module):
    def __init__(self, cell, **arguments):
        super().__init__()
        self.rnn = cell(5, 7, batch_first=True, **arguments)
        self.fc = nn.Linear(14 if arguments.get("bidirectional") else 7, 3)

    def forward(self, x):
        return self.fc(self.rnn(x)[0])


class Layers(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(0)
        torch.set_num_threads(1)
        self.held = tempfile.TemporaryDirectory()
        self.addCleanup(self.held.cleanup)
        self.folder = Path(self.held.name)

    def write(self, net, model):
        model.eval()
        for name, tensor in model.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 2)
            elif tensor.is_floating_point() and tensor.ndim == 1:  # biases, and what begins with zeros or ones
                tensor.uniform_(-1, 1)
        torch.save(model.state_dict(), self.folder / "state.pt")
        (self.folder / "net.net").write_text(f"{net}\ncompile(optimizer=sgd(), loss=mean_squared_error)\n")
        return TOOL, "weights", self.folder / "state.pt", "--net", self.folder / "net.net", "-o", self.folder / "w.safetensors"

    def check(self, net, model, shape, forward, channels_first=None):
        convert = self.write(net, model)
        x = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
        np.save(self.folder / "x.npy", x)
        with torch.no_grad():
            truth = forward(torch.from_numpy(x).permute(channels_first) if channels_first else torch.from_numpy(x)).numpy()
        command(sys.executable, *convert)
        command(CNNC, self.folder / "net.net", "-o", self.folder / "trainer")
        command(self.folder / "trainer", "predict", "--weights", self.folder / "w.safetensors", self.folder / "x.npy", "-o", self.folder / "y.npy")
        np.testing.assert_allclose(np.load(self.folder / "y.npy"), truth, rtol=0, atol=1e-5)

    def test_recurrent(self):
        for name, cell in (("lstm", nn.LSTM), ("gru", nn.GRU), ("simple_rnn", nn.RNN)):
            layer = f"{name}(7, return_sequences=true)"
            with self.subTest(name):
                model = Recurrent(cell, num_layers=2)
                self.check(f"input(6, 5)\n{layer}\n{layer}\ndense(3)", model, (4, 6, 5), model)
            with self.subTest(f"bidirectional {name}"):
                model = Recurrent(cell, bidirectional=True)
                self.check(f"input(6, 5)\nbidirectional({layer})\nfc = dense(3)", model, (4, 6, 5), model)

    def test_flatten_and_normalizations(self):
        net = """
input(7, 6, 3)
depthwise_conv2d(3x3, depth_multiplier=2)
p_re_lu(shared_axes=[1, 2])
conv2d(5, 1x1)
layer_normalization(epsilon=1e-5)
flatten()
relu()
batch_normalization(epsilon=1e-5)
dense(4)
"""
        m = nn.ModuleDict(dict(a=nn.Conv2d(3, 6, 3, groups=3), p=nn.PReLU(6), b=nn.Conv2d(6, 5, 1), n=nn.LayerNorm(5),
                               bn=nn.BatchNorm1d(100), l=nn.Linear(100, 4)))

        def forward(x):
            x = m.n(m.b(m.p(m.a(x))).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
            return m.l(m.bn(torch.relu(x.flatten(1))))

        self.check(net, m, (3, 7, 6, 3), forward, (0, 3, 1, 2))

    def test_conv1d(self):
        model = nn.Sequential(nn.Conv1d(3, 4, 3), nn.MaxPool1d(2), nn.Flatten(), nn.Linear(12, 4))
        self.check("input(9, 3)\nconv1d(4, 3)\nmax_pooling1d(2)\nflatten()\ndense(4)", model, (3, 9, 3), model, (0, 2, 1))

    def test_names_and_two_flattened(self):
        net = """
i = input(5, 4, 2)
a = conv2d(3, 2x2)(i)
b = conv2d(2, 3x3)(i)
fa = flatten()(a)
fb = flatten()(b)
concatenate()(fa, fb)
dense(4)
"""
        m = nn.ModuleDict(dict(b=nn.Conv2d(2, 2, 3), a=nn.Conv2d(2, 3, 2), last=nn.Linear(48, 4)))
        forward = lambda x: m.last(torch.cat([m.a(x).flatten(1), m.b(x).flatten(1)], 1))
        self.check(net, m, (3, 5, 4, 2), forward, (0, 3, 1, 2))

    def refused(self, net, model, words, *options):
        convert = self.write(net, model)
        result = subprocess.run([sys.executable, *map(str, convert), *options], capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, words)
        self.assertFalse((self.folder / "w.safetensors").exists())

    def test_refused(self):
        net = "input(4)\ndense(3)\ndense(2)"
        self.refused(net, nn.Sequential(nn.Linear(4, 3)), "1 modules with weights for 2 layers")
        self.refused(net, nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 1)), r"module 1 .*\(1, 3\).* for layer dense_1")
        self.refused(net, nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2)), "no module 7; it has 0, 1", "--map", "7=dense")


if __name__ == "__main__":
    unittest.main()
