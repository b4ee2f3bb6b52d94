"""What a training sets in the process that it runs in: `kept_process_state`.

Neither Keras nor TensorFlow is imported here unless somebody has.
"""

import contextlib
import gc
import random
import sys
from collections.abc import Callable, Iterator

import numpy as np

REWRITING_OFF = "disable_meta_optimizer"


@contextlib.contextmanager
def kept_process_state() -> Iterator[None]:
    """Puts back, when the block ends, what the rest of the process meets: the
    state of the random numbers of Python, NumPy, Keras and TensorFlow, whether
    operations are deterministic and graphs rewritten, the dtype policy, and
    what the garbage collector looks through.

    How many threads TensorFlow uses cannot be put back; neither can the names
    that Keras has given to layers, which begin anew.

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
    deterministic, rewriting_off, seed, policy = False, False, None, None
    if "tensorflow" in sys.modules:
        import keras
        import tensorflow as tf
        from tensorflow.python.eager.context import global_seed
        from tensorflow.python.framework import config

        deterministic = config.is_op_determinism_enabled()
        options = tf.config.optimizer.get_experimental_options()
        rewriting_off = options.get(REWRITING_OFF, False)
        seed, policy = global_seed(), keras.config.dtype_policy()

    def put_back() -> None:
        import keras
        import tensorflow as tf
        from tensorflow.python.eager.context import global_seed
        from tensorflow.python.framework import config

        tf.config.optimizer.set_experimental_options(
            {REWRITING_OFF: rewriting_off}
        )
        if not deterministic:
            config.disable_op_determinism()
        if global_seed() != seed:
            # Keras has no other way to forget a seed.
            keras.backend.clear_session(free_memory=False)
            tf.random.set_seed(seed)
        if policy is not None:
            keras.config.set_dtype_policy(policy)

    return put_back
