import json
import re

import numpy as np
import pytest

from nasnet_keras import published
from nasnet_keras.architectures import read_architecture
from nasnet_keras.console.command_line import InputError
from nasnet_keras.genotype import Block, CellSpec, Genotype
from nasnet_keras.genotype_formats import (
    FORMATS,
    read_genotype,
    write_genotype,
)
from nasnet_keras.layers.cell import Cell

# As quark0/darts has it in cnn/genotypes.py.
DARTS_V2 = """
DARTS_V2 = Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1),
  ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 1),
  ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)],
  normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1),
  ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0),
  ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)],
  reduce_concat=range(2, 6))
"""
# Its first block, as NNI has the whole in load_searched_model("darts-v2").
NNI_BLOCK = {
    "normal/op_2_0": "sep_conv_3x3",
    "normal/op_2_1": "sep_conv_3x3",
    "normal/input_2_0": [0],
    "normal/input_2_1": [1],
}
# The best of NAS-Bench-201 on CIFAR-10.
BEST_201 = (
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+"
    "|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"
)
CELL = "[('sep_conv_3x3', 0), ('none', 1)]"


def darts(normal=CELL, normal_concat="[2]"):
    return (
        f"Genotype(normal={normal}, normal_concat={normal_concat}, "
        f"reduce={CELL}, reduce_concat=[2])"
    )


def test_the_text_of_darts():
    assert read_genotype(DARTS_V2) == published.DARTS_V2
    assert read_genotype(f"12:00 genotype = {DARTS_V2}") == published.DARTS_V2


def test_a_genotype_between_other_lines():
    file = "from collections import namedtuple\nGenotype = namedtuple("
    file += f"'Genotype', 'normal reduce')\n{DARTS_V2}\nDARTS = DARTS_V2\n"
    assert read_genotype(file) == published.DARTS_V2
    assert read_genotype(DARTS_V2 + DARTS_V2) == published.DARTS_V2
    by_position = re.sub("(normal|reduce)(_concat)?=", "", DARTS_V2)
    assert read_genotype(by_position) == published.DARTS_V2


def test_the_choices_of_nni():
    text = write_genotype(published.DARTS_V2, "nni")
    assert NNI_BLOCK.items() <= json.loads(text).items()
    assert len(json.loads(text)) == 32
    assert read_genotype(text) == published.DARTS_V2
    # Other choices beside, and numbers without lists.
    other = text.replace("[\n  0\n ]", "0").replace("{", '{"width": 36,', 1)
    assert read_genotype(other) == published.DARTS_V2


def test_nni_concatenates_what_is_unused_of_other_spaces():
    blocks = (Block((0, 1), ("conv_1x7_7x1", "identity")),) * 5
    cell = CellSpec(blocks)
    text = write_genotype(Genotype(cell, cell), "nni")
    assert '"conv_7x1_1x7"' in text
    assert read_genotype(text).normal == cell
    some = CellSpec(blocks, concat=(2, 3))
    with pytest.raises(ValueError, match="that NNI implies"):
        write_genotype(Genotype(some, cell), "nni")


