import numpy as np

from search.spaces.nasnet import NASNetSpace
from search.strategies.grid import GridSearch
from search.testing.letter_space import LetterSpace


def test_every_architecture_of_a_small_space_once_and_then_again():
    space = LetterSpace((3, 3, 3))
    strategy = GridSearch(space, seed=0)
    proposals = [strategy.ask(number) for number in range(54)]
    assert len(set(proposals[:27])) == space.size == 27
    assert proposals[27:] == proposals[:27]


def test_what_a_search_proposes_in_its_place_is_left_out():
    space = LetterSpace((3, 3, 3))
    uniform = GridSearch(space, seed=0).space.sample(np.random.default_rng(1))
    for stopped in (None, 9):
        strategy, proposals = GridSearch(space, seed=0), []
        for number in range(27):
            if number == stopped:  # and resumed
                strategy = GridSearch(space, seed=0)
                for each in proposals:
                    strategy.proposed(each)
            each = uniform if number == 5 else strategy.ask(number)
            strategy.proposed(each)
            proposals.append(each)
        assert len(set(proposals)) == 27


def test_in_order_from_a_place_that_the_seed_fixes():
    space = LetterSpace((3, 3, 3))
    starts = set()
    for seed in range(20):
        strategy = GridSearch(space, seed)
        proposals = [strategy.ask(number) for number in range(27)]
        first = proposals.index((0, 0, 0))
        assert proposals[first:] + proposals[:first] == sorted(proposals)
        starts.add(first)
    assert len(starts) > 5


def test_isomorphic_cells_come_once():
    space = NASNetSpace(blocks=1, combiners=("add",))
    strategy = GridSearch(space, seed=0)
    proposals = [strategy.ask(number) for number in range(300)]
    keys = [space.canonical(proposal) for proposal in proposals]
    assert len(set(keys)) == len(keys)


def test_does_not_enumerate_a_large_space_to_begin():
    space = NASNetSpace(blocks=5)
    proposals = [GridSearch(space, seed=0).ask(number) for number in (0, 1)]
    assert len(np.unique(proposals, axis=0)) == 2
