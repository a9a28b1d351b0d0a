#!/usr/bin/env python3
"""Makes NAME.safetensors for the networks of examples/ at full size: what PyTorch computes in float64 for the same
network with the same weights. Tests: tests/unit/networks.c.

    python3 -m venv venv && venv/bin/pip install torch safetensors
    venv/bin/python tests/networks/make_networks.py [NAME ...]

No weights are stored: both sides make them of one generator, the runtime's (runtime/random.h): number i of a
tensor is u = 2 * random_uniform(key, i) - 1, its key being random_key(FNV-1a hash of its name, 0), and becomes

    u * sqrt(6 / fan_in)    of tensors of rank 2 and more, fan_in being the product of all sizes but the last
    1 + u / 10              of gamma and moving_variance
    u / 10                  of other vectors

Inputs are random_uniform of the name `input`; sample n is of class (7 n + 3) modulo the classes. A file holds, in
float32:

    output, output/NAME     what predict gives, whole
    gradients/LAYER/NAME    ENTRIES numbers of the gradient, the j-th from place (2 j + 1) * count / (2 * ENTRIES), then
                            the largest size of any
    changes/LAYER/NAME      of the weights by one step of the optimiser, likewise; dropout is off (-D rate=0)

and the metadata `loss`, `batch`, `torch`."""

import math
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

FOLDER = Path(__file__).resolve().parent
sys.path.append(str(FOLDER.parent / "fixtures"))
from sorted_safetensors import save  # noqa: E402
ENTRIES = 24
MASK = (1 << 64) - 1


def random_key(key, number):
    z = (key + 0x9E3779B97F4A7C15 * (number + 1)) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def random_uniform(key, count):
    x = np.arange(count, dtype=np.uint32) ^ np.uint32(key & 0xFFFFFFFF)
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
    x ^= np.uint32(key >> 32)
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return (x >> np.uint32(8)).astype(np.float64) * 2.0**-24


def name_key(name):
    key = 0xCBF29CE484222325
    for byte in name.encode():
        key = ((key ^ byte) * 0x100000001B3) & MASK
    return random_key(key, 0)


def numbers(name, shape):
    """What the tensor of that name holds at first, rounded to float32 as the other side has it."""
    u = 2 * random_uniform(name_key(name), math.prod(shape)) - 1
    if len(shape) > 1:
        u *= math.sqrt(6 / math.prod(shape[:-1]))
    elif name.endswith(("/gamma", "/moving_variance")):
        u = 1 + u / 10
    else:
        u /= 10
    return u.astype(np.float32).astype(np.float64).reshape(shape)


