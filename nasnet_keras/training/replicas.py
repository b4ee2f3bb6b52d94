"""Several devices that train as one: GPUs, or where there are none parts of
the processors, which only serve to try it."""

import keras
import tensorflow as tf


def prepare_replicas(replicas: int, batch_size: int) -> None:
    """Sees that there are so many devices, where there is no GPU, and no more
    than images in a batch: `create_strategy` refuses more replicas.

    Raises:
        RuntimeError: TensorFlow has begun work in this process.
    """
    replicas = min(replicas, batch_size)
    if replicas > 1 and not tf.config.list_physical_devices("GPU"):
        (processors,) = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(
            processors, [tf.config.LogicalDeviceConfiguration()] * replicas
        )


def create_strategy(replicas: int, batch_size: int) -> tf.distribute.Strategy:
    """What has so many devices train alike, each on its part of a batch.

    Raises:
        ValueError: There are fewer devices, or they do not divide the batch.
    """
    if replicas == 1:
        return tf.distribute.get_strategy()
    found = tf.config.list_logical_devices
    devices = [device.name for device in found("GPU") or found("CPU")]
    if not 1 <= replicas <= len(devices) or batch_size % replicas:
        raise ValueError(
            "Invalid value for argument `replicas`. Expected a divisor of the "
            f"batch size, {batch_size}, of at most the number of devices, "
            f"{len(devices)}. Received: replicas={replicas}."
        )
    return tf.distribute.MirroredStrategy(devices[:replicas])


def synchronise(model: keras.Model, synchronised: bool) -> None:
    """Has batch norms count the whole batch, or a replica's part of it."""
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = synchronised
