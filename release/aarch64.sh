#!/bin/sh
# Tests the edge for Linux on aarch64 on another kind of machine: runs the tables of tests/conformance (words,
# drawing, generators and text graphs) in qemu's user mode, on Debian's Python, with the lowest and with the newest
# numpy and onnxruntime.
#
#     release/aarch64.sh                 in a temporary folder (400 MB)
#     release/aarch64.sh folder          in this folder, which keeps the downloads for the next time
#
# Needs root, uv, debootstrap, and qemu-aarch64 from qemu 10 or newer (QEMU=/path/to/it; 7.2 crashes in onnxruntime
# 1.32). Nothing is installed on the machine itself. Training is left to CI's arm64 machine, since PyPI's PyTorch for
# aarch64 is built for CUDA.
set -eu
cd "$(dirname "$0")/.."
qemu=${QEMU:-$(command -v qemu-aarch64 || command -v qemu-aarch64-static)} ||
    { echo "qemu-aarch64 is not found; install qemu-user, or say where it is: QEMU=/path/to/qemu-aarch64"; exit 1; }
if [ $# -gt 0 ]; then
    mkdir -p "$1"
    work=$(cd "$1" && pwd)
else
    work=$(mktemp -d)
    trap 'rm -r "$work"' EXIT
    trap 'exit 130' INT TERM
fi
debian=$work/debian

if [ ! -e "$work/complete" ]; then
    rm -rf "$debian"
    # --foreign and --extract: the system need not be set up, which would take a kernel with qemu registered.
    debootstrap --arch=arm64 --foreign --variant=minbase --include=python3 bookworm "$debian" >"$work/log" 2>&1 ||
        { tail -n 3 "$work/log"; exit 1; }
    for package in "$debian"/var/cache/apt/archives/*.deb; do
        dpkg-deb --extract "$package" "$debian"
    done
    # qemu prefers paths that exist here to those of the machine, so /tmp and home folders must not exist here.
    find "$debian" -mindepth 1 -maxdepth 1 ! -name usr ! -name 'lib*' -exec rm -r {} +
    touch "$work/complete"
fi

status=0
for resolution in lowest-direct highest; do
    packages=$work/$resolution
    rm -rf "$packages"
    install="uv pip install --quiet --target $packages --python-platform aarch64-manylinux_2_28 --python-version 3.11"
    $install --only-binary :all: --resolution "$resolution" -r pyproject.toml
    $install pytest
    PYTHONPATH=$PWD/src:$packages PYTHONDONTWRITEBYTECODE=1 "$qemu" -L "$debian" "$debian/usr/bin/python3.11" -c '
import platform, sys
import numpy, onnxruntime, pytest
print(f"Python {platform.python_version()} on {platform.machine()}, numpy {numpy.__version__},",
      f"onnxruntime {onnxruntime.__version__}: ", end="", flush=True)
sys.exit(pytest.main(sys.argv[1:]))' -c /dev/null --noconftest -p no:cacheprovider \
        --quiet --no-header tests/test_conformance.py >"$work/log" 2>&1 || status=1
    cat "$work/log"
done
exit "$status"
