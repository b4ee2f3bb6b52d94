"""What kinds of networks have in common that are a stack of graphs of
operations: `GraphKind`.

Neither Keras nor TensorFlow is imported here before a network is built.
"""

import abc
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from nasnet_keras.architectures import (
    ArchitectureKind,
    Complexity,
    check_size,
    without_recipe,
)
from nasnet_keras.graph_nodes import GraphNode
from nasnet_keras.quotation import quoted

if TYPE_CHECKING:
    import keras

    from nasnet_keras.layers.parts.conventions import Conventions
    from nasnet_keras.network.skeletons import Size

MAX_NUMBER = 10_000  # of filters; a hundredth of it of cells


class PlannedGraph(NamedTuple):
    """A part of a network, which reads the one before it.

    Attributes:
        name: That of its layer.
        nodes: What it computes.
    """

    name: str
    nodes: tuple[GraphNode, ...]


class GraphKind(ArchitectureKind):
    """Networks that are a stack of graphs, each a layer; then the mean over
    all positions, and a classifier.

    Attributes:
        published: The arguments of `build` that set the size, as they were
            published, which are the defaults of `build`.
    """

    version = 1
    latency_part = "nasnet_keras.kinds.graphs.parts:StepPart"
    published: ClassVar[Mapping[str, int]]
    unsupported = {
        "drop_path_rate": "networks of this kind have no paths to drop",
        "auxiliary_weight": "networks of this kind have no such head",
    }

    @abc.abstractmethod
    def plan(
        self, architecture: Any, repeats: int, filters: int
    ) -> Sequence[PlannedGraph]:
        """The parts of a network, in order.

        Args:
            architecture: The architecture.
            repeats: How many cells stand in each of the three stages.
            filters: The channels of the first stage; each that follows has
                twice as many.
        """

    def build(
        self,
        architecture: Any,
        input_shape: tuple[int | None, int | None, int],
        classes: int,
        **arguments: Any,
    ) -> "keras.Model":
        """The untrained network.

        Args:
            architecture: The architecture.
            input_shape: Height, width and channels of the images, channels
                first if the conventions say so. Height and width may be None.
            classes: The number of classes.
            **arguments: `repeats`, the cells of a stage, and `filters`, the
                channels of the first, default `published`; `dropout`, the
                rate before the classifier, default 0; `conventions`, a
                `Conventions` or its `to_dict`.

        Raises:
            ValueError: An argument is unknown or out of range.
        """
        from keras import Model

        # Registers all that saved models are made of.
        import nasnet_keras.network.build  # noqa: F401
        from nasnet_keras.layers.operation_graph import OperationGraph
        from nasnet_keras.layers.parts.conventions import Conventions
        from nasnet_keras.network import ends

        plan = self.planned(architecture, arguments)
        _check_number("classes", classes, MAX_NUMBER)
        conventions = Conventions.of_no_cells(arguments.get("conventions"))
        dropout = arguments.get("dropout", 0.0)
        ends.check_rates(dropout=dropout)
        shape = ends.checked_shape(input_shape, conventions)
        # Parameters do not depend on the height and the width.
        first, second, third = (side or 1 for side in shape)
        cost = self.complexity(
            architecture, (first, second, third), classes, **arguments
        )
        check_size(cost)
        inputs, state = ends.begin(input_shape)
        for graph in plan:
            state = OperationGraph(
                graph.nodes, conventions=conventions, name=graph.name
            )(state)
        outputs = ends.finish(
            state, classes, conventions.data_format, dropout=dropout
        )
        return Model(inputs, outputs, name=self.name)

    def complexity(
        self,
        architecture: Any,
        input_shape: tuple[int, int, int],
        classes: int,
        **arguments: Any,
    ) -> Complexity:
        from nasnet_keras.network.complexity import (
            classifier_complexity,
            graph_complexity,
        )

        arguments = without_recipe(arguments)
        conventions, channels, size = self.image(input_shape, arguments)
        total = Complexity()
        for graph in self.planned(architecture, arguments):
            cost, channels, size = graph_complexity(
                graph.nodes, channels, size, conventions.normalization
            )
            total += cost
        return total + classifier_complexity(channels, classes)

    def image(
        self, input_shape: Sequence[int | None], arguments: Mapping[str, Any]
    ) -> "tuple[Conventions, int, Size]":
        """How a network computes, and the channels and the size of its images.

        Raises:
            ValueError: The size is not known.
        """
        from nasnet_keras.layers.parts.conventions import Conventions
        from nasnet_keras.network.complexity import known_size

        conventions = Conventions.of_no_cells(arguments.get("conventions"))
        shape: Any = (0, *input_shape)
        size = known_size(*(shape[axis] for axis in conventions.spatial_axes))
        return conventions, shape[conventions.channel_axis], size

    def planned(
        self, architecture: Any, arguments: Mapping[str, Any]
    ) -> Sequence[PlannedGraph]:
        """As `plan`, by arguments of `build`, which are checked.

        Raises:
            ValueError: An argument is unknown or out of range.
        """
        known = (*self.published, "dropout", "conventions")
        for name, value in arguments.items():
            if name not in known:
                raise ValueError(
                    f"Invalid argument `{name}` of a network of the kind "
                    f"{self.name}. Expected some of {', '.join(known)}. "
                    f"Received: {name}={quoted(value)}."
                )
        numbers = {
            name: arguments.get(name, value)
            for name, value in self.published.items()
        }
        for name, value in numbers.items():
            most = MAX_NUMBER if name == "filters" else MAX_NUMBER // 100
            _check_number(name, value, most)
        return self.plan(architecture, **numbers)


def _check_number(argument: str, value: Any, most: int) -> None:
    if type(value) is not int or not 1 <= value <= most:
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected an integer "
            f"from 1 to {most:,}. Received: {argument}={quoted(value)}."
        )
