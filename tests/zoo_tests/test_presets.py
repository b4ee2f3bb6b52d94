import dataclasses

import pytest

from nasnet_keras import published
from nasnet_keras.architectures import find_kind
from zoo.preset import agrees
from zoo.presets import PRESETS

EVERY = pytest.mark.parametrize("name", PRESETS)


def count(name, architecture=None, **changes):
    preset = PRESETS[name]
    return find_kind(preset.kind).complexity(
        architecture or preset.architecture,
        **{**preset.network_arguments(), **changes},
    )


@EVERY
def test_the_recount_is_what_is_counted(name):
    cost, recount = count(name), PRESETS[name].recount
    assert dataclasses.astuple(recount) == (
        cost.trainable_parameters,
        cost.parameters,
        cost.multiply_adds,
    )


# Counted by a program of its own, in no part ours: trainable parameters, then
# multiply-adds in millions as it prints them, None where it was not asked.
@pytest.mark.parametrize(
    ("name", "changes", "parameters", "multiply_adds"),
    [
        ("nasnet_mobile", {}, 5_289_978, "563.6"),
        ("nasnet_large", {}, 88_753_150, "23783"),
        ("nasnet_large", {"classes": 1001}, 88_757_183, None),
        ("nasnet_a_cifar", {}, 3_346_538, "544.3"),
        ("nasnet_a_7_2304", {}, 32_590_954, None),
        ("nasnet_a_7_2304", {"repeats": 6}, 28_213_546, None),
        ("nasnet_a_5_1538", {}, 12_247_544, "2552"),
        ("nasnet_a_5_1538", {"stem_filters": 96}, 12_263_416, "2686"),
        ("pnasnet_5_mobile", {}, 5_064_487, "587.3"),
        ("pnasnet_5_large", {}, 86_057_668, "24937"),
        ("pnasnet_5_cifar", {}, 3_189_082, "574.9"),
        ("amoebanet_a_6_32", {}, 2_567_754, None),
        ("amoebanet_a_6_36", {}, 3_218_266, None),
        ("amoebanet_a_4_50", {}, 5_086_930, None),
        ("amoebanet_a_6_190", {"stem_filters": 96}, 86_739_341, None),
        ("amoebanet_a_6_448", {"stem_filters": 96}, 468_196_624, None),
        ("amoebanet_b_6_36", {}, 2_839_186, None),
        ("amoebanet_b_3_62", {}, 5_258_700, "555.1"),
        ("amoebanet_c_6_228", {"stem_filters": 96}, 155_296_987, "41405"),
        ("amoebanet_c_4_50", {}, 6_353_815, "676.9"),
        ("enas_micro", {}, 3_894_372, None),
        ("darts_v1_cifar", {}, 3_169_414, None),
        ("darts_v2_cifar", {}, 3_349_342, "528"),
        ("darts_v2_imagenet", {}, 4_718_752, None),
        ("nasnet_a_darts", {}, 3_061_738, None),
        ("mobilenet_v2", {}, 3_504_872, "300.8"),
        ("mobilenet_v2_140", {}, 6_108_776, "582.2"),
        ("mnasnet_a1", {}, 3_887_038, "311.6"),
        ("mnasnet_b1", {}, 4_383_312, "314.4"),
        ("mnasnet_small", {}, 2_030_264, "68.3"),
        ("proxylessnas_cpu", {}, 4_361_648, "439.2"),
        ("proxylessnas_gpu", {}, 7_119_848, "465.3"),
        ("proxylessnas_mobile", {}, 4_080_512, "320.4"),
        ("se_resnet_50", {}, 28_088_024, "3860.488192"),
        ("se_resnet_50_timm", {}, 28_088_024, "4091.699200"),
        ("senet_154", {}, 115_088_984, "20688.363520"),
        ("shufflenet_v1_g3", {}, 1_864_728, "137.460672"),
        ("shufflenet_v1_g3_osmr", {}, 1_865_728, "137.460672"),
        ("shufflenet_v1_g3_050", {}, 717_324, "37.6"),
        ("shufflenet_v1_g3_150", {}, 3_441_168, "292.4"),
        ("shufflenet_v1_g3_200", {}, 5_449_776, "524.0"),
        ("shufflenet_v1_g8", {}, 2_433_768, "138.4"),
        ("shufflenet_v2", {}, 2_278_760, "145.814296"),
        ("shufflenet_v2_osmr", {}, 2_279_760, "145.814296"),
        ("shufflenet_v2_torchvision", {}, 2_278_604, "144.907992"),
        ("shufflenet_v2_050_torchvision", {}, 1_366_792, "40.5"),
        ("shufflenet_v2_150_torchvision", {}, 3_503_624, "295.8"),
        ("shufflenet_v2_200_torchvision", {}, 7_393_996, "583.3"),
        ("condensenet_74_g4", {}, 4_773_944, "516.640576"),
        ("condensenet_74_g8", {}, 2_935_416, "261.545792"),
    ],
)
def test_counts_agree_with_an_independent_counter(
    name, changes, parameters, multiply_adds
):
    cost = count(name, **changes)
    assert cost.trainable_parameters == parameters
    if multiply_adds is not None:
        digits = len(multiply_adds.partition(".")[2])
        assert f"{cost.multiply_adds / 1e6:.{digits}f}" == multiply_adds


