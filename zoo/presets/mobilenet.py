"""MobileNetV2, by width multiplier."""

from nasnet_keras.kinds import mobile
from zoo.preset import Figures, Preset, Recount

_MOBILENET_V2 = "https://arxiv.org/abs/1801.04381"

_NOTE = "The authors' code and keras.applications have our count."

# Width: the paper's figures, our counts, a note.
_WIDTHS: dict[float, tuple[Figures, Recount, str]] = {
    1.0: (
        Figures(_MOBILENET_V2, "3.4M", "300M", "72.0"),
        Recount(3_504_872, 3_538_984, 300_774_272),
        _NOTE,
    ),
    0.35: (
        Figures(_MOBILENET_V2),
        Recount(1_677_128, 1_691_208, 59_285_808),
        "",
    ),
    0.5: (
        Figures(_MOBILENET_V2),
        Recount(1_968_680, 1_987_224, 97_131_840),
        "",
    ),
    0.75: (
        Figures(_MOBILENET_V2),
        Recount(2_636_424, 2_663_064, 209_069_792),
        "",
    ),
    1.3: (
        Figures(_MOBILENET_V2),
        Recount(5_386_792, 5_431_048, 509_374_560),
        "",
    ),
    1.4: (
        Figures(_MOBILENET_V2, "6.9M", "585M", "74.7"),
        Recount(6_108_776, 6_156_712, 582_195_824),
        _NOTE,
    ),
}


def _name(width: float) -> str:
    """`mobilenet_v2`, and with a width that is not 1 `mobilenet_v2_140`."""
    return "mobilenet_v2" + (f"_{100 * width:03.0f}" if width != 1 else "")


PRESETS: dict[str, Preset] = {
    _name(width): Preset(
        f"MobileNetV2, width {width:g}" if width != 1 else "MobileNetV2",
        mobile.MOBILENET_V2.scaled(width, scale_head=True),
        published,
        recount,
        kind="mobile",
        batch_norm=(0.999, 1e-3),  # of keras.applications
        note=note,
    )
    for width, (published, recount, note) in _WIDTHS.items()
}
