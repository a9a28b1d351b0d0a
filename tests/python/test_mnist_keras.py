"""A CNN that Keras 3 trains, as model.keras and as model.weights.h5."""

import sys
import unittest

import keras
from keras import layers
from mnist import TOOL, Converted, command, digits


class Keras(Converted):
    def test_cnn(self):
        train_images, train_labels, images, labels = digits()
        keras.utils.set_random_seed(1)
        model = keras.Sequential([
            keras.Input((28, 28, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ])
        model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(train_images, train_labels, batch_size=128, epochs=1, verbose=0)
        model.save(self.folder / "keras_cnn.keras")
        model.save_weights(self.folder / "keras_cnn.weights.h5")
        probabilities = model.predict(images, batch_size=1000, verbose=0)
        net, weights, again = self.folder / "keras_cnn.net", self.folder / "w.safetensors", self.folder / "again.safetensors"
        command(sys.executable, TOOL, "network", self.folder / "keras_cnn.keras", "-o", net)
        command(sys.executable, TOOL, "weights", self.folder / "keras_cnn.keras", "-o", weights, "--net", net)
        command(sys.executable, TOOL, "weights", self.folder / "keras_cnn.weights.h5", "-o", again, "--net", net)
        self.assertEqual(weights.read_bytes(), again.read_bytes())
        self.check(net, weights, images, labels, probabilities)
        self.keep("keras_cnn", net, weights, images, probabilities)


if __name__ == "__main__":
    unittest.main()
