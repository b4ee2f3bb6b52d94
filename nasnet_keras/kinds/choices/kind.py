"""Networks of a user's own as a kind: `ChoicesKind`.

Neither Keras nor TensorFlow is imported here before a network is built.
"""

import functools
import math
from typing import TYPE_CHECKING, Any

from nasnet_keras.architectures import (
    ArchitectureKind,
    Complexity,
    check_keys,
)
from nasnet_keras.kinds.choices.architecture import (
    MAX_CHOICES,
    TYPES,
    ChoiceNetworks,
    ChosenNetwork,
    is_among,
)
from nasnet_keras.own_modules import find_attribute
from nasnet_keras.quotation import quoted

if TYPE_CHECKING:
    import keras


class ChoicesKind(ArchitectureKind):
    """The kind of networks that a user's function builds: a `ChosenNetwork`.

    Example:

    >>> chosen = ChosenNetwork("my_module:space", (("kernel", 3),))
    >>> print(ChoicesKind().text(chosen))
    kernel = 3
    """

    name = "choices"
    version = 1
    scale = {}
    unsupported = dict.fromkeys(
        (
            *("drop_path_rate", "auxiliary_weight", "dropout"),
            *("bn_momentum", "frozen_epochs"),
        ),
        "a network of your own has what its `build` gives it",
    )

    def to_data(self, architecture: ChosenNetwork) -> Any:
        return {
            "networks": architecture.networks,
            "choices": dict(architecture.choices),
            "unused": list(architecture.unused),
        }

    def from_data(self, data: Any) -> ChosenNetwork:
        check_keys(data, {"networks", "choices", "unused"}, "an architecture")
        networks, choices, unused = (
            data[key] for key in ("networks", "choices", "unused")
        )
        if not (
            isinstance(networks, str)
            and isinstance(choices, dict)
            and 1 <= len(choices) <= MAX_CHOICES
            and all(type(each) in TYPES for each in choices.values())
            and isinstance(unused, list)
            and all(isinstance(name, str) for name in unused)
        ):
            raise ValueError(
                "Expected a location, values by name, and names. Received: "
                f"{quoted(data)}."
            )
        return ChosenNetwork(networks, tuple(choices.items()), tuple(unused))

    def text(self, architecture: ChosenNetwork) -> str:
        """A line for each choice."""
        return "\n".join(
            f"{name} = {value}"
            + (" (not used)" if name in architecture.unused else "")
            for name, value in architecture.choices
        )

    def build(
        self,
        architecture: ChosenNetwork,
        input_shape: tuple[int, int, int],
        classes: int,
        **arguments: Any,
    ) -> "keras.Model":
        """The untrained network, built by the function of `ChoiceNetworks`,
        whose module is imported.

        Args:
            architecture: The architecture.
            input_shape: Height, width and channels of the images.
            classes: The number of classes.
            **arguments: None.

        Raises:
            ValueError: The networks are not there, `build` fails, or it
                returns no model of these classes.
        """
        if arguments:
            raise ValueError(
                "Invalid arguments of a network of one's own. Expected none. "
                f"Received: {', '.join(arguments)}."
            )
        import keras

        networks = _found(architecture.networks)
        said = f"`build` of {architecture.networks} for {architecture.used}"
        for name, value in architecture.choices:
            if not is_among(value, networks.choices.get(name, ())):
                raise ValueError(
                    f"Invalid choices of {architecture.networks}. Expected "
                    f"for {name!r} one of {networks.choices.get(name, ())}. "
                    f"Received: {value!r}."
                )
        try:
            model = networks.build(
                architecture.used, tuple(input_shape), classes
            )
        except Exception as error:  # whatever the user's function may do
            raise ValueError(
                f"{said} failed: {type(error).__name__}: {error}"
            ) from error
        if isinstance(model, keras.Sequential):
            if not model.built:
                model.build((None, *input_shape))
            # What trains and exports networks asks for their output.
            model = keras.Model(
                model.inputs[0], model.outputs[0], name=model.name
            )
        found = getattr(model, "output_shape", None)
        if not isinstance(model, keras.Model) or found != (None, classes):
            raise ValueError(
                f"{said} failed. Expected a Sequential or functional model "
                f"that returns {classes} probabilities. Received: "
                f"{quoted(model)}, which returns {quoted(found)}."
            )
        return model

    def complexity(
        self,
        architecture: ChosenNetwork,
        input_shape: tuple[int, int, int],
        classes: int,
        **arguments: Any,
    ) -> Complexity:
        """The complexity of the network. The network is built to be counted;
        for its multiply-adds see `known_multiply_adds`."""
        height, width, channels = input_shape
        networks = _found(architecture.networks)
        return _complexity(
            networks, architecture, (height, width, channels), classes
        )


def _found(location: str) -> ChoiceNetworks:
    """Raises:
    ValueError: There are no such networks.
    """
    networks = find_attribute(location, "networks")
    if not isinstance(networks, ChoiceNetworks):
        raise ValueError(
            "Invalid value for argument `networks`. Expected a `ChoiceSpace`. "
            f"Received: {quoted(location)}, a {type(networks).__name__}."
        )
    return networks


# By the networks too: a cell of a notebook that is run again makes new ones at
# the same location.
@functools.lru_cache(maxsize=10_000)
def _complexity(
    networks: ChoiceNetworks,
    architecture: ChosenNetwork,
    input_shape: tuple[int, int, int],
    classes: int,
) -> Complexity:
    from nasnet_keras.network.model_cost import known_multiply_adds

    model = ChoicesKind().build(architecture, input_shape, classes)
    trainable = sum(
        math.prod(weight.shape) for weight in model.trainable_weights
    )
    return Complexity(
        trainable,
        model.count_params() - trainable,
        known_multiply_adds(model),
    )
