"""Networks of a user's own, told apart by choices: `ChoiceNetworks`,
`ChosenNetwork`, and their kind.

Neither Keras nor TensorFlow is imported here before a network is built.
"""

from nasnet_keras.kinds.choices.architecture import (
    ChoiceNetworks,
    ChosenNetwork,
)
from nasnet_keras.kinds.choices.kind import ChoicesKind

__all__ = ["ChoiceNetworks", "ChoicesKind", "ChosenNetwork"]
