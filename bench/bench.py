"""Times cnnc's C against other frameworks, in one run on one machine: same weights, same data, same answers.

    bench.py BUILD DATA [--quick] [--long] [--rounds N] [--seconds S] [--only REGEX]

Each measurement is a process of its own: it compares its answers with the reference, warms up, and reports the median of
the calls it makes in --seconds. The programs take turns, --rounds times. What is printed are the median, least and
greatest of the rounds. Results go to BUILD/bench/result.json, result.md and result.svg, those of scaling.py also to scaling.svg.
"""
import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time

import numpy as np

import scaling
import zoo
from networks import GATES, NETWORKS, SAMPLES, make_weights, multiply_adds, read_safetensors, reference, starting_state, write_safetensors
from peers import PEERS, read_mnist

HERE = os.path.dirname(os.path.abspath(__file__))
TOLERANCE = 1e-4
TIME_LIMIT = 1800  # seconds of one process

# (network, work, batch, threads) and the share of the best peer's time that cnnc is to need at most.
TRAINING_PEERS = ("keras", "torch", "torch-compile", "jax")
TARGETS = {("mnist_cnn", "infer", 1): 0.5, ("mnist_cnn", "infer", 128): 0.42, ("mnist_cnn", "epoch", 128): 0.2,
           ("mlp", "infer", 1): 0.5, ("mlp", "step", 128): 0.3, ("lenet5", "infer", 1): 0.5, ("lenet5", "step", 128): 0.3,
           ("micro", "infer", 1): 0.5, ("lstm", "step", 128): 0.5, ("gru", "step", 128): 0.5}
MEMORY_TARGET, LONG_TARGET = 0.1, 0.2
TRAINED = ("mnist_cnn", "mlp", "lenet5")  # by one epoch, before inference is timed: how much of an activation is zero counts


def rows():
    result = []
    for network in ("mnist_cnn", "mlp", "lenet5"):
        for work, batch in (("infer", 1), ("infer", 128), ("step", 128)):
            result += [(network, work, batch, threads) for threads in (1, 2)]
    result += [(network, "step", 128, threads) for network in ("lstm", "gru") for threads in (1, 2)]
    return result + [("micro", "infer", 1, 1), ("wide", "step", 128, 2), ("mnist_cnn", "epoch", 128, 2)]


def wanted_peers(row):
    network, work, batch, threads = row
    if network == "wide":
        return []  # only there to be compared with cnnc's own CNN
    if network == "micro":
        return ["emx"]
    if network in GATES:
        return ["keras", "torch"]
    single = (batch, threads) == (1, 1)  # all that emx does
    return TRAINING_PEERS if work != "infer" else [peer for peer in PEERS if peer != "emx" or single]


