"""Settings that several families share, as arguments of `Preset`."""

from typing import Any

CIFAR: dict[str, Any] = {"stem": "cifar", "image_size": 32}
# The stem keeps the 32 filters that are the default of the TPU code: with them
# the multiply-adds are those of the papers, with 96 they are more.
TPU: dict[str, Any] = {"conventions": {"convolution_form": "bottleneck"}}
FACTORIZED: dict[str, Any] = {"conventions": {"strided_identity": "factorized"}}
