"""A run of the shipped stages: python course/run.py EXPERIMENT [--stages NAME …] [--set KEY=VALUE …].

The params are `base` of params.yaml, changed by the experiment's section and by `--set`; several values of a
key (`train.seed=1,2,3`) are several runs. Params and outputs are in runs/EXPERIMENT, followed by the values
that were set.
"""

import argparse
import os
import runpy
import shutil
import sys
from pathlib import Path
from typing import Any

import each
import kernels  # noqa: F401, before PyTorch
from ruamel.yaml import YAML

from nextword import errors

HERE = Path(__file__).resolve().parents[1]
STAGES = HERE.parents[1] / "stages"
RUNS = Path("runs")
YAML_1_2 = YAML(typ="safe", pure=True)


def folder_of(experiment: str, *values: object) -> Path:
    """Where a run is, seen from docs/learn."""
    return RUNS / "-".join([experiment, *map(str, values)])


def params_of(experiment: str, changes: dict[str, Any]) -> dict[str, Any]:
    """The params of a run, as params.yaml would have them."""
    known = YAML_1_2.load(HERE / "params.yaml")
    values: dict[str, Any] = known["base"]
    for key, value in {**known[experiment], **changes}.items():
        section, name = key.split(".")
        values[section][name] = value
    text = HERE / values["prepare"]["text"]
    values["prepare"]["text"] = os.path.relpath(text, HERE / RUNS / "any")
    return values


def main() -> None:
    """Runs the stages."""
    parser = argparse.ArgumentParser()
    parser.add_argument("experiment")
    parser.add_argument("--stages", nargs="+", default=["prepare", "train"])
    parser.add_argument("--set", nargs="+", default=[])
    arguments = parser.parse_args()
    runs = each.settings(arguments.set)
    if len(runs) > 1:
        stages = ["--stages", *arguments.stages]
        each.run([[arguments.experiment, *stages, "--set", *run] for run in runs])
        return
    pairs = [change.split("=") for change in arguments.set]
    changes = {key: YAML_1_2.load(value) for key, value in pairs}
    folder = HERE / folder_of(arguments.experiment, *(Path(value).stem for _, value in pairs))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    YAML_1_2.dump(params_of(arguments.experiment, changes), folder / "params.yaml")
    os.chdir(folder)
    for name in arguments.stages:
        runpy.run_path(str(STAGES / f"{name}.py"))["main"]()
    shutil.rmtree("tensorboard", ignore_errors=True)


if __name__ == "__main__":
    sys.exit(errors.run(main))
