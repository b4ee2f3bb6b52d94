"""What a source calls each tensor is told by its files alone, so what they
compute is compared with what PyTorch computed, see pytorch_reference.py. Here
files are made of our own networks, by the names of the sources."""

import os
from pathlib import Path

import numpy as np
import pytest
from pytorch_reference import NETWORKS
from safetensors.numpy import save_file

import zoo
from nasnet_keras.architectures import find_kind
from nasnet_keras.layers.convolution_unit import DepthwiseConvolutionBatchNorm
from zoo.conversion import pytorch
from zoo.conversion.places import places
from zoo.presets import PRESETS
