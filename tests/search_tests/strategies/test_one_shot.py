from search.strategies import create_strategy


def test_proposals_are_those_of_random_search(space):
    one_shot, uniform = (
        create_strategy(name, space, 3) for name in ("one-shot", "random")
    )
    assert [one_shot.ask(number) for number in range(5)] == [
        uniform.ask(number) for number in range(5)
    ]
