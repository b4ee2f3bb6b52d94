"""What a training sets in the process that it runs in: `kept_process_state`.

Neither Keras nor TensorFlow is imported here unless somebody has.
"""

import contextlib
import copy
import gc
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

REWRITING_OFF = "disable_meta_optimizer"
SEED_GENERATOR = "global_seed_generator"  # of Keras


@contextlib.contextmanager
def kept_process_state() -> Iterator[None]:
    """Puts back, when the block ends, what the rest of the process meets: the
    state of the random numbers of Python, NumPy, Keras and TensorFlow, what
    Keras holds for all networks, such as the dtype policy and the names of
    layers, whether operations are deterministic and graphs rewritten, and what
    the garbage collector looks through.

    How many threads TensorFlow uses cannot be put back.

    Example:

    >>> import random
    >>> before = random.getstate()
    >>> with kept_process_state():
    ...     random.seed(0)
    >>> random.getstate() == before
    True
    """
    python, numpy = random.getstate(), np.random.get_state()
    put_back, frozen = _tensorflow_state(), gc.get_freeze_count()
    try:
        yield
    finally:
        if not frozen:
            gc.unfreeze()
        random.setstate(python)
        np.random.set_state(numpy)
        if "tensorflow" in sys.modules:
            put_back()


def _tensorflow_state() -> Callable[[], None]:
    """What puts the state of TensorFlow and Keras back to what it is now; that
    is what it begins with where neither is imported."""
    deterministic, rewriting_off, seed = False, False, None
    drawn: Any = None
    of_keras: dict[str, Any] = {}
    generator: Any = None
    advance: Any = None
    if "tensorflow" in sys.modules:
        import tensorflow as tf
        from keras.src.backend.common import global_state
        from tensorflow.python.eager.context import context
        from tensorflow.python.framework import config

        deterministic = config.is_op_determinism_enabled()
        options = tf.config.optimizer.get_experimental_options()
        rewriting_off = options.get(REWRITING_OFF, False)
        seed = context()._seed
        if seed is not None:
            drawn = context()._rng.getstate()
        of_keras = {
            name: copy.copy(value) if isinstance(value, dict | list) else value
            for name, value in vars(global_state.GLOBAL_STATE_TRACKER).items()
        }
        generator = of_keras.get(SEED_GENERATOR)
        if generator is not None:
            advance = generator.state.numpy()

    def put_back() -> None:
        import tensorflow as tf
        from keras.src.backend.common import global_state
        from tensorflow.python.eager.context import context
        from tensorflow.python.framework import config

        tf.config.optimizer.set_experimental_options(
            {REWRITING_OFF: rewriting_off}
        )
        if not deterministic:
            config.disable_op_determinism()
        if context()._seed != seed:
            tf.random.set_seed(seed)
        if drawn is not None:
            context()._rng.setstate(drawn)
        # All at once: `clear_session` leaves nothing of it.
        current = vars(global_state.GLOBAL_STATE_TRACKER)
        current.clear()
        current.update(of_keras)
        if generator is not None:
            generator.state.assign(advance)

    return put_back
