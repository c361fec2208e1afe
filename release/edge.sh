#!/bin/sh
# Tests the edge on each Python, with the lowest and with the newest numpy and onnxruntime that pyproject.toml allows
# and that have wheels for it: installs nextword's wheel and runs the tables of tests/conformance.
#
#     release/edge.sh                    with Python 3.11 to 3.14
#     release/edge.sh 3.13 /a/python     with these Pythons
#
# Needs uv, which uses the Pythons of this machine and downloads missing ones (unless UV_PYTHON_DOWNLOADS=never). A
# Python that is not found is reported; then, or if a test fails, the exit status is 1.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
trap 'exit 130' INT TERM
unset PYTHONPATH

uv build --quiet --wheel --out-dir "$work" .
status=0
[ $# -gt 0 ] || set -- 3.11 3.12 3.13 3.14
for python; do
    for resolution in lowest-direct highest; do
        environment=$work/environment
        if ! uv venv --quiet --clear --python "$python" "$environment" 2>"$work/log"; then
            echo "Python $python: not found"
            status=1
            break
        fi
        uv pip install --quiet --python "$environment" --resolution "$resolution" --only-binary :all: \
            -r pyproject.toml "$work"/*.whl
        uv pip install --quiet --python "$environment" pytest
        python_there=$environment/bin/python
        [ -x "$python_there" ] || python_there=$environment/Scripts/python.exe
        "$python_there" -c 'import platform, numpy, onnxruntime
print(f"Python {platform.python_version()} on {platform.machine()}, numpy {numpy.__version__},",
      f"onnxruntime {onnxruntime.__version__}: ", end="", flush=True)'
        if "$python_there" -m pytest -c /dev/null --noconftest -p no:cacheprovider --quiet \
            tests/test_conformance.py >"$work/log" 2>&1; then
            tail -n 1 "$work/log"
        else
            echo failed
            cat "$work/log"
            status=1
        fi
    done
done
exit "$status"
