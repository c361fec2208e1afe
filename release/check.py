"""Builds what would be published, into dist/, and checks it as its users would.

    make release-check

Needs git, npm and network access to the package registries. The first failure ends it, with exit status 1.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "release"
DIST = ROOT / "dist"
MODEL = ROOT / "tests" / "conformance" / "fixed.onnx"
MEGABYTE = 2**20
# The limit per file of a common host of static pages.
LARGEST_FILE = 25 * MEGABYTE
# A page ships only the smaller WASM file of onnxruntime-web, 14 of 28 MB.
LARGEST_PAGE = 16 * MEGABYTE
USER = """
from typing import assert_type

from nextword import Generator, Sampling

generator = Generator.load("nextword.onnx")
assert_type(generator.generate("the mouse", 12, Sampling(temperature=1.0, seed=7)), str)
assert_type(generator.suggest("the"), list[tuple[str, float]])
"""
MISTAKEN_USER = """
from nextword import Generator

Generator.load("nextword.onnx").generate("the mouse", "twelve")
"""


class CheckError(Exception):
    """Something that would be published is wrong; the message is for the terminal."""


def main() -> None:
    """Runs all checks."""
    with TemporaryDirectory() as directory:
        work = Path(directory)
        copies = two_copies(work)
        shutil.rmtree(DIST, ignore_errors=True)
        wheel, sdist = python_packages(copies, work)
        tarball = npm_package(copies, work)
        if wheel.name.split("-")[1] != tarball.stem.split("-")[1]:
            raise CheckError(f"{wheel.name} and {tarball.name} have different versions")
        installed_wheel(wheel, work)
        installed_tarball(tarball, work)
        playground()
        print("to publish:", *(path.relative_to(ROOT) for path in (wheel, sdist, tarball)))


# ── building ────────────────────────────────────────────────────────────────────────────────────


def two_copies(work: Path) -> list[Path]:
    """Copies the files in git to two places that differ in everything that must not affect a package."""
    names = run("git", "ls-files", "-z").split("\0")[:-1]
    copies = [work / "one", work / "another place" / "with a longer path"]
    for number, copy in enumerate(copies):
        for name in names if number == 0 else reversed(names):
            path = copy / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes((ROOT / name).read_bytes())
            path.chmod(0o664 if number else 0o644)  # npm would keep 0o600
            os.utime(path, (number * 10**9, number * 10**9))
    return copies


def equal(what: str, built: list[Path]) -> Path:
    """Compares two builds, and copies one of them to dist/."""
    one, another = built
    if one.name != another.name or one.read_bytes() != another.read_bytes():
        raise CheckError(f"two builds of the {what} differ: {one} and {another}")
    DIST.mkdir(exist_ok=True)
    print(f"{what}: built twice, equal, {one.stat().st_size / 1000:.0f} kB")
    return Path(shutil.copy(one, DIST))


def elsewhere(number: int) -> dict[str, str]:
    """An environment that differs from copy to copy."""
    date = run("git", "log", "-1", "--format=%ct").strip()
    return {
        "SOURCE_DATE_EPOCH": date,  # of the last commit; see https://reproducible-builds.org
        "PYTHONHASHSEED": str(number),
        "TZ": ("UTC", "Asia/Kolkata")[number],
        "LC_ALL": ("C.UTF-8", "C")[number],
    }


def python_packages(copies: list[Path], work: Path) -> tuple[Path, Path]:
    """Builds the sdist and, from it, the wheel, each in an empty environment."""
    outputs = [work / f"python {number}" for number in range(2)]
    for number, (copy, output) in enumerate(zip(copies, outputs, strict=True)):
        run(
            sys.executable,
            "-m",
            "build",
            "--installer",
            "uv",
            "--outdir",
            output,
            copy,
            environment=elsewhere(number),
        )
    wheel = equal("wheel", [next(output.glob("*.whl")) for output in outputs])
    sdist = equal("sdist", [next(output.glob("*.tar.gz")) for output in outputs])
    run(sys.executable, "-m", "twine", "check", "--strict", wheel, sdist)

    source = {path.removeprefix("src/") for path in run("git", "ls-files", "src").splitlines()}
    if models := [name for name in source if name.endswith((".onnx", ".safetensors", ".pt"))]:
        raise CheckError(f"the wheel would contain models: {models}")
    found = zipfile.ZipFile(wheel).namelist()
    expect("wheel", source, {name for name in found if ".dist-info/" not in name})
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    besides = {".gitignore", "CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml"}
    expect("sdist", {f"src/{name}" for name in source} | besides, names)
    return wheel, sdist


def npm_package(copies: list[Path], work: Path) -> Path:
    """Packs js/."""
    built = []
    for number, copy in enumerate(copies):
        output = work / f"npm {number}"
        output.mkdir()
        packed = ("npm", "pack", "--json", "--pack-destination", output)
        listed = json.loads(run(*packed, at=copy / "js", environment=elsewhere(number)))[0]
        built.append(output / listed["filename"])
    package = json.loads((ROOT / "js" / "package.json").read_text(encoding="utf-8"))
    in_git = run("git", "ls-files", at=ROOT / "js").splitlines()
    wanted = {
        path for path in in_git for name in package["files"] if path == name or path.startswith(f"{name}/")
    }
    expect("npm package", wanted | {"package.json"}, {file["path"] for file in listed["files"]})
    return equal("npm package", built)


def expect(what: str, expected: set[str], found: set[str]) -> None:
    """Compares the files of a package with those that it should have."""
    if expected != found:
        raise CheckError(
            f"the {what} lacks {sorted(expected - found)} and has unexpected files {sorted(found - expected)}"
        )


# ── using ───────────────────────────────────────────────────────────────────────────────────────


def first_case() -> tuple[str, str, str]:
    """A prompt, a number of words, and the text that all languages agree on."""
    case = json.loads(MODEL.with_suffix(".json").read_text(encoding="utf-8"))["generate"][0]
    return case["prompt"], str(case["words"]), case["result"]


def installed_wheel(wheel: Path, work: Path) -> None:
    """Installs only the wheel, runs the command, and checks the types of a user's program."""
    environment = work / "user"
    venv.create(environment, with_pip=True)
    scripts = environment / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / "python"
    run(python, "-m", "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt", wheel, at=work)
    run(python, "-m", "pip", "check", at=work)
    prompt, words, text = first_case()
    command = (scripts / "nextword", "generate", prompt, "--words", words, "--model", MODEL)
    if (found := run(*command, at=work).rstrip("\n")) != text:
        raise CheckError(f"the installed command writes {found!r} in place of {text!r}")

    mypy = (
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file",
        os.devnull,
        "--python-executable",
        python,
    )
    (work / "user.py").write_text(USER, encoding="utf-8")
    (work / "mistaken_user.py").write_text(MISTAKEN_USER, encoding="utf-8")
    run(*mypy, "user.py", at=work)
    if "[arg-type]" not in run(*mypy, "mistaken_user.py", at=work, status=1):
        raise CheckError("mypy does not report an argument of the wrong type")
    print("installed wheel: the command and a user's mypy --strict are right")


