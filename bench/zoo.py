"""The networks with a paper, and kinds of convolution by themselves, one picture at a time, against the programs that run such networks: a
part of bench.py.

    zoo.py prepare NETWORK FOLDER             writes the ONNX file, and what PyTorch answers in double precision
    zoo.py PEER NETWORK FOLDER THREADS SECONDS      times one peer, in a process of its own, and prints JSON

The builds of the papers' networks and the weights are those of tests/networks/make_networks.py, which the tests compare with.
"""
import json
import os
import re
import statistics
import subprocess
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "networks"))

PEERS = ("torch", "torch-compile", "onnxruntime", "openvino")
AIM = 0.7  # of the best peer's time


def depthwise(net, x):
    from torch.nn import functional as F
    for i in range(4):
        name = f"depthwise_conv2d{f'_{i}' if i else ''}"
        kernel, bias = net.weight(f"{name}/kernel", 3, 3, x.shape[1], 1), net.weight(f"{name}/bias", x.shape[1])
        x = F.relu(F.conv2d(x, kernel.permute(2, 3, 0, 1), bias, padding=1, groups=x.shape[1]))
    return {"activation": x.mean((2, 3))}


def grouped(net, x):
    x = net.conv("conv2d", x, 256, 5, padding=2, groups=2)
    x = net.conv("conv2d_1", x, 256, 3, padding=1, groups=4)
    return {"activation": x.mean((2, 3))}


ENDING = "global_average_pooling2d()\nactivation(softmax)\n"
# name: the shape of the picture, the share of the best peer's time that cnnc is to need at most, and for what has no file in
# examples/ the build and the text.
NETWORKS = {
    "alexnet": ((227, 227, 3), 1.0),
    "vgg16": ((224, 224, 3), 1.0),
    "googlenet": ((224, 224, 3), 1.0),
    "resnet18": ((224, 224, 3), 1.0),
    "depthwise": ((56, 56, 64), 0.7, depthwise,
                  "model depthwise\ninput(56, 56, 64)\nrepeat 4 { depthwise_conv2d(3x3, padding=same, activation=relu) }\n" + ENDING),
    "grouped": ((27, 27, 96), 0.7, grouped,
                "model grouped\ninput(27, 27, 96)\nconv2d(256, 5x5, padding=same, groups=2, activation=relu)\n"
                "conv2d(256, 3x3, padding=same, groups=4, activation=relu)\n" + ENDING),
}


def build(name, precision):
    """The first output of the network as a module of PyTorch, and its weights by name."""
    import torch
    import make_networks

    net = make_networks.Network(precision)
    net.further = False
    function = NETWORKS[name][2] if len(NETWORKS[name]) > 2 else make_networks.NETWORKS[name][0]

    class Module(torch.nn.Module):
        def __init__(self):
            super().__init__()
            with torch.no_grad():
                function(net, self.image())
            for key, weight in net.weights.items():
                self.register_buffer(key.replace("/", "__").replace(".", "_"), weight.detach())

        @staticmethod
        def image():
            shape = NETWORKS[name][0]
            numbers = make_networks.random_uniform(make_networks.name_key("input"), int(np.prod(shape)))
            return torch.tensor(numbers.reshape(1, *shape), dtype=precision).permute(0, 3, 1, 2).contiguous()

        def forward(self, x):
            return torch.softmax(next(iter(function(net, x).values())), 1)

    module = Module().eval()
    net.weights = {key: weight.detach() for key, weight in net.weights.items()}
    return module, net.weights


def prepare(name, folder):
    import torch
    from networks import write_safetensors

    exact, _ = build(name, torch.float64)
    module, weights = build(name, torch.float32)
    image = module.image()
    with torch.no_grad():
        np.save(f"{folder}/initial.npy", exact(exact.image()).numpy())
        torch.onnx.export(module, image, f"{folder}/1.onnx", input_names=["x"], output_names=["y"], dynamo=False)
    image.permute(0, 2, 3, 1).contiguous().numpy().tofile(f"{folder}/input.f32")
    write_safetensors(f"{folder}/initial.safetensors", {key: weight.numpy() for key, weight in weights.items()})


def inference_text(name):
    """The network's file without what is only for training."""
    if len(NETWORKS[name]) > 2:
        return NETWORKS[name][3]
    text = open(os.path.join(HERE, "..", "examples", name, name + ".net")).read().split("compile(")[0]
    if "outputs(" in text:
        text, last = text.split("outputs(")
        for further in last.split(")")[0].split(",")[1:]:
            text = re.sub(rf"(?m)^{further.strip()}\s*=.*\n", "", text)
        first = last.split(",")[0].strip()
        text += f"outputs({first})\n"
    return text


