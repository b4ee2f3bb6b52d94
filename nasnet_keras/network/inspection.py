"""What can be seen of a model: its layers, the pixels that it takes, the
classes that it tells apart."""

from collections.abc import Iterator

import keras

from nasnet_keras.layers.class_names import ClassNames


def all_layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """The layers of a model, and the layers of each model inside it."""
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from all_layers(layer)


def scales_pixels(model: keras.Model) -> bool:
    """Whether a model takes pixels from 0 to 255, and not from -1 to 1: it
    scales them itself, or takes whole numbers."""
    return "int" in model.inputs[0].dtype or any(
        isinstance(layer, keras.layers.Rescaling) for layer in all_layers(model)
    )


def classes_of(model: keras.Model) -> int | None:
    """How many classes a model tells apart, of the main head; None if that is
    not known."""
    shape = getattr(model, "output_shape", None)
    if isinstance(shape, dict):
        shape = shape.get("predictions")
    return shape[-1] if isinstance(shape, tuple) and len(shape) == 2 else None


def class_names_of(model: keras.Model) -> tuple[str, ...] | None:
    """The names of a classifier's classes; None if it does not know them.
    Those that are given last hold: a classifier may be within another."""
    within = sorted(
        reversed(model.layers),
        key=lambda layer: isinstance(layer, keras.Model),
    )
    for layer in within:
        if isinstance(layer, ClassNames):
            return layer.class_names
        if isinstance(layer, keras.Model):
            names = class_names_of(layer)
            # Else it is the body of a network for other classes.
            if names is not None and classes_of(model) in (None, len(names)):
                return names
    return None
