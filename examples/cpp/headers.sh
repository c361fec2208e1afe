#!/bin/sh
# Takes onnxruntime's headers from Debian's package libonnxruntime-dev into examples/cpp/include, by apt-get, from
# the mirror that this machine uses; nothing is installed, and root is not needed.
#
# Of Debian 13, since 12 has no such package. On other systems, copy the folder include/ of a release archive of
# onnxruntime (onnxruntime-linux-x64-….tgz and its like) to examples/cpp/include.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
trap 'exit 130' INT TERM
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial"
: >"$work/state/status"

mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' | head -n 1)
if [ -z "$mirror" ]; then
    echo "$0: apt-get knows no mirror of Debian; see the head of this file" >&2
    exit 1
fi
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >"$work/sources.list"

apt() {
    apt-get -qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- \
        -o Dir::State="$work/state" -o Dir::State::status="$work/state/status" -o Dir::Cache="$work/cache" \
        -o APT::Sandbox::User=root "$@"
}
apt update
(cd "$work" && apt download libonnxruntime-dev)
dpkg-deb --extract "$work"/libonnxruntime-dev_*.deb "$work/package"
rm -rf include
cp -r "$work/package/usr/include/onnxruntime" include
