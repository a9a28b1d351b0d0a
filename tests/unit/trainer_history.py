"""Makes the table in trainer_history.c: what Keras's fit() reports of the network toy_flowers.

    python3 tests/unit/trainer_history.py

needs keras 3 with any backend; the table in the tree was made by keras 3.15.1.
"""
import numpy as np
import keras

SAMPLES = 29
x = np.array([[((5 * i + 3 * k * k) % 11 - 5) / 5 for k in range(4)] for i in range(SAMPLES)], dtype="float32")
y = np.array([(i + i // 4) % 3 for i in range(SAMPLES)])
sample_weight = np.array([i % 4 / 2 for i in range(SAMPLES)], dtype="float32")
kernel = np.array([[((3 * f + c) % 5 - 2) / 4 for c in range(3)] for f in range(4)], dtype="float32")

cases = [
    ("validation_split", {"validation_split": 0.2}),
    ("sample_weight", {"validation_split": 0.2, "sample_weight": sample_weight}),
    ("class_weight", {"validation_split": 0.2, "class_weight": {0: 3, 2: 0.5}}),
    ("steps_per_epoch", {"validation_split": 0.2, "steps_per_epoch": 2}),
    ("validation_steps", {"validation_split": 0.4, "validation_steps": 1, "validation_batch_size": 5}),
    ("reduce_lr_on_plateau", {"validation_split": 0.2, "callbacks": [keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=1)]}),
    ("learning_rate_scheduler", {"callbacks": [keras.callbacks.LearningRateScheduler(lambda epoch: 0.01 if epoch < 2 else 0.002)]}),
]
for name, arguments in cases:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
    model.set_weights([kernel, np.zeros(3, dtype="float32")])
    model.compile(optimizer=keras.optimizers.SGD(0.05, momentum=0.9), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0, **arguments).history
    print(f"    /* {name} */")
    for epoch in range(3):
        columns = ("accuracy", "learning_rate", "loss", "val_accuracy", "val_loss")
        print("    {" + ", ".join(f"{history[column][epoch]:.7f}" if column in history else "-1" for column in columns) + "},")
