"""How the time of convolutions grows with channels, image size, batch and threads, cnnc alone, and what share of the peak that is.

The network: two conv2d 3x3 with padding, as many channels in as out. Three kinds of work: inference directly (--math=strict),
inference as cnnc chooses by itself, where Winograd's convolution may need fewer multiply-adds than are counted here and so pass
100 %, and a step of training. The multiply-adds of a step: those of inference, as many for the gradients of the kernels, and half
as many for the gradient of the image between the two. Times are the least of all calls: what the kernels can do, not how busy the
machine was.
"""
import os

import numpy as np

from networks import make_weights, multiply_adds, reference, write_safetensors

SIZE, CHANNELS, BATCH = 28, 32, 8
KINDS = {"direct": ("infer", ["--math=strict"]), "inference": ("infer", []), "training": ("step", [])}
COLOURS = {"direct": "#89a", "inference": "#c33", "training": "#36a"}
SWEEPS = {"channels": (4, 8, 16, 32, 64, 128), "image": (7, 14, 28, 56, 112), "batch": (1, 2, 4, 8, 16, 32, 64, 128), "threads": None}
LABELS = {"channels": "channels", "image": "height and width of the image", "batch": "samples at once", "threads": "threads"}


def make_points(quick):
    """(sweep, value, size, channels, batch, threads)"""
    points = []
    for sweep, values in SWEEPS.items():
        for value in values or [1, 2][:len(os.sched_getaffinity(0))]:
            at = {"image": SIZE, "channels": CHANNELS, "batch": BATCH, "threads": 1, sweep: value}
            if sweep == "threads":
                at["batch"] = 128
            if not quick or value != 112:
                points.append((sweep, value, at["image"], at["channels"], at["batch"], at["threads"]))
    return points


def prepare(bench, folder, size, channels, batch):
    """The drivers of one network, built for this batch."""
    network = {"size": size, "channels": channels, "layers": [("conv", channels, 3, "same", "relu")] * 2}
    weights = make_weights(network)
    x = np.random.default_rng(1).integers(0, 256, (batch, size, size, channels)).astype("<f4")
    with open(f"{folder}/scaling.net", "w") as file:
        file.write(f"model scaling\ninput({size}, {size}, {channels})\nrescaling(1/255)\nconv2d({channels}, 3x3, padding=same, activation=relu)\n"
                   f"conv2d({channels}, 3x3, padding=same, activation=relu)\ncompile(optimizer=sgd, loss=mean_squared_error)\n")
    write_safetensors(f"{folder}/initial.safetensors", weights)
    x.tofile(f"{folder}/input.f32")
    np.zeros_like(x).tofile(f"{folder}/target.f32")
    np.save(f"{folder}/initial.npy", reference(network, weights, x[:2]))
    for kind, (work, options) in KINDS.items():
        os.makedirs(f"{folder}/{kind}", exist_ok=True)
        emit = [] if work == "step" else ["--emit=inference"]
        bench.compile_net(f"{folder}/scaling.net", folder, "scaling", work == "step", ["--target=native", f"--batch={batch}", *emit, *options],
                          f"{folder}/{kind}/driver", [f"-DCHECKED={batch}"])
    return sum(multiply_adds(network))


def measure(bench, peak, seconds, quick):
    """[{sweep, value, size, channels, batch, threads, kind: {seconds of a sample, gflop, share}}]"""
    folder, result, built = f"{bench.WORK}/scaling", [], None
    os.makedirs(folder, exist_ok=True)
    for at in sorted(make_points(quick), key=lambda point: point[2:5]):
        sweep, value, size, channels, batch, threads = at
        if built != (size, channels, batch):
            count = prepare(bench, folder, size, channels, batch)
            built = (size, channels, batch)
        point = {"sweep": sweep, "value": value, "size": size, "channels": channels, "batch": batch, "threads": threads}
        for kind, (work, _) in KINDS.items():
            one = bench.drive(folder, work, batch, threads, seconds, f"{folder}/{kind}/driver", batch, "initial")
            if not one["error"] <= bench.TOLERANCE:
                raise RuntimeError(f"scaling, {kind}, {point}: other answers: {one['error']:.2g} off")
            point[kind] = {"seconds": one["least"] / batch, "gflop": 2e-9 * count * (2.5 if work == "step" else 1)}
        print("bench: scaling,", *at, {kind: f"{point[kind]['seconds'] * 1e6:.4g} us" for kind in KINDS}, flush=True)
        result.append(point)
    bench.measure_peak(peak)
    for point in result:
        for kind in KINDS:
            point[kind]["share"] = point[kind]["gflop"] / point[kind]["seconds"] / peak[point["threads"]]
    return result


