"""Writes docs/zoo.md, the page of the models of the zoo.

python tools/zoo_page.py > docs/zoo.md
"""

from collections.abc import Sequence

from zoo import weights
from zoo.comparison import table
from zoo.preset import Preset
from zoo.presets import PRESETS

_HEAD = """# The zoo

This page is generated: `python tools/zoo_page.py > docs/zoo.md`.

The zoo has published networks with their sizes, figures and weights.
`zoo.create_model(name)` builds each of them by its name in the table. Some
networks also have a builder, which takes the arguments of keras.applications in
their order:

- NASNet: `zoo.NASNetMobile`, `zoo.NASNetLarge`, `zoo.NASNetCIFAR`,
  `zoo.NASNetCIFARNano`;
- other networks of cells: `zoo.PNASNet5Mobile`, `zoo.PNASNet5Large`,
  `zoo.AmoebaNetA`;
- mobile networks: `zoo.MobileNetV2`, `zoo.MnasNetA1`, `zoo.MnasNetB1`,
  `zoo.MnasNetSmall`, `zoo.ProxylessNASCPU`, `zoo.ProxylessNASGPU`,
  `zoo.ProxylessNASMobile`;
- networks that no search found: `zoo.SEResNet50`, `zoo.SENet154`,
  `zoo.ShuffleNetV1`, `zoo.ShuffleNetV2`, `zoo.CondenseNet74`.

`zoo.list_models()` lists the names. `zoo.plot_cell(name)` draws the cells of a
network. `data_format="channels_first"` builds a network for images of that
order. The networks run on TensorFlow, JAX and PyTorch (`KERAS_BACKEND`);
`nasnet-train`, `nasnet-auto` and `nasnet-search` need TensorFlow.

`squeeze_excite=1/16` adds a squeeze-and-excite:

- in networks of cells, after each cell. NASNet-B cannot take it, since its
  cells pass on their states one by one;
- in mobile networks, inside each layer that has none. Some layers of MnasNet-A1
  and of MnasNet-small have one, and keep it;
- in the networks that no search found, at the end of the branch with the most
  convolutions. Units of one branch, and units that have one, stay the same.

Cells have ReLU. `build_network(..., conventions={"activation": "swish"})` gives
them another. Weights that were trained with ReLU are then only a beginning, and
loading them warns. In the other networks the activation is a part of the
architecture: `"relu"`, `"relu6"`, `"swish"` or `"hard_swish"`
([spaces.md](spaces.md#mobile)).

## All networks

The columns of the table:

- **Parameters** are the trainable ones, without the auxiliary head.
- **Multiply-adds** count the products of convolutions and of the classifier,
  for one image of the given size.
- Both have the paper's figure, then our count. They are **bold** if the two
  differ by more than the rounding of the paper's figure and by more than half
  a percent.
- **Accuracy** is that of the source in the last column: on ImageNet top-1 /
  top-5 in percent, on CIFAR-10 the test error.
- **Weights** by name: Keras downloads `"imagenet"`; `"cifar10"` comes with the
  package ([training.md](training.md#weights-that-ship)).
- **Weights** from files: [below](#weights-from-files).
- A **name** that ends in `_timm`, `_torchvision` or `_osmr` has the form of
  this source, which differs from the authors' form.
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

# Published in other formats, loaded by their path.
_OTHER_WEIGHTS = {
    "nasnet_mobile": ("TF-slim",),
    "nasnet_large": ("TF-slim", "timm `nasnetalarge`"),
    "pnasnet_5_mobile": ("TF-slim",),
    "pnasnet_5_large": ("TF-slim", "timm `pnasnet5large`"),
    "mobilenet_v2": (
        "keras.applications",
        "torchvision `mobilenet_v2`",
        "timm `mobilenetv2_100`",
    ),
    **{
        f"mobilenet_v2_{width}": ("keras.applications",)
        for width in ("035", "075", "130")
    },
    "mobilenet_v2_050": ("keras.applications", "timm `mobilenetv2_050`"),
    "mobilenet_v2_140": ("keras.applications", "timm `mobilenetv2_140`"),
    "mnasnet_a1": ("timm `semnasnet_100`",),
    "mnasnet_b1": ("torchvision `mnasnet1_0`", "timm `mnasnet_100`"),
    "mnasnet_small": ("timm `mnasnet_small`",),
    **{
        f"proxylessnas_{target}": (f"pytorchcv `proxylessnas_{target}`",)
        for target in ("cpu", "gpu", "mobile")
    },
    "se_resnet_50": ("timm `legacy_seresnet50`",),
    "se_resnet_50_timm": ("timm `seresnet50`",),
    "senet_154": ("timm `legacy_senet154`",),
    "senet_154_timm": ("timm `senet154`",),
    **{
        f"shufflenet_v1_g{groups}_osmr": (
            f"pytorchcv `shufflenet_g{groups}_w1`",
        )
        for groups in (1, 2, 3, 4, 8)
    },
    "shufflenet_v2_osmr": ("pytorchcv `shufflenetv2b_w1`",),
    "shufflenet_v2_torchvision": ("torchvision `shufflenet_v2_x1_0`",),
    **{
        f"shufflenet_v2_{width}_torchvision": (
            f"torchvision `shufflenet_v2_x{width[0]}_{width[1]}`",
        )
        for width in ("050", "150", "200")
    },
    "condensenet_74_g4": ("pytorchcv `condensenet74_c4_g4`",),
    "condensenet_74_g8": ("pytorchcv `condensenet74_c8_g8`",),
}

_FILES_HEAD = """## Weights from files

