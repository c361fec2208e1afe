#!/bin/sh
# The edge on Linux on aarch64, on a machine of another kind: runs the tables of tests/conformance (words, drawing,
# generators and text graphs) in qemu's user mode, on Debian's Python, with the lowest and with the newest numpy and
# onnxruntime.
#
#     release/aarch64.sh                 in a temporary folder (400 MB)
#     release/aarch64.sh folder          keeps what it downloads there for the next time
#
# Needs root, uv, debootstrap, and qemu-aarch64 of qemu 10 or newer (QEMU=/path/to/it; 7.2 crashes in onnxruntime
# 1.32). Nothing is installed on the machine itself. Training is left to CI's own arm64 machine: what PyPI has of
# PyTorch for aarch64 is built for CUDA.
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
    # --foreign and --extract: set up it need not be, and that would take a kernel that knows qemu.
    debootstrap --arch=arm64 --foreign --variant=minbase --include=python3 bookworm "$debian" >"$work/log" 2>&1 ||
        { tail -n 3 "$work/log"; exit 1; }
    for package in "$debian"/var/cache/apt/archives/*.deb; do
        dpkg-deb --extract "$package" "$debian"
    done
    # Whatever is here, qemu takes from here: that must not be /tmp or a home.
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