class Network:
    """The layers of Keras on images (samples, channels, height, width), with weights in Keras's layouts and by its names."""

    def __init__(self, precision, classes=1000):
        self.weights = {}
        self.precision = precision
        self.classes = classes
        self.training = False
        self.further = True  # whether there are outputs beside the first
        self.moved = {}  # what a step makes of the moving averages

    def weight(self, name, *shape, trainable=True):
        if name not in self.weights:
            self.weights[name] = torch.tensor(numbers(name, shape), dtype=self.precision, requires_grad=trainable)
        return self.weights[name]

    def conv(self, name, x, filters, size, stride=1, padding=0, groups=1, bias=True, activation=F.relu):
        kernel = self.weight(f"{name}/kernel", size, size, x.shape[1] // groups, filters)
        offset = self.weight(f"{name}/bias", filters) if bias else None
        y = F.conv2d(x, kernel.permute(3, 2, 0, 1), offset, stride, padding, groups=groups)
        return activation(y) if activation else y

    def dense(self, name, x, units, activation=F.relu):
        y = x @ self.weight(f"{name}/kernel", x.shape[1], units) + self.weight(f"{name}/bias", units)
        return activation(y) if activation else y

    def normalise(self, name, x, momentum, epsilon):
        gamma, beta = self.weight(f"{name}/gamma", x.shape[1]), self.weight(f"{name}/beta", x.shape[1])
        mean = self.weight(f"{name}/moving_mean", x.shape[1], trainable=False)
        variance = self.weight(f"{name}/moving_variance", x.shape[1], trainable=False)
        if self.training:
            batch_mean, batch_variance = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
            self.moved[f"{name}/moving_mean"] = (mean + (batch_mean - mean) * (1 - momentum)).detach()
            self.moved[f"{name}/moving_variance"] = (variance + (batch_variance - variance) * (1 - momentum)).detach()
            mean, variance = batch_mean, batch_variance
        column = lambda v: v[None, :, None, None]
        return (x - column(mean)) / column(torch.sqrt(variance + epsilon)) * column(gamma) + column(beta)

    @staticmethod
    def local_response(x, alpha, bias):
        """Over two channels on either side; PyTorch divides alpha by their number, five."""
        return F.local_response_norm(x, 5, alpha=5 * alpha, beta=0.75, k=bias)

    @staticmethod
    def pool(x, size=3, stride=2, end=0):
        """`end` rows and columns behind the image, as padding=same has them where the image's sides are even."""
        return F.max_pool2d(F.pad(x, (0, end, 0, end), value=-math.inf), size, stride)

    @staticmethod
    def flatten(x):
        return x.permute(0, 2, 3, 1).reshape(x.shape[0], -1)


# ---- the networks: functions of a Network and an image, which return the logits of each output by name ------------


def alexnet(net, x):
    x = net.pool(net.local_response(net.conv("conv2d", x, 96, 11, 4), 1e-4, 2))
    x = net.pool(net.local_response(net.conv("conv2d_1", x, 256, 5, 1, 2, groups=2), 1e-4, 2))
    x = net.conv("conv2d_2", x, 384, 3, 1, 1)
    x = net.conv("conv2d_3", x, 384, 3, 1, 1, groups=2)
    x = net.flatten(net.pool(net.conv("conv2d_4", x, 256, 3, 1, 1, groups=2)))
    x = net.dense("dense_1", net.dense("dense", x, 4096), 4096)
    return {"dense_2": net.dense("dense_2", x, net.classes, None)}


def vgg16(net, x):
    for stage, (filters, count) in enumerate([(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]):
        for i in range(count):
            name = f"stage{f'_{stage}' if stage else ''}/conv2d{f'_{i}' if i else ''}"
            x = net.conv(name, x, filters, 3, 1, 1)
        x = net.pool(x, 2)
    x = net.dense("dense_1", net.dense("dense", net.flatten(x), 4096), 4096)
    return {"dense_2": net.dense("dense_2", x, net.classes, None)}


def vgg_cnn_m(net, x):
    x = net.pool(net.local_response(net.conv("conv2d", x, 96, 7, 2), 1e-4, 2))
    x = net.pool(net.local_response(net.conv("conv2d_1", x, 256, 5, 2, 1), 1e-4, 2), end=1)
    for i in range(3):
        x = net.conv(f"conv2d_{i + 2}", x, 512, 3, 1, 1)
    x = net.dense("dense_1", net.dense("dense", net.flatten(net.pool(x)), 4096), 4096)
    return {"dense_2": net.dense("dense_2", x, net.classes, None)}


def nin(net, x):
    def mlpconv(name, x, filters, size, stride, padding, last):
        x = net.conv(f"{name}/conv2d", x, filters, size, stride, padding)
        x = net.conv(f"{name}/conv2d_1", x, filters, 1)
        return net.conv(f"{name}/conv2d_2", x, last, 1)

    x = net.pool(mlpconv("mlpconv", x, 96, 11, 4, 0, 96), end=1)
    x = net.pool(mlpconv("mlpconv_1", x, 256, 5, 1, 2, 256))
    x = net.pool(mlpconv("mlpconv_2", x, 384, 3, 1, 1, 384))
    x = mlpconv("mlpconv_3", x, 1024, 3, 1, 1, net.classes)
    return {"activation": x.mean((2, 3))}


def googlenet(net, x):
    def inception(name, x, f1, r3, f3, r5, f5, p):
        a = net.conv(f"{name}/a", x, f1, 1)
        b = net.conv(f"{name}/b", net.conv(f"{name}/conv2d", x, r3, 1), f3, 3, 1, 1)
        c = net.conv(f"{name}/c", net.conv(f"{name}/conv2d_1", x, r5, 1), f5, 5, 1, 2)
        d = net.conv(f"{name}/d", F.max_pool2d(x, 3, 1, 1), p, 1)
        return torch.cat((a, b, c, d), 1)

    def auxiliary(name, x):
        x = net.conv(f"{name}/conv2d", F.avg_pool2d(x, 5, 3), 128, 1)
        return net.dense(f"{name}/dense_1", net.dense(f"{name}/dense", net.flatten(x), 1024), net.classes, None)

    x = net.pool(net.conv("conv2d", x, 64, 7, 2, 3), end=1)
    x = net.conv("conv2d_1", net.local_response(x, 2e-5, 1), 64, 1)
    x = net.pool(net.local_response(net.conv("conv2d_2", x, 192, 3, 1, 1), 2e-5, 1), end=1)
    x = inception("inception", x, 64, 96, 128, 16, 32, 32)
    x = net.pool(inception("inception_1", x, 128, 128, 192, 32, 96, 64), end=1)
    a4 = inception("a4", x, 192, 96, 208, 16, 48, 64)
    x = inception("inception_2", a4, 160, 112, 224, 24, 64, 64)
    x = inception("inception_3", x, 128, 128, 256, 24, 64, 64)
    d4 = inception("d4", x, 112, 144, 288, 32, 64, 64)
    x = net.pool(inception("inception_4", d4, 256, 160, 320, 32, 128, 128), end=1)
    x = inception("inception_5", x, 256, 160, 320, 32, 128, 128)
    x = inception("inception_6", x, 384, 192, 384, 48, 128, 128)
    outputs = {"answer": net.dense("answer", x.mean((2, 3)), net.classes, None)}
    if net.further:
        outputs["lower"] = auxiliary("lower", a4)
        outputs["middle"] = auxiliary("middle", d4)
    return outputs


def resnet18(net, x):
    def convolution(name, x, filters, size, stride, padding):
        x = net.conv(f"{name}/conv2d", x, filters, size, stride, padding, bias=False, activation=None)
        return net.normalise(f"{name}/batch_normalization", x, 0.9, 1e-5)

    def residual(name, x, filters):
        inner = F.relu(convolution(f"{name}/convolution", x, filters, 3, 1, 1))
        return F.relu(convolution(f"{name}/inner", inner, filters, 3, 1, 1) + x)

    def shrinking(name, x, filters):
        short = convolution(f"{name}/short", x, filters, 1, 2, 0)
        inner = F.relu(convolution(f"{name}/convolution", x, filters, 3, 2, 1))
        return F.relu(convolution(f"{name}/inner", inner, filters, 3, 1, 1) + short)

    x = net.pool(F.pad(F.relu(convolution("convolution", x, 64, 7, 2, 3)), (1, 1, 1, 1)))
    x = residual("residual_1", residual("residual", x, 64), 64)
    x = residual("residual_2", shrinking("shrinking", x, 128), 128)
    x = residual("residual_3", shrinking("shrinking_1", x, 256), 256)
    x = residual("residual_4", shrinking("shrinking_2", x, 512), 512)
    return {"dense": net.dense("dense", x.mean((2, 3)), net.classes, None)}


# name: the function, the side of the image, the samples, the learning rate, the weights of the losses
NETWORKS = {
    "alexnet": (alexnet, 227, 2, 0.01, [1]),
    "vgg16": (vgg16, 224, 1, 0.01, [1]),
    "vgg_cnn_m": (vgg_cnn_m, 224, 2, 0.01, [1]),
    "nin": (nin, 224, 2, 0.01, [1]),
    "googlenet": (googlenet, 224, 2, 0.01, [1, 0.3, 0.3]),
    "resnet18": (resnet18, 224, 2, 0.1, [1]),
}


def some(array):
    """ENTRIES numbers of an array, and the largest size of all."""
    flat = array.reshape(-1)
    places = [(2 * j + 1) * flat.size // (2 * ENTRIES) for j in range(ENTRIES)]
    return np.append(flat[places], np.abs(flat).max())


def compute(name, precision):
    """All that PyTorch computes, as named arrays; the loss; how many weights there are."""
    build, side, n, rate, shares = NETWORKS[name]
    net = Network(precision)
    image = random_uniform(name_key("input"), n * side * side * 3).reshape(n, side, side, 3)
    x = torch.tensor(image, dtype=precision).permute(0, 3, 1, 2).contiguous()
    target = torch.tensor([(7 * i + 3) % net.classes for i in range(n)])
    tensors = {}
    with torch.no_grad():
        outputs = build(net, x)
    for port, logits in outputs.items():
        tensors["output" if len(outputs) == 1 else f"output/{port}"] = F.softmax(logits, 1).numpy()
    net.training = True
    loss = sum(share * F.cross_entropy(logits, target) for share, logits in zip(shares, build(net, x).values()))
    loss.backward()
    before = {key: weight.detach().clone() for key, weight in net.weights.items()}
    trainable = {key: weight for key, weight in net.weights.items() if weight.requires_grad}
    torch.optim.SGD(trainable.values(), rate, momentum=0.9).step()
    for key, weight in net.weights.items():
        if weight.requires_grad:
            tensors[f"gradients/{key}"] = some(weight.grad.numpy())
        after = weight.detach() if weight.requires_grad else net.moved[key]
        tensors[f"changes/{key}"] = some((after - before[key]).numpy())
    return tensors, loss.item(), sum(weight.numel() for weight in net.weights.values())


def make(name):
    tensors, loss, count = compute(name, torch.float64)
    single, single_loss, _ = compute(name, torch.float32)
    worst = {"loss": abs(loss - single_loss) / loss}
    for key, array in tensors.items():
        kind = key.partition("/")[0]
        largest = 1 if kind == "output" else array[-1]
        worst[kind] = max(worst.get(kind, 0), float(np.abs(array - single[key]).max() / largest))
    tensors = {key: np.ascontiguousarray(array, dtype=np.float32) for key, array in tensors.items()}
    metadata = {"loss": repr(loss), "batch": str(NETWORKS[name][2]), "torch": torch.__version__}
    (FOLDER / f"{name}.safetensors").write_bytes(save(tensors, metadata))
    off = " ".join(f"{kind} {part:.1e}" for kind, part in worst.items())
    print(f"{name:10} {count:11} parameters, loss {loss:.6f}; PyTorch's float32 is off by {off}", flush=True)


def main():
    torch.set_num_threads(1)
    for name in sys.argv[1:] or NETWORKS:
        make(name)


if __name__ == "__main__":
    main()
