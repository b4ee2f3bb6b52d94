import itertools
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from search.evaluation.tabular import ArchitectureTable
from search.spaces.nasbench201 import NASBench201Space
from search.spaces.nasnet import NASNetSpace
from search.strategies.surrogate import DECAYS, NOISES, Surrogate

REAL = (
    Path(__file__).parents[4] / "shared/benchmarks/nasbench201_cifar10.csv.gz"
)


def learnt(space, reward, count, scale=1.0, seed=0):
    rng = np.random.default_rng(seed)
    decisions = [space.sample(rng) for _ in range(count)]
    surrogate = Surrogate(space)
    surrogate.fit(decisions, [scale * reward(each) for each in decisions])
    return surrogate, decisions


def test_ranks_architectures_that_it_has_not_seen(space, additive):
    surrogate, _ = learnt(space, additive, 100)
    rng = np.random.default_rng(2)
    others = [space.sample(rng) for _ in range(200)]
    expected = surrogate.mean(others)
    assert expected.shape == (200,)
    assert np.corrcoef(expected, [*map(additive, others)])[0, 1] > 0.7


def test_what_failed_counts_as_the_worst(space, additive):
    rng = np.random.default_rng(0)
    decisions = [space.sample(rng) for _ in range(30)]
    rewards = [*map(additive, decisions)]
    failed = rewards[:20] + [np.nan] * 10
    worst = rewards[:20] + [min(rewards[:20])] * 10
    found = []
    for each in (failed, worst):
        surrogate = Surrogate(space)
        surrogate.fit(decisions, each)
        found.append(surrogate.mean(decisions))
    np.testing.assert_array_equal(*found)


def test_where_it_expects_the_same_the_unknown_may_improve_more(space):
    surrogate, decisions = learnt(space, lambda each: 0.5, 60)
    rng = np.random.default_rng(2)
    others = [space.sample(rng) for _ in range(60)]
    known, unknown = map(surrogate.expected_improvement, (decisions, others))
    assert 0 < known.mean() < 0.95 * unknown.mean()
    assert known.max() < unknown.max()


def test_the_expected_improvement_is_that_of_the_textbook(space, additive):
    surrogate, decisions = learnt(space, additive, 8)
    rng = np.random.default_rng(2)
    asked = [space.sample(rng), next(space.neighbours(decisions[0]))]
    ranks = stats.rankdata([*map(additive, decisions)])
    scores = stats.norm.ppf((ranks - 0.5) / 8)
    both = np.array([*decisions, *asked])
    features = surrogate.standardised([*decisions, *asked])
    distances = {
        "decisions": (both[:, None] != both).mean(axis=-1),
        "features": np.square(features[:, None] - features).mean(axis=-1) / 2,
    }
    draws = np.random.default_rng(3).standard_normal((100_000, 1))
    likelihoods, improvements = [], []
    members = [
        (distances[measure], *pair)
        for measure in distances
        for pair in itertools.product(DECAYS[measure], NOISES)
    ]
    for differ, decay, noise in members:
        covariance = np.exp(-decay * differ) + noise * np.eye(10)
        known, cross = covariance[:8, :8], covariance[8:, :8]
        scale = (1 + scores @ np.linalg.solve(known, scores)) / 9
        mean = cross @ np.linalg.solve(known, scores)
        explained = np.diag(cross @ np.linalg.solve(known, cross.T))
        deviation = np.sqrt(scale * (1 + noise - explained))
        gains = np.maximum(0, mean + deviation * draws - scores.max())
        improvements.append(gains.mean(axis=0))
        determinant = np.linalg.det(known) ** -0.5
        likelihoods.append(determinant * scale ** (-8 / 2))
    np.testing.assert_allclose(
        surrogate.expected_improvement(asked),
        np.average(improvements, axis=0, weights=likelihoods),
        rtol=0.02,
    )


def kendall(surrogate, space, reward):
    rng = np.random.default_rng(5)
    others = [space.sample(rng) for _ in range(300)]
    expected = surrogate.mean(others)
    return stats.kendalltau(expected, [*map(reward, others)]).statistic


