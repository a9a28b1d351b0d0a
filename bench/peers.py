"""Times one peer on one piece of work, in a process of its own, and prints JSON on its last line.

    peers.py prepare NETWORK FOLDER                     writes the models that ONNX Runtime, OpenVINO, emx and LiteRT read
    peers.py PEER NETWORK FOLDER WORK BATCH THREADS SECONDS DATA

WORK is infer, step, epoch or long (epochs until 99.0 % of the test set are right); FOLDER holds weights and inputs, as bench.py made them. Every peer gets the same
weights; its answers to the same inputs are compared with the reference before anything is timed.
"""
import ctypes
import gzip
import itertools
import json
import os
import subprocess
import sys
import time

import numpy as np

from networks import GATES, NETWORKS, SAMPLES, pairs, read_safetensors, starting_state


def read_mnist(folder, name):
    path = os.path.join(folder, name)
    data = open(path, "rb").read() if os.path.exists(path) else gzip.open(path + ".gz").read()
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape([int.from_bytes(data[4 + 4 * i:8 + 4 * i], "big") for i in range(data[3])])


# ---- models that are files ----------------------------------------------------------------------------------------


def write_onnx(network, weights, batch, path):
    """Data are N C H W; with one channel the inputs are the same numbers. The kernel behind flatten is reordered instead."""
    from onnx import TensorProto, checker, helper, numpy_helper, save

    nodes, constants, left, value = [], [], pairs(weights), "x"
    size, channels, shape = network["size"], 1, None

    def constant(name, array):
        constants.append(numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name))
        return name

    def add(kind, inputs, **attributes):
        nonlocal value
        value = f"value{len(nodes)}"
        nodes.append(helper.make_node(kind, inputs, [value], **attributes))

    add("Mul", [value, constant("scale", np.float32(1 / 255))])
    for i, layer in enumerate(network["layers"]):
        if layer[0] == "conv":
            kernel, bias = left.pop(0)
            border = layer[2] // 2 if layer[3] == "same" else 0
            add("Conv", [value, constant(f"k{i}", kernel.transpose(3, 2, 0, 1)), constant(f"b{i}", bias)], kernel_shape=[layer[2]] * 2, pads=[border] * 4)
            size, channels = size + 2 * border - layer[2] + 1, layer[1]
        elif layer[0] in ("max_pool", "average_pool"):
            add("MaxPool" if layer[0] == "max_pool" else "AveragePool", [value], kernel_shape=[layer[1]] * 2, strides=[layer[1]] * 2)
            size //= layer[1]
        elif layer[0] == "flatten":
            add("Flatten", [value])
            shape = (size, size, channels)
        elif layer[0] == "dense":
            kernel, bias = left.pop(0)
            if shape:
                kernel = kernel.reshape(*shape, -1).transpose(2, 0, 1, 3).reshape(kernel.shape)
                shape = None
            add("Gemm", [value, constant(f"k{i}", kernel), constant(f"b{i}", bias)])
        if layer[-1] in ("relu", "tanh", "softmax"):
            add(layer[-1].capitalize(), [value])
    side = network["size"]
    graph = helper.make_graph(nodes, "network", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 1, side, side])],
                              [helper.make_tensor_value_info(value, TensorProto.FLOAT, [batch, 10])], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(model)
    save(model, path)


def prepare(network, weights, folder):
    if network["layers"][0][0] in GATES:
        return  # only training is compared
    for batch in (1, SAMPLES):
        try:
            write_onnx(network, weights, batch, f"{folder}/{batch}.onnx")
        except ImportError as error:
            print(f"bench: no ONNX: {error}", file=sys.stderr)
        try:
            import tensorflow as tf
            from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
            model = keras_model(network, weights)
            side = network["size"]
            call = tf.function(lambda x: model(x, training=False), input_signature=[tf.TensorSpec((batch, side, side, 1), tf.float32)])
            frozen = convert_variables_to_constants_v2(call.get_concrete_function())
            converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
            with open(f"{folder}/{batch}.tflite", "wb") as file:
                file.write(converter.convert())
        except ImportError as error:
            print(f"bench: no TensorFlow: {error}", file=sys.stderr)


