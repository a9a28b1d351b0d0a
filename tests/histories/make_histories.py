#!/usr/bin/env python3
"""Makes what tests/unit/histories.c compares with: what Keras's fit() and evaluate() report of small networks.

    python3 tests/histories/make_histories.py [NAME ...]

needs keras 3 with any backend, and safetensors; the files in the tree were made by keras 3.15.1. Of each case there are

    NAME.net            the network; its first lines say with which flags it is trained and, perhaps, evaluated
    NAME.safetensors    the weights to begin with
    NAME.csv            Keras's CSVLogger, without shuffling
    NAME.txt            what evaluate() says of the trained network, a line for each figure

and the data that all share. The last batch is smaller than the others everywhere."""

import os
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np
from keras import layers, regularizers
from keras.callbacks import CSVLogger, EarlyStopping, LearningRateScheduler, ReduceLROnPlateau
from keras.metrics import AUC, F1Score, Precision, Recall, RootMeanSquaredError, TopKCategoricalAccuracy
from keras.optimizers import SGD, Adam
from keras.optimizers.schedules import ExponentialDecay, PiecewiseConstantDecay

FOLDER = Path(__file__).resolve().parent
sys.path.append(str(FOLDER.parent / "fixtures"))
from sorted_safetensors import save  # noqa: E402

SAMPLES, STEPS = 29, 5
random = np.random.default_rng(1)
DATA = {
    "x": random.normal(size=(SAMPLES, 4)),
    "rows": random.normal(size=(SAMPLES, 3)),
    "labels": random.integers(0, 3, SAMPLES),
    "bits": random.uniform(size=(SAMPLES, 3)) > 0.6,
    "numbers": random.integers(-1, 5, (SAMPLES, 1)) + random.integers(0, 2, (SAMPLES, 1)) / 2,
    "weights": random.uniform(0, 2, SAMPLES),
    "sequences": random.normal(size=(SAMPLES, STEPS, 4)),
    "step_rows": np.eye(3)[random.integers(0, 3, (SAMPLES, STEPS))],
    "step_weights": random.uniform(0, 2, (SAMPLES, STEPS)),
}
DATA = {name: array.astype("int64" if name == "labels" else "float32") for name, array in DATA.items()}
DATA["one_hot"] = np.eye(3, dtype="float32")[DATA["labels"]]

CLASSES = "input(4)\ndense(3, activation=softmax)\n"
WILD = CLASSES + "compile(sgd(0.8, momentum=0.9), sparse_categorical_crossentropy, metrics=[accuracy])\nfit(batch_size=8)\n"
TWO = "x = input(4)\na = dense(3)(x)\nb = dense(3, activation=softmax)(a)\noutputs(a, b)\n"


def dense(units, activation=None, normalised=False):
    x = keras.Input((4,))
    y = layers.BatchNormalization(name="batch_normalization")(x) if normalised else x
    return keras.Model(x, layers.Dense(units, activation, name="dense")(y))


def two():
    x = keras.Input((4,), name="x")
    a = layers.Dense(3, name="a")(x)
    return keras.Model(x, [a, layers.Dense(3, "softmax", name="b")(a)])


def steps():
    x = keras.Input((STEPS, 4))
    return keras.Model(x, layers.Dense(3, "softmax", name="dense")(x))


def autoencoder():
    x = keras.Input((4,), name="x")
    code = layers.Dense(2, "tanh", kernel_regularizer="l2", name="dense")(x)
    return keras.Model(x, layers.Dense(4, activity_regularizer=regularizers.L1(0.01), name="y")(code))


def gentle():
    return SGD(0.05, momentum=0.9)


def wild():
    return dict(optimizer=SGD(0.8, momentum=0.9), loss="sparse_categorical_crossentropy", metrics=["accuracy"])


def case(net, flags, model, compiled, fitted, x="x", y="labels", evaluated=None):
    return dict(net=net, flags=flags, model=model, compiled=compiled, fitted=fitted, x=x, y=y, evaluated=evaluated)