def environment(threads):
    env = {key: value for key, value in os.environ.items() if key not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    env.update(OMP_NUM_THREADS=str(threads), CUDA_VISIBLE_DEVICES="", TF_CPP_MIN_LOG_LEVEL="3", PYTHONDONTWRITEBYTECODE="1")
    return env


def run(command, threads, cwd=None):
    """(standard output, most memory in bytes); raises RuntimeError. The process may use as many processors as threads:
    JAX, for one, has no other way to be told."""
    processors = sorted(os.sched_getaffinity(0))[:threads]
    with open(os.path.join(WORK, "output"), "w+") as output, open(os.path.join(WORK, "errors"), "w+") as errors:
        process = subprocess.Popen(command, stdout=output, stderr=errors, cwd=cwd, env=environment(threads),
                                   preexec_fn=lambda: os.sched_setaffinity(0, processors))
        deadline, pid = time.monotonic() + TIME_LIMIT, 0
        while not pid:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if not pid and time.monotonic() > deadline:
                process.kill()
            if not pid:
                time.sleep(0.02)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        text = output.read()
        if process.returncode:
            lines = (errors.read().strip() or text.strip() or "no output").splitlines()
            raise RuntimeError(f"exit status {process.returncode}: {lines[-1][:200]}")
    return text, usage.ru_maxrss * 1024


# ---- preparation ---------------------------------------------------------------------------------------------------


def compile_net(source, folder, name, training, options=(), driver=None, flags=()):
    """The driver with the C of a network in it; the time of cnnc and of the C compiler."""
    start = time.perf_counter()
    subprocess.run([CNNC, source, "-o", f"{folder}/{name}.c", *options], check=True)
    middle = time.perf_counter()
    subprocess.run(["gcc", "-std=gnu11", "-O2", "-fopenmp", f"-DMODEL={name}", f"-DMODEL_UPPER={name.upper()}",
                    *(["-DTRAINING"] if training else []), *flags, "-I", folder, f"{HERE}/driver.c", f"{folder}/{name}.c", "-o", driver or f"{folder}/driver", "-lm"],
                   check=True)
    return {"cnnc": middle - start, "gcc": time.perf_counter() - middle}


def prepare(name, data, with_peers):
    network, folder = NETWORKS[name], os.path.join(WORK, name)
    os.makedirs(folder, exist_ok=True)
    for stale in ("emx.c", "emx.so"):
        if os.path.exists(f"{folder}/{stale}"):
            os.remove(f"{folder}/{stale}")
    random = np.random.default_rng(1)
    x, classes = random.integers(0, 256, (SAMPLES, network["size"], network["size"], 1)), random.integers(0, 10, SAMPLES)
    if network["size"] == 28:  # digits: how much of a picture is zero counts
        x, classes = read_mnist(data, "train-images-idx3-ubyte")[:SAMPLES, ..., None], read_mnist(data, "train-labels-idx1-ubyte")[:SAMPLES]
    x = x.astype("<f4")
    write_safetensors(f"{folder}/initial.safetensors", make_weights(network))
    x.tofile(f"{folder}/input.f32")
    np.eye(10, dtype="<f4")[classes].tofile(f"{folder}/target.f32")
    training = not network.get("inference_only")
    times = compile_net(os.path.join(HERE, "..", network["file"]), folder, name, training,
                        network.get("options", []) + (["--batch=128"] if training else []))
    shutil.copy(f"{folder}/initial.safetensors", f"{folder}/trained.safetensors")
    if name in TRAINED:
        subprocess.run([CNNC, os.path.join(HERE, "..", network["file"]), "-o", f"{folder}/trainer"], check=True)
        run(["./trainer", "fit", "--data", data, "--epochs", "1", "--validation-split", "0", "--callbacks", "none", "--verbose", "0",
             "--weights", "initial.safetensors", "--output", "trained.safetensors"], 2, cwd=folder)
    for state in ("initial", "trained"):
        np.save(f"{folder}/{state}.npy", reference(network, read_safetensors(f"{folder}/{state}.safetensors"), x))
    if with_peers and name != "wide":
        try:
            run([sys.executable, f"{HERE}/peers.py", "prepare", name, folder], 2)
        except RuntimeError as error:
            print(f"bench: models for {name}: {error}", file=sys.stderr)
    return times


def measure_peak(peak):
    """The most that was seen so far, by number of threads: other work on the machine can only lower it."""
    if not peak:
        subprocess.run(["gcc", "-std=gnu11", "-O2", "-fopenmp", "-march=native", f"{HERE}/peak.c", "-o", f"{WORK}/peak"], check=True)
    for threads in (1, 2):
        for _ in range(3):
            peak[threads] = max(peak.get(threads, 0), json.loads(run([f"{WORK}/peak"], threads)[0])["gflops"])
    return peak


# ---- measurements --------------------------------------------------------------------------------------------------


def drive(folder, work, batch, threads, seconds, driver=None, samples=SAMPLES, state=None):
    state = state or starting_state(work)
    text, memory = run([driver or f"{folder}/driver", work, str(batch), str(seconds), f"{folder}/{state}.safetensors", f"{folder}/input.f32",
                        f"{folder}/target.f32", f"{folder}/output.f32"], threads)
    result = json.loads(text)
    answers = np.fromfile(f"{folder}/output.f32", "<f4").reshape(samples, -1)
    expected = np.load(f"{folder}/{state}.npy")
    expected = expected.reshape(len(expected), -1) # of the first samples, or of all
    return {**result, "memory": memory, "error": float(np.max(np.abs(answers[:len(expected)] - expected)))}


def measure(program, row, arguments):
    name, work, batch, threads = row
    folder = os.path.join(WORK, name)
    if program != "cnnc":
        text, memory = run([sys.executable, f"{HERE}/peers.py", program, name, folder, work, str(batch), str(threads), str(arguments.seconds),
                            arguments.data], threads)
        return {**json.loads(text.strip().splitlines()[-1]), "memory": memory}
    if work != "epoch":
        return drive(folder, work, batch, threads, arguments.seconds)
    text, memory = run(["./trainer", "fit", "--data", arguments.data, "--epochs", "1", "--validation-split", "0", "--callbacks", "none",
                        "--weights", "initial.safetensors", "--threads", str(threads), "--verbose", "2"], threads, cwd=folder)
    error = drive(folder, "infer", batch, threads, 0)["error"]
    return {"seconds": float(re.search(r"([\d.]+) s an epoch", text)[1]), "memory": memory, "error": error}


def take_turns(programs, names, rounds, measure_one, what):
    """Measures each program, one after the other, `rounds` times; one whose answers are wrong or that fails is left out from then on.
    programs: {name: {seconds: [...], error, failure}}, to be filled."""
    for _ in range(rounds):
        for name in names:
            entry = programs.setdefault(name, {"seconds": []})
            if "failure" in entry:
                continue
            try:
                result = measure_one(name)
            except (RuntimeError, ValueError, IndexError, TypeError) as error:
                entry["failure"] = "missing" if "ModuleNotFoundError" in str(error) else str(error)
                print(f"bench: {what}, {name}: {error}", file=sys.stderr)
                continue
            losses = result.get("losses")
            if not result["error"] <= TOLERANCE:
                entry["failure"] = f"other answers: {result['error']:.2g} off"
            elif " step " in what and losses and not losses[1] < losses[0]:
                entry["failure"] = f"does not learn: loss {losses[0]:.3g}, then {losses[1]:.3g}"
            entry["seconds"].append(result["seconds"])
            entry["memory"] = max(result.get("memory", 0), entry.get("memory", 0))
            entry["error"] = max(result["error"], entry.get("error", 0))


def measure_rows(arguments):
    results = {row: {} for row in rows() if re.search(arguments.only, " ".join(map(str, row)))}
    for row, programs in results.items():
        names = ["cnnc"] + ([] if arguments.quick else list(wanted_peers(row)))
        take_turns(programs, names, 1 if row[1] == "epoch" else arguments.rounds, lambda program: measure(program, row, arguments), " ".join(map(str, row)))
        print("bench:", *row, {name: f"{statistics.median(e['seconds']) * 1e6:.4g} us" for name, e in programs.items() if e["seconds"]}, flush=True)
    return results


def layer_times(arguments, peak):
    """Of the lecture's CNN, batch 128, one thread: the time in the emitted functions of each layer, measured at their entries and
    exits (profile.c). [{work, layer, microseconds, share_of_peak}]"""
    name, folder, result = "mnist_cnn", os.path.join(WORK, "mnist_cnn"), []
    network = NETWORKS[name]
    compile_net(os.path.join(HERE, "..", network["file"]), folder, name, True, ["--batch=128"], driver=f"{folder}/profiled",
                flags=["-finstrument-functions", "-finstrument-functions-exclude-file-list=driver.c,profile.c",
                       "-finstrument-functions-exclude-function-list=f32x,i32x,random_,pack,mnist_cnn_", "-no-pie", f"{HERE}/profile.c"])
    symbols = {}
    for line in subprocess.run(["nm", f"{folder}/profiled"], check=True, capture_output=True, text=True).stdout.splitlines():
        address, kind, symbol = line.rsplit(maxsplit=2) if len(line.split()) == 3 else ("0", "", "")
        if kind in "tT":
            symbols[int(address, 16)] = symbol
    parameters, used = {}, {}
    for layer, count in zip(network["layers"], multiply_adds(network)):
        kind = {"conv": "conv2d", "max_pool": "max_pooling2d"}.get(layer[0], layer[0])
        parameters[kind if kind not in used else f"{kind}_{used[kind]}"] = count
        used[kind] = used.get(kind, 0) + 1
    for work in ("infer", "step"):
        text, _ = run([f"{folder}/profiled", work, "128", str(arguments.seconds), f"{folder}/{starting_state(work)}.safetensors", f"{folder}/input.f32",
                       f"{folder}/target.f32", f"{folder}/output.f32"], 1)
        profile = {symbols[int(address, 16)]: times for address, times in json.loads(text.strip().splitlines()[-1]).items()}
        whole, layers = "run_batch" if work == "infer" else "run_training", {}
        calls = sum(times[1] for function, times in profile.items() if function.startswith(whole) and "omp_fn" not in function)
        for function, (seconds, _) in profile.items():
            owner = max((layer for layer in parameters if function.startswith(layer + "_")), key=len, default="others")
            layers[owner] = layers.get(owner, 0) + seconds / calls / 128
        for layer in [*parameters, "others"]:
            if layer in layers:
                work_done = 2e-9 * parameters.get(layer, 0) * (1 if work == "infer" else 2 if layer == "conv2d" else 3)
                result.append({"work": work, "layer": layer, "microseconds": layers[layer] * 1e6,
                               "share_of_peak": work_done / layers[layer] / peak[1] if work_done else None})
    return result


def long_run(arguments):
    """Seconds of training until 99.0 % of the test set are right, evaluating not counted."""
    folder, seconds = os.path.join(WORK, "mnist_cnn"), 0.0
    state = os.path.join(folder, "state.safetensors")
    result = {}
    for epoch in range(1, 31):
        place = ["--resume", state] if epoch > 1 else ["--weights", "initial.safetensors"]
        text, _ = run(["./trainer", "fit", "--data", arguments.data, "--epochs", str(epoch), "--checkpoint", state, "--output", "long.safetensors",
                       "--validation-split", "0", "--callbacks", "none", "--threads", "2", "--verbose", "2", *place], 2, cwd=folder)
        seconds += float(re.search(r"([\d.]+) s an epoch", text)[1])
        text, _ = run(["./trainer", "evaluate", "--data", arguments.data, "--weights", "long.safetensors"], 2, cwd=folder)
        accuracy = float(re.search(r"accuracy ([\d.]+) %", text)[1])
        result["cnnc"] = {"epochs": epoch, "seconds": seconds, "accuracy": accuracy}
        if accuracy >= 99.0:
            break
    for peer in () if arguments.quick else TRAINING_PEERS:
        try:
            text, _ = run([sys.executable, f"{HERE}/peers.py", peer, "mnist_cnn", folder, "long", "128", "2", "0", arguments.data], 2)
            result[peer] = json.loads(text.strip().splitlines()[-1])
        except (RuntimeError, ValueError, IndexError) as error:
            print(f"bench: until 99.0 %, {peer}: {error}", file=sys.stderr)
    return result


# ---- the report ----------------------------------------------------------------------------------------------------


def is_good(entry):
    return "failure" not in entry and bool(entry["seconds"])


def microseconds(entry, row):
    """Of one sample, an epoch in seconds."""
    unit = 1 if row[1] == "epoch" else 1e6 / row[2]
    return [unit * value for value in (statistics.median(entry["seconds"]), min(entry["seconds"]), max(entry["seconds"]))]


def best_peer(programs):
    peers = [(statistics.median(entry["seconds"]), name) for name, entry in programs.items() if name != "cnnc" and is_good(entry)]
    return min(peers) if peers else None


def work_done(row):
    """Floating-point operations of one call. Backward costs twice forward, less the first layer's data gradient."""
    count = multiply_adds(NETWORKS[row[0]])
    first = next(c for c in count if c)
    return 2.0 * row[2] * (sum(count) if row[1] == "infer" else 3 * sum(count) - first)


def short_table(results, peak):
    """A line for each piece of work: cnnc, the best of the others, and what was aimed at."""
    lines = ["| network | work | batch | threads | cnnc | share of peak | best other | ratio | target |", "|---|---|---|---|---|---|---|---|---|"]
    for row, programs in results.items():
        if not is_good(programs["cnnc"]):
            lines.append(f"| {row[0]} | {row[1]} | {row[2]} | {row[3]} | {programs['cnnc']['failure']} | | | | |")
            continue
        unit, own, best, limit = "s" if row[1] == "epoch" else "µs", microseconds(programs["cnnc"], row)[0], best_peer(programs), TARGETS.get(row[:3])
        share = "" if row[1] == "epoch" else f"{work_done(row) / statistics.median(programs['cnnc']['seconds']) / (peak[row[3]] * 1e9):.0%}"
        other = f"{microseconds(programs[best[1]], row)[0]:.4g} {unit} ({best[1]})" if best else ""
        ratio = statistics.median(programs["cnnc"]["seconds"]) / best[0] if best else None
        verdict = f"{limit:.2f} {'reached' if ratio <= limit else 'missed'}" if best and limit else ""
        lines.append(f"| {row[0]} | {row[1]} | {row[2]} | {row[3]} | {own:.4g} {unit} | {share} | {other} | {f'{ratio:.2f}' if best else ''} | {verdict} |")
    return lines


def table(results):
    """Every program that was measured, and why some were not."""
    lines = ["", "All programs:", "", "| network | work | batch | threads | program | time | least to greatest |", "|---|---|---|---|---|---|---|"]
    for row, programs in results.items():
        for name, entry in programs.items():
            if not entry["seconds"]:
                lines.append(f"| {row[0]} | {row[1]} | {row[2]} | {row[3]} | {name} | {entry['failure']} | |")
                continue
            median, least, most = microseconds(entry, row)
            unit = "s" if row[1] == "epoch" else "µs"
            text = f"{median:.4g} {unit}" if "failure" not in entry else f"{entry['failure']} ({median:.4g} {unit})"
            lines.append(f"| {row[0]} | {row[1]} | {row[2]} | {row[3]} | {name} | {text} | {least:.4g} to {most:.4g} |")
    return lines


def memory_table(results):
    lines = []
    for row, programs in results.items():
        if row[1] == "epoch":
            lines = ["", "Most memory of the process that trains for an epoch:", "", "| program | MB |", "|---|---|"]
            lines += [f"| {name} | {entry['memory'] / 2**20:.0f} |" for name, entry in programs.items() if is_good(entry)]
            peers = [entry["memory"] for name, entry in programs.items() if name != "cnnc" and is_good(entry)]
            if peers and is_good(programs["cnnc"]):
                ratio = programs["cnnc"]["memory"] / min(peers)
                lines += ["", f"cnnc: {ratio:.3f} of the least of the others; target {MEMORY_TARGET}: {'reached' if ratio <= MEMORY_TARGET else 'missed'}."]
    return lines


def claims(results, layers):
    """What the lecture says of convolutions, on our code."""
    lines = []
    for work, title in (("infer", "Inference"), ("step", "A training step")) if layers else ():
        rows = [layer for layer in layers if layer["work"] == work]
        total = sum(layer["microseconds"] for layer in rows)
        convolution = sum(layer["microseconds"] for layer in rows if layer["layer"].startswith("conv2d"))
        lines += ["", f"{title} of the lecture's CNN, batch 128, one thread, by the layer whose functions take the time. What a convolution does on "
                  "its way (relu, max-pooling) is counted as its own.", "", "| layer | µs a sample | share of the time | share of peak |", "|---|---|---|---|"]
        for layer in rows:
            peak = f"{layer['share_of_peak']:.0%}" if layer["share_of_peak"] else ""
            lines.append(f"| {layer['layer']} | {layer['microseconds']:.1f} | {layer['microseconds'] / total:.0%} | {peak} |")
        lines += ["", f"Convolutions take {convolution / total:.0%} of the time (the lecture: over 60 %)."]
    cnn, wide = results.get(("mnist_cnn", "step", 128, 2), {}).get("cnnc"), results.get(("wide", "step", 128, 2), {}).get("cnnc")
    if cnn and wide and is_good(cnn) and is_good(wide):
        ratio = statistics.median(cnn["seconds"]) / statistics.median(wide["seconds"])
        lines += ["", f"A training step of the CNN takes {ratio:.1f} times that of a dense network of as many parameters (the lecture: about 3 times)."]
    return lines


def plot(results):
    """A bar for each program, its length the time in units of cnnc's; the longest bars are cut off."""
    longest, scale, y, bars = 12, 45, 20, []
    for row, programs in results.items():
        if not is_good(programs.get("cnnc", {"seconds": []})):
            continue
        own = statistics.median(programs["cnnc"]["seconds"])
        bars.append(f'<text x="8" y="{y}" font-weight="bold">{row[0]}, {row[1]}, batch {row[2]}, {row[3]} thread{"s" if row[3] > 1 else ""}</text>')
        for name, entry in programs.items():
            if not is_good(entry):
                continue
            ratio = statistics.median(entry["seconds"]) / own
            y += 16
            colour = "#c33" if name == "cnnc" else "#89a"
            bars.append(f'<text x="150" y="{y}" text-anchor="end">{name}</text><rect x="158" y="{y - 10}" width="{min(ratio, longest) * scale:.1f}" '
                        f'height="12" fill="{colour}"/><text x="{164 + min(ratio, longest) * scale:.1f}" y="{y}">{ratio:.2f}</text>')
        y += 28
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{220 + longest * scale}" height="{y}" font-family="sans-serif" font-size="12">\n'
            f'<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(bars) + "\n</svg>\n")


def processor():
    text = open("/proc/cpuinfo").read() if os.path.exists("/proc/cpuinfo") else ""
    flags = set((re.search(r"^flags\s*:(.*)", text, re.M) or [0, ""])[1].split())
    levels = [flag for flag in ("avx2", "fma", "avx512f", "avx512_vnni") if flag in flags]
    return f"{platform.machine()}, {len(os.sched_getaffinity(0))} processors, {' '.join(levels)}"


def main():
    global WORK, CNNC
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("data")
    parser.add_argument("--quick", action="store_true", help="cnnc alone")
    parser.add_argument("--long", action="store_true", help="also the time until 99.0 %% of the test set are right")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--only", default="", help="rows that this expression is found in: 'mnist_cnn step 128 2'; 'scaling'")
    arguments = parser.parse_args()
    WORK, CNNC = os.path.abspath(os.path.join(arguments.build, "bench")), os.path.abspath(os.path.join(arguments.build, "cnnc"))
    os.makedirs(WORK, exist_ok=True)

    needed = {row[0] for row in rows() if re.search(arguments.only, " ".join(map(str, row)))}
    compile_times = {name: prepare(name, arguments.data, not arguments.quick) for name in NETWORKS if name in needed}
    peak = measure_peak({})
    results = measure_rows(arguments)
    measure_peak(peak)
    layers = layer_times(arguments, peak) if "mnist_cnn" in needed else []
    points = scaling.measure(sys.modules[__name__], peak, min(arguments.seconds, 0.3), arguments.quick) if re.search(arguments.only, "scaling") else []
    papers = zoo.measure(sys.modules[__name__], arguments) if not arguments.quick else []
    long = long_run(arguments) if arguments.long else {}

    lines = [f"Machine: {processor()}. Peak of multiply-adds, measured: {peak[1]} GFLOP/s on one thread, {peak[2]} on two.",
             f"Times are of one sample (an epoch's in seconds), the median of {arguments.rounds} processes; epochs were run once.", ""]
    lines += short_table(results, peak) + memory_table(results) + claims(results, layers) + (scaling.table(points) if points else []) + (zoo.table(papers) if papers else []) + (table(results) if not arguments.quick else [])
    lines += ["", "| network | cnnc, s | gcc -O2 on driver and network, s |", "|---|---|---|"]
    lines += [f"| {name} | {times['cnnc']:.3f} | {times['gcc']:.1f} |" for name, times in compile_times.items()]
    for name, entry in long.items():
        lines += ["", f"{name}: {entry['accuracy']:.2f} % of the test set after {entry['epochs']} epochs, {entry['seconds']:.1f} s of training."]
    peers = [entry["seconds"] for name, entry in long.items() if name != "cnnc" and entry["accuracy"] >= 99.0]
    if peers and long["cnnc"]["accuracy"] >= 99.0:
        ratio = long["cnnc"]["seconds"] / min(peers)
        lines += [f"Ratio {ratio:.2f}; target {LONG_TARGET}: {'reached' if ratio <= LONG_TARGET else 'missed'}."]
    text = "\n".join(lines) + "\n"
    print(text)
    with open(f"{WORK}/result.md", "w") as file:
        file.write(text)
    with open(f"{WORK}/result.svg", "w") as file:
        file.write(plot(results))
    if points:
        with open(f"{WORK}/scaling.svg", "w") as file:
            file.write(scaling.plot(points))
    with open(f"{WORK}/result.json", "w") as file:
        json.dump({"machine": processor(), "peak_gflops": peak, "compile_seconds": compile_times, "layers": layers, "long": long, "scaling": points, "zoo": papers,
                   "rows": [dict(zip(("network", "work", "batch", "threads"), row), programs=programs) for row, programs in results.items()]}, file, indent=1)


if __name__ == "__main__":
    main()
