from search.evaluation.base import Child
from search.executors.in_process import InProcessExecutor


def test_jobs_are_evaluated_in_order_with_one_seed(
    FakeEvaluator, space, tmp_path
):
    evaluator = FakeEvaluator()
    executor = InProcessExecutor(lambda: evaluator)
    genotypes = [
        space.decode((0,) * 20),
        space.decode((1,) * 20),
    ]
    for number, genotype in enumerate(genotypes):
        executor.submit(Child(number, genotype, 5, folder=tmp_path))
    assert evaluator.genotypes == []  # nothing before it is asked for
    outcomes = [executor.collect(), executor.collect()]
    assert [outcome.number for outcome in outcomes] == [0, 1]
    assert evaluator.genotypes == genotypes
    assert evaluator.seeds == [5, 5]
