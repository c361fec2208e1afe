"""dvc.yaml is correct: each stage declares exactly what it needs."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from tiny import ROOT

PIPELINE: Any = YAML(typ="safe").load(ROOT / "dvc.yaml")
IMPORTED = """
import runpy, sys
runpy.run_path(sys.argv[1], run_name="stage")
for name, module in sorted(sys.modules.items()):
    # Packages themselves hold nothing that a stage runs.
    if name.startswith("nextword.") and not hasattr(module, "__path__"):
        print(module.__file__)
"""


@pytest.mark.parametrize("stage", PIPELINE["stages"])
def test_a_stage_declares_exactly_the_code_that_it_runs(stage: str) -> None:
    script = f"stages/{stage}.py"
    printed = subprocess.run(
        [sys.executable, "-c", IMPORTED, script], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    imported = {Path(line).relative_to(ROOT) for line in printed.splitlines()}
    dependencies = PIPELINE["stages"][stage]["deps"]
    declared = {Path(name) for name in dependencies if name.startswith("src/")}
    assert imported
    assert {path for path in imported if not declared & {path, *path.parents}} == set()
    assert {path for path in declared if not any(path in {one, *one.parents} for one in imported)} == set()
    assert [name for name in dependencies if name.startswith("stages/")] == [script]


def test_the_model_is_an_artifact_that_a_registry_can_show() -> None:
    artifact = PIPELINE["artifacts"]["nextword"]
    assert artifact["path"] in PIPELINE["stages"]["export"]["outs"]
    assert artifact["type"] == "model"
    assert artifact["desc"]
    assert artifact["labels"]


def test_a_stage_fits_on_one_screen() -> None:
    for stage in PIPELINE["stages"]:
        assert len((ROOT / "stages" / f"{stage}.py").read_text(encoding="utf-8").splitlines()) <= 60


def test_nothing_phones_home() -> None:
    shown = subprocess.run(
        ["dvc", "config", "--project", "--list"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert {"core.analytics=false", "core.check_update=false", "studio.offline=true"} <= set(shown)
