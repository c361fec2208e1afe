import itertools

import pytest
from runs import train_params

from nextword.train.schedule import learning_rate


def rates(**changes: object) -> list[float]:
    params = train_params(**{"learning_rate": 0.5, "max_steps": 10} | changes)
    return [learning_rate(params, step) for step in range(10)]


def test_a_constant_rate_stays_the_same() -> None:
    assert rates() == [0.5] * 10


def test_a_linear_rate_falls_to_zero_at_the_last_step() -> None:
    assert rates(schedule="linear") == pytest.approx([0.5 * (1 - step / 10) for step in range(10)])


def test_a_cosine_falls_slowly_at_first_and_at_last() -> None:
    found = rates(schedule="cosine")
    assert found[0] == 0.5
    assert found[5] == pytest.approx(0.25)
    falls = [before - after for before, after in itertools.pairwise(found)]
    assert min(falls) > 0
    assert falls[0] < falls[4] > falls[-1]


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
def test_a_warm_up_rises_to_the_full_rate(schedule: str) -> None:
    found = rates(schedule=schedule, warmup_steps=4)
    assert found[:5] == pytest.approx([0.125, 0.25, 0.375, 0.5, 0.5])
    assert (found[9] < 0.2) == (schedule != "constant")