def peer(program, name, folder, threads, seconds):
    from peers import median_seconds, onnxruntime_session, openvino_request

    x = np.fromfile(f"{folder}/input.f32", np.float32).reshape(1, *NETWORKS[name][0]).transpose(0, 3, 1, 2).copy()
    if program.startswith("torch"):
        import torch
        torch.set_num_threads(threads)
        module = build(name, torch.float32)[0]
        call, image = torch.compile(module) if program == "torch-compile" else module, torch.from_numpy(x)

        def infer():
            with torch.inference_mode():
                return call(image).numpy()
    elif program == "onnxruntime":
        session = onnxruntime_session(f"{folder}/1.onnx", threads)
        infer = lambda: session.run(None, {"x": x})[0]
    else:
        request = openvino_request(f"{folder}/1.onnx", threads)
        infer = lambda: next(iter(request.infer({0: x}, share_inputs=True).values()))
    error = float(np.max(np.abs(infer() - np.load(f"{folder}/initial.npy"))))
    return {"seconds": median_seconds(lambda n: [infer() for _ in range(n)], seconds), "error": error}


def measure(bench, arguments):
    """[{network, threads, programs: {program: {seconds: [...], error}}}]"""
    rows = []
    for name in NETWORKS:
        wanted = [threads for threads in (1, 2) if re.search(arguments.only, f"zoo {name} {threads}")]
        if not wanted:
            continue
        folder = os.path.join(bench.WORK, "zoo", name)
        os.makedirs(folder, exist_ok=True)
        bench.run([sys.executable, f"{HERE}/zoo.py", "prepare", name, folder], 2)
        with open(f"{folder}/{name}.net", "w") as file:
            file.write(inference_text(name))
        np.zeros(len(np.load(f"{folder}/initial.npy")[0]), "<f4").tofile(f"{folder}/target.f32")
        compiled = bench.compile_net(f"{folder}/{name}.net", folder, name, False, ["--batch=1"], flags=["-DCHECKED=1"])
        for threads in wanted:
            def one(program):
                if program == "cnnc":
                    return bench.drive(folder, "infer", 1, threads, arguments.seconds, samples=1, state="initial")
                text, _ = bench.run([sys.executable, f"{HERE}/zoo.py", program, name, folder, str(threads), str(arguments.seconds)], threads)
                return json.loads(text.strip().splitlines()[-1])

            programs = {}
            bench.take_turns(programs, ["cnnc"] + ([] if arguments.quick else list(PEERS)), arguments.rounds, one, f"zoo {name} {threads}")
            rows.append({"network": name, "threads": threads, "programs": programs, "compile_seconds": compiled})
            print("bench: zoo", name, threads, {program: f"{statistics.median(e['seconds']) * 1e3:.4g} ms" for program, e in programs.items() if e["seconds"]}, flush=True)
    return rows


def table(rows):
    lines = ["", "Networks with a paper, and kinds of convolution, one picture:", "", "| network | threads | cnnc | best other | ratio | target | all |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        good = {program: statistics.median(entry["seconds"]) for program, entry in row["programs"].items() if entry["seconds"] and "failure" not in entry}
        failures = ", ".join(f"{program}: {entry['failure']}" for program, entry in row["programs"].items() if "failure" in entry)
        others = {program: time for program, time in good.items() if program != "cnnc"}
        best = min(others, key=others.get) if others else None
        ratio = good["cnnc"] / others[best] if best and "cnnc" in good else None
        own = f"{good['cnnc'] * 1e3:.4g} ms" if "cnnc" in good else ""
        other = f"{others[best] * 1e3:.4g} ms ({best})" if best else ""
        target = NETWORKS[row["network"]][1]
        verdict = f"{target} {'reached' if ratio <= target else 'missed'}{f' (aim {AIM})' if target > AIM else ''}" if ratio else ""
        every = ", ".join(f"{program} {time * 1e3:.4g}" for program, time in others.items()) + (f"; {failures}" if failures else "")
        lines.append(f"| {row['network']} | {row['threads']} | {own} | {other} | {f'{ratio:.2f}' if ratio else ''} | {verdict} | {every} |")
    return lines


def main():
    if sys.argv[1] == "prepare":
        prepare(sys.argv[2], sys.argv[3])
    else:
        print(json.dumps(peer(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5]))))


if __name__ == "__main__":
    main()