Give the path of a file as `weights`. The content of the file shows its source.
The last columns say what the weights of a source expect: the values of images,
and arguments of `create_model` for mobile networks.
"""
_PYTORCH = '`strided_padding="symmetric"`'
# The source, its files, the values of images, arguments for mobile networks.
_FILES = (
    (
        "this package",
        "`.keras`, `.weights.h5`",
        "as in your training; `nasnet-train`: -1 to 1",
        "–",
    ),
    (
        "keras.applications, NASNet and MobileNetV2",
        "`.keras`, `.h5`",
        "-1 to 1",
        "–",
    ),
    ("TF-slim, NASNet-A and PNASNet-5", "checkpoint", "-1 to 1", "–"),
    ("timm `nasnetalarge`, `pnasnet5large`", "safetensors", "-1 to 1", "–"),
    (
        "timm, all others; torchvision",
        "safetensors",
        "ImageNet's mean and deviation",
        f"{_PYTORCH}, `bn_epsilon=1e-5`",
    ),
    (
        "pytorchcv",
        "safetensors",
        "not checked here",
        f"{_PYTORCH}, `bn_epsilon=1e-3`",
    ),
)
_FILES_TAIL = """
SENet, ShuffleNet and CondenseNet have the padding and the epsilon of PyTorch by
default. If weights of PyTorch need another padding or another epsilon than the
network has, a warning says so.

`include_preprocessing=True`, the commands and the classifier of KerasHub scale
pixels to -1 to 1. For the mean and the deviation of ImageNet, scale the pixels
yourself:

```
images = (pixels / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
```

A pickle of PyTorch (`.pth`, `.bin`) is not read. These lines make a safetensors
file of it, in an environment with torch and safetensors:

```
import torch
from safetensors.torch import save_file

save_file(torch.load("model.pth", weights_only=True), "model.safetensors")
```

Other `.h5` files are not read either, such as those of tf2cv.
"""

_PROOFS_HEAD = """## Proofs

This section shows that our networks compute the same as other implementations.
Our network and another one get the same random weights and random statistics of
the batch norms, in float32. The table has the largest difference of the logits
of two images, as a share of the largest logit. Its last column has the number
of the command:

1. `pytest -s -m large tests/zoo_tests/conversion/test_keras_applications.py`
2. In an environment with torch, torchvision, timm and safetensors
   `python tests/zoo_tests/conversion/timm_reference.py DIR`; then
   `NASNET_TIMM_PARITY=DIR pytest -s -m large
   tests/zoo_tests/conversion/test_timm.py`
3. `KERAS_BACKEND=tensorflow python benchmarks/backends.py write DIR --size 96
   --batch 2`; then, with `KERAS_BACKEND=jax` and with `KERAS_BACKEND=torch`,
   `python benchmarks/backends.py compare DIR`
4. `pytest -s tests/zoo_tests/conversion/test_keras_applications.py -k
   mobilenets`
5. In an environment with torch, torchvision, timm, pytorchcv and safetensors
   `python tests/zoo_tests/conversion/pytorch_reference.py DIR`; then
   `NASNET_PYTORCH_PARITY=DIR pytest -s -m large
   tests/zoo_tests/conversion/test_pytorch.py`
"""
_PROOFS_TAIL = """
In command 5 the statistics of the batch norms are those of the images, with
random changes.

One difference is large, 3.9e-3. In the reduction cells of `nasnetalarge`, the
strided average pools of timm count the zeros of their SAME padding. TF-slim,
which trained the weights, leaves the zeros out, and so do we.

