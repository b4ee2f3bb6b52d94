"""The space of NAS, layer by layer: `LayerwiseSpace`.

Neither Keras nor TensorFlow is imported here.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nasnet_keras.architectures import find_kind
from nasnet_keras.quotation import quoted
from search.spaces.base import Capability, Decision, SearchSpace
from search.trial import Decisions

if TYPE_CHECKING:
    from nasnet_keras.kinds.layerwise import LayerwiseArchitecture

KERNEL_SIDES = (1, 3, 5, 7)  # section 4.1, as for the next two
FILTERS = (24, 36, 48, 64)
STRIDES = (1, 2, 3)
MAX_LAYERS = 50
MAX_FILTERS = 10_000  # of the kind


class LayerwiseSpace(SearchSpace):
    """Convolutional networks, each layer with what it reads.

    A layer decides first, for each layer before it, whether to read its
    output (the anchor points of section 3.3); then height and width of its
    kernel, its strides if they are searched, and its filters. A layer that
    reads none reads the image, and what no layer reads goes to the
    classifier, so that no layer is ever dead.

    Reference:
        [Zoph and Le 2017](https://arxiv.org/abs/1611.01578), sections 3 and
        4.1.

    Args:
        layers: The number of layers. Default 15, those of the network of the
            paper's figure 7.
        strides: `"fixed"`: 1; `"searched"`: of height and width apart, 1, 2
            or 3. Default `"fixed"`.
        filters: The numbers of filters to choose from, ascending. Default
            the paper's; fewer make small networks.

    Raises:
        ValueError: `layers` is not from 1 to 50, `strides` is neither, or
            `filters` are no ascending integers from 1 to 10,000.

    Example:

    >>> space = LayerwiseSpace()
    >>> len(space.decisions), f"{space.size:.1e}"
    (150, '5.0e+58')
    """

    name = "layerwise"
    version = 1
    kind_name = "layerwise"

    def __init__(
        self,
        layers: int = 15,
        strides: Literal["fixed", "searched"] = "fixed",
        filters: Sequence[int] = FILTERS,
    ) -> None:
        if type(layers) is not int or not 1 <= layers <= MAX_LAYERS:
            raise ValueError(
                "Invalid value for argument `layers`. Expected an integer "
                f"from 1 to {MAX_LAYERS}. Received: layers={quoted(layers)}."
            )
        if strides not in ("fixed", "searched"):
            raise ValueError(
                "Invalid value for argument `strides`. Expected 'fixed' or "
                f"'searched'. Received: strides={quoted(strides)}."
            )
        if (
            not isinstance(filters, list | tuple)
            or not filters
            or not all(
                type(each) is int and 1 <= each <= MAX_FILTERS
                for each in filters
            )
            or list(filters) != sorted(set(filters))
        ):
            raise ValueError(
                "Invalid value for argument `filters`. Expected integers from "
                f"1 to {MAX_FILTERS:,} in ascending order, each once. "
                f"Received: filters={quoted(filters)}."
            )
        self.layers = layers
        self.strides = strides
        self.filters = tuple(filters)
        # What a layer decides besides what it reads.
        self._slots: dict[str, tuple[int, ...]] = {
            "height": KERNEL_SIDES,
            "width": KERNEL_SIDES,
        }
        if strides == "searched":
            self._slots |= {"stride_height": STRIDES, "stride_width": STRIDES}
        self._slots["filters"] = self.filters
        self.decisions = tuple(
            decision
            for number in range(1, layers + 1)
            for decision in self._layer_decisions(number)
        )

    def _layer_decisions(self, number: int) -> list[Decision]:
        return [
            *(
                Decision(
                    f"{number}/reads_{source}",
                    ("no", "yes"),
                    "input",
                    number - 1,
                )
                for source in range(1, number)
            ),
            *(
                Decision(
                    f"{number}/{slot}",
                    tuple(map(str, choices)),
                    "ordered",
                    number - 1,
                )
                for slot, choices in self._slots.items()
            ),
        ]

    def describe(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "version": self.version,
            "layers": self.layers,
            "strides": self.strides,
            "filters": list(self.filters),
        }

    @property
    def capabilities(self) -> frozenset[Capability]:
        """No table of latencies where strides are searched: layers then come
        in too many sizes to be measured one by one."""
        found = super().capabilities
        return found - {"latency-table"} if self.strides != "fixed" else found

    def covering(self) -> Iterator[Decisions]:
        """Each kernel with the fewest and with the most filters, on the image,
        on the layer before and on all layers before."""
        kernels = itertools.product(range(len(KERNEL_SIDES)), repeat=2)
        ends = {0, len(self.filters) - 1}
        for (height, width), filters in itertools.product(kernels, ends):
            chosen = {"height": height, "width": width, "filters": filters}
            vector: list[int] = []
            for number in range(1, self.layers + 1):
                everything = number == self.layers
                vector += [
                    int(everything or source == number - 1)
                    for source in range(1, number)
                ]
                vector += [chosen.get(slot, 0) for slot in self._slots]
            yield tuple(vector)

    def decode(self, decisions: Decisions) -> "LayerwiseArchitecture":
        layers = []
        for row in self._rows(decisions):
            anchors, own = row[: -len(self._slots)], row[-len(self._slots) :]
            values = {
                slot: choices[choice]
                for (slot, choices), choice in zip(
                    self._slots.items(), own, strict=True
                )
            }
            layers.append(
                {
                    "kernel_size": [values["height"], values["width"]],
                    "filters": values["filters"],
                    "reads": [
                        number
                        for number, read in enumerate(anchors, start=1)
                        if read
                    ],
                    "strides": [
                        values.get("stride_height", 1),
                        values.get("stride_width", 1),
                    ],
                }
            )
        # By its data, since the kind's module holds the networks too.
        return find_kind(self.kind_name).from_data({"layers": layers})

    def encode(self, architecture: "LayerwiseArchitecture") -> Decisions:
        if len(architecture.layers) != self.layers:
            raise ValueError(
                "Invalid value for argument `architecture`. Expected "
                f"{self.layers} layers. Received: "
                f"{len(architecture.layers)} layers."
            )
        decisions: list[int] = []
        for number, layer in enumerate(architecture.layers, start=1):
            values = {
                "height": layer.kernel_size[0],
                "width": layer.kernel_size[1],
                "stride_height": layer.strides[0],
                "stride_width": layer.strides[1],
                "filters": layer.filters,
            }
            decisions += [
                int(source in layer.reads) for source in range(1, number)
            ]
            for slot, value in values.items():
                choices = self._slots.get(slot, (1,))
                if value not in choices:
                    raise ValueError(
                        "Invalid value for argument `architecture`. Expected "
                        f"for the {slot} of layer {number} one of "
                        f"{', '.join(map(str, choices))}. Received: {value}."
                    )
                if slot in self._slots:
                    decisions.append(choices.index(value))
        return tuple(decisions)

    def canonical(self, decisions: Decisions) -> Decisions:
        """The layers in an order that does not depend on their numbers.

        The order is built step by step. A layer can come next if all its
        inputs are placed. Among these layers, the one with the least decisions
        comes next. If several are equal, their readers decide.

        Other numbers for the layers change only the order of channels. So two
        ways to write an architecture have one form. Some rare symmetric
        architectures of ten layers or more have two forms, and count as two
        architectures (see `_colours`).
        """
        rows = self._rows(decisions)
        layers = [row[-len(self._slots) :] for row in rows]
        reads = [
            [source for source, read in enumerate(row[:number]) if read]
            for number, row in enumerate(rows)
        ]
        order: list[int] = []
        form: list[int] = []
        while len(order) < len(rows):
            ready = {
                layer: (
                    *(int(placed in reads[layer]) for placed in order),
                    *layers[layer],
                )
                for layer in range(len(rows))
                if layer not in order and set(reads[layer]) <= set(order)
            }
            least = min(ready.values())
            tied = [layer for layer, row in ready.items() if row == least]
            if len(tied) > 1:
                colours = _colours(layers, reads, order)
                tied.sort(key=lambda layer: (colours[layer], layer))
            order.append(tied[0])
            form += least
        return tuple(form)

    def features(self, decisions: Decisions) -> np.ndarray:
        """What all spaces count, and of the graph: the layers on the longest
        path, how far an output sees in height and in width, the layers on the
        longest paths to all layers, what is read in all, and by one layer at
        the most, the layers that read the image, and those that the classifier
        reads."""
        rows = self._rows(decisions)
        reads = [
            [source for source, read in enumerate(row[:number]) if read]
            for number, row in enumerate(rows)
        ]
        kernels = [row[len(row) - len(self._slots) :][:2] for row in rows]
        heights, widths = (
            _longest(reads, [KERNEL_SIDES[choice] - 1 for choice in sides])
            for sides in zip(*kernels, strict=True)
        )
        depths = _longest(reads, [1] * len(rows))
        graph = [
            max(depths),
            max(heights),
            max(widths),
            sum(depths),
            sum(map(len, reads)),
            max(map(len, reads)),
            reads.count([]),
            len(rows) - len(set(itertools.chain(*reads))),
        ]
        return np.append(super().features(decisions), graph)

    def _rows(self, decisions: Decisions) -> list[Decisions]:
        """The decisions of each layer."""
        self.check(decisions)
        rows, start = [], 0
        for number in range(self.layers):
            end = start + number + len(self._slots)
            rows.append(decisions[start:end])
            start = end
        return rows


def _longest(
    reads: Sequence[Sequence[int]], lengths: Sequence[int]
) -> list[int]:
    """To each layer the longest path, whose layers have these lengths."""
    paths: list[int] = []
    for sources, length in zip(reads, lengths, strict=True):
        paths.append(length + max((paths[each] for each in sources), default=0))
    return paths


def _colours(
    layers: list[Decisions], reads: list[list[int]], order: list[int]
) -> list[int]:
    """Numbers by which layers differ that have another place in the network:
    other decisions, or other readers or inputs, or readers of readers, and
    so on (colour refinement). Those placed already differ by their place.

    Layers of one number are alike but for graphs as regular as a ring of six
    beside a ring of four, which refinement does not tell apart.

    Args:
        layers: The decisions of each layer, without what it reads.
        reads: What each layer reads.
        order: The layers that have a place.
    """
    readers = [
        [other for other, sources in enumerate(reads) if layer in sources]
        for layer in range(len(layers))
    ]
    marks: list[Any] = [
        (order.index(layer) if layer in order else len(order), layers[layer])
        for layer in range(len(layers))
    ]
    count = 0
    while True:
        ranks = {mark: rank for rank, mark in enumerate(sorted(set(marks)))}
        colours = [ranks[mark] for mark in marks]
        if len(ranks) == count:
            return colours
        count = len(ranks)
        marks = [
            (
                colours[layer],
                tuple(sorted(colours[source] for source in reads[layer])),
                tuple(sorted(colours[reader] for reader in readers[layer])),
            )
            for layer in range(len(layers))
        ]
