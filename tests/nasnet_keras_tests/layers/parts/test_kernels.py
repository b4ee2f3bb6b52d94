"""Each kernel against its `keras.ops` form, which serves other backends."""

import gc
import weakref

import numpy as np
import pytest
import tensorflow as tf

from nasnet_keras.layers.parts import kernels

# Float32 sums of a few hundred products in another order.
TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}


def noise(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return tf.constant(rng.normal(size=shape), tf.float32)


def both_forms(monkeypatch, compute, *arguments):
    """The outputs of the kernel and of the `keras.ops` form, and what both
    send back to each argument."""
    results = []
    for form in (kernels.tf, None):
        monkeypatch.setattr(kernels, "tf", form)
        with tf.GradientTape() as tape:
            tape.watch(arguments)
            outputs = tf.nest.flatten(compute(*arguments))
            # Weighted, for the gradients of a batch norm's plain sum vanish.
            loss = tf.add_n(
                [
                    tf.reduce_sum(output * noise(*output.shape, seed=1))
                    for output in outputs[:1]
                ]
            )
        results.append([*outputs, *tape.gradient(loss, arguments)])
    return results


def assert_equal(results):
    for fast, plain in zip(*results, strict=True):
        np.testing.assert_allclose(fast, plain, **TOLERANCE)


@pytest.mark.parametrize("size", [(6, 6), (7, 5)])
@pytest.mark.parametrize(
    ("kernel_size", "strides", "dilation"),
    [
        ((1, 1), (1, 1), 1),
        ((1, 1), (2, 2), 1),
        ((3, 3), (1, 1), 1),
        ((3, 3), (2, 2), 1),
        ((1, 7), (1, 2), 1),
        ((3, 3), (1, 1), 2),
    ],
)
def test_convolutions(monkeypatch, size, kernel_size, strides, dilation):
    assert_equal(
        both_forms(
            monkeypatch,
            lambda images, kernel: kernels.conv2d(
                images, kernel, strides, dilation, "channels_last"
            ),
            noise(2, *size, 3),
            noise(*kernel_size, 3, 4),
        )
    )


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(("side", "stride"), [(1, 1), (3, 2)])
def test_grouped_convolutions(monkeypatch, side, stride, data_format):
    """Keras' form is of `Conv2D(groups=)`; it takes XLA."""
    images = noise(2, 7, 5, 6)
    if data_format == "channels_first":
        images = tf.transpose(images, (0, 3, 1, 2))
    assert_equal(
        both_forms(
            monkeypatch,
            lambda images, kernel: kernels.conv2d(
                images, kernel, (stride, stride), 1, data_format, "valid"
            ),
            images,
            noise(side, side, 2, 9),
        )
    )


def test_channels_are_shuffled_and_gathered(monkeypatch):
    numbers = np.arange(6.0, dtype="float32").reshape(1, 1, 1, 6)
    assert np.asarray(
        kernels.channel_shuffle(numbers, 3, -1)
    ).ravel().tolist() == [0, 2, 4, 1, 3, 5]
    images = noise(2, 6, 3, 2)
    shuffled = kernels.channel_shuffle(images, 2, 1)
    np.testing.assert_array_equal(shuffled[:, :2], images.numpy()[:, ::3])
    assert_equal(
        both_forms(
            monkeypatch,
            lambda images: kernels.gather(images, np.array([2, 0, 2, 5]), 1),
            images,
        )
    )


@pytest.mark.parametrize("size", [(6, 6), (7, 5), (1, 1), (2, 1)])
def test_even_positions(size):
    images = noise(2, *size, 3)
    upstream = noise(2, (size[0] + 1) // 2, (size[1] + 1) // 2, 3, seed=1)
    with tf.GradientTape() as tape:
        tape.watch(images)
        outputs = kernels.even_positions(images, "channels_last")
    np.testing.assert_array_equal(outputs, images[:, ::2, ::2])
    expected = np.zeros_like(images)
    expected[:, ::2, ::2] = upstream
    np.testing.assert_array_equal(
        tape.gradient(outputs, images, upstream), expected
    )


@pytest.mark.parametrize(("strides", "dilation"), [(1, 1), (2, 1), (1, 2)])
@pytest.mark.parametrize("size", [(6, 6), (7, 5), (4, 3), (2, 1)])
@pytest.mark.parametrize("kernel_size", [3, 4, 5, 6, 7])
@pytest.mark.one_in(2)
def test_depthwise_convolutions(
    monkeypatch, strides, dilation, size, kernel_size
):
    assert_equal(
        both_forms(
            monkeypatch,
            lambda images, kernel: kernels.depthwise_conv2d(
                images, kernel, strides, dilation, "channels_last", True
            ),
            noise(2, *size, 3),
            noise(kernel_size, kernel_size, 3, 1),
        )
    )


def test_the_gradient_of_a_depthwise_kernel_from_a_slice_of_any_place():
    kernel = noise(5, 5, 3, 1)

    def gradient(images, row):
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            outputs = kernels.depthwise_conv2d(
                images, kernel, 1, 1, "channels_last", True
            )
            # What comes back of it has no known shape.
            loss = tf.reduce_sum(tf.slice(outputs, (0, row, 0, 0), [2] * 4))
        return tape.gradient(loss, kernel)

    arguments = noise(2, 6, 7, 3), tf.constant(1)
    traced = tf.function(
        gradient,
        input_signature=[
            tf.TensorSpec((None, 6, 7, 3)),
            tf.TensorSpec((), tf.int32),
        ],
    )
    np.testing.assert_allclose(
        traced(*arguments), gradient(*arguments), **TOLERANCE
    )


@pytest.mark.parametrize("kernel_size", [3, 7])
def test_no_graph_is_kept(kernel_size):
    """As TensorFlow's registry of gradients would, one for each network."""

    def gradient(images, kernel):
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            outputs = kernels.depthwise_conv2d(
                images, kernel, 1, 1, "channels_last", True
            )
        return tape.gradient(outputs, kernel)

    traced = tf.function(gradient)
    arguments = noise(2, 6, 6, 3), noise(kernel_size, kernel_size, 3, 1)
    graph = weakref.ref(traced.get_concrete_function(*arguments).graph)
    del traced
    gc.collect()
    assert graph() is None


def test_a_wide_depthwise_kernel_in_inference_is_one_operation():
    @tf.function
    def convolve(images):
        return kernels.depthwise_conv2d(
            images, noise(5, 5, 3, 1), 1, 1, "channels_last", training=False
        )

    graph = convolve.get_concrete_function(noise(2, 6, 6, 3)).graph
    types = {operation.type for operation in graph.get_operations()}
    assert types == {
        "Const",
        "DepthwiseConv2dNative",
        "Identity",
        "Placeholder",
    }


@pytest.mark.parametrize("on", [False, True])
def test_the_gradient_of_a_wide_depthwise_kernel_is_in_parts_for_onednn(
    monkeypatch, on
):
    """TensorFlow's own kernel is not faster for the parts."""
    monkeypatch.setattr(kernels, "onednn_is_on", lambda: on)
    kernel = noise(5, 5, 3, 1)

    @tf.function
    def gradient(images):
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            outputs = kernels.depthwise_conv2d(
                images, kernel, 1, 1, "channels_last", True
            )
        return tape.gradient(outputs, kernel)

    graph = gradient.get_concrete_function(noise(2, 6, 6, 3)).graph
    types = [operation.type for operation in graph.get_operations()]
    assert ("DepthwiseConv2dNativeBackpropFilter" in types) != on


def test_without_first(monkeypatch):
    assert_equal(
        both_forms(
            monkeypatch,
            lambda images: kernels.without_first(images, (1, 2)),
            noise(2, 5, 4, 3),
        )
    )


@pytest.mark.parametrize("size", [(4, 5), (1, 1)])
def test_batch_normalization(monkeypatch, size):
    mean, variance = noise(3, seed=4), tf.abs(noise(3, seed=5)) + 0.5
    assert_equal(
        both_forms(
            monkeypatch,
            lambda images, offset, scale: kernels.batch_normalization(
                images, mean, variance, offset, scale, 1e-3, axis=-1
            ),
            3 * noise(2, *size, 3) + 1,
            *(noise(3, seed=seed) for seed in (2, 3)),
        )
    )


def test_a_batch_norm_right_behind_a_convolution(monkeypatch):
    """Without AVX-512 it is not left to oneDNN."""
    mean, variance = noise(4, seed=4), tf.abs(noise(4, seed=5)) + 0.5
    offset, scale = noise(4, seed=2), noise(4, seed=3)

    @tf.function
    def compute(images, kernel):
        return kernels.batch_normalization(
            tf.nn.conv2d(images, kernel, 2, "SAME"),
            mean,
            variance,
            offset,
            scale,
            1e-3,
            axis=-1,
        )

    arguments = noise(2, 5, 4, 3), noise(3, 3, 3, 4, seed=1)
    results = []
    for folds in (False, True):
        monkeypatch.setattr(
            kernels, "folds_batch_norms", lambda _, folds=folds: folds
        )
        graph = compute.get_concrete_function(*arguments)
        kinds = {each.type for each in graph.graph.get_operations()}
        assert ("FusedBatchNormV3" in kinds) != folds
        results.append(graph(*arguments))
        compute = tf.function(compute.python_function)
    np.testing.assert_allclose(*results, **TOLERANCE)


@pytest.mark.parametrize(
    ("on", "avx512", "dtype", "folds"),
    [
        (True, False, "float32", True),
        (True, False, "bfloat16", False),
        (True, True, "float32", False),
        (False, False, "float32", False),
    ],
)
def test_batch_norms_are_folded_where_onednn_is_slow(
    monkeypatch, on, avx512, dtype, folds
):
    monkeypatch.setattr(kernels, "onednn_is_on", lambda: on)
    monkeypatch.setattr(kernels, "onednn_has_avx512", lambda: avx512)
    assert kernels.folds_batch_norms(dtype) == folds


@pytest.mark.parametrize("folds", [False, True])
@pytest.mark.parametrize("size", [1, 3])
def test_a_1x1_convolution_with_a_bias_is_a_product_where_onednn_is_slow(
    monkeypatch, folds, size
):
    monkeypatch.setattr(kernels, "folds_batch_norms", lambda _: folds)
    kernel, bias = noise(size, size, 3, 4, seed=1), noise(4, seed=2)

    @tf.function(input_signature=[tf.TensorSpec((None, 5, 4, 3))])
    def compute(images):
        return kernels.conv2d(
            images, kernel, (1, 1), 1, "channels_last", bias=bias
        )

    operations = compute.get_concrete_function().graph.get_operations()
    types = {operation.type for operation in operations}
    assert ("MatMul" in types) == (folds and size == 1)
    images = noise(2, 5, 4, 3)
    outputs = compute(images)
    assert outputs.shape == (2, 5, 4, 4)
    expected = tf.nn.conv2d(images, kernel, 1, "SAME") + bias
    np.testing.assert_allclose(outputs, expected, **TOLERANCE)


def test_a_shared_relu_waits_for_an_operand_of_its_sum():
    @tf.function
    def compute(first, second):
        return kernels.activate_shared(
            tf.sin(first) + tf.cos(second), tf.nn.relu
        )

    arguments = noise(2, 3), noise(2, 3, seed=1)
    graph = compute.get_concrete_function(*arguments).graph
    (relu,) = (each for each in graph.get_operations() if each.type == "Relu")
    assert [each.type for each in relu.control_inputs] == ["Sin"]
    expected = tf.nn.relu(tf.sin(arguments[0]) + tf.cos(arguments[1]))
    np.testing.assert_array_equal(compute(*arguments), expected)
    np.testing.assert_array_equal(
        kernels.activate_shared(arguments[0], tf.nn.relu),
        tf.nn.relu(arguments[0]),
    )


@pytest.mark.parametrize("momentum", [0.0, 0.9, 0.9997])
def test_batch_normalization_in_training(monkeypatch, momentum):
    mean, variance = noise(3, seed=4), tf.abs(noise(3, seed=5))
    assert_equal(
        both_forms(
            monkeypatch,
            lambda images, offset, scale: kernels.batch_normalization_training(
                images, mean, variance, offset, scale, 1e-3, momentum, axis=-1
            ),
            3 * noise(2, 4, 5, 3) + 1,
            *(noise(3, seed=seed) for seed in (2, 3)),
        )
    )


def test_the_moving_variance_takes_in_the_unbiased_variance(monkeypatch):
    images = noise(2, 4, 5, 3)
    for form in (kernels.tf, None):
        monkeypatch.setattr(kernels, "tf", form)
        _, mean, variance = kernels.batch_normalization_training(
            images,
            moving_mean=tf.zeros(3),
            moving_variance=tf.ones(3),
            offset=tf.zeros(3),
            scale=tf.ones(3),
            epsilon=1e-3,
            momentum=0.75,
            axis=-1,
        )
        values = images.numpy().reshape(-1, 3)
        np.testing.assert_allclose(mean, 0.25 * values.mean(0), **TOLERANCE)
        np.testing.assert_allclose(
            variance, 0.75 + 0.25 * values.var(0, ddof=1), **TOLERANCE
        )


@pytest.mark.parametrize("length", [7, 8])
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("size", [2, 3, 5])
def test_average_pool_by_counting(length, strides, size):
    """The form for PyTorch, against TensorFlow's own."""
    images = noise(2, length, length + 2, 3)
    expected = kernels.average_pool(
        images, size, strides, "same", "channels_last"
    )
    counted = kernels.average_pool_by_counting(
        images, size, strides, "channels_last"
    )
    np.testing.assert_allclose(counted, expected, **TOLERANCE)