def watched(flags, *callbacks):
    """A training that goes up and down, for callbacks to watch."""
    return case(WILD, f"--epochs 14 --validation-split 0.3 --callbacks '[{flags}]'", dense(3, "softmax"), wild(), dict(epochs=14, validation_split=0.3, callbacks=callbacks))


CASES = {
    "two_outputs": lambda: case(
        TWO + "compile(sgd(0.05, momentum=0.9), [mse, categorical_crossentropy], loss_weights=[0.3, 2],\n"
        "        metrics=[[mae], [accuracy, top_k_categorical_accuracy(k=2)]], weighted_metrics=[[mse], [accuracy]])\nfit(batch_size=8)\n",
        "--epochs 3 --sample-weight weights.npy --validation-split 0.3",
        two(),
        dict(
            optimizer=gentle(),
            loss=["mse", "categorical_crossentropy"],
            loss_weights=[0.3, 2.0],
            metrics=[["mae"], ["accuracy", TopKCategoricalAccuracy(k=2)]],
            weighted_metrics=[["mse"], ["accuracy"]],
        ),
        dict(epochs=3, sample_weight=DATA["weights"], validation_split=0.3),
        y={"a": "rows", "b": "one_hot"},
        evaluated=("--sample-weight weights.npy --steps 2", dict(sample_weight=DATA["weights"], steps=2, batch_size=8)),
    ),
    "outputs_by_name": lambda: case(
        TWO + "compile(sgd(0.05, momentum=0.9), {b: categorical_crossentropy, a: mse}, loss_weights={b: 2, a: 0.5}, metrics={b: [accuracy]})\nfit(batch_size=8)\n",
        "--epochs 3",
        two(),
        dict(optimizer=gentle(), loss={"a": "mse", "b": "categorical_crossentropy"}, loss_weights={"a": 0.5, "b": 2.0}, metrics={"b": ["accuracy"]}),
        dict(epochs=3),
        y={"a": "rows", "b": "one_hot"},
    ),
    "weights_of_steps": lambda: case(
        "input(5, 4)\ndense(3, activation=softmax)\ncompile(sgd(0.05, momentum=0.9), categorical_crossentropy, metrics=[accuracy, mae],\n"
        "        weighted_metrics=[accuracy, mse], sample_weight_mode=temporal)\nfit(batch_size=8)\n",
        "--epochs 3 --sample-weight step_weights.npy --validation-split 0.3",
        steps(),
        dict(optimizer=gentle(), loss="categorical_crossentropy", metrics=["accuracy", "mae"], weighted_metrics=["accuracy", "mse"]),
        dict(epochs=3, sample_weight=DATA["step_weights"], validation_split=0.3),
        x="sequences",
        y="step_rows",
        evaluated=("--sample-weight step_weights.npy", dict(sample_weight=DATA["step_weights"], batch_size=8)),
    ),
    "autoencoder": lambda: case(
        "x = input(4)\ndense(2, activation=tanh, kernel_regularizer=l2)\ny = dense(4, activity_regularizer=l1(0.01))\n"
        "compile(sgd(0.05, momentum=0.9), huber, metrics=[mae, mse], target_tensors=[x])\nfit(batch_size=8)\n",
        "--epochs 3 --validation-split 0.2",
        autoencoder(),
        dict(optimizer=gentle(), loss="huber", metrics=["mae", "mse"]),
        dict(epochs=3, validation_split=0.2),
        y=None,
        evaluated=("", dict(batch_size=8)),
    ),
    "metrics": lambda: case(
        "input(4)\nbatch_normalization()\ndense(3, activation=sigmoid)\n"
        "compile(sgd(0.05, momentum=0.9), binary_crossentropy,\n"
        "        metrics=[accuracy, auc, precision, recall(thresholds=0.3), f1_score(average=macro), root_mean_squared_error, cosine_similarity, hinge, poisson],\n"
        "        weighted_metrics=[auc, precision, binary_crossentropy])\nfit(batch_size=8)\n",
        "--epochs 3 --sample-weight weights.npy --validation-split 0.3",
        dense(3, "sigmoid", True),
        dict(
            optimizer=gentle(),
            loss="binary_crossentropy",
            metrics=["accuracy", AUC(name="auc"), Precision(name="precision"), Recall(thresholds=0.3, name="recall"), F1Score(average="macro"), RootMeanSquaredError(), "cosine_similarity", "hinge", "poisson"],
            weighted_metrics=[AUC(name="auc"), Precision(name="precision"), "binary_crossentropy"],
        ),
        dict(epochs=3, sample_weight=DATA["weights"], validation_split=0.3),
        y="bits",
        evaluated=("--sample-weight weights.npy --batch-size 5", dict(sample_weight=DATA["weights"], batch_size=5)),
    ),
    "class_weights_of_rows": lambda: case(
        "input(4)\ndense(3)\ncompile(sgd(0.05, momentum=0.9), mse, metrics=[mae], weighted_metrics=[mae])\nfit(batch_size=8, class_weight={0: 3, 2: 0.5})\n",
        "--epochs 3 --validation-split 0.3",
        dense(3),
        dict(optimizer=gentle(), loss="mse", metrics=["mae"], weighted_metrics=["mae"]),
        dict(epochs=3, class_weight={0: 3, 2: 0.5}, validation_split=0.3),
        y="rows",
    ),
    "class_weights_of_numbers": lambda: case(
        "input(4)\ndense(1)\ncompile(sgd(0.05, momentum=0.9), mae, weighted_metrics=[mae])\nfit(batch_size=8)\n",
        "--epochs 3 --class-weight '{0: 3, 2: 0.5, 4: 7}'",
        dense(1),
        dict(optimizer=gentle(), loss="mae", weighted_metrics=["mae"]),
        dict(epochs=3, class_weight={0: 3, 2: 0.5, 4: 7}),
        y="numbers",
    ),
    "plateau": lambda: watched("reduce_lr_on_plateau(factor=0.5, patience=1, cooldown=2, min_lr=0.15)", ReduceLROnPlateau(factor=0.5, patience=1, cooldown=2, min_lr=0.15)),
    "plateau_of_accuracy": lambda: watched(
        "reduce_lr_on_plateau(val_accuracy, 0.1, 2, min_delta=0.01, mode=max)", ReduceLROnPlateau("val_accuracy", 0.1, 2, min_delta=0.01, mode="max")
    ),
    "plateau_without_patience": lambda: watched("reduce_lr_on_plateau(loss, 0.3, 0, cooldown=1, min_lr=0.01)", ReduceLROnPlateau("loss", 0.3, 0, cooldown=1, min_lr=0.01)),
    "stopping_restores": lambda: watched(
        "early_stopping(patience=2, restore_best_weights=true), reduce_lr_on_plateau(patience=1, factor=0.5)",
        EarlyStopping(patience=2, restore_best_weights=True),
        ReduceLROnPlateau(patience=1, factor=0.5),
    )
    | dict(evaluated=("", dict(batch_size=8))),
    "stopping_begins_late": lambda: watched(
        "early_stopping(val_accuracy, 0.2, 1, start_from_epoch=2, restore_best_weights=true)",
        EarlyStopping("val_accuracy", 0.2, 1, start_from_epoch=2, restore_best_weights=True),
    )
    | dict(evaluated=("", dict(batch_size=8))),
    "stopping_by_baseline": lambda: watched("early_stopping(loss, patience=3, baseline=0.5)", EarlyStopping("loss", patience=3, baseline=0.5)),
    "later_epochs": lambda: case(
        WILD,
        "--epochs 6 --initial-epoch 2 --steps-per-epoch 3 --callbacks 'learning_rate_scheduler({0: 0.1, 3: 0.05, 5: 0.01})'",
        dense(3, "softmax"),
        wild(),
        dict(epochs=6, initial_epoch=2, steps_per_epoch=3, callbacks=[LearningRateScheduler(lambda epoch: 0.1 if epoch < 3 else 0.05 if epoch < 5 else 0.01)]),
    ),
    "validation_now_and_then": lambda: case(
        WILD,
        "--epochs 5 --validation-split 0.3 --validation-freq 2 --validation-steps 1 --validation-batch-size 4",
        dense(3, "softmax"),
        wild(),
        dict(epochs=5, validation_split=0.3, validation_freq=2, validation_steps=1, validation_batch_size=4),
    ),
    "decay": lambda: case(
        CLASSES + "compile(adam(exponential_decay(0.1, 3, 0.5), clipnorm=0.5), sparse_categorical_crossentropy, metrics=[accuracy])\nfit(batch_size=8)\n",
        "--epochs 3",
        dense(3, "softmax"),
        dict(optimizer=Adam(ExponentialDecay(0.1, 3, 0.5), clipnorm=0.5), loss="sparse_categorical_crossentropy", metrics=["accuracy"]),
        dict(epochs=3),
    ),
    "pieces": lambda: case(
        CLASSES + "compile(adam(piecewise_constant_decay([3, 7], [0.1, 0.01, 0.001])), sparse_categorical_crossentropy, metrics=[accuracy])\nfit(batch_size=8)\n",
        "--epochs 3",
        dense(3, "softmax"),
        dict(optimizer=Adam(PiecewiseConstantDecay([3, 7], [0.1, 0.01, 0.001])), loss="sparse_categorical_crossentropy", metrics=["accuracy"]),
        dict(epochs=3),
    ),
    "defaults": lambda: case(
        CLASSES + "compile(loss=sparse_categorical_crossentropy, metrics=[acc])\nfit()\n",
        "--epochs 2",
        dense(3, "softmax"),
        dict(loss="sparse_categorical_crossentropy", metrics=["acc"]),
        dict(epochs=2, batch_size=None),
    ),
}


