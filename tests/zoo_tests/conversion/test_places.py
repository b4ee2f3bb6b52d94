import keras
import pytest

from nasnet_keras.network.build import build_network
from nasnet_keras.published import ENAS_MICRO, NASNET_A, NASNET_C, PNASNET_5
from zoo.conversion.places import places

NETWORKS = {
    "nasnet": {"genotype": NASNET_A, "auxiliary_head": True},
    # Combiners with weights.
    "nasnet_c": {"genotype": NASNET_C},
    # An input that is projected twice.
    "enas": {"genotype": ENAS_MICRO, "frame": "enas"},
    "pnasnet": {"genotype": PNASNET_5, "frame": "pnasnet"},
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_weight_has_one_place(name):
    model = build_network(repeats=1, filters=4, **NETWORKS[name])
    placed = [
        weight.path for place in places(model) for weight in place.layer.weights
    ]
    assert sorted(placed) == sorted(weight.path for weight in model.weights)


@pytest.mark.parametrize(
    ("name", "scopes"),
    [
        ("nasnet", "cell_0 reduction_cell_0 cell_1 reduction_cell_1 cell_2"),
        ("pnasnet", "cell_0 cell_1 cell_2"),
    ],
)
def test_cells_are_called_as_in_slim(name, scopes):
    model = build_network(repeats=1, filters=4, **NETWORKS[name])
    found = dict.fromkeys(p.scope for p in places(model) if p.scope)
    assert " ".join(found) == scopes


def test_what_a_network_is_built_upon_is_not_of_it():
    inputs = keras.Input((32, 32, 1))
    colour = keras.layers.Conv2D(3, 1, name="colour")(inputs)
    model = build_network(NASNET_A, repeats=1, filters=4, input_tensor=colour)
    assert model.get_layer("colour").weights
    assert "colour" not in {place.part[0] for place in places(model)}
