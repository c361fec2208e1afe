"""A stage has read what the lock file says, and works even if nobody reads its output."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from runs import LINES, STREAMS
from tiny import ROOT, prepare, write_params

from nextword import outputs
from nextword import stage as stages
from nextword.errors import StageError


def start(script: Path, directory: Path, **options: object) -> subprocess.Popen[str]:
    process: subprocess.Popen[str] = subprocess.Popen(
        [sys.executable, str(script)],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,  # type: ignore[call-overload]
    )
    return process


def begun(process: subprocess.Popen[str]) -> None:
    assert process.stdout
    assert process.stdout.readline().startswith("step 0: ")


@pytest.mark.parametrize("changed", ["params.yaml", "data/prepared/ids.npy", "code"])
def test_a_change_while_a_stage_runs_ends_it_with_an_error(in_directory: Path, changed: str) -> None:
    prepare(in_directory, LINES, **STREAMS)
    root = ROOT
    if changed == "code":  # of a copy
        root = in_directory / "copy"
        for name in ("src", "stages"):
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    environment = os.environ | {"PYTHONPATH": str(root / "src")}
    with start(root / "stages" / "train.py", in_directory, env=environment) as process:
        begun(process)
        if changed == "params.yaml":
            write_params(in_directory, train=STREAMS | {"max_steps": 50})
        elif changed == "code":
            path = root / "src" / "nextword" / "train" / "loop.py"
            path.write_text(path.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
        else:
            (in_directory / changed).touch()
        _, err = process.communicate(timeout=100)
    assert process.returncode == 2
    expected = {"params.yaml": "params.yaml", "data/prepared/ids.npy": "data/prepared"}
    name = expected.get(changed, "copy/src/nextword/train/loop.py")
    assert err == f"error: {name} changed while the stage ran; run `dvc repro` again\n"


def test_params_of_other_stages_and_unused_code_may_change(in_directory: Path) -> None:
    prepare(in_directory, LINES, **STREAMS)
    with start(ROOT / "stages" / "train.py", in_directory) as process:
        begun(process)
        write_params(in_directory, train=STREAMS, evaluate={"samples": 3}, export={"tolerance": 1e-3})
        assert process.wait(100) == 0


@pytest.mark.parametrize("stage", ["prepare", "train"])
def test_ctrl_c_works_while_a_stage_imports(in_directory: Path, stage: str) -> None:
    prepare(in_directory, LINES, **STREAMS)
    # A line is printed as soon as `stage.begin` has run, before the slow imports.
    script = "import runpy, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    script += "import nextword.stage as stage; begin = stage.begin; "
    script += "stage.begin = lambda: (begin(), print('begun', flush=True)); runpy.run_path(sys.argv[1], "
    script += "run_name='__main__')"
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(ROOT / "stages" / f"{stage}.py")],
        cwd=in_directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=100)
    assert (process.returncode, out, err) == (130, "", "interrupted\n")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    ],
)
def test_too_little_memory_is_an_error_of_one_line(error: Exception) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(StageError, match=r"^not enough memory; .*train\.batch"):
        stages._within_memory(fail)
    with pytest.raises(RuntimeError, match="shapes differ"):
        stages._within_memory(lambda: (_ for _ in ()).throw(RuntimeError("shapes differ")))


def test_a_stage_finishes_without_a_reader(in_directory: Path) -> None:
    prepare(in_directory, LINES, **STREAMS)
    with start(ROOT / "stages" / "train.py", in_directory) as process:
        assert process.stdout
        process.stdout.close()
        assert process.stderr
        assert process.stderr.read() == ""
        assert process.wait(100) == 0
    assert Path("models/trained/weights.safetensors").exists()


def test_files_of_a_killed_process_are_removed_but_not_those_of_a_live_one(
    in_directory: Path,
) -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as dead:
        dead.wait()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as living:
        left = {process: in_directory / f".writing-{process.pid}-abc" for process in (dead, living)}
        for path in left.values():
            path.mkdir()
            (path / "ids.npy").write_bytes(b"half")
        outputs.write_text(in_directory / "a.txt", "a")
        assert not left[dead].exists()
        assert (left[living] / "ids.npy").exists()
        living.kill()