def test_a_cell_of_nasbench201_adds_at_its_nodes():
    genotype = read_genotype(BEST_201)
    assert write_genotype(genotype, "nasbench201") == BEST_201
    text = (
        "|skip_connect~0|+|none~0|skip_connect~1|+"
        "|skip_connect~0|skip_connect~1|skip_connect~2|"
    )
    cell = Cell(read_genotype(text).normal, 4)
    states = np.random.default_rng(0).normal(size=(2, 1, 4, 4, 4))
    cell([*states])
    # What the cell brings to its filters, three times: all paths are copies.
    (taken,) = cell.adjustments[:1]
    expected = 3 * np.asarray(taken(np.maximum(states[0], 0)))
    np.testing.assert_allclose(cell([*states]), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("form", ["darts", "nni"])
def test_what_is_published_there_and_back(form):
    for name in ("DARTS_V1", "DARTS_V2"):
        genotype = getattr(published, name)
        assert read_genotype(write_genotype(genotype, form)) == genotype


@pytest.mark.parametrize(
    "genotype, form, message",
    [
        (published.NASNET_B, "darts", "2 inputs"),
        (published.NASNET_C, "darts", "Expected"),
        (published.DARTS_V2, "nasbench201", "Received: other cells"),
        (published.DARTS_V2, "pytorch", "Invalid form of a genotype"),
        ("a genotype", "darts", "Expected a `Genotype`"),
        (
            Genotype(
                *[CellSpec((Block((0, 1), ("identity",) * 2, "concat"),))] * 2
            ),
            "nni",
            "blocks that add",
        ),
        (
            Genotype(*[CellSpec((Block((0, 1), ("dil_conv_3x3",) * 2),))] * 2),
            "darts",
            "operations among .*Received: dil_conv_3x3",
        ),
    ],
)
def test_what_a_form_cannot_say_is_refused(genotype, form, message):
    with pytest.raises(ValueError, match=message):
        write_genotype(genotype, form)


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "one of the forms darts, nni, nasbench201"),
        (darts("[('sep_conv_9x9', 0), ('none', 1)]"), "'sep_conv_9x9'"),
        (darts("[('sep_conv_3x3', 2), ('none', 1)]"), "inputs of block 0"),
        (darts("[('sep_conv_3x3', 0)]"), "form darts"),
        (darts(normal_concat="range(10**9)"), "form darts"),
        (darts(normal_concat="range(0, 1000000000)"), "hidden states"),
        (darts("__import__('os').getcwd()"), "form darts"),
        (darts("(" * 4000), "form darts"),
        (
            f"V1 = {darts()}\nV2 = {DARTS_V2}\nDARTS = V2",
            "Expected one genotype in a text. Received: V1, DARTS_V2; keep",
        ),
        (darts(normal_concat="range(2, 10**12)"), "Received: 'range.2, 10"),
        (darts(normal_concat="3"), "list of `normal_concat`. Received: 3"),
        ("Genotype(normal=[])", "parts normal, .*Received: normal"),
        ("Genotype()", "each once"),
        (darts("[[], []]"), "two pairs of an operation and a state"),
        (darts("[('none', 0), ([], 1)]"), "operations among"),
        (json.dumps({"normal/op_2_0": "none"}), "'normal/input_2_0'"),
        (
            json.dumps({**NNI_BLOCK, "normal/op_2_1": ["none", "none"]}),
            "one choice of 'normal/op_2_1'",
        ),
        (
            json.dumps({**NNI_BLOCK, "normal/input_2_1": {"a": 1}}),
            "one choice of 'normal/input_2_1'",
        ),
        (f'["normal/op_2_0", {json.dumps(NNI_BLOCK)}]', "form nni"),
        ("Genotype(" + " " * 20_000, "at most 10,000"),
        ('{"normal/op_2_0": "none"}', "form nni"),
        ('{"normal/op_2_0": ' + "[" * 9000, "form nni"),
        ("|conv~0|", "form nasbench201.*'conv'"),
        ("|none~0|+|none~1|none~0|+|none~0|none~1|none~2|", "such as .op~0"),
        ("|none~0|+|none~0|none~1|", "such as .op~0"),
    ],
)
def test_what_is_wrong_is_a_sentence(text, message):
    with pytest.raises(ValueError, match=message) as error:
        read_genotype(text)
    assert len(str(error.value)) < 600
    assert not re.search(
        "Error|unpack|unhashable|object at|malformed", str(error.value)
    )


@pytest.mark.parametrize(
    "text", [DARTS_V2, BEST_201, write_genotype(published.DARTS_V1, "nni")]
)
def test_files_are_architectures_that_are_built(text, tmp_path):
    path = tmp_path / "genotype.txt"
    path.write_text(text)
    kind, genotype = read_architecture(path)
    assert (kind.name, genotype) == ("nasnet", read_genotype(text))
    assert kind.complexity(genotype, (32, 32, 3), 10).parameters > 0
    path.write_text(text.replace("_3x3", "_3x4"))
    with pytest.raises(InputError, match="holds no architecture.*_3x4"):
        read_architecture(path)


def test_every_form_has_a_mark_of_its_own():
    texts = {
        "darts": DARTS_V2,
        "nni": write_genotype(published.DARTS_V2, "nni"),
        "nasbench201": BEST_201,
    }
    assert set(texts) == set(FORMATS)
    for name, text in texts.items():
        found = [key for key in FORMATS if re.search(FORMATS[key].mark, text)]
        assert found == [name]
