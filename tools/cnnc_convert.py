#!/usr/bin/env python3
"""Brings networks from Keras 3 and PyTorch to cnnc.

    tools/cnnc_convert.py network model.keras -o model.net                 # the layers, and compile() if it was compiled
    tools/cnnc_convert.py weights model.keras -o weights.safetensors       # the weights, under cnnc's names
    tools/cnnc_convert.py weights model.weights.h5 --net model.net -o weights.safetensors
    tools/cnnc_convert.py weights state.pt --net model.net -o weights.safetensors
    tools/cnnc_convert.py compare model.keras --net model.net --weights weights.safetensors x.npy

docs/converting.md tells the whole story. What is needed: Python 3.9 and numpy; h5py for Keras's weights, torch for .pt files.
`network` needs none of them. `compare` runs Keras, and a C compiler.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True  # installed, it leaves nothing beside itself that a package would not know of

from convert.problem import Problem


def network(arguments):
    from convert import files, keras_file, keras_network

    stem = Path(arguments.output).stem if arguments.output != "-" else Path(arguments.model).stem
    text, notes = keras_network.translate(keras_file.read_config(arguments.model), stem, arguments.inference)
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    if arguments.output == "-":
        sys.stdout.write(text)
    else:
        files.replace(arguments.output, [text.encode()])


def weights(arguments):
    from convert import keras_file, keras_weights, safetensors_file
    from convert.cnnc_network import Network

    net = Network(arguments.net, arguments.cnnc) if arguments.net else None
    kind = arguments.weights
    if kind.endswith(".keras"):
        tensors = keras_weights.of_model(kind, keras_file.read_config(kind))
    elif kind.endswith((".h5", ".hdf5")):
        tensors = keras_weights.of_file(kind, net)
    elif kind.endswith((".pt", ".pth", ".bin", ".safetensors")):
        from convert import pytorch_weights

        pairs = dict(pair.split("=", 1) for pair in arguments.map)
        tensors = pytorch_weights.convert(pytorch_weights.read(kind), net, pairs)
    else:
        what = "is a folder; " if Path(kind).is_dir() else ""
        raise Problem(f"{kind}: {what}this takes model.keras, model.weights.h5, and PyTorch's state.pt, state.pth or state.safetensors")
    if net:
        net.check(tensors)
    safetensors_file.write(arguments.output, tensors)
    numbers = sum(array.size for array in tensors.values())
    print(f"{arguments.output}: {len(tensors)} tensors, {numbers:,} numbers", file=sys.stderr)


def compare(arguments):
    """What each layer gives there and, compiled, here: the trainer's `compare` prints it; its exit status is ours."""
    from convert import activations, safetensors_file
    from convert.cnnc_network import Network, find_cnnc, run

    net, cnnc = Network(arguments.net, arguments.cnnc), find_cnnc(arguments.cnnc)
    named = {}
    for text in arguments.x:
        name, equals, file = text.partition("=")
        if equals and "/" not in name:  # as the trainer reads it: ./a=1.npy is a file
            named[name] = file
        elif len(arguments.x) > 1:
            raise Problem(f"which input is {text} for? NAME=FILE for each of several inputs")
    there = arguments.model
    if there.endswith(".keras"):
        arrays = activations.of_keras(there, activations.read_samples(named or arguments.x[0]))
    elif there.endswith(".safetensors"):
        arrays = activations.of_modules(there, net, dict(pair.split("=", 1) for pair in arguments.map))
    else:
        raise Problem(f"{there}: this takes model.keras, or a .safetensors of what the layers gave (docs/converting.md shows how to record it)")
    with tempfile.TemporaryDirectory() as folder:
        file, trainer = Path(folder) / Path(there).with_suffix(".safetensors").name, Path(folder) / "trainer"
        safetensors_file.write(file, arrays)
        text = Path(arguments.net).read_text()
        if not run(cnnc, "--dump=ast", arguments.net).count("compile("):
            text += "\ncompile(sgd, mean_squared_error)\n"  # a trainer wants to know how, though nothing is trained here
        source = Path(folder) / Path(arguments.net).name
        source.write_text(text)
        run(cnnc, source, "-o", trainer)
        options = ["--tolerance", arguments.tolerance] if arguments.tolerance else []
        options += [word for text in arguments.x for word in ("--x", text)]
        return subprocess.run([trainer, "compare", "--weights", arguments.weights, "--activations", file, *options], check=False).returncode


def pair(text):
    if "=" not in text:
        raise argparse.ArgumentTypeError("--map takes MODULE=LAYER, such as --map fc1=dense")
    return text


def main():
    parser = argparse.ArgumentParser(
        prog=Path(sys.argv[0]).name, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="network|weights|compare")

    command = commands.add_parser("network", help="a Keras model as a network of cnnc")
    command.add_argument("model", help="model.keras: what model.save() of Keras 3 wrote")
    command.add_argument("-o", "--output", required=True, help="model.net, or - for standard output")
    command.add_argument("--inference", action="store_true", help="only what predictions need: no compile(), initializers, regularizers")
    command.set_defaults(run=network)

    command = commands.add_parser("weights", help="weights of Keras or PyTorch as a file that cnnc reads")
    command.add_argument("weights", help="model.keras, model.weights.h5, state.pt, state.safetensors")
    command.add_argument("-o", "--output", required=True, help="weights.safetensors")
    command.add_argument("--net", help="the network they are for: required but for .keras, where it checks names and shapes")
    command.add_argument("--cnnc", help="the compiler, if it is neither beside this script's folder nor on the PATH")
    command.add_argument("--map", action="append", default=[], type=pair, metavar="MODULE=LAYER",
                         help="PyTorch: this module's weights belong to this layer of the .net")
    command.set_defaults(run=weights)

    command = commands.add_parser("compare", help="the first layer whose compiled code gives something else than Python")
    command.add_argument("model", help="model.keras, or what convert.activations.record wrote of a PyTorch model")
    command.add_argument("x", nargs="+", help="x.npy: some samples, as the network takes them; NAME=x.npy for each of several inputs")
    command.add_argument("--net", required=True, help="the network")
    command.add_argument("--weights", required=True, help="its weights.safetensors")
    command.add_argument("--tolerance", help="errors up to this times a layer's largest number are none (else 0.0001)")
    command.add_argument("--cnnc", help="the compiler, if it is neither beside this script's folder nor on the PATH")
    command.add_argument("--map", action="append", default=[], type=pair, metavar="MODULE=LAYER",
                         help="PyTorch: what this module gave belongs to this layer of the .net")
    command.set_defaults(run=compare)

    arguments = parser.parse_args()
    try:
        sys.exit(arguments.run(arguments))
    except (Problem, OSError) as problem:
        about = f"{problem.filename}: {problem.strerror}" if isinstance(problem, OSError) and problem.filename else problem
        sys.exit(f"{Path(sys.argv[0]).name}: error: {about}")


if __name__ == "__main__":
    main()