# ---- the peers: job -> {"infer": x -> y, "step": () -> loss, "epoch": images, classes -> None} -------------------------


def keras_model(network, weights):
    import keras
    layers = [keras.Input((network["size"], network["size"], 1)), keras.layers.Rescaling(1 / 255)]
    if network["layers"][0][0] in GATES:
        layers.append(keras.layers.Reshape((network["size"], network["size"])))
    for layer in network["layers"]:
        layers.append({
            "conv": lambda: keras.layers.Conv2D(layer[1], layer[2], padding=layer[3], activation=layer[4]),
            "max_pool": lambda: keras.layers.MaxPooling2D(layer[1]),
            "average_pool": lambda: keras.layers.AveragePooling2D(layer[1]),
            "dropout": lambda: keras.layers.Dropout(layer[1]),
            "flatten": lambda: keras.layers.Flatten(),
            "lstm": lambda: keras.layers.LSTM(layer[1]),
            "gru": lambda: keras.layers.GRU(layer[1]),
            "dense": lambda: keras.layers.Dense(layer[1], activation=layer[2]),
        }[layer[0]]())
    model = keras.Sequential(layers)
    model.set_weights(list(weights.values()))
    return model


def keras_peer(job):
    import tensorflow as tf
    tf.config.threading.set_intra_op_parallelism_threads(job["threads"])
    tf.config.threading.set_inter_op_parallelism_threads(1)
    model = keras_model(job["network"], job["weights"])
    model.compile(optimizer="adam", loss="categorical_crossentropy")
    call = tf.function(lambda x: model(x, training=False))

    def epoch(images, classes):
        x = images[..., None].astype(np.float32)
        model.fit(x, np.eye(10, dtype=np.float32)[classes], batch_size=128, epochs=1, verbose=0)

    x, y = tf.constant(job["x"]), tf.constant(job["y"])
    return {"infer": lambda x: call(tf.convert_to_tensor(x)).numpy(), "step": lambda: float(model.train_on_batch(x, y)), "epoch": epoch}


