"""The models of the zoo as a Markdown page.

python -m zoo.table > docs/zoo.md
"""

from zoo import weights
from zoo.presets import PRESETS, Preset

_HEAD = """# The zoo

This page is generated: `python -m zoo.table > docs/zoo.md`.

`zoo.create_model(name, …)` builds each network; `zoo.NASNetMobile`,
`zoo.NASNetLarge`, `zoo.NASNetCIFAR`, `zoo.PNASNet5Mobile`,
`zoo.PNASNet5Large` and `zoo.AmoebaNetA` take the arguments of
keras.applications in their order.

Parameters are the trainable ones, without auxiliary head. Multiply-adds count
the products of convolutions and of the classifier, for one image of the given
size. Both columns say what the paper prints, then our count; **bold** where
the two differ, by more than the rounding of the paper's figure and by more
than half a percent. Accuracy is the paper's: on ImageNet top-1 / top-5 in
percent, on CIFAR-10 the test error.
"""

_COLUMNS = (
    "name",
    "network",
    "size",
    "parameters: paper / ours",
    "multiply-adds: paper / ours",
    "accuracy",
    "weights",
    "source",
)


def table() -> str:
    """The page."""
    rows = [_COLUMNS, ("---",) * len(_COLUMNS)]
    rows += [_row(name, preset) for name, preset in PRESETS.items()]
    notes = [
        f"- `{name}`: {preset.note}"
        for name, preset in PRESETS.items()
        if preset.note
    ]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([_HEAD, *lines, "", "## Notes", "", *notes, ""])


def _row(name: str, preset: Preset) -> tuple[str, ...]:
    published, recount = preset.published, preset.recount
    return (
        f"`{name}`",
        preset.title,
        f"{preset.image_size}",
        _pair(
            published.parameters,
            f"{recount.trainable_parameters:,}",
            preset.parameters_agree,
        ),
        _pair(
            published.multiply_adds,
            f"{recount.multiply_adds / 1e6:,.0f}M",
            preset.multiply_adds_agree,
        ),
        published.accuracy or "–",
        "ImageNet" if weights.published(name) else "–",
        f"<{published.source}>"
        if " " not in published.source
        else published.source,
    )


def _pair(paper: str | None, ours: str, agree: bool | None) -> str:
    pair = f"{paper or '–'} / {ours}"
    return f"**{pair}**" if agree is False else pair


if __name__ == "__main__":
    print(table(), end="")
