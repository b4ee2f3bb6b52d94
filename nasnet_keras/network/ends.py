"""What networks of all kinds begin and end with, as Keras layers."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.quotation import quoted


def shape_of(input_tensor: Any) -> Any:
    """The shape of the images of a tensor to build upon.

    Raises:
        ValueError: It is no Keras tensor.
    """
    if not keras.backend.is_keras_tensor(input_tensor):
        raise ValueError(
            "Invalid value for argument `input_tensor`. Expected a Keras "
            "tensor, such as `keras.Input` makes. Received: "
            f"{quoted(input_tensor)}."
        )
    return tuple(input_tensor.shape[1:])


def begin(
    input_shape: Sequence[int | None],
    input_tensor: Any = None,
    include_preprocessing: bool = False,
) -> tuple[Any, Any]:
    """The inputs of a model, and the images that its network reads.

    Args:
        input_shape: Of the images.
        input_tensor: What to build upon, in the place of a new input.
        include_preprocessing: Whether pixels are from 0 to 255 and are
            brought to -1 to 1.
    """
    if input_tensor is None:
        inputs = images = layers.Input(shape=tuple(input_shape))
    else:
        sources = keras.utils.get_source_inputs(input_tensor)
        inputs = sources[0] if len(sources) == 1 else sources
        images = input_tensor
    if include_preprocessing:
        images = layers.Rescaling(1 / 127.5, -1, name="preprocessing")(images)
    return inputs, images


def finish(
    features: Any,
    classes: int,
    data_format: str,
    include_top: bool = True,
    pooling: str | None = None,
    dropout: float = 0.0,
    activation: str | None = "softmax",
    use_bias: bool = True,
) -> Any:
    """The pooled features, and the classifier.

    Args:
        features: The last map.
        classes: The number of classes.
        data_format: `"channels_last"` or `"channels_first"`.
        include_top: Whether to end in the classifier.
        pooling: Without it: None, `"avg"` or `"max"`.
        dropout: The rate before the classifier.
        activation: Of the classifier, None for logits.
        use_bias: Whether the classifier has one.
    """
    if include_top or pooling == "avg":
        features = layers.GlobalAveragePooling2D(
            data_format=data_format, name="average_pool"
        )(features)
    elif pooling == "max":
        features = layers.GlobalMaxPooling2D(
            data_format=data_format, name="max_pool"
        )(features)
    if not include_top:
        return features
    if dropout:
        features = layers.Dropout(dropout, name="dropout")(features)
    # The softmax stays in float32 under mixed precision.
    logits = layers.Dense(
        classes,
        use_bias=use_bias,
        name="logits",
        dtype="float32",
    )(features)
    if activation is None:
        return logits
    return layers.Activation(activation, name="predictions", dtype="float32")(
        logits
    )


def check_rates(**rates: Any) -> None:
    """Raises:
    ValueError: One is no probability.
    """
    for name, rate in rates.items():
        if not isinstance(rate, int | float) or not 0 <= rate < 1:
            raise ValueError(
                f"Invalid value for argument `{name}`. Expected a probability "
                "from 0 up to but not including 1. Received: "
                f"{name}={quoted(rate)}."
            )


def checked_shape(
    input_shape: Any, conventions: Conventions
) -> tuple[int | None, ...]:
    """The shape of images: height, width and channels in the order of the
    conventions, height and width perhaps None.

    Raises:
        ValueError: It is none.
    """
    channel_place = conventions.channel_axis % 4 - 1
    if (
        not isinstance(input_shape, list | tuple)
        or len(input_shape) != 3
        or input_shape[channel_place] is None
        or any(
            side is not None and (type(side) is not int or side < 1)
            for side in input_shape
        )
    ):
        raise ValueError(
            "Invalid value for argument `input_shape`. Expected height, width "
            f"and channels ({conventions.data_format}), height and width or "
            f"None. Received: input_shape={quoted(input_shape)}."
        )
    return tuple(input_shape)


def check_ratio(squeeze_excite: Any) -> None:
    """Raises:
    ValueError: It is no share of channels.
    """
    if type(squeeze_excite) not in (int, float) or not 0 <= squeeze_excite <= 1:
        raise ValueError(
            "Invalid value for argument `squeeze_excite`. Expected a share of "
            "the channels from 0 to 1, 0 for none. Received: "
            f"squeeze_excite={quoted(squeeze_excite)}."
        )


def check_steps(drop_path_steps: Any) -> None:
    """Raises:
    ValueError: It is no number of steps.
    """
    if drop_path_steps is not None and (
        type(drop_path_steps) is not int or drop_path_steps < 1
    ):
        raise ValueError(
            "Invalid value for argument `drop_path_steps`. Expected a positive "
            "integer or None. Received: "
            f"drop_path_steps={quoted(drop_path_steps)}."
        )


def check_output(
    pooling: str | None, features: bool, auxiliary_head: bool
) -> None:
    """Raises:
    ValueError: There is no such pooling, or features are asked for with
        what does without them.
    """
    if pooling not in (None, "avg", "max"):
        raise ValueError(
            "Invalid value for argument `pooling`. Expected None, 'avg' or "
            f"'max'. Received: pooling={quoted(pooling)}."
        )
    if features and (pooling or auxiliary_head):
        raise ValueError(
            "Invalid value for argument `features`. Expected False, or neither "
            "`pooling` nor `auxiliary_head`. Received: features=True, "
            f"pooling={quoted(pooling)}, auxiliary_head={auxiliary_head}."
        )
