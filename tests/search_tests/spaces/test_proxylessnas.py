from dataclasses import replace

import numpy as np
import pytest

from nasnet_keras.kinds.mobile import PROXYLESSNAS_MOBILE, MobileKind
from search.spaces.mobile import MAX_WIDTH
from search.spaces.proxylessnas import ProxylessNASSpace

KIND = MobileKind()


def test_the_decisions_of_the_paper():
    """15 of 21 layers may be left out."""
    space = ProxylessNASSpace()
    assert space.size == 6**6 * 7**15
    assert [len(each.choices) for each in space.decisions] == (
        [6, 7, 7, 7] * 5 + [6]
    )
    assert len(space.paths) == 22 and len(space.paths[0]) == 1


def test_a_network_costs_what_the_published_one_does():
    """The found network for phones, with the filters of the space."""
    space = ProxylessNASSpace(stem="imagenet")
    names = [
        name if name == "identity" else f"inverted_residual_{name}"
        for name in (
            *("3/5x5", "3/3x3", "identity", "identity"),
            *("3/7x7", "3/3x3", "3/5x5", "3/5x5"),
            *("6/7x7", "3/5x5", "3/5x5", "3/5x5"),
            *("6/5x5", "3/5x5", "3/5x5", "3/5x5"),
            *("6/7x7", "6/7x7", "3/7x7", "3/7x7"),
            "6/7x7",
        )
    ]
    decisions = tuple(
        decision.choices.index(name)
        for decision, name in zip(space.decisions, names, strict=True)
    )
    found = space.decode(decisions)
    filters = [*[24] * 4, *[40] * 4]
    assert [block.filters for block in found.blocks[1:9]] == filters
    published = [
        replace(block, filters=24 if block.filters == 32 else block.filters)
        for block in PROXYLESSNAS_MOBILE.blocks
    ]
    same = replace(PROXYLESSNAS_MOBILE, blocks=tuple(published))
    images = ((224, 224, 3), 1000)
    assert KIND.complexity(found, *images) == KIND.complexity(same, *images)


def test_where_an_identity_stands_in_a_stage_is_no_matter():
    space = ProxylessNASSpace(kernels=(3,), stages=2, width=0.25)
    rng = np.random.default_rng(0)
    for _ in range(20):
        decisions = space.sample(rng)
        form = space.canonical(decisions)
        assert form == space.canonical(form)
        for start in (1, 5):
            stage = form[start : start + 3]
            assert sorted(stage, key=lambda each: each == 2) == list(stage)
        assert sorted(form) == sorted(decisions)
    assert space.canonical((0, 2, 1, 0, 1, 2, 2, 0)) == (
        *(0, 1, 0, 2),
        *(1, 0, 2, 2),
    )


def test_small_images_are_not_halved_at_first():
    strides = [
        [block[0].strides for block in ProxylessNASSpace(stem=stem).paths]
        for stem in ("cifar", "imagenet")
    ]
    assert sum(each == 2 for each in strides[0]) == 3
    assert sum(each == 2 for each in strides[1]) == 4
    assert ProxylessNASSpace(stem="cifar").frame.stem_strides == 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"width": 0}, "width"),
        ({"width": MAX_WIDTH + 0.1}, "width"),
        ({"stem": 3}, "stem"),
        ({"kernels": (5, 3)}, "kernels"),
        ({"kernels": ()}, "kernels"),
        ({"kernels": (3.0,)}, "kernels"),
        ({"stages": 7}, "stages"),
    ],
)
def test_errors_name_the_argument(arguments, named):
    with pytest.raises(ValueError, match=f"`{named}`.*Received: {named}="):
        ProxylessNASSpace(**arguments)


def test_the_widest_space_has_networks():
    space = ProxylessNASSpace(width=MAX_WIDTH)
    assert space.decode((0,) * 21).head_filters == 1280 * MAX_WIDTH


def test_another_architecture_is_refused():
    with pytest.raises(ValueError, match="22 blocks of the space proxylessnas"):
        ProxylessNASSpace().encode(PROXYLESSNAS_MOBILE)
