"""What matters on one GPU, checked and measured in eight minutes at most.

    python benchmarks/gpu.py --output gpu.jsonl
    python benchmarks/gpu.py --only operations child
    python benchmarks/gpu.py --small

Each part runs in a process of its own and has a time limit (`PARTS`). One that
fails is a line of the table and stops no other; the exit code is then 1.
`--output` has the same figures as JSON lines: part, what, value, unit, error.
`--seconds` gives all parts more time, or less, than the eight minutes.
`--small` tries everything on tiny networks, on a processor too; its figures
mean nothing.

Images per second are medians of steps on random images that are on the device
already; in `child` they are those of the search, with its pipeline of images.
`workers` has seconds: of the first step of a child, and of its other steps.
"""

import contextlib
import functools
import inspect
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple, get_args

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from child_startup import plain_network
from parts import Figure, Part, apart, main
from tensorflow.python.framework.config import disable_op_determinism
from weight_sharing import evaluated, made, stepped
from zoo_vs_keras_applications import compile_ours, compile_stock, seconds

import search
import zoo
from nasnet_keras.deployment.export import export
from nasnet_keras.deployment.formats import FORMATS
from nasnet_keras.genotype import Block, CellSpec, Genotype
from nasnet_keras.layers.auxiliary_head import AuxiliaryHead
from nasnet_keras.layers.operations import OPERATIONS
from nasnet_keras.layers.parts.factorized_reduction import FactorizedReduction
from nasnet_keras.layers.parts.squeeze_excite import SqueezeExcite
from nasnet_keras.network.build import build_network
from nasnet_keras.processor import processor_flags
from nasnet_keras.published import NASNET_A
from nasnet_keras.training.data.pipeline import training_pipeline
from nasnet_keras.training.recipe_options import chosen_recipe
from nasnet_keras.training.recipes import RECIPES, Augmentation
from nasnet_keras.training.train import (
    grow_gpu_memory,
    prepare_short_trainings,
)
from search.evaluation.base import Child, ChildSettings
from search.evaluation.child_data import short_trainings
from search.evaluation.shared import SharedEvaluator
from search.evaluation.training import TrainingEvaluator
from search.executors.processes import visible_gpus
from search.spaces import create_space
from search.trial import Evaluation

GPU, MIB = "GPU:0", 2**20
BATCH = RECIPES["search-proxy"].batch_size
WARM_UP = 2  # steps that are not counted
MOST_MEMORY = 0.5  # of the GPU, that two workers with small children may take

CELL = CellSpec((Block((0, 1), ("sep_conv_3x3", "avg_pool_3x3")),))
TINY = Genotype(CELL, CELL)


def prepare(small: bool) -> None:
    """What comes before each part, in its process."""
    if not small and not has_gpu():
        raise RuntimeError(
            "Expected a GPU that TensorFlow sees. Received: none; `--small` "
            "tries the script on a processor."
        )
    grow_gpu_memory()
    keras.utils.set_random_seed(0)


def has_gpu() -> bool:
    return bool(tf.config.list_physical_devices("GPU"))


# === The machine ===


def machine(small: bool) -> Iterator[Figure]:
    """What the figures were taken on."""
    yield Figure("TensorFlow", tf.__version__)
    yield Figure("Keras", keras.__version__)
    build = tf.sysconfig.get_build_info()
    for name in ("cuda_version", "cudnn_version"):
        yield Figure(f"{name} of the build", build.get(name, "none"))
    yield Figure("processors", os.cpu_count())
    yield Figure("processor", " ".join(processor_flags()) or "flags unknown")
    if not has_gpu():
        yield Figure("device", "no GPU")
        yield Figure("driver", "none")
        return
    gpu = tf.config.list_physical_devices("GPU")[0]
    details = tf.config.experimental.get_device_details(gpu)
    yield Figure("device", details.get("device_name", gpu.name))
    capability = details.get("compute_capability", ())
    yield Figure("compute capability", ".".join(map(str, capability)))
    yield Figure("driver", nvidia_smi("driver_version"))
    yield Figure("memory", float(nvidia_smi("memory.total")), "MiB")


