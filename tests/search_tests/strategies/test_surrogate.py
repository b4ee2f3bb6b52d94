import numpy as np

from search.strategies.surrogate import Surrogate


def learnt(space, reward, count, scale=1.0, seed=0):
    rng = np.random.default_rng(seed)
    decisions = [space.sample(rng) for _ in range(count)]
    surrogate = Surrogate(space, members=5)
    rewards = [scale * reward(each) for each in decisions]
    surrogate.fit(decisions, rewards, np.random.default_rng(1))
    return surrogate, decisions


def test_ranks_architectures_that_it_has_not_seen(space, additive):
    surrogate, _ = learnt(space, additive, 100)
    rng = np.random.default_rng(2)
    others = [space.sample(rng) for _ in range(200)]
    expected = surrogate.predict(others)
    assert expected.shape == (5, 200)
    order = np.corrcoef(expected.mean(axis=0), [*map(additive, others)])
    assert order[0, 1] > 0.7


def test_members_differ_most_where_nothing_is_known(space, additive):
    surrogate, decisions = learnt(space, additive, 60)
    rng = np.random.default_rng(2)
    others = [space.sample(rng) for _ in range(60)]
    known, unknown = (
        surrogate.predict(each).std(axis=0).mean()
        for each in (decisions, others)
    )
    assert 0 < known < unknown


def test_the_scale_of_rewards_does_not_matter(space, additive):
    one, decisions = learnt(space, additive, 30)
    other, _ = learnt(space, additive, 30, scale=100.0)
    np.testing.assert_array_equal(
        one.predict(decisions), other.predict(decisions)
    )