def table(points):
    lines = ["", "Two convolutions 3x3: least microseconds a sample and share of the measured peak, by direct multiply-adds.", "",
             "| image | channels | batch | threads | inference, direct | inference | training step |", "|---|---|---|---|---|---|---|"]
    shown = set()
    for point in points:
        at = (point["size"], point["channels"], point["batch"], point["threads"])
        if at in shown:
            continue
        shown.add(at)
        cells = [f"{point[kind]['seconds'] * 1e6:.4g} ({point[kind]['share']:.0%})" for kind in KINDS]
        lines.append(f"| {at[0]} x {at[0]} | {at[1]} | {at[2]} | {at[3]} | {' | '.join(cells)} |")
    return lines


# ---- the plot: a column for each sweep, above the time of a sample, below the share of the peak -----------------------------


WIDTH, HEIGHT, GAP, LEFT, TOP = 250, 200, 62, 60, 50


def position(value, low, high, length):
    return length * np.log(value / low) / np.log(high / low) if high > low else length / 2


def line(points, colour):
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>{dots}'


def text(x, y, words, anchor="middle", extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{extra}>{words}</text>'


def plot(points):
    most = max(point[kind]["share"] for point in points for kind in KINDS)
    highest = max(1.0, np.ceil(most * 2) / 2)
    parts = []
    for column, sweep in enumerate(SWEEPS):
        own = sorted((point for point in points if point["sweep"] == sweep), key=lambda point: point["value"])
        if not own:
            continue
        x0, values = LEFT + column * (WIDTH + GAP), [point["value"] for point in own]
        times = [point[kind]["seconds"] * 1e6 for point in own for kind in KINDS]
        low, high = 10 ** np.floor(np.log10(min(times))), 10 ** np.ceil(np.log10(max(times)))
        for row in (0, 1):
            y0 = TOP + row * (HEIGHT + 40)
            parts.append(f'<rect x="{x0}" y="{y0}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#999"/>')
            ticks = [10.0 ** i for i in range(int(np.log10(low)), int(np.log10(high)) + 1)] if row == 0 else np.arange(0, highest + 0.01, 0.5)
            for tick in ticks:
                y = y0 + HEIGHT - (position(tick, low, high, HEIGHT) if row == 0 else tick / highest * HEIGHT)
                parts.append(f'<line x1="{x0}" y1="{y:.1f}" x2="{x0 + WIDTH}" y2="{y:.1f}" stroke="#ddd"/>')
                parts.append(text(x0 - 5, y + 4, f"{tick:g} µs" if row == 0 else f"{tick:.0%}", "end"))
            for value in values:
                x = x0 + 12 + position(value, values[0], values[-1], WIDTH - 24)
                parts.append(text(x, y0 + HEIGHT + 15, value))
            for kind in KINDS:
                heights = [position(point[kind]["seconds"] * 1e6, low, high, HEIGHT) if row == 0 else point[kind]["share"] / highest * HEIGHT for point in own]
                parts.append(line([(x0 + 12 + position(value, values[0], values[-1], WIDTH - 24), y0 + HEIGHT - h) for value, h in zip(values, heights)], COLOURS[kind]))
        parts.append(text(x0 + WIDTH / 2, TOP + 2 * HEIGHT + 40 + 34, LABELS[sweep]))
    height = TOP + 2 * HEIGHT + 90
    parts.append(text(LEFT, 20, f"Two conv2d 3x3: time of a sample (above), share of the processor's peak (below); where not said, {CHANNELS} channels, "
                      f"{SIZE} x {SIZE}, batch {BATCH} (threads: 128), one thread", "start", ' font-weight="bold"'))
    for i, (kind, name) in enumerate((("direct", "inference, direct"), ("inference", "inference, Winograd where it pays"), ("training", "training step"))):
        parts.append(f'<rect x="{LEFT + i * 230}" y="30" width="12" height="8" fill="{COLOURS[kind]}"/>' + text(LEFT + 18 + i * 230, 38, name, "start"))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + 4 * (WIDTH + GAP)}" height="{height}" font-family="sans-serif" font-size="12">\n'
            f'<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n")