def nvidia_smi(field: str) -> str:
    """What the driver says of the first GPU that is visible."""
    found = subprocess.run(
        [
            "nvidia-smi",
            f"--id={(visible_gpus() or ['0'])[0]}",
            f"--query-gpu={field}",
            "--format=csv,noheader,nounits",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return found.stdout.strip()


# === Determinism ===


def operations(small: bool) -> Iterator[Figure]:
    """Whether the gradients of each operation, and the batches of each
    augmentation, are the same every time with determinism on. What is not, or
    has no such kernel, is a line of its own."""
    tf.config.experimental.enable_op_determinism()
    batch, side, channels = (2, 8, 4) if small else (64, 32, 32)
    images = tf.random.stateless_normal(
        (batch, side, side, channels), seed=(0, 0)
    )
    layers: dict[str, Callable[..., keras.layers.Layer]] = {
        f"{name}, stride {strides}": functools.partial(
            operation, channels, strides
        )
        for name, operation in OPERATIONS.items()
        for strides in (1, 2)
    }
    layers["factorized reduction"] = functools.partial(
        FactorizedReduction, channels
    )
    layers["auxiliary head"] = functools.partial(
        AuxiliaryHead, 10, activation=None
    )
    layers["squeeze and excite"] = functools.partial(SqueezeExcite, 2)
    policies = ("float32", "mixed_bfloat16", "mixed_float16")
    for policy in policies[: 1 if small else None]:
        yield from all_the_same(
            f"gradients, {policy}",
            {
                name: functools.partial(
                    gradients_differ, create(dtype=policy), images
                )
                for name, create in layers.items()
            },
        )
    yield from all_the_same(
        "augmented images",
        {
            name: functools.partial(batches_differ, name)
            for name in get_args(Augmentation)
        },
    )


def all_the_same(
    what: str, differ: dict[str, Callable[[], bool]]
) -> Iterator[Figure]:
    """How many do not differ; a line for each that does, or fails."""
    failed = 0

    def checked(name: str) -> Iterator[Figure]:
        if differ[name]():
            yield Figure(f"{what}: {name}", error="They differ between runs.")

    for name in differ:
        for figure in apart(f"{what}: {name}", checked(name)):
            failed += 1
            yield figure
    yield Figure(
        f"{what}, the same", f"{len(differ) - failed} of {len(differ)}"
    )


def gradients_differ(
    layer: keras.layers.Layer, inputs: tf.Tensor, times: int = 3
) -> bool:
    """Whether the gradients of inputs and weights are others at times."""
    layer(inputs)
    weights = [weight.value for weight in layer.trainable_variables]

    @tf.function
    def gradients() -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = tf.cast(layer(inputs, training=True), tf.float32)
            factors = tf.random.stateless_normal(tf.shape(outputs), (1, 0))
            loss = tf.reduce_sum(outputs * factors)
        return tape.gradient(
            loss,
            [inputs, *weights],
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )

    return differ(
        [gradient.numpy() for gradient in gradients()] for _ in range(times)
    )


def batches_differ(augmentation: Augmentation) -> bool:
    images, labels = random_images(64, 32)
    return differ(
        [
            array
            for batch in training_pipeline(
                images, labels, 32, augmentation, cutout=8
            ).take(2)
            for array in map(np.asarray, batch)
        ]
        for _ in range(2)
    )


def differ(runs: Iterator[Sequence[np.ndarray]]) -> bool:
    first = next(runs)
    return not all(
        np.array_equal(one, other)
        for run in runs
        for one, other in zip(first, run, strict=True)
    )


# === A search ===


def random_images(count: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    return images, (np.arange(count) % 10).astype("int32")


def child_settings(
    space: search.SearchSpace, small: bool, **scale: int
) -> ChildSettings:
    """An epoch, by the default recipe of searches."""
    steps, side = (4, 16) if small else (100, 32)
    return ChildSettings(
        space=space,
        dataset=random_images((steps + 2) * BATCH, side),
        recipe=chosen_recipe(
            "search-proxy", {"epochs": 1}, space.kind.unsupported
        ),
        scale=scale,
        validation_images=2 * BATCH,
    )


def child(small: bool) -> Iterator[Figure]:
    """Children of each kind by the evaluator of searches, with determinism,
    twice; those of NASNet-A also without."""
    nasnet = create_space("nasnet", {"blocks": 1} if small else {})
    cases: dict[str, tuple[search.SearchSpace, dict[str, int]]] = {
        "NASNet-A, N=1, F=8": (nasnet, {"repeats": 1, "filters": 8}),
        "NASNet-A, N=2, F=32": (nasnet, {"repeats": 2, "filters": 32}),
        "layer by layer": (create_space("layerwise"), {}),
        "mobile": (create_space("mobile"), {}),
    }
    if small:
        del cases["NASNet-A, N=2, F=32"]
    for name, (space, scale) in cases.items():
        yield from apart(name, children(name, space, scale, small))


def children(
    name: str, space: search.SearchSpace, scale: dict[str, int], small: bool
) -> Iterator[Figure]:
    """A child with determinism; one of cells also without."""
    architecture = TINY if small else NASNET_A
    if space.kind.name != "nasnet":
        decisions = space.sample(np.random.default_rng(0))
        architecture = space.decode(decisions)
    evaluator = TrainingEvaluator(child_settings(space, small, **scale))
    child = Child(0, architecture)
    evaluate = functools.partial(evaluator.evaluate, child)
    # Without what it sets for its time.
    plain = functools.partial(
        inspect.unwrap(TrainingEvaluator.evaluate), evaluator, child
    )
    rates: list[float] = []
    yield from apart(name, deterministic(name, evaluate, rates))
    if space.kind.name == "nasnet":
        yield from apart(name, any_order(name, plain, rates))


def deterministic(
    name: str, evaluate: Callable[[], Evaluation], rates: list[float]
) -> Iterator[Figure]:
    tf.config.experimental.enable_op_determinism()
    first, second = evaluate(), evaluate()
    rates.append(rate(second))
    name = f"{name}, deterministic"
    startup = second.seconds["build"] + second.seconds["trace"]
    yield Figure(f"{name}: build and first step", startup, "s")
    yield Figure(f"{name}: training", rates[-1], "images/s")
    difference = None
    if first.metrics != second.metrics:
        difference = f"{first.metrics} and then {second.metrics}."
    yield Figure(f"{name}: the same twice", not difference, error=difference)


def any_order(
    name: str, evaluate: Callable[[], Evaluation], rates: list[float]
) -> Iterator[Figure]:
    """The same without determinism, and what that costs."""
    disable_op_determinism()
    prepare_short_trainings()
    rates.append(rate(evaluate()))
    yield Figure(f"{name}: training", rates[-1], "images/s")
    if len(rates) == 2:
        share = rates[0] / rates[1]
        yield Figure(f"{name}: with determinism to without", share)


def rate(evaluation: Evaluation) -> float:
    """Images per second after the first step, of an epoch."""
    steps = evaluation.metrics["steps"]
    images = BATCH * (steps - 1)
    return images / evaluation.seconds["train"]


def shared_weights(small: bool) -> Iterator[Figure]:
    """The network that holds every cell: an evaluation, a training step."""
    with short_trainings():
        yield from _shared_weights(small)


def _shared_weights(small: bool) -> Iterator[Figure]:
    count, filters = (2, 4) if small else (10, 8)
    space = create_space("nasnet", {"blocks": 1} if small else {})
    shared = SharedEvaluator(
        child_settings(space, small, repeats=1, filters=filters)
    )
    rng = np.random.default_rng(0)
    cells = [space.decode(space.sample(rng)) for _ in range(count)]
    network = made(shared)
    yield Figure("evaluation", evaluated(shared, network, cells), "s a cell")
    training = shared.create_training(network)
    training.draw = lambda step: cells[step % count]
    once = median(stepped(training, 3 * count)[count:])
    yield Figure("training", BATCH / once, "images/s")
    yield from peak_memory("shared network")


def workers(small: bool) -> Iterator[Figure]:
    """Searches by one worker and by two: images per second of a child, and
    the memory of the GPU that the workers take in all."""
    images, labels = random_images(200 if small else 5000, 32)
    with tempfile.TemporaryDirectory() as folder:
        dataset = Path(folder) / "images.npz"
        np.savez(dataset, x_train=images, y_train=labels)
        for count in (1, 2):
            run = functools.partial(
                search.run,
                Path(folder) / f"run-{count}",
                dataset=str(dataset),
                strategy="random",
                seed=0,
                space="nasnet",
                space_options={"blocks": 1} if small else {},
                trials=2 * count,
                recipe={"epochs": 1},
                child={"filters": 4 if small else 8},
                executor="processes",
                workers=count,
                tensorboard=False,
            )
            name = f"{count} {'worker' if count == 1 else 'workers'}"
            yield from apart(name, searched(name, run))


def searched(name: str, run: Callable[[], search.Run]) -> Iterator[Figure]:
    with watched_memory() as used:
        trials = run().trials
    failed = [trial.reason for trial in trials if trial.evaluation is None]
    if failed:
        raise RuntimeError(f"A child failed: {failed[0]}")
    seconds = [trial.evaluation.seconds for trial in trials]
    for part in ("trace", "train"):
        spent = median(each[part] for each in seconds)
        yield Figure(f"{name}: {part} of a child", spent, "s")
    if used:
        total = float(nvidia_smi("memory.total"))
        taken = max(used) - used[0]
        fits = taken <= MOST_MEMORY * total
        yield Figure(
            f"{name}: memory taken",
            taken,
            "MiB",
            error=None
            if fits
            else f"{taken:.0f} of {total:.0f} MiB: memory does not grow.",
        )


@contextlib.contextmanager
def watched_memory() -> Iterator[list[float]]:
    """MiB of the GPU in use, by whomever, first before and then every half
    second; none where there is no GPU."""
    used: list[float] = []
    if not has_gpu():
        yield used
        return
    done = threading.Event()
    used.append(float(nvidia_smi("memory.used")))

    def watch() -> None:
        while not done.wait(0.5):
            used.append(float(nvidia_smi("memory.used")))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield used
    finally:
        done.set()
        thread.join()


# === Networks ===


def images_per_second(
    step: Callable[[], object], batch: int, small: bool
) -> float:
    for _ in range(WARM_UP):
        step()
    return batch / median(seconds(step) for _ in range(2 if small else 20))


def peak_memory(what: str) -> Iterator[Figure]:
    """The most that tensors have taken of the GPU since the last time."""
    if has_gpu():
        peak = tf.config.experimental.get_memory_info(GPU)["peak"]
        tf.config.experimental.reset_memory_stats(GPU)
        yield Figure(f"{what}: memory", peak / MIB, "MiB")


def on_device(batch: int, size: int, classes: int) -> tuple[tf.Tensor, ...]:
    """Images and labels of a batch."""
    images = tf.random.stateless_normal((batch, size, size, 3), seed=(0, 0))
    return images, tf.range(batch) % classes


# Name -> policy of Keras, and whether products round to TensorFloat-32.
PRECISIONS = {
    "float32": ("float32", True),
    "float32 without TensorFloat-32": ("float32", False),
    "mixed_bfloat16": ("mixed_bfloat16", True),
    "mixed_float16": ("mixed_float16", True),
}


def precision(small: bool) -> Iterator[Figure]:
    """NASNet-A on 32 x 32 images, trained in each precision, without
    determinism."""
    prepare_short_trainings(False)
    for name, setting in PRECISIONS.items():
        yield from apart(name, trained(name, *setting, small))


def trained(
    name: str, policy: str, rounds: bool, small: bool
) -> Iterator[Figure]:
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(policy)
    tf.config.experimental.enable_tensor_float_32_execution(rounds)
    batch, repeats, filters = (4, 1, 4) if small else (128, 2, 32)
    model = build_network(
        TINY if small else NASNET_A,
        (32, 32, 3),
        classes=10,
        repeats=repeats,
        filters=filters,
    )
    compile_ours(model)
    data = on_device(batch, 32, 10)
    step = functools.partial(model.train_on_batch, *data)
    yield Figure(name, images_per_second(step, batch, small), "images/s")
    loss = float(step()[0])
    yield Figure(
        f"{name}: loss",
        loss,
        error=None if np.isfinite(loss) else f"It is {loss}.",
    )
    yield from peak_memory(name)


class Sides(NamedTuple):
    """A network as Keras writes it, and ours."""

    theirs: Callable[[], keras.Model]
    ours: Callable[[], keras.Model]
    size: int
    classes: int
    training_batch: int
    inference_batches: Sequence[int]


NETWORKS = {
    "tiny": Sides(
        functools.partial(plain_network, TINY, 32, 1, 4),
        functools.partial(build_network, TINY, repeats=1, filters=4),
        32,
        10,
        4,
        (1, 2),
    ),
    "Mobile": Sides(
        functools.partial(keras.applications.NASNetMobile, weights=None),
        functools.partial(zoo.NASNetMobile, weights=None),
        224,
        1000,
        64,
        (1, 32, 256),
    ),
    "Large": Sides(
        functools.partial(keras.applications.NASNetLarge, weights=None),
        functools.partial(zoo.NASNetLarge, weights=None),
        331,
        1000,
        16,
        (1, 32),
    ),
}


def beside_keras(name: str, xla: bool, small: bool) -> Iterator[Figure]:
    """Inference and training of a network, beside that of Keras, without
    determinism."""
    network = NETWORKS["tiny" if small else name]
    prepare_short_trainings(False)
    sides = {
        "keras.applications": (network.theirs(), compile_stock),
        "ours": (network.ours(), compile_ours),
    }

    def inference(side: str, batch: int) -> Callable[[], object]:
        model, _ = sides[side]
        call = tf.function(
            lambda images: model(images, training=False), jit_compile=xla
        )
        images, _ = on_device(batch, network.size, network.classes)
        return lambda: call(images).numpy()

    def training(side: str, batch: int) -> Callable[[], object]:
        model, compile_it = sides[side]
        compile_it(model)
        model.jit_compile = xla
        data = on_device(batch, network.size, network.classes)
        return lambda: model.train_on_batch(*data)

    def measured(
        way: Callable[[str, int], Callable[[], object]],
        side: str,
        batch: int,
        rates: dict[str, float],
    ) -> Iterator[Figure]:
        step = way(side, batch)
        what = f"{way.__name__}, batch {batch}, {side}"
        yield Figure(f"{what}: first", seconds(step), "s")
        rates[side] = images_per_second(step, batch, small)
        yield Figure(what, rates[side], "images/s")
        yield from peak_memory(what)

    for way, batch in (
        *((inference, batch) for batch in network.inference_batches),
        (training, network.training_batch),
    ):
        rates: dict[str, float] = {}
        what = f"{way.__name__}, batch {batch}"
        for side in sides:
            yield from apart(
                f"{what}, {side}", measured(way, side, batch, rates)
            )
        if len(rates) == len(sides):
            ratio = rates["ours"] / rates["keras.applications"]
            yield Figure(f"{what}, ours to theirs", ratio)


def exports(small: bool) -> Iterator[Figure]:
    """Files of Mobile in each format whose packages are there, compared with
    what the GPU computes, with products rounded to TensorFloat-32 and not."""
    model = NETWORKS["tiny" if small else "Mobile"].ours()
    for name, chosen in FORMATS.items():
        try:
            chosen.check()
        except ValueError as error:
            yield Figure(name, f"left out: {error}")
            continue
        for rounds in (True, False):
            tf.config.experimental.enable_tensor_float_32_execution(rounds)
            what = f"{name}, {'' if rounds else 'without '}TensorFloat-32"
            yield from apart(what, exported(what, model, name, chosen.suffix))


def exported(
    what: str, model: keras.Model, name: str, suffix: str
) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        report = export(model, Path(folder) / f"network{suffix}", name)
    yield Figure(f"{what}: writing", report.write_seconds, "s")
    yield Figure(
        f"{what}: largest difference",
        float(report.comparison.difference),
        "of the largest",
    )


# The seconds come to 470; those with XLA get what is left of all, up to theirs.
PARTS = {
    "machine": Part(machine, 15),
    "operations": Part(operations, 50),
    "child": Part(child, 80),
    "precision": Part(precision, 60),
    "mobile": Part(functools.partial(beside_keras, "Mobile", False), 60),
    "large": Part(functools.partial(beside_keras, "Large", False), 80),
    "shared-weights": Part(shared_weights, 30),
    "workers": Part(workers, 60),
    "export": Part(exports, 35),
    "mobile-xla": Part(functools.partial(beside_keras, "Mobile", True), 90),
    "large-xla": Part(functools.partial(beside_keras, "Large", True), 90),
}

if __name__ == "__main__":
    sys.exit(main(PARTS, __doc__, prepare))
