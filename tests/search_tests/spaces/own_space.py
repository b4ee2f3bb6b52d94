"""A space of one's own, as a user writes it, for the tests."""

import keras

from search import ChoiceSpace


def build(choices, input_shape, classes):
    layers = [keras.Input(input_shape)]
    for _ in range(choices["layers"]):
        layers.append(
            keras.layers.Conv2D(
                choices["filters"], choices["kernel"], padding="same"
            )
        )
        layers.append(keras.layers.ReLU())
    layers.append(keras.layers.GlobalAveragePooling2D())
    if choices["head"] == "dense":
        layers.append(keras.layers.Dense(choices["units"], "relu"))
    layers.append(keras.layers.Dense(classes, "softmax"))
    return keras.Sequential(layers)


space = ChoiceSpace(
    {
        "filters": [8, 4],
        "kernel": [3, 5],
        "layers": [1, 2],
        "head": ["none", "dense"],
        "units": [16, 32],
    },
    build,
    only_if={"units": {"head": ["dense"]}},
)
