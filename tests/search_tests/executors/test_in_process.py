from nasnet_keras.console.activity import Activity, tell_activity
from search.evaluation.base import Child, Evaluator
from search.executors.in_process import InProcessExecutor
from search.trial import Evaluation


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


def test_what_goes_on_for_a_child_is_heard():
    heard = []
    executor = InProcessExecutor(Telling)
    executor.listen(lambda *each: heard.append(each))
    executor.submit(Child(7, None))
    executor.collect()
    tell_activity("nothing of a child")
    assert heard == [(7, Activity("validating"))]


class Telling(Evaluator):
    def evaluate(self, child):
        tell_activity("validating")
        return Evaluation(1.0)

    def describe(self):
        return {}
