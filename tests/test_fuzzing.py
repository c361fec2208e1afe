"""The short form of `benchmarks/fuzzing.py`."""

import fuzzing


def test_no_mutant_of_a_model_or_a_session_does_more_than_raise_one_typed_error() -> None:
    report = fuzzing.fuzz(seed=1, models=250, sessions=120)
    assert report.findings == []
    assert report.outcomes["model: ModelFileError"] > 100
    assert report.outcomes["session: SessionError"] > 50
    assert report.outcomes["model: works"] > 10
