"""Efficient neural architecture search, ENAS:
https://arxiv.org/abs/1802.03268."""

from typing import TYPE_CHECKING, Any

from search.spaces.base import SearchSpace
from search.strategies.argument_checks import check_number
from search.strategies.reinforce import Reinforce

if TYPE_CHECKING:
    from search.strategies.policy.controller import Controller

# "Authors' code" below: https://github.com/melodyguan/enas, the micro search
# on CIFAR-10, `micro_controller.py` and `scripts/cifar10_micro_search.sh`.
FAVOURED = ("sep_conv_3x3", "sep_conv_5x5", "sep_conv_7x7")


class ENAS(Reinforce):
    """A controller that learns by REINFORCE from children with shared
    weights. A run of this strategy has the evaluator `shared`, which trains
    the weights and has children evaluated in turns: in each round the shared
    network is trained on the cells that the controller proposed in the round
    before, and the controller learns from those that it proposes now.

    The authors draw a new cell from the controller for each step of the
    training; here one of those that it proposed in the round before is
    drawn.

    Args:
        space: The space to search.
        seed: Fixes all proposals, given the outcomes.
        learning_rate: Adam's. Authors' code: 0.0035.
        entropy_weight: The weight of the mean entropy of a decision. Authors'
            code: 0.0001, of the sum over the decisions, added to the reward;
            the default is as much for 50 decisions.
        minibatch: How many children make a step. Authors' code: 10.
        baseline_decay: The weight of the old value in the moving average of
            rewards. Authors' code: 0.99.
        units: Of the LSTM. Authors' code: 64.
        tanh_constant: c, where logits x are c tanh(x); 0 for none. Authors'
            code: 1.10.
        operation_tanh_reduce: By what c is divided for operations. Authors'
            code: 2.5.
        operation_bias: What the logits of separable convolutions have more,
            and those of the other operations less, and is not learnt; 0 for
            nothing. Authors' code: 0.25. (There these convolutions also begin
            with a learnt bias of 10, which the tanh bounds; here they do
            not.)

    Raises:
        ValueError: A setting is out of range.
    """

    name = "enas"
    evaluator = "shared"
    evaluator_options = {"in_turns": True}

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        learning_rate: float = 0.0035,
        entropy_weight: float = 0.005,
        minibatch: int = 10,
        baseline_decay: float = 0.99,
        units: int = 64,
        tanh_constant: float = 1.10,
        operation_tanh_reduce: float = 2.5,
        operation_bias: float = 0.25,
    ) -> None:
        check_number("units", units, least=1, integer=True)
        check_number("tanh_constant", tanh_constant, least=0)
        check_number("operation_tanh_reduce", operation_tanh_reduce, least=1)
        check_number("operation_bias", operation_bias, least=0)
        self._units = units
        self._bounds = {
            "input": tanh_constant,
            "operation": tanh_constant / operation_tanh_reduce,
            "combiner": tanh_constant,
            "ordered": tanh_constant,
            "free": tanh_constant,
        }
        self._operation_bias = operation_bias
        super().__init__(
            space,
            seed,
            learning_rate,
            entropy_weight,
            minibatch,
            baseline_decay,
            beta_1=0.0,  # Authors' code; and the next.
            epsilon=1e-3,
        )

    def _create_controller(self) -> "Controller":
        from search.strategies.policy.controller import Controller

        favours = {
            choice: self._operation_bias
            if choice in FAVOURED
            else -self._operation_bias
            for decision in self.space.decisions
            if decision.kind == "operation"
            for choice in decision.choices
        }
        return Controller(
            self.space, self.seed, self._units, self._bounds, favours
        )

    @staticmethod
    def paper() -> dict[str, Any]:
        """What the paper has otherwise than the code: options of the
        strategy."""
        return {"learning_rate": 0.00035}
