import dataclasses

import pytest

from nasnet_keras.graph_nodes import Convolution

# SENet-154's 64 groups of channels become 4.
FEWER = 16


def _fewer(step):
    if not isinstance(step, Convolution) or step.filters is None:
        return step
    return dataclasses.replace(
        step,
        filters=step.filters // FEWER,
        groups=max(1, step.groups // FEWER),
    )


def _shrunk(architecture, wide):
    units = []
    for unit in architecture.units:
        branches = unit.branches
        if wide:
            branches = tuple(tuple(map(_fewer, branch)) for branch in branches)
        units.append(dataclasses.replace(unit, branches=branches, repeats=1))
    return dataclasses.replace(architecture, units=tuple(units))


@pytest.fixture
def shrunk():
    """What makes of a preset of multi-branch units one with each unit once,
    for images of 64, and of a SENet one with few channels."""
    return lambda name, preset: dataclasses.replace(
        preset,
        architecture=_shrunk(preset.architecture, name.startswith("se")),
        image_size=64,
    )
