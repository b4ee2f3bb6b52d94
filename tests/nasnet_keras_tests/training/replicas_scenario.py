"""Trains on so many replicas and prints the losses: `test_run.py` runs it in
processes of their own, since TensorFlow divides its devices once."""

import json
import sys
from pathlib import Path

from nasnet_keras.architectures import find_kind, to_data
from nasnet_keras.genotype import Block, CellSpec, Genotype
from nasnet_keras.training.recipes import Recipe
from nasnet_keras.training.replicas import prepare_replicas
from nasnet_keras.training.run import read_history, run_training
from nasnet_keras.training.settings import TrainingSettings
from nasnet_keras.training.train import prepare_long_trainings

replicas, dataset, folder = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
prepare_long_trainings()
prepare_replicas(replicas, batch_size=8)
cell = CellSpec((Block((0, 1), ("conv_3x3", "identity")),))
recipe = Recipe(
    epochs=2, batch_size=8, learning_rate=0.05, l2=1e-2, clip_norm=0.2
)
settings = TrainingSettings(
    dataset=dataset,
    network={
        "architecture": to_data(find_kind("nasnet"), Genotype(cell, cell)),
        "input_shape": [8, 8, 3],
        "repeats": 1,
        "filters": 2,
    },
    recipe=recipe,
    replicas=replicas,
)
run_training(folder, settings)
print(json.dumps([entry["loss"] for entry in read_history(folder)]))
