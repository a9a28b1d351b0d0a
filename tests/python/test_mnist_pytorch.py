"""A CNN that PyTorch trains, as a state_dict."""

import sys
import unittest

import torch
from mnist import TOOL, Converted, command, digits
from torch import nn

# The same network, as docs/converting.md says to write it.
PYTORCH = """\
model pytorch_cnn

input(28, 28, 1)
rescaling(1/255)
conv2d(8, 3x3, padding=1, use_bias=false)
batch_normalization(epsilon=1e-5, momentum=0.9)
relu()
max_pooling2d(2x2)
conv2d(16, 3x3, activation=relu)
max_pooling2d(2x2)
flatten()
batch_normalization(epsilon=1e-5, momentum=0.9)
dense(10, activation=softmax)

compile(optimizer=adam(), loss=sparse_categorical_crossentropy, metrics=[accuracy])
"""


class PyTorch(Converted):
    def test_cnn(self):
        train_images, train_labels, images, labels = digits()
        torch.manual_seed(1)
        torch.set_num_threads(1)  # it waits for other programs else
        model = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.BatchNorm1d(576),
            nn.Linear(576, 10),
        )
        first = lambda pixels: torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255
        optimizer = torch.optim.Adam(model.parameters())
        order = torch.randperm(len(train_images))
        for batch in order.split(128):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(first(train_images[batch.numpy()])), torch.from_numpy(train_labels[batch.numpy()]))
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            probabilities = torch.softmax(model(first(images)), -1).numpy()
        torch.save(model.state_dict(), self.folder / "state.pt")
        net, weights = self.folder / "pytorch_cnn.net", self.folder / "w.safetensors"
        net.write_text(PYTORCH)
        command(sys.executable, TOOL, "weights", self.folder / "state.pt", "-o", weights, "--net", net)
        self.check(net, weights, images, labels, probabilities)
        self.keep("pytorch_cnn", net, weights, images, probabilities)


if __name__ == "__main__":
    unittest.main()
