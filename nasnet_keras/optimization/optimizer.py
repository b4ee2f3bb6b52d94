"""The optimizers that the paper trains with, in few graph operations."""

from typing import Any

import keras
import tensorflow as tf


class KernelPenalty(keras.optimizers.Optimizer):
    """Adds L2 regularisation of kernels to an optimizer: `l2 * kernel` to the
    gradient of each convolution and dense kernel that has one; those of a cell
    that nothing reads stay as they are.

    Gradients of several replicas are summed first, so that the penalty counts
    once, and the norm that is clipped is that of the whole batch."""

    def __init__(self, *arguments: Any, l2: float = 0.0, **keywords: Any):
        super().__init__(*arguments, **keywords)
        self.l2 = l2
        self._kernels: set[str] = set()

    def build(self, variables):
        super().build(variables)
        self._kernels = {
            variable.path
            for variable in variables
            if variable.path.endswith("kernel")
        }

    def _backend_apply_gradients(self, grads, trainable_variables):
        replica = tf.distribute.get_replica_context()
        if replica is not None and replica.num_replicas_in_sync > 1:
            grads = replica.all_reduce(tf.distribute.ReduceOp.SUM, grads)
        if self.l2:
            grads = [
                grad + self.l2 * variable.value
                if variable.path in self._kernels
                else grad
                for grad, variable in zip(
                    grads, trainable_variables, strict=True
                )
            ]
        super()._backend_apply_gradients(grads, trainable_variables)

    def _all_reduce_sum_gradients(self, grads_and_vars):
        return grads_and_vars  # They are summed.

    def get_config(self):
        return {**super().get_config(), "l2": self.l2}


@keras.saving.register_keras_serializable(package="nasnet_keras")
class RMSProp(KernelPenalty, keras.optimizers.RMSprop):
    """`keras.optimizers.RMSprop` with L2 regularisation of kernels.

    Args:
        learning_rate: A float or a `keras.optimizers.schedules` schedule.
        rho: Decay of the mean square. Default 0.9 (paper A.7).
        momentum: Default 0.9 (TF-slim).
        epsilon: Default 1 (paper A.7).
        l2: Twice the factor of the sum of squares, TF-slim's convention.
            Default 0; TF-slim on ImageNet: 4e-5 (Mobile), 5e-5
            (Large).

    Example:

    >>> optimizer = RMSProp(0.04, l2=4e-5, global_clipnorm=10.0)
    """

    def __init__(
        self,
        learning_rate: Any = 0.04,
        rho: float = 0.9,
        momentum: float = 0.9,
        epsilon: float = 1.0,
        l2: float = 0.0,
        name: str = "rmsprop",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate,
            rho=rho,
            momentum=momentum,
            epsilon=epsilon,
            l2=l2,
            name=name,
            **kwargs,
        )


@keras.saving.register_keras_serializable(package="nasnet_keras")
class Momentum(KernelPenalty, keras.optimizers.SGD):
    """SGD with momentum, L2 regularisation of kernels, and clipping of the
    global norm of the gradients.

    The updates are those of `keras.optimizers.SGD` over a loss to which
    `l2 / 2 * sum(kernel ** 2)` is added for each convolution and dense
    kernel that has a gradient; those of a cell that nothing reads stay as
    they are. A network of hundreds of variables is set up faster: the clipping
    factor scales the learning rate in place of every gradient, and a variable
    and its momentum are updated by one operation.

    Args:
        learning_rate: A float or a `keras.optimizers.schedules` schedule.
        momentum: Default 0.9 (paper A.6; TF-slim).
        l2: Twice the factor of the sum of squares, TF-slim's convention.
            Default 0; TF-slim on CIFAR: 5e-4.
        global_clipnorm: The largest global norm of the gradients. Default
            None; TF-slim on CIFAR: 5.

    Example:

    >>> optimizer = Momentum(0.025, l2=5e-4, global_clipnorm=5.0)
    """

    def __init__(
        self,
        learning_rate: Any = 0.025,
        momentum: float = 0.9,
        l2: float = 0.0,
        global_clipnorm: float | None = None,
        name: str = "momentum",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate,
            momentum=momentum,
            l2=l2,
            global_clipnorm=global_clipnorm,
            name=name,
            **kwargs,
        )

    def _clip_gradients(self, grads):
        if self._one_step_per_variable():
            return grads  # The learning rate carries the factor.
        return super()._clip_gradients(grads)

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        if not self._one_step_per_variable():
            super()._backend_update_step(
                grads, trainable_variables, learning_rate
            )
            return
        learning_rate = tf.cast(learning_rate, tf.float32)
        if self.global_clipnorm:
            norm = tf.cast(tf.linalg.global_norm(grads), tf.float32)
            learning_rate *= self.global_clipnorm / tf.maximum(
                norm, self.global_clipnorm
            )
        for grad, variable in zip(grads, trainable_variables, strict=True):
            slot = self.momentums[self._get_variable_index(variable)]
            tf.raw_ops.ResourceApplyKerasMomentum(
                var=variable.value.handle,
                accum=slot.value.handle,
                lr=tf.cast(learning_rate, grad.dtype),
                grad=grad,
                momentum=self.momentum,
                use_nesterov=self.nesterov,
            )

    def _one_step_per_variable(self) -> bool:
        """Whether the variables are plain ones of a single replica."""
        return (
            bool(self.momentum)
            and not tf.distribute.has_strategy()
            and self.clipnorm is None
            and self.clipvalue is None
        )
