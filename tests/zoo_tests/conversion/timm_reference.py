"""Writes what test_timm.py compares with: timm's networks with random weights
as safetensors, and their logits of two images.

timm's average pools with strides count the zeros of the padding (its
pool2d_same.py), TF-slim's, by which the published weights were trained,
leave them out. There are logits of both: `logits` of timm as it is and
`logits_of_slim` with the averages corrected.

timm needs PyTorch, which this project does not: run it in an environment of
its own, then the test in the project's.

    python -m venv with-timm
    with-timm/bin/pip install timm torch torchvision safetensors
    with-timm/bin/python tests/zoo_tests/conversion/timm_reference.py DIR
    NASNET_TIMM_PARITY=DIR pytest tests/zoo_tests/conversion/test_timm.py
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import safetensors.torch
import timm
import torch
from timm.layers.pool2d_same import AvgPool2dSame

SIZE = 331


def write(name: str, directory: Path) -> None:
    torch.manual_seed(0)
    model = timm.create_model(name, pretrained=False).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            # By default the states fade, and all images look alike.
            torch.nn.init.kaiming_normal_(module.weight)
        elif isinstance(module, torch.nn.BatchNorm2d):
            # By default they are ones and zeros, and hide what is exchanged.
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0.0, 0.1)
            torch.nn.init.normal_(module.running_mean, 0.0, 0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 2.0)
    images = np.random.default_rng(1).uniform(-1, 1, (2, SIZE, SIZE, 3))
    images[0] *= 0.2
    images = images.astype("float32")
    channels_first = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    with torch.no_grad():
        logits = model(channels_first).numpy()
        leave_out_padding(model)
        logits_of_slim = model(channels_first).numpy()
    safetensors.torch.save_file(
        model.state_dict(), directory / f"{name}.safetensors"
    )
    np.savez(
        directory / f"{name}.npz",
        images=images,
        logits=logits,
        logits_of_slim=logits_of_slim,
    )
    print(f"{name}: timm {timm.__version__}, torch {torch.__version__}")


def leave_out_padding(model: torch.nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, AvgPool2dSame):
            module.forward = averaged(module.forward)


def averaged(pool: Callable) -> Callable:
    """A pool that divides by the number of positions that are in the map."""
    return lambda states: pool(states) / pool(torch.ones_like(states[:1, :1]))


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for name in ("nasnetalarge", "pnasnet5large"):
        write(name, target)