@pytest.mark.parametrize(
    ("name", "total"),
    [
        ("nasnet_mobile", 5_326_716),
        ("nasnet_large", 88_949_818),
        ("nasnet_a_cifar", 3_383_786),
        ("pnasnet_5_large", 86_234_656),
        ("mobilenet_v2", 3_538_984),
        ("mobilenet_v2_035", 1_691_208),
        ("se_resnet_50", 28_141_144),
        ("senet_154", 115_336_536),
    ],
)
def test_totals(name, total):
    """Those of keras.applications, of osmr/imgclsmob for PNASNet, and of timm
    for SENets."""
    assert PRESETS[name].recount.parameters == total


def test_products_of_larger_images():
    """42.21 G by a program of its own; SENets were also tested at 320."""
    cost = count("senet_154", input_shape=(320, 320, 3))
    assert f"{cost.multiply_adds / 1e9:.2f}" == "42.21"


def test_figures_that_are_not_reproduced_are_known():
    """They are shown as such. A name that leaves or joins the list is news."""
    assert {n for n, p in PRESETS.items() if p.parameters_agree is False} == {
        "nasnet_a_5_1538",
        "nasnet_a_7_1920",
        "nasnet_a_7_2304",
        "nasnet_b_4_1152",
        "nasnet_b_4_1536",
        "nasnet_c_3_960",
        "nasnet_c_4_640",
        "enas_micro",
        "darts_v1_cifar",
        "mobilenet_v2",
        "mobilenet_v2_140",
    }
    assert {
        n for n, p in PRESETS.items() if p.multiply_adds_agree is False
    } == {
        "nasnet_a_5_1538",
        "nasnet_a_7_1920",
        "nasnet_b_4_1536",
        "nasnet_c_3_960",
        "amoebanet_a_6_448",
        "amoebanet_c_4_50",
        "darts_v2_imagenet",
        "shufflenet_v2_050",
        "condensenet_74_g4",
        "condensenet_74_g8",
    }


@pytest.mark.parametrize(
    ("name", "genotype", "changes", "parameters", "multiply_adds"),
    [
        ("nasnet_a_5_1538", "NASNET_A_FIGURE", {}, "11.10M", "2.33B"),
        ("nasnet_a_7_1920", "NASNET_A_FIGURE", {}, "22.34M", "4.77B"),
        ("nasnet_a_7_2304", "NASNET_A_FIGURE", {}, "29.8M", "4.69B"),
        ("nasnet_b_4_1152", "NASNET_B", "plain", "3.20M", None),
        ("nasnet_b_4_1536", "NASNET_B", "plain", "6.53M", "681M"),
        ("nasnet_c_4_640", "NASNET_C", "bottleneck", "2.53M", None),
        ("nasnet_c_3_960", "NASNET_C", "plain", "6.41M", "709M"),
        (
            "amoebanet_a_6_448",
            "AMOEBANET_A",
            {"input_shape": (299, 299, 3)},
            "468M",
            "103.9B",
        ),
    ],
)
def test_notes_are_true(name, genotype, changes, parameters, multiply_adds):
    if isinstance(changes, str):
        changes = {"conventions": {"convolution_form": changes}}
    cost = count(name, getattr(published, genotype), **changes)
    assert agrees(parameters, cost.trainable_parameters)
    assert agrees(multiply_adds, cost.multiply_adds) is not False


def test_agreement_is_by_the_digits_printed():
    assert agrees("3.3M", 3_349_999)
    assert not agrees("3.3M", 3_360_000)
    # Within half a percent: papers do not always round to the nearest.
    assert agrees("588M", 587_293_200)
    assert agrees(None, 1) is None