def installed_tarball(tarball: Path, work: Path) -> None:
    """Installs the npm package with onnxruntime-web, runs it in Node, and bundles a page with Vite."""
    page = work / "page"
    shutil.copytree(HERE / "page", page, ignore=shutil.ignore_patterns("node_modules"))
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error")
    run("npm", "ci", *quiet, at=page)
    run("npm", "install", "--no-save", *quiet, tarball, at=page)
    prompt, words, text = first_case()
    if (found := run("node", "run.mjs", MODEL, prompt, words, at=page).rstrip("\n")) != text:
        raise CheckError(f"the installed module writes {found!r} in place of {text!r}")
    run(ROOT / "js" / "node_modules" / ".bin" / "tsc", "--project", page)
    run("npx", "vite", "build", at=page)
    size = sum(path.stat().st_size for path in (page / "dist").rglob("*"))
    if size > LARGEST_PAGE:
        raise CheckError(
            f"the page that Vite builds has {size / MEGABYTE:.1f} MiB; at most "
            f"{LARGEST_PAGE / MEGABYTE:.0f} MiB are allowed"
        )
    print(f"installed npm package: Node, tsc --strict and Vite are right; the page has {size / 1e6:.1f} MB")


def playground() -> None:
    """Checks the playground that `make vendor` has put together."""
    folder = ROOT / "playground"
    sizes = {path: path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    for path, size in sizes.items():
        if size > LARGEST_FILE:
            raise CheckError(
                f"{path} has {size / MEGABYTE:.1f} MiB; hosts accept at most "
                f"{LARGEST_FILE / MEGABYTE:.0f} MiB"
            )
    if (found := sum(path.suffix == ".wasm" for path in sizes)) != 1:
        raise CheckError(f"the playground has {found} .wasm files and needs one; run make vendor")
    print(
        f"playground: {sum(sizes.values()) / 1e6:.1f} MB, the largest file {max(sizes.values()) / 1e6:.1f} MB"
    )


def run(
    *command: str | Path, at: Path = ROOT, environment: dict[str, str] | None = None, status: int = 0
) -> str:
    """Returns what a command prints, run without this repository's code on its path."""
    clean = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "MYPYPATH"}}
    done = subprocess.run(
        command, cwd=at, env=clean | (environment or {}), capture_output=True, text=True, check=False
    )
    if done.returncode != status:
        raise CheckError(
            f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        )
    return done.stdout


if __name__ == "__main__":
    try:
        main()
    except CheckError as error:
        sys.exit(f"release-check: {error}")
