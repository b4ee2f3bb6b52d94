"""The peer of `pytorch_child.py`: a network of NASNet-A's operations in plain
PyTorch, trained for some steps.

It is run by the Python of an environment that has PyTorch and nothing of this
project. What to measure comes as JSON on standard input, and the figures go as
JSON to standard output.
"""

import itertools
import json
import os
import statistics
import sys
import time

# PyTorch's own kernels by the instructions that oneDNN's may use.
if os.environ.get("ONEDNN_MAX_CPU_ISA") == "AVX2":
    os.environ["ATEN_CPU_CAPABILITY"] = "avx2"

import torch
from torch import nn
from torch.nn import functional

# === The operations ===


def convolution(channels, filters, relu=True):
    """ReLU, 1x1 convolution, batch norm."""
    layers = [nn.Conv2d(channels, filters, 1, bias=False), batch_norm(filters)]
    return nn.Sequential(*[nn.ReLU()] * relu, *layers)


def batch_norm(filters):
    return nn.BatchNorm2d(filters, eps=1e-5, momentum=0.1)


def separable(channels, filters, size, strides):
    """Twice ReLU, depthwise convolution, 1x1 convolution, batch norm."""
    layers = []
    for width, stride in ((channels, strides), (filters, 1)):
        layers += [
            nn.ReLU(),
            nn.Conv2d(
                width,
                width,
                size,
                stride,
                padding=size // 2,
                groups=width,
                bias=False,
            ),
            nn.Conv2d(width, filters, 1, bias=False),
            batch_norm(filters),
        ]
    return nn.Sequential(*layers)


def pool(kind, channels, filters, size, strides):
    settings = {"stride": strides, "padding": size // 2}
    layer = nn.MaxPool2d(size, **settings)
    if kind == "avg_pool":
        layer = nn.AvgPool2d(size, **settings, count_include_pad=False)
    if channels == filters:
        return layer
    return nn.Sequential(layer, convolution(channels, filters, relu=False))


def operation(name, channels, filters, strides):
    if name == "identity":
        if channels == filters and strides == 1:
            return nn.Identity()
        layers = [
            nn.ReLU(),
            nn.Conv2d(channels, filters, 1, strides, bias=False),
        ]
        return nn.Sequential(*layers, batch_norm(filters))
    kind, _, size = name.rpartition("_")
    size = int(size[0])
    if kind == "sep_conv":
        return separable(channels, filters, size, strides)
    return pool(kind, channels, filters, size, strides)


class FactorizedReduction(nn.Module):
    def __init__(self, channels, filters):
        super().__init__()
        half = filters // 2
        self.paths = nn.ModuleList(
            nn.Conv2d(channels, width, 1, 2, bias=False)
            for width in (half, filters - half)
        )
        self.batch_norm = batch_norm(filters)

    def forward(self, x):
        x = functional.relu(x)
        left, right = self.paths
        shifted = functional.pad(x, (0, 1, 0, 1))[:, :, 1:, 1:]
        return self.batch_norm(torch.cat([left(x), right(shifted)], 1))


# === The cell and the network ===


class Cell(nn.Module):
    """The cell of a genotype at its place in a network.

    Args:
        spec: The blocks, and the states that are concatenated.
        place: Its filters, whether it is the reduction cell, and its inputs
            with how they are divided.
        channels: Those of each input.
    """

    def __init__(self, spec, place, channels):
        super().__init__()
        filters, strides = place["filters"], 1 + place["reduction"]
        adjustments, widths = [convolution(channels[0], filters)], [filters]
        for width, halve in zip(
            channels[1:], place["input_strides"][1:], strict=True
        ):
            adjustment = nn.Identity()
            if halve == 2:
                adjustment = FactorizedReduction(width, filters)
            elif width != filters:
                adjustment = convolution(width, filters)
            adjustments.append(adjustment)
            widths.append(filters)
        # Without an earlier input the current one stands in, as it is.
        widths += [channels[0]] * (2 - len(widths))
        self.adjustments = nn.ModuleList(adjustments)
        self.blocks, self.reads = nn.ModuleList(), []
        for block in spec["blocks"]:
            self.reads.append(block["inputs"])
            self.blocks.append(
                nn.ModuleList(
                    operation(
                        name,
                        widths[state],
                        filters,
                        strides if state < 2 else 1,
                    )
                    for state, name in zip(
                        block["inputs"], block["operations"], strict=True
                    )
                )
            )
            widths.append(filters)
        self.outputs = nn.ModuleDict(
            {
                str(state): convolution(widths[state], filters, relu=False)
                if state < 2 and widths[state] != filters
                else nn.Identity()
                for state in spec["concat"]
            }
        )
        self.width = filters * len(spec["concat"])

    def forward(self, inputs):
        states = [
            adjustment(state)
            for adjustment, state in zip(self.adjustments, inputs, strict=True)
        ]
        states += [inputs[0]] * (2 - len(states))
        for block, (first, second) in zip(self.blocks, self.reads, strict=True):
            states.append(block[0](states[first]) + block[1](states[second]))
        outputs = [
            adjust(states[int(state)]) for state, adjust in self.outputs.items()
        ]
        return torch.cat(outputs, 1)


class Network(nn.Module):
    def __init__(self, plan):
        super().__init__()
        stem = plan["stem"]
        self.stem = nn.Sequential(
            nn.Conv2d(
                3,
                stem["filters"],
                3,
                stem["strides"],
                padding=int(stem["padding"] == "same"),
                bias=False,
            ),
            batch_norm(stem["filters"]),
        )
        widths, cells = [stem["filters"]], []
        self.reads = []
        for place in plan["cells"]:
            spec = plan["genotype"][
                "reduction" if place["reduction"] else "normal"
            ]
            channels = [widths[source] for source in place["inputs"]]
            cells.append(Cell(spec, place, channels))
            widths.append(cells[-1].width)
            self.reads.append(place["inputs"])
        self.cells = nn.ModuleList(cells)
        self.classifier = nn.Linear(widths[-1], plan["classes"])

    def forward(self, images):
        outputs = [self.stem(images)]
        for cell, sources in zip(self.cells, self.reads, strict=True):
            outputs.append(cell([outputs[source] for source in sources]))
        return self.classifier(functional.relu(outputs[-1]).mean((2, 3)))


# === The measurement ===


def measure(plan, threads, steps, channels_last):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    size, batch = plan["image_size"], plan["batch"]
    images = torch.randn(batch, 3, size, size)
    labels = torch.randint(plan["classes"], (batch,))
    times = [time.perf_counter()]
    network = Network(plan)
    if channels_last:
        network = network.to(memory_format=torch.channels_last)
        images = images.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        network.parameters(), 0.01, momentum=0.9, weight_decay=5e-4
    )
    for _ in range(1 + steps):
        optimizer.zero_grad()
        loss = functional.cross_entropy(network(images), labels)
        loss.backward()
        if plan["clip_norm"]:
            nn.utils.clip_grad_norm_(network.parameters(), plan["clip_norm"])
        optimizer.step()
        loss.item()
        times.append(time.perf_counter())
    spans = [end - start for start, end in itertools.pairwise(times)]
    weights = [
        value for value in network.state_dict().values() if value.ndim > 0
    ]
    return {
        "version": torch.__version__,
        "parameters": sum(value.numel() for value in weights),
        "start-up": spans[0],
        "images/s": batch / statistics.median(spans[1:]),
    }


if __name__ == "__main__":
    print(json.dumps(measure(**json.load(sys.stdin))))
