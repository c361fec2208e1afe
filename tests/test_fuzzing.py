"""The short form of `benchmarks/fuzzing.py`."""

import fuzzing


def test_mutants_of_models_and_sessions_work_or_raise_a_typed_error() -> None:
    report = fuzzing.fuzz(seed=1, models=250, sessions=120)
    assert report.findings == []
    assert report.outcomes["model: ModelFileError"] > 100
    assert report.outcomes["session: SessionError"] > 50
    assert report.outcomes["model: works"] > 10