**TF-slim.** TF-slim needs TensorFlow 1 and was not run, and no published
checkpoint was read. Two things are tested. The names and shapes of
all variables are those in the source of TF-slim. And for NASNet-A, the weights
of keras.applications under these names give the logits of keras.applications.
"""
_SAME = "keras.applications, its strided pools made SAME"
# The network, what it is compared with, the difference, the command.
_PROOFS = (
    ("`mobilenet_v2_035`", "keras.applications", "1.8e-5", "4"),
    ("`mobilenet_v2_050`", "keras.applications", "2.8e-5", "4"),
    ("`mobilenet_v2_075`", "keras.applications", "6.3e-6", "4"),
    ("`mobilenet_v2`", "keras.applications", "6.8e-6", "4"),
    ("`mobilenet_v2_130`", "keras.applications", "7.7e-6", "4"),
    ("`mobilenet_v2_140`", "keras.applications", "6.8e-6", "4"),
    ("`mobilenet_v2`", "torchvision 0.29.1 `mobilenet_v2`", "4.5e-6", "5"),
    ("`mobilenet_v2_140`", "timm 1.0.31 `mobilenetv2_140`", "4.2e-6", "5"),
    ("`mnasnet_a1`", "timm `semnasnet_100`", "3.9e-6", "5"),
    ("`mnasnet_b1`", "torchvision `mnasnet1_0`", "4.0e-6", "5"),
    ("`mnasnet_small`", "timm `mnasnet_small`", "2.3e-6", "5"),
    (
        "`proxylessnas_cpu`",
        "pytorchcv 0.0.74 `proxylessnas_cpu`",
        "6.9e-6",
        "5",
    ),
    ("`proxylessnas_gpu`", "pytorchcv `proxylessnas_gpu`", "2.8e-6", "5"),
    ("`proxylessnas_mobile`", "pytorchcv `proxylessnas_mobile`", "6.0e-6", "5"),
    ("`se_resnet_50`", "timm `legacy_seresnet50`", "2.1e-6", "5"),
    ("`se_resnet_50_timm`", "timm `seresnet50`", "1.8e-6", "5"),
    ("`senet_154`", "timm `legacy_senet154`", "6.8e-5", "5"),
    ("`senet_154_timm`", "timm `senet154`", "7.0e-5", "5"),
    ("`shufflenet_v1_g1_osmr`", "pytorchcv `shufflenet_g1_w1`", "8.2e-7", "5"),
    ("`shufflenet_v1_g2_osmr`", "pytorchcv `shufflenet_g2_w1`", "8.7e-7", "5"),
    ("`shufflenet_v1_g3_osmr`", "pytorchcv `shufflenet_g3_w1`", "7.2e-7", "5"),
    ("`shufflenet_v1_g4_osmr`", "pytorchcv `shufflenet_g4_w1`", "8.3e-7", "5"),
    ("`shufflenet_v1_g8_osmr`", "pytorchcv `shufflenet_g8_w1`", "8.9e-7", "5"),
    ("`shufflenet_v2_osmr`", "pytorchcv `shufflenetv2b_w1`", "3.5e-6", "5"),
    *(
        (
            f"`shufflenet_v2{ours}_torchvision`",
            f"torchvision `shufflenet_v2_x{theirs}`",
            difference,
            "5",
        )
        for ours, theirs, difference in (
            ("_050", "0_5", "3.3e-6"),
            ("", "1_0", "3.4e-6"),
            ("_150", "1_5", "4.1e-6"),
            ("_200", "2_0", "5.2e-6"),
        )
    ),
    ("`condensenet_74_g4`", "pytorchcv `condensenet74_c4_g4`", "5.7e-7", "5"),
    ("`condensenet_74_g8`", "pytorchcv `condensenet74_c8_g8`", "6.4e-7", "5"),
    ('`nasnet_mobile`, `"zeros"`', "keras.applications", "3.9e-7", "1"),
    ("`nasnet_mobile`", _SAME, "4.1e-7", "1"),
    ('`nasnet_large`, `"zeros"`', "keras.applications", "4.1e-7", "1"),
    ("`nasnet_large`", _SAME, "3.7e-7", "1"),
    ("`pnasnet_5_large`", "timm 1.0.31 `pnasnet5large`", "5.1e-7", "2"),
    (
        "`nasnet_large`",
        "timm `nasnetalarge`, its averages leaving the padding out",
        "6.6e-7",
        "2",
    ),
    (
        "`nasnet_large`, averages counting the padding",
        "timm `nasnetalarge`",
        "5.4e-7",
        "2",
    ),
    ("`nasnet_large`", "timm `nasnetalarge`", "3.9e-3", "2"),
    ("`nasnet_mobile` on JAX 0.10.2", "on TensorFlow", "8.7e-7", "3"),
    ("`nasnet_mobile` on PyTorch 2.13.0", "on TensorFlow", "1.0e-6", "3"),
)

_HUB = """## KerasHub