def torch_recurrence(layer, features, kernel, recurrent, bias):
    """PyTorch has the gates of an LSTM in Keras's order, those of a GRU as r, z, n."""
    import torch

    class Rows(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.cells = (torch.nn.LSTM if layer[0] == "lstm" else torch.nn.GRU)(features, layer[1], batch_first=True)

        def forward(self, x):
            return self.cells(x[:, 0])[0][:, -1]

    def gates(array):
        parts = np.split(array, GATES[layer[0]], -1)
        if layer[0] == "gru":
            parts = [parts[1], parts[0], parts[2]]
        return torch.tensor(np.concatenate(parts, -1).T.copy())

    rows = Rows()
    rows.cells.weight_ih_l0.data, rows.cells.weight_hh_l0.data = gates(kernel), gates(recurrent)
    if layer[0] == "lstm":
        rows.cells.bias_ih_l0.data, rows.cells.bias_hh_l0.data = gates(bias), torch.zeros(4 * layer[1])
    else:
        rows.cells.bias_ih_l0.data, rows.cells.bias_hh_l0.data = gates(bias[0]), gates(bias[1])
    return rows


def torch_peer(job, compiled=False):
    import torch
    torch.set_num_threads(job["threads"])
    nn, network = torch.nn, job["network"]
    modules, left = [], pairs(job["weights"])
    shape, side, channels = None, network["size"], 1
    for layer in network["layers"]:
        if layer[0] == "conv":
            kernel, bias = left.pop(0)
            border = layer[2] // 2 if layer[3] == "same" else 0
            module = nn.Conv2d(channels, layer[1], layer[2], padding=border)
            module.weight.data = torch.tensor(kernel.transpose(3, 2, 0, 1).copy())
            module.bias.data = torch.tensor(bias)
            side, channels = side + 2 * border - layer[2] + 1, layer[1]
        elif layer[0] in ("max_pool", "average_pool"):
            module = (nn.MaxPool2d if layer[0] == "max_pool" else nn.AvgPool2d)(layer[1])
            side //= layer[1]
        elif layer[0] == "dropout":
            module = nn.Dropout(layer[1])
        elif layer[0] == "flatten":
            module, shape = nn.Flatten(), (side, side, channels)
        elif layer[0] in GATES:
            module = torch_recurrence(layer, side, *left.pop(0))
        else:
            kernel, bias = left.pop(0)
            if shape:
                kernel = kernel.reshape(*shape, -1).transpose(2, 0, 1, 3).reshape(kernel.shape)
                shape = None
            module = nn.Linear(*kernel.shape)
            module.weight.data = torch.tensor(kernel.T.copy())
            module.bias.data = torch.tensor(bias)
        modules.append(module)
        if layer[-1] in ("relu", "tanh"):
            modules.append(nn.ReLU() if layer[-1] == "relu" else nn.Tanh())
    body = nn.Sequential(*modules).to(memory_format=torch.channels_last)
    logits = torch.compile(body) if compiled else body
    optimizer = torch.optim.Adam(body.parameters())

    def infer(x):
        body.eval()
        with torch.inference_mode():
            return torch.softmax(logits(torch.from_numpy(x).permute(0, 3, 1, 2) * (1 / 255)), 1).numpy()

    def train(x, y):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(logits(x * (1 / 255)), y)
        loss.backward()
        optimizer.step()
        return loss

    def epoch(images, classes):
        body.train()
        images, classes = torch.from_numpy(images[:, None]), torch.from_numpy(classes.astype(np.int64))
        for batch in torch.randperm(len(images)).split(128):
            train(images[batch].float().contiguous(memory_format=torch.channels_last), classes[batch])
        body.eval()

    x = torch.from_numpy(job["x"]).permute(0, 3, 1, 2)
    y = torch.from_numpy(job["y"]).argmax(1)

    def step():
        body.train()
        return train(x, y).item()

    body.eval()
    return {"infer": infer, "step": step, "epoch": epoch}


def torch_compile_peer(job):
    return torch_peer(job, compiled=True)


def jax_peer(job):
    import jax
    import jax.numpy as jnp
    network = job["network"]

    def forward(weights, x, key):
        x, left = x.astype(jnp.float32) * (1 / 255), list(weights)
        for layer in network["layers"]:
            if layer[0] in ("conv", "dense"):
                kernel, bias = left.pop(0)
            if layer[0] == "conv":
                x = jax.lax.conv_general_dilated(x, kernel, (1, 1), layer[3].upper(), dimension_numbers=("NHWC", "HWIO", "NHWC")) + bias
            elif layer[0] == "max_pool":
                x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, layer[1], layer[1], 1), (1, layer[1], layer[1], 1), "VALID")
            elif layer[0] == "average_pool":
                x = jax.lax.reduce_window(x, 0.0, jax.lax.add, (1, layer[1], layer[1], 1), (1, layer[1], layer[1], 1), "VALID") / layer[1] ** 2
            elif layer[0] == "dropout" and key is not None:
                key, own = jax.random.split(key)
                x = jnp.where(jax.random.bernoulli(own, 1 - layer[1], x.shape), x / (1 - layer[1]), 0)
            elif layer[0] == "flatten":
                x = x.reshape(len(x), -1)
            elif layer[0] == "dense":
                x = x @ kernel + bias
            if layer[-1] in ("relu", "tanh"):
                x = jax.nn.relu(x) if layer[-1] == "relu" else jnp.tanh(x)
        return x

    def loss(weights, x, y, key):
        return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(forward(weights, x, key)), 1))

    @jax.jit
    def train(state, x, y):
        weights, m, v, t, key = state
        key, own = jax.random.split(key)
        value, gradients = jax.value_and_grad(loss)(weights, x, y, own)
        t = t + 1
        rate = 0.001 * jnp.sqrt(1 - 0.999 ** t) / (1 - 0.9 ** t)
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradients)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradients)
        weights = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + 1e-7), weights, m, v)
        return (weights, m, v, t, key), value

    weights = jax.tree.map(jnp.asarray, pairs(job["weights"]))
    nothing = jax.tree.map(jnp.zeros_like, weights)
    state = (weights, nothing, nothing, jnp.float32(0), jax.random.key(1))
    predict = jax.jit(lambda w, x: jax.nn.softmax(forward(w, x, None)))

    def step():
        nonlocal state
        state, value = train(state, job["x"], job["y"])
        return float(value)

    def epoch(images, classes):
        nonlocal state
        targets = np.eye(10, dtype=np.float32)[classes]
        order = np.random.default_rng(1).permutation(len(images))
        for first in range(0, len(order), 128):
            batch = order[first:first + 128]
            state, value = train(state, images[batch][..., None], targets[batch])
        value.block_until_ready()

    return {"infer": lambda x: np.asarray(predict(state[0], x)), "step": step, "epoch": epoch}


