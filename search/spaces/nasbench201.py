"""The space of NAS-Bench-201: `NASBench201Space`.

Neither Keras nor TensorFlow is imported here.
"""

import functools
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from nasnet_keras.kinds.graphs.edge_cell import EDGE_OPERATIONS, EdgeCell
from nasnet_keras.quotation import quoted
from search.spaces.base import Decision, SearchSpace
from search.spaces.graph_features import edge_features
from search.spaces.nasnet import some_of
from search.trial import Decisions

MAX_NODES = 4  # NAS-Bench-201's; five have a thousand times as many cells


class NASBench201Space(SearchSpace):
    """Cells of nodes that add, with an operation on the edge between any two:
    a decision per edge, a group per node.

    Reference:
        [Dong and Yang 2020](https://arxiv.org/abs/2001.00326).

    Args:
        nodes: How many, the input among them, 2 to 4. Default 4, the
            paper's.
        operations: The operations to choose from. Default the paper's five,
            in alphabetical order.

    Raises:
        ValueError: An argument is out of range.

    Example:

    >>> space = NASBench201Space()
    >>> len(space.decisions), space.size
    (6, 15625)
    >>> space.to_key((3, 1, 1, 4, 1, 1))
    '|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|'
    """

    name = "nasbench201"
    version = 1
    kind_name = "nasbench201"
    same_costs = False

    def __init__(
        self,
        nodes: int = MAX_NODES,
        operations: Sequence[str] = tuple(EDGE_OPERATIONS),
    ) -> None:
        if type(nodes) is not int or not 2 <= nodes <= MAX_NODES:
            raise ValueError(
                "Invalid value for argument `nodes`. Expected an integer from "
                f"2 to {MAX_NODES}. Received: nodes={quoted(nodes)}."
            )
        self.nodes = nodes
        self.operations = some_of(
            "operations", operations, tuple(EDGE_OPERATIONS)
        )
        self.edges = [
            (node, source) for node in range(1, nodes) for source in range(node)
        ]
        self.decisions = tuple(
            Decision(
                f"{node}/{source}/operation",
                self.operations,
                "operation",
                node - 1,
            )
            for node, source in self.edges
        )

    def describe(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "version": self.version,
            "nodes": self.nodes,
            "operations": list(self.operations),
        }

    def decode(self, decisions: Decisions) -> EdgeCell:
        chosen = iter(self.to_names(decisions).values())
        return EdgeCell(
            tuple(
                tuple(itertools.islice(chosen, node))
                for node in range(1, self.nodes)
            )
        )

    def encode(self, architecture: EdgeCell) -> Decisions:
        return self.from_names(
            {
                f"{node}/{source}/operation": name
                for node, row in enumerate(architecture.operations, start=1)
                for source, name in enumerate(row)
            }
        )

    def to_key(self, decisions: Decisions) -> str:
        """As NAS-Bench-201 writes a cell."""
        return self.decode(decisions).text

    def from_key(self, key: str) -> Decisions:
        return self.encode(EdgeCell.from_text(key))

    def canonical(self, decisions: Decisions) -> Decisions:
        """One of the cells that are the same by the rule of NAS-Bench-201:
        whose last nodes add the same terms, in whatever order, where an
        identity is left out and a zero is a term; of the 15,625 cells 6,466
        differ.

        It is the one with the fewest products. What the output does not hear
        of is built too, and the rule does not ask whether two equal terms
        share their weights: cells that are the same may so differ in cost.
        """
        self.check(decisions)
        return self._forms[self._expression(decisions)]

    @functools.cached_property
    def _forms(self) -> dict[str, Decisions]:
        """The canonical vector of each expression."""
        products = [
            {"nor_conv_1x1": 1, "nor_conv_3x3": 9}.get(name, 0)
            for name in self.operations
        ]
        forms: dict[str, Decisions] = {}
        vectors = itertools.product(
            range(len(self.operations)), repeat=len(self.edges)
        )
        for vector in sorted(
            vectors, key=lambda each: sum(products[choice] for choice in each)
        ):
            forms.setdefault(self._expression(vector), vector)
        return forms

    def _expression(self, decisions: Decisions) -> str:
        """What the last node computes, as `to_unique_str` of the authors'
        code (D-X-Y/AutoDL-Projects, `genotypes.py`) writes it."""
        chosen = (self.operations[choice] for choice in decisions)
        nodes = ["0"]
        for _ in range(1, self.nodes):
            terms = []
            for value, name in zip(nodes, chosen, strict=False):
                if name == "none" or value == "#":
                    terms.append("#")
                elif name == "skip_connect":
                    terms.append(value)
                else:
                    terms.append(f"({value})@{name}")
            nodes.append("+".join(sorted(terms)))
        return nodes[-1]

    def features(self, decisions: Decisions) -> np.ndarray:
        """What `edge_features` says of the canonical cell."""
        chosen = self.to_names(self.canonical(decisions)).values()
        return np.array(
            edge_features(
                dict(zip(self.edges, chosen, strict=True)), self.operations
            )
        )