After `pip install 'nasnet-keras[hub]'`, each network of cells is a backbone and
a classifier of [KerasHub](https://keras.io/keras_hub/): the networks of NASNet,
PNASNet, AmoebaNet, ENAS and DARTS. Mobile networks, SENet, ShuffleNet and
CondenseNet are not; build them with `zoo.create_model`. The classifiers take
pixels from 0 to 255, in images of any size:

```python
import keras_hub
from zoo.hub import NASNetImageClassifier

classifier = NASNetImageClassifier.from_zoo("nasnet_mobile", num_classes=37)
classifier.save_to_preset("mobile")
classifier = keras_hub.models.ImageClassifier.from_preset("mobile")
```

[Detect and segment](guides/detect-and-segment.md) has a detector on
`NASNetBackbone`.
"""

_COMPARISON_HEAD = """## Accuracy and cost

The table has accuracies on ImageNet as papers print them; presets for which we
found none are left out. The parameters and multiply-adds are our counts. Rows
without a name in brackets are not in the zoo: their figures are those of their
source, rounded as there.

NASNet's paper prints other costs for two networks. SENet has 145.8M parameters
there, and SENet-154 has 115.1M here. We count it at 320 x 320, where it has
nearly the 42.3B multiply-adds of the paper. ShuffleNet 2x has 5M parameters
there and 5.4M here.

`zoo.table()` returns these rows, and `zoo.table("cifar10")` those of CIFAR-10.
`measured` adds how long each preset takes for an image on your machine. `draw`
makes the picture, here with the latencies of
[our machine](performance.md#latency-of-the-zoo):

```
python -c "import zoo; table = zoo.table().measured('onnx', 3e10); \\
    table.draw('docs/pictures/accuracy.png')"
```

![Accuracy against parameters, multiply-adds and latency](pictures/accuracy.png)
"""

_COCO_HEAD = """
NASNet's paper also has detectors on COCO. `zoo.table("coco")` returns these
rows, with the mean average precision in percent. The parameters are those of
the network as a classifier:
"""

_PADDING_HEAD = """## Pool padding

TF-slim trained the published weights with pools that leave the padding out.
keras.applications uses the same weights with pools over explicit zeros. The zoo
follows TF-slim; with `pool_padding="zeros"` it follows keras.applications.

The table compares the two in NASNet-A Mobile on images of CIFAR-10 at
224 x 224. The weights are random. The statistics of the batch norms come from
such images, with `"same"`. So the table says how far the outputs of a random
network move. It says nothing about the accuracy of a trained network.

```
python benchmarks/pool_padding.py --images 32 --statistics 32
```
"""
_PADDING: tuple[tuple[str, str], ...] = (
    ("images", "32"),
    ("largest difference of a logit / largest logit", "0.061"),
    ("mean difference / mean logit, both absolute", "0.116"),
    ("mean difference / standard deviation over the images", "0.118"),
    ("images whose first class changes", "18.8%"),
)


def page() -> str:
    """The page."""
    notes = [
        f"- `{name}`: {preset.note}"
        for name, preset in PRESETS.items()
        if preset.note
    ]
    rows = [_row(name, preset) for name, preset in PRESETS.items()]
    parts = [_HEAD, *_markdown(_COLUMNS, rows), "", "## Notes", "", *notes, ""]
    columns = ("source", "file", "images", "mobile networks")
    parts += [_FILES_HEAD, *_markdown(columns, _FILES), _FILES_TAIL]
    columns = ("network", "compared with", "largest difference", "command")
    parts += [_PROOFS_HEAD, *_markdown(columns, _PROOFS), _PROOFS_TAIL]
    parts += [_HUB]
    parts += [_COMPARISON_HEAD, table().markdown().rstrip()]
    parts += [_COCO_HEAD, table("coco").markdown()]
    parts += [_PADDING_HEAD, *_markdown(("", ""), _PADDING), ""]
    return "\n".join(parts)


def _markdown(
    columns: Sequence[str], rows: Sequence[Sequence[str]]
) -> list[str]:
    lines = [columns, ["---"] * len(columns), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _row(name: str, preset: Preset) -> tuple[str, ...]:
    published, recount = preset.published, preset.recount
    available = [f'`"{known}"`' for known in weights.names(name)]
    available += _OTHER_WEIGHTS.get(name, ())
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
        ", ".join(available) or "–",
        f"<{published.source}>"
        if " " not in published.source
        else published.source,
    )


def _pair(paper: str | None, ours: str, agree: bool | None) -> str:
    pair = f"{paper or '–'} / {ours}"
    return f"**{pair}**" if agree is False else pair


if __name__ == "__main__":
    print(page(), end="")
