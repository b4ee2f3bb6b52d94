import keras
import pytest

from nasnet_keras.deployment.latency.chains import (
    chain,
    part_calls,
    seconds_of_parts,
)
from nasnet_keras.kinds.cell_parts import CellPart
from nasnet_keras.layers.parts.conventions import Conventions


def test_copies_run_two_at_a_time():
    """Each two wait for both before them."""
    layer = keras.layers.MaxPool2D(3, 1, "same")
    function, states = chain(lambda shapes: layer, [(1, 4, 4, 2)])
    assert function(*states).shape == 8
    operations = function.get_concrete_function().graph.get_operations()
    pools = [each for each in operations if each.type == "MaxPool"]
    assert len(pools) == 8
    for before, after in zip(pools[:-2], pools[2:], strict=True):
        waits = after.inputs[0].op.control_inputs
        assert before in [each.inputs[0].op for each in waits]
        assert len(waits) == 2


# With the channels first, batch norm is made of additions and others.
@pytest.mark.parametrize(
    ("data_format", "addition"), [("channels_last", 10), ("channels_first", 0)]
)
def test_an_operation_takes_its_share_of_the_chain(
    data_format, addition, monkeypatch
):
    """By a timer of so much for each kind of graph operation."""
    monkeypatch.setattr(
        "nasnet_keras.deployment.latency.chains.STEPS", 2
    )  # quicker
    # Folded batch norms are additions too.
    monkeypatch.setattr(
        "nasnet_keras.layers.parts.kernels.folds_batch_norms",
        lambda dtype: False,
    )
    places = [
        CellPart("identity", 4, 4, 2, 2),
        CellPart("conv_1x1", 4, 4, 2, 3),
        CellPart("add", 4, 4, 3, 3),
        CellPart("concat", 4, 4, 3, 3),
        CellPart("output", 4, 4, 9, 3),
        CellPart("adjustment", 4, 4, 2, 3),
        CellPart("adjustment", 4, 4, 2, 3, strides=2),
    ]
    kinds = {"Conv2D": 1, "AddV2": addition, "ConcatV2": 100, "Relu": 1000}

    def timer(function, *states):
        graph = function.get_concrete_function().graph
        return 10 + sum(
            kinds.get(each.type, 0) for each in graph.get_operations()
        )

    conventions = Conventions(data_format=data_format)
    nothing, *chains = (
        timer(function, *states)
        for function, states in part_calls(places, 1, conventions)
    )
    assert nothing == 10
    assert seconds_of_parts(nothing, chains) == [
        0, 1001, addition, 100, 100, 1001, 1102
    ]  # fmt: skip
