import numpy as np
import pytest
from keras import ops

from nasnet_keras.layers.parts.activations import ACTIVATIONS, find_activation


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("relu", lambda x: np.maximum(x, 0)),
        ("relu6", lambda x: np.clip(x, 0, 6)),
        ("swish", lambda x: x / (1 + np.exp(-x))),
        ("hard_swish", lambda x: x * np.clip(x + 3, 0, 6) / 6),
    ],
)
def test_each_is_its_formula(name, formula):
    x = np.linspace(-8, 8, 33).astype("float32")
    found = find_activation(name)(ops.convert_to_tensor(x))
    np.testing.assert_allclose(found, formula(x), atol=1e-6)


def test_others_are_refused():
    for name in ("elu", None):
        with pytest.raises(ValueError, match="`activation`.*hard_swish.*Rec"):
            find_activation(name)
    assert len(ACTIVATIONS) == 4