def make(name):
    c = CASES[name]()
    model, start = c["model"], {}
    numbers = np.random.default_rng(sum(name.encode()))
    for layer in model.layers:
        for weight in layer.weights:
            value = numbers.normal(size=weight.shape, scale=0.5).astype("float32")
            start[f"{layer.name}/{weight.name}"] = np.abs(value) + 0.5 if "variance" in weight.name else value
            weight.assign(start[f"{layer.name}/{weight.name}"])
    (FOLDER / f"{name}.safetensors").write_bytes(save(start, None))
    model.compile(**c["compiled"])
    x, y = DATA[c["x"]], c["y"]
    files = f"--x {c['x']}.npy"
    if isinstance(y, dict):
        files += "".join(f" --y {output}={array}.npy" for output, array in y.items())
        y = [DATA[array] for array in y.values()]
    else:
        files += f" --y {y}.npy" if y else ""
        y = DATA[y] if y else x
    fitted = dict(batch_size=8) | c["fitted"]
    callbacks = [*fitted.pop("callbacks", []), CSVLogger(FOLDER / f"{name}.csv")]
    model.fit(x, y, shuffle=False, verbose=0, callbacks=callbacks, **fitted)
    text = f"# fit {files} {c['flags']}\n"
    if c["evaluated"]:
        flags, arguments = c["evaluated"]
        text += f"# evaluate {files} {flags}".rstrip() + "\n"
        figures = model.evaluate(x, y, verbose=0, return_dict=True, **arguments)
        (FOLDER / f"{name}.txt").write_text("".join(f"{figure}: {float(value):.7g}\n" for figure, value in figures.items()))
    (FOLDER / f"{name}.net").write_text(text + "model m\n" + c["net"])


def main():
    for name, array in DATA.items():
        np.save(FOLDER / f"{name}.npy", array)
    for name in sys.argv[1:] or CASES:
        make(name)


if __name__ == "__main__":
    main()