def depth(space, decisions):
    """The most convolutions on a path through the normal cell."""
    most = [0, 0]
    for block in space.decode(decisions).normal.blocks:
        most.append(
            max(
                most[state] + ("conv" in operation)
                for state, operation in zip(
                    block.inputs, block.operations, strict=True
                )
            )
        )
    return max(most)


def test_features_tell_after_few_trials_what_decisions_do_not():
    space = NASNetSpace(5)
    taus = {"features": [], "decisions": []}
    for measure, seed in itertools.product(taus, range(5)):
        rng = np.random.default_rng(seed)
        known = [space.sample(rng) for _ in range(20)]
        surrogate = Surrogate(space, [measure])
        surrogate.fit(known, [depth(space, each) for each in known])
        taus[measure].append(
            kendall(surrogate, space, lambda each: depth(space, each))
        )
    assert np.mean(taus["features"]) > 0.4
    assert np.mean(taus["features"]) > np.mean(taus["decisions"]) + 0.2


@pytest.mark.skipif(not REAL.exists(), reason="needs NAS-Bench-201's table")
def test_ranks_the_cells_of_nas_bench_201_after_twenty():
    space = NASBench201Space()
    table = ArchitectureTable(REAL, space)
    reward = table.values("cifar10_val_accuracy_12_epochs").__getitem__
    taus = [
        kendall(learnt(space, reward, 20, seed=seed)[0], space, reward)
        for seed in range(10, 20)
    ]
    # 0.27 by decisions alone.
    assert np.mean(taus) > 0.4


def test_where_features_say_nothing_decisions_are_learnt(space):
    """What differs by the order of the inputs alone has equal features."""

    def reward(decisions):
        return float(decisions[2] + decisions[0] > decisions[3])

    both, _ = learnt(space, reward, 150)
    features = Surrogate(space, ["features"])
    rng = np.random.default_rng(0)
    known = [space.sample(rng) for _ in range(150)]
    features.fit(known, [*map(reward, known)])
    assert kendall(both, space, reward) > kendall(features, space, reward) + 0.1


def test_equal_architectures_are_expected_to_be_equal_by_features():
    space = NASNetSpace(3)
    rng = np.random.default_rng(0)
    known = [space.sample(rng) for _ in range(20)]
    surrogate = Surrogate(space, ["features"])
    surrogate.fit(known, rng.random(20))
    asked = [space.sample(rng) for _ in range(50)]
    np.testing.assert_allclose(
        surrogate.mean(asked),
        surrogate.mean([*map(space.canonical, asked)]),
        atol=1e-9,
    )


def test_far_from_all_trials_it_expects_their_mean(space):
    # The best end of the trials is near the worst that it could expect.
    near = [(0,) * 10, *space.neighbours((0,) * 10)]
    rewards = [float(-sum(each)) for each in near]
    surrogate = Surrogate(space)
    surrogate.fit(near, rewards)
    far = tuple(len(decision.choices) - 1 for decision in space.decisions)
    expected = surrogate.mean([near[0], far])
    spread = np.ptp(surrogate.mean(near))
    assert expected[0] > 0
    assert abs(expected[1]) < spread


def test_noisy_rewards_are_believed_less(space, additive):
    rng = np.random.default_rng(3)
    exact, _ = learnt(space, additive, 60)
    noisy, _ = learnt(space, lambda each: rng.standard_normal(), 60)
    near = space.sample(rng)
    assert np.abs(noisy.mean([near])).max() < 1.0
    spreads = [
        np.std(each.mean([space.sample(rng) for _ in range(200)]))
        for each in (noisy, exact)
    ]
    assert spreads[0] < 0.5 * spreads[1]


def test_the_scale_of_rewards_does_not_matter(space, additive):
    one, decisions = learnt(space, additive, 30)
    other, _ = learnt(space, additive, 30, scale=100.0)
    np.testing.assert_array_equal(one.mean(decisions), other.mean(decisions))


def test_equal_rewards_teach_nothing(space):
    surrogate, decisions = learnt(space, lambda each: 0.5, 10)
    np.testing.assert_allclose(surrogate.mean(decisions), 0.0, atol=1e-12)
