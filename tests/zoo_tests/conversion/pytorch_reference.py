"""Writes what test_pytorch.py compares with: networks of torchvision, timm and
osmr/imgclsmob (`pytorchcv`) with random weights as safetensors, and their
logits of two images.

They need PyTorch, which this project does not: run it in an environment of its
own, then the test in the project's.

    python -m venv with-torch
    with-torch/bin/pip install torch torchvision timm pytorchcv safetensors
    with-torch/bin/python tests/zoo_tests/conversion/pytorch_reference.py DIR
    NASNET_PYTORCH_PARITY=DIR pytest tests/zoo_tests/conversion/test_pytorch.py

Only the networks named behind DIR are written, if there are any.
"""

import math
import sys
from pathlib import Path

import numpy as np
import safetensors.torch
import timm
import torch
import torchvision
from pytorchcv.model_provider import get_model

SIZE = 224

# Preset -> what the source calls its network.
NETWORKS = {
    "se_resnet_50": "timm:legacy_seresnet50",
    "se_resnet_50_timm": "timm:seresnet50",
    "senet_154": "timm:legacy_senet154",
    "senet_154_timm": "timm:senet154",
    "shufflenet_v1_g1_osmr": "pytorchcv:shufflenet_g1_w1",
    "shufflenet_v1_g2_osmr": "pytorchcv:shufflenet_g2_w1",
    "shufflenet_v1_g3_osmr": "pytorchcv:shufflenet_g3_w1",
    "shufflenet_v1_g4_osmr": "pytorchcv:shufflenet_g4_w1",
    "shufflenet_v1_g8_osmr": "pytorchcv:shufflenet_g8_w1",
    "shufflenet_v2_osmr": "pytorchcv:shufflenetv2b_w1",
    "shufflenet_v2_torchvision": "torchvision:shufflenet_v2_x1_0",
    "shufflenet_v2_050_torchvision": "torchvision:shufflenet_v2_x0_5",
    "shufflenet_v2_150_torchvision": "torchvision:shufflenet_v2_x1_5",
    "shufflenet_v2_200_torchvision": "torchvision:shufflenet_v2_x2_0",
    "condensenet_74_g4": "pytorchcv:condensenet74_c4_g4",
    "condensenet_74_g8": "pytorchcv:condensenet74_c8_g8",
    "mobilenet_v2": "torchvision:mobilenet_v2",
    "mobilenet_v2_140": "timm:mobilenetv2_140",
    "mnasnet_a1": "timm:semnasnet_100",
    "mnasnet_b1": "torchvision:mnasnet1_0",
    "mnasnet_small": "timm:mnasnet_small",
    "proxylessnas_cpu": "pytorchcv:proxylessnas_cpu",
    "proxylessnas_gpu": "pytorchcv:proxylessnas_gpu",
    "proxylessnas_mobile": "pytorchcv:proxylessnas_mobile",
}
MAKE = {
    "timm": lambda name: timm.create_model(name, pretrained=False),
    "torchvision": lambda name: getattr(torchvision.models, name)(),
    "pytorchcv": get_model,
}


def write(preset: str, directory: Path) -> None:
    torch.manual_seed(0)
    source, name = NETWORKS[preset].split(":")
    model = MAKE[source](name).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            # By default the states fade, and all images look alike.
            fan = module.weight[0].numel()
            torch.nn.init.normal_(module.weight, 0.0, math.sqrt(2 / fan))
        elif isinstance(module, torch.nn.Linear):
            torch.nn.init.normal_(module.weight)
            torch.nn.init.normal_(module.bias)
        elif isinstance(module, torch.nn.BatchNorm2d):
            # By default they are ones and zeros, and hide what is exchanged.
            torch.nn.init.uniform_(module.weight, 0.5, 1.0)
            torch.nn.init.normal_(module.bias, 0.0, 0.1)
        for buffer in [
            each
            for name, each in module.named_buffers(recurse=False)
            if name == "index"
        ]:
            # By default every number is that of the first channel.
            buffer.copy_(torch.randperm(len(buffer)))
    # Of large squares: the means of noise are all alike.
    squares = np.random.default_rng(1).uniform(-1, 1, (2, 7, 7, 3))
    images = squares.repeat(SIZE // 7, 1).repeat(SIZE // 7, 2).astype("float32")
    channels_first = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    norms = [
        module
        for module in model.modules()
        if isinstance(module, torch.nn.BatchNorm2d)
    ]
    with torch.no_grad():
        # With other statistics than their own, images soon look alike.
        for norm in norms:
            norm.momentum = 1.0
        model.train()(channels_first)
        for norm in norms:
            norm.running_var *= torch.empty_like(norm.running_var).uniform_(
                0.8, 1.25
            )
        logits = model.eval()(channels_first).numpy()
    state = {
        name: each.contiguous() for name, each in model.state_dict().items()
    }
    safetensors.torch.save_file(state, directory / f"{preset}.safetensors")
    np.savez(
        directory / f"{preset}.npz",
        images=images,
        logits=logits,
        epsilon=norms[0].eps,
    )
    print(f"{preset}: {source} {name}")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for network in sys.argv[2:] or NETWORKS:
        write(network, target)
