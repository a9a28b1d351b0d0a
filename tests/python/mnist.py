"""A network trained for an epoch on MNIST elsewhere, and converted: the same probabilities for all 10,000 test digits.

$MNIST_DIR holds the four files, plain or .gz; EXAMPLES=N trains with N digits instead of all.
"""

import gzip
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools/cnnc_convert.py"
CNNC = os.environ.get("CNNC") or ROOT / "build/cnnc"
EXAMPLES = int(os.environ.get("EXAMPLES", "60000"))
TOLERANCE = 1e-5
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")


def idx(name):
    folder = Path(os.environ.get("MNIST_DIR") or ROOT / "data/mnist")
    file = folder / name
    content = file.read_bytes() if file.exists() else gzip.decompress((folder / f"{name}.gz").read_bytes())
    rank = content[3]
    shape = [int.from_bytes(content[4 + 4 * i : 8 + 4 * i], "big") for i in range(rank)]
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)


def digits():
    images = lambda name: idx(name)[..., None].astype(np.float32)
    return (images("train-images-idx3-ubyte")[:EXAMPLES], idx("train-labels-idx1-ubyte")[:EXAMPLES].astype(np.int64),
            images("t10k-images-idx3-ubyte"), idx("t10k-labels-idx1-ubyte").astype(np.int64))


def command(*words):
    result = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{words}: {result.stderr}"
    return result.stdout


class Converted(unittest.TestCase):
    def setUp(self):
        self.held = tempfile.TemporaryDirectory()
        self.folder = Path(self.held.name)
        self.addCleanup(self.held.cleanup)

    def check(self, net, weights, images, labels, probabilities):
        """What the compiled network says of the test digits, beside what Python said."""
        trainer, x, y = self.folder / "trainer", self.folder / "x.npy", self.folder / "y.npy"
        command(CNNC, net, "-o", trainer)
        np.save(x, images)
        command(trainer, "predict", "--weights", weights, x, "-o", y)
        mine = np.load(y)
        self.assertEqual(mine.shape, (10000, 10))
        accuracy = (probabilities.argmax(-1) == labels).mean()
        error = np.abs(mine - probabilities).max()
        same = int((mine.argmax(-1) == probabilities.argmax(-1)).sum())
        print(f"\n{net.stem}: accuracy {accuracy:.2%}, {same} of 10000 predictions the same, probabilities within {error:.1e}")
        self.assertGreater(accuracy, 0.9)
        self.assertEqual(same, 10000)
        self.assertTrue(error <= TOLERANCE, error)

    def keep(self, name, net, weights, images, probabilities):
        """KEEP=FOLDER: leaves network, weights, ten digits and their probabilities there."""
        if os.environ.get("KEEP"):
            folder = Path(os.environ["KEEP"])
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.net").write_bytes(net.read_bytes())
            (folder / f"{name}.safetensors").write_bytes(weights.read_bytes())
            np.save(folder / f"{name}.x.npy", images[:10].astype(np.uint8))
            np.save(folder / f"{name}.y.npy", probabilities[:10])