def onnxruntime_session(path, threads):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def onnxruntime_peer(job):
    session = onnxruntime_session(f"{job['folder']}/{job['batch']}.onnx", job["threads"])
    return {"infer": lambda x: session.run(None, {"x": x.transpose(0, 3, 1, 2)})[0]}


def litert_peer(job):
    from ai_edge_litert.interpreter import Interpreter
    interpreter = Interpreter(f"{job['folder']}/{job['batch']}.tflite", num_threads=job["threads"])
    interpreter.allocate_tensors()
    x, y = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def infer(batch):
        interpreter.set_tensor(x, batch)
        interpreter.invoke()
        return interpreter.get_tensor(y)

    return {"infer": infer}


def openvino_request(path, threads):
    import openvino
    return openvino.Core().compile_model(path, "CPU", {
        "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}).create_infer_request()


def openvino_peer(job):
    request = openvino_request(f"{job['folder']}/{job['batch']}.onnx", job["threads"])

    def infer(x):
        return next(iter(request.infer({0: x.transpose(0, 3, 1, 2)}, share_inputs=True).values()))

    return {"infer": infer}


def emx_peer(job):
    """C for batch 1 and one thread; called through a small loop of its own, so that Python's call does not count."""
    source = f"{job['folder']}/emx.c"
    library = os.path.abspath(f"{job['folder']}/emx.so")
    if not os.path.exists(library):
        subprocess.run([sys.executable, "-m", "emx_onnx_cgen", "compile", "--model-name", "emx_net", "--fp32-accumulation-strategy", "simple",
                        "--large-temp-threshold", "0", "--large-weight-threshold", "0", f"{job['folder']}/1.onnx", source], check=True, stdout=sys.stderr)
        with open(source, "a") as file:
            file.write("\nvoid emx_repeat(const float *x, float *y, long times);\n"
                       "void emx_repeat(const float *x, float *y, long times)\n{\n"
                       f"    for (long i = 0; i < times; i++) emx_net((const void *)(x + i % {SAMPLES} * {job['network']['size'] ** 2}), (void *)y);\n}}\n")
        subprocess.run(["gcc", "-O3", "-march=native", "-w", "-shared", "-fPIC", source, "-o", library, "-lm"], check=True)
    call = ctypes.CDLL(library).emx_repeat
    call.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_long]
    y = np.zeros((1, 10), np.float32)

    def infer(x, times=1):
        call(x.ctypes.data, y.ctypes.data, times)
        return y

    return {"infer": infer, "repeat": infer}


PEERS = {"keras": keras_peer, "torch": torch_peer, "torch-compile": torch_compile_peer, "jax": jax_peer, "onnxruntime": onnxruntime_peer,
         "litert": litert_peer, "openvino": openvino_peer, "emx": emx_peer}


# ---- timing, as in driver.c --------------------------------------------------------------------------------------


def median_seconds(repeat, budget):
    repeat(1)
    start, calls = time.perf_counter(), 0
    while time.perf_counter() - start < 0.2:
        repeat(1)
        calls += 1
    chunk, times = int(calls * 0.001 / 0.2) + 1, []
    start = time.perf_counter()
    while len(times) < 5 or time.perf_counter() - start < budget:
        before = time.perf_counter()
        repeat(chunk)
        times.append((time.perf_counter() - before) / chunk)
    return float(np.median(times))


def train_to_99(functions, data):
    """Seconds of training alone; the weights before are those that all begin with."""
    images, classes = read_mnist(data, "train-images-idx3-ubyte"), read_mnist(data, "train-labels-idx1-ubyte")
    test, right = read_mnist(data, "t10k-images-idx3-ubyte"), read_mnist(data, "t10k-labels-idx1-ubyte")
    seconds = 0.0
    for epoch in range(1, 31):
        start = time.perf_counter()
        functions["epoch"](images, classes)
        seconds += time.perf_counter() - start
        found = [functions["infer"](test[i:i + 128, ..., None].astype(np.float32)).argmax(1) for i in range(0, len(test), 128)]
        accuracy = float(np.mean(np.concatenate(found) == right)) * 100
        if accuracy >= 99.0:
            return {"seconds": seconds, "epochs": epoch, "accuracy": accuracy}
    return {"seconds": seconds, "epochs": 30, "accuracy": accuracy}


def main():
    if sys.argv[1] == "prepare":
        network = NETWORKS[sys.argv[2]]
        prepare(network, read_safetensors(f"{sys.argv[3]}/trained.safetensors"), sys.argv[3])
        return
    peer, name, folder, work, batch, threads, budget, data = sys.argv[1:]
    network = NETWORKS[name]
    side = network["size"]
    x = np.fromfile(f"{folder}/input.f32", np.float32).reshape(SAMPLES, side, side, 1)
    y = np.fromfile(f"{folder}/target.f32", np.float32).reshape(SAMPLES, 10)
    state = starting_state(work)
    job = {"network": network, "weights": read_safetensors(f"{folder}/{state}.safetensors"), "folder": folder, "batch": int(batch), "threads": int(threads), "x": x, "y": y}
    functions = PEERS[peer](job)
    if work != "infer" and "step" not in functions:
        print(json.dumps({"cannot": work}))
        return
    answers = np.concatenate([functions["infer"](x[i:i + job["batch"]]).copy() for i in range(0, SAMPLES, job["batch"])])
    result = {"error": float(np.max(np.abs(answers - np.load(f"{folder}/{state}.npy"))))}
    if work == "infer":
        batches, infer, turn = [np.ascontiguousarray(x[i:i + job["batch"]]) for i in range(0, SAMPLES, job["batch"])], functions["infer"], itertools.count()
        repeat = (lambda n: functions["repeat"](x, n)) if "repeat" in functions else (lambda n: [infer(batches[next(turn) % len(batches)]) for _ in range(n)])
        result["seconds"] = median_seconds(repeat, float(budget))
    elif work == "step":
        # The loss of the batch without noise, before and after: it must become less, however few the steps.
        loss = lambda answers: float(-np.mean(np.sum(y * np.log(answers + 1e-12), 1)))
        before = loss(answers)
        result["seconds"] = median_seconds(lambda n: [functions["step"]() for _ in range(n)], float(budget))
        result["losses"] = [before, loss(functions["infer"](x))]
    elif work == "long":
        result.update(train_to_99(functions, data))
    else:
        images, classes = read_mnist(data, "train-images-idx3-ubyte"), read_mnist(data, "train-labels-idx1-ubyte")
        functions["epoch"](images[:256], classes[:256])
        start = time.perf_counter()
        functions["epoch"](images, classes)
        result["seconds"] = time.perf_counter() - start
    print(json.dumps(result))


if __name__ == "__main__":
    main()
