"""The few computations where `keras.ops` is slower than a backend, or wrong.

A network of hundreds of small operations pays for each graph operation, when
it is traced, when it is optimised and at every step. On TensorFlow each
function here is one graph operation; elsewhere it is its `keras.ops` form,
and the tests hold the two equal.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from nasnet_keras.processor import onednn_has_avx512, onednn_is_on

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf
else:
    tf = None

# Up to so many columns, whatever the rows, oneDNN (in TensorFlow 2.21) is fast
# at the gradient of a depthwise kernel. TensorFlow's own code, which is used
# without oneDNN, is fast with any number.
FAST_WIDTH = 3


def conv2d(
    inputs: Any,
    kernel: Any,
    strides: tuple[int, int],
    dilation: int,
    data_format: str,
    padding: str = "same",
    bias: Any = None,
) -> Any:
    """A convolution: `inputs [B, H, W, C]`, `kernel [height, width, C /
    groups, filters]`, `bias [filters]`, if any.

    TensorFlow has no kernel for groups on processors. Keras compiles them by
    XLA, which takes several times as long as one convolution after the other.
    """
    axis = -1 if data_format == "channels_last" else 1
    groups = inputs.shape[axis] // kernel.shape[2]
    if bias is not None:
        pointwise = kernel.shape[:2] == strides == (1, 1) and groups == 1
        if pointwise and axis == -1 and _takes_products(inputs):
            return _product(inputs, kernel, bias)
        outputs = conv2d(
            inputs, kernel, strides, dilation, data_format, padding
        )
        return add_bias(outputs, bias, axis)
    if groups > 1 and tf is not None and not _has_gpu():
        outputs = [
            conv2d(part, part_kernel, strides, dilation, data_format, padding)
            for part, part_kernel in zip(
                tf.split(inputs, groups, axis),
                tf.split(kernel, groups, -1),
                strict=True,
            )
        ]
        return tf.concat(outputs, axis)
    # TensorFlow's own dilated kernel has no gradient on every CPU.
    if tf is None or data_format == "channels_first" or dilation > 1:
        return ops.conv(inputs, kernel, strides, padding, data_format, dilation)
    return tf.nn.conv2d(inputs, kernel, strides, padding.upper())


def depthwise_conv2d(
    inputs: Any,
    kernel: Any,
    strides: int,
    dilation: int,
    data_format: str,
    training: bool | None = None,
    padding: str = "same",
    bias: Any = None,
) -> Any:
    """A depthwise convolution, multiplier 1: `kernel [height, width, C,
    1]`, `bias [C]`, if any. In training a gradient is to be expected."""
    if bias is not None:
        outputs = depthwise_conv2d(
            inputs, kernel, strides, dilation, data_format, training, padding
        )
        axis = -1 if data_format == "channels_last" else 1
        return add_bias(outputs, bias, axis)
    if tf is None or data_format == "channels_first" or dilation > 1:
        return ops.depthwise_conv(
            inputs, kernel, strides, padding, data_format, dilation
        )
    kernel = tf.convert_to_tensor(kernel)
    if (
        training
        and padding == "same"
        and kernel.shape[1] > FAST_WIDTH
        and None not in inputs.shape[1:3]
        and onednn_is_on()
        and not _has_gpu()
    ):
        return _wide_depthwise_conv2d(
            inputs.shape, kernel.shape, inputs.dtype, strides
        )(inputs, kernel)
    return tf.nn.depthwise_conv2d(
        inputs, kernel, (1, strides, strides, 1), padding.upper()
    )


def _takes_products(inputs: Any) -> bool:
    """Whether a 1x1 convolution is faster as a product of matrices.

    Without AVX-512 oneDNN (in TensorFlow 2.21) reorders the kernel of a
    convolution at every call.
    """
    return folds_batch_norms(inputs.dtype) and None not in inputs.shape[1:]


def _product(inputs: Any, kernel: Any, bias: Any) -> Any:
    """A 1x1 convolution with a bias, channels last."""
    *size, channels = inputs.shape[1:]
    outputs = tf.matmul(
        tf.reshape(inputs, (-1, channels)), tf.reshape(kernel, (channels, -1))
    )
    return tf.reshape(tf.nn.bias_add(outputs, bias), (-1, *size, bias.shape[0]))


def _has_gpu() -> bool:
    return bool(tf.config.list_physical_devices("GPU"))


def with_zeros(
    inputs: Any, before_and_after: tuple[int, int], data_format: str
) -> Any:
    """Images with so many rows and columns of zeros on both sides."""
    paddings = [(0, 0)] * 4
    for axis, width in zip(
        (1, 2) if data_format == "channels_last" else (2, 3),
        before_and_after,
        strict=True,
    ):
        paddings[axis] = (width, width)
    return ops.pad(inputs, paddings)


def channel_shuffle(inputs: Any, groups: int, axis: int) -> Any:
    """The first channel of each group, then the second of each, and so on."""
    if groups == 1:
        return inputs
    rank = len(inputs.shape)
    axis %= rank
    channels = inputs.shape[axis]
    shape = [-1, *inputs.shape[1:]]
    if None in shape:
        shape = list(ops.shape(inputs))
    order = list(range(rank + 1))
    order[axis], order[axis + 1] = axis + 1, axis
    parts = [groups, channels // groups]
    grouped = ops.reshape(inputs, [*shape[:axis], *parts, *shape[axis + 1 :]])
    return ops.reshape(ops.transpose(grouped, order), shape)


def gather(inputs: Any, numbers: Any, axis: int) -> Any:
    """Those parts along an axis that have these numbers, from 0."""
    if tf is not None:
        return tf.gather(inputs, numbers, axis=axis)
    return ops.take(inputs, numbers, axis)


@functools.cache
def _wide_depthwise_conv2d(
    inputs_shape: Any, kernel_shape: Any, dtype: Any, stride: int
) -> Any:
    """`tf.nn.depthwise_conv2d` for inputs and a kernel of these shapes, the
    gradient of its kernel in parts of columns that oneDNN is fast for.

    TensorFlow keeps for good the graph in which `tf.custom_gradient` was
    called; so that is a graph of its own, for each pair of shapes once.
    """
    strides = (1, stride, stride, 1)

    @tf.custom_gradient
    def convolve(inputs: Any, kernel: Any) -> Any:
        outputs = tf.nn.depthwise_conv2d(inputs, kernel, strides, "SAME")

        def gradient(upstream: Any) -> tuple[Any, Any]:
            return (
                tf.nn.depthwise_conv2d_backprop_input(
                    tf.shape(inputs), kernel, upstream, strides, "SAME"
                ),
                kernel_gradient(inputs, kernel.shape, outputs.shape, upstream),
            )

        return outputs, gradient

    def kernel_gradient(
        inputs: Any, shape: Any, output_shape: Any, upstream: Any
    ) -> Any:
        height, width, *channels = shape
        rows, columns = (
            _read(inputs.shape[axis], output_shape[axis], size, stride)
            for axis, size in ((1, height), (2, width))
        )
        parts = []
        # Parts that overlap by a column: windows that mostly need no slice.
        for first in range(0, width - 1, FAST_WIDTH - 1):
            part = min(FAST_WIDTH, width - first)
            last = columns[1] - width + first + part
            parts.append(
                tf.nn.depthwise_conv2d_backprop_filter(
                    _window(inputs, rows, (columns[0] + first, last)),
                    (height, part, *channels),
                    upstream,
                    strides,
                    "VALID",
                )
            )
        parts[:-1] = [part[:, :-1] for part in parts[:-1]]
        return tf.concat(parts, axis=1)

    return tf.function(
        convolve,
        [
            tf.TensorSpec(inputs_shape, dtype),
            tf.TensorSpec(kernel_shape, dtype),
        ],
        autograph=False,
    )


def _read(
    length: int, output_length: int, size: int, stride: int
) -> tuple[int, int]:
    """From where to where SAME reads, beyond the image on both sides."""
    read = (output_length - 1) * stride + size
    before = max(read - length, 0) // 2
    return -before, read - before


def _window(
    images: Any, rows: tuple[int, int], columns: tuple[int, int]
) -> Any:
    """Some rows and columns of images, zeros where the image has none."""
    begin, size, paddings = [0] * 4, [-1] * 4, [(0, 0)] * 4
    for axis, (low, high) in ((1, rows), (2, columns)):
        length = images.shape[axis]
        # All of it may be on one side of a narrow image.
        begin[axis] = min(max(low, 0), length)
        size[axis] = max(min(high, length) - begin[axis], 0)
        before = min(max(-low, 0), high - low)
        paddings[axis] = (before, high - low - before - size[axis])
    if size[1:3] != images.shape[1:3]:
        images = tf.slice(images, begin, size)
    return tf.pad(images, paddings)


def folds_batch_norms(dtype: Any) -> bool:
    """Whether inference is faster if each call multiplies the kernel of a
    convolution by the factors of its batch norm.

    Without AVX-512, oneDNN (in TensorFlow 2.21) takes milliseconds for a
    convolution with a batch norm. With half precision the answer is no, since
    the product would be rounded once more.
    """
    return (
        tf is not None
        and keras.backend.standardize_dtype(dtype) == "float32"
        and onednn_is_on()
        and not onednn_has_avx512()
    )


def add_bias(inputs: Any, bias: Any, axis: int) -> Any:
    """`inputs + bias` along an axis; TensorFlow makes one operation of a
    convolution, its bias and a ReLU."""
    if tf is not None and axis in (-1, 3) and len(inputs.shape) == 4:
        return tf.nn.bias_add(inputs, bias)
    shape = [1] * len(inputs.shape)
    shape[axis] = -1
    return inputs + ops.reshape(bias, shape)


def activate_shared(states: Any, activate: Callable[[Any], Any]) -> Any:
    """The activation of a hidden state, which others may read as it is.

    With oneDNN, TensorFlow 2.21 makes one operation of a convolution, its
    bias, an addition and a ReLU even where others read the sum; then it gives
    up, and fuses nothing in the whole graph. It leaves a ReLU alone that waits
    for another operation, here for one that the sum needs anyway.
    """
    if not _is_made_by("AddV2", states):
        return activate(states)
    with tf.control_dependencies(states.op.inputs[:1]):
        return activate(states)


def _is_made_by(kind: str, outputs: Any) -> bool:
    """Whether these are the outputs of such an operation of a graph."""
    operation = getattr(outputs, "op", None) if tf is not None else None
    return operation is not None and operation.type == kind


def without_first(inputs: Any, axes: Sequence[int]) -> Any:
    """The inputs without the first position along some axes."""
    begin = [int(axis in axes) for axis in range(len(inputs.shape))]
    # TensorFlow's gradient of a strided slice is slow.
    if tf is not None:
        return tf.slice(inputs, begin, [-1] * len(begin))
    return inputs[tuple(slice(first, None) for first in begin)]


def even_positions(inputs: Any, data_format: str) -> Any:
    """Every second row and column of images, the first ones too.

    A strided 1x1 convolution is this and an unstrided one. oneDNN (in
    TensorFlow 2.21), on processors without AVX-512 and with one thread, writes
    the gradient of the kernel of the strided one beyond its memory where the
    channels are few.
    """
    # Not a strided slice, whose gradient is slow.
    return average_pool(inputs, 1, 2, "same", data_format)


def average_pool(
    inputs: Any, size: int, strides: int, padding: str, data_format: str
) -> Any:
    """The averages of square windows. The padding of SAME does not count."""
    # Keras 3.15 on PyTorch averages over what it pads, too, where that is
    # more on one side than on the other.
    if padding == "same" and keras.backend.backend() == "torch":
        return average_pool_by_counting(inputs, size, strides, data_format)
    return ops.average_pool(inputs, size, strides, padding, data_format)


def average_pool_by_counting(
    inputs: Any, size: int, strides: int, data_format: str
) -> Any:
    """`average_pool` with SAME. It pads with zeros, and divides each average by
    the share of its window that is inside the image."""
    paddings, inside = [(0, 0)] * 4, [1] * 4
    for axis in (1, 2) if data_format == "channels_last" else (2, 3):
        length = inputs.shape[axis]
        steps = -(-length // strides) - 1
        total = max(steps * strides + size - length, 0)
        paddings[axis] = (total // 2, total - total // 2)
        inside[axis] = length
    averages, parts = (
        ops.average_pool(
            ops.pad(states, paddings), size, strides, "valid", data_format
        )
        for states in (inputs, ops.ones(inside, dtype=inputs.dtype))
    )
    return averages / parts


def batch_normalization(
    inputs: Any,
    mean: Any,
    variance: Any,
    offset: Any,
    scale: Any,
    epsilon: float,
    axis: int,
) -> Any:
    """`(inputs - mean) / sqrt(variance + epsilon) * scale + offset`."""
    if not _is_fused(inputs, mean, axis):
        outputs = ops.batch_normalization(
            ops.cast(inputs, mean.dtype),
            mean,
            variance,
            axis,
            offset,
            scale,
            epsilon,
        )
        return ops.cast(outputs, inputs.dtype)
    if _is_made_by("Conv2D", inputs) and folds_batch_norms(inputs.dtype):
        factors = scale * tf.math.rsqrt(variance + epsilon)
        return tf.nn.bias_add(inputs * factors, offset - mean * factors)
    return tf.raw_ops.FusedBatchNormV3(
        x=inputs,
        scale=scale,
        offset=offset,
        mean=mean,
        variance=variance,
        epsilon=epsilon,
        is_training=False,
    ).y


def batch_normalization_training(
    inputs: Any,
    moving_mean: Any,
    moving_variance: Any,
    offset: Any,
    scale: Any,
    epsilon: float,
    momentum: float,
    axis: int,
) -> tuple[Any, Any, Any]:
    """Normalises by the statistics of the batch.

    The moving variance takes in the unbiased variance of the batch (divided
    by n - 1), as TF-slim's fused batch norm and PyTorch do; the stock Keras 3
    layer divides by n.

    Returns:
        The normalised inputs, the new moving mean and the new moving
        variance.
    """
    if _is_fused(inputs, moving_mean, axis):
        outputs = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=scale,
            offset=offset,
            mean=moving_mean,
            variance=moving_variance,
            epsilon=epsilon,
            exponential_avg_factor=1.0 - momentum,
            is_training=True,
        )
        return outputs.y, outputs.batch_mean, outputs.batch_variance
    wide = ops.cast(inputs, moving_mean.dtype)
    rank = len(inputs.shape)
    axes = [a for a in range(rank) if a != axis % rank]
    mean, variance = ops.moments(wide, axes)
    outputs = ops.batch_normalization(
        wide, mean, variance, axis, offset, scale, epsilon
    )
    count = ops.size(inputs) / ops.size(mean)
    unbiased = variance * ops.cast(
        count / ops.maximum(count - 1, 1), variance.dtype
    )
    return (
        ops.cast(outputs, inputs.dtype),
        moving_mean * momentum + mean * (1.0 - momentum),
        moving_variance * momentum + unbiased * (1.0 - momentum),
    )


def _is_fused(inputs: Any, mean: Any, axis: int) -> bool:
    """Whether TensorFlow has a fused kernel: channels last, and statistics
    in float32."""
    return (
        tf is not None
        and axis in (-1, 3)
        and len(inputs.shape) == 4
        and mean.dtype == tf.float32
    )
