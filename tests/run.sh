#!/bin/sh
# tests/run.sh [--fast] - install what is needed, build, and run every test.
set -eu
cd "$(dirname "$0")/.."
export DEBIAN_FRONTEND=noninteractive
sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
$sudo apt-get update -qq
$sudo apt-get install -y -qq --no-install-recommends g++ clang cmake ninja-build pkg-config libfdt-dev device-tree-compiler liblief-dev libzstd-dev libcxxopts-dev doctest-dev libssl-dev zlib1g-dev liblzma-dev libbz2-dev liblz4-dev liblzo2-dev libexpected-dev libfmt-dev nlohmann-json3-dev libseccomp-dev acpica-tools
cmake --preset dev
cmake --build --preset dev
ctest --preset dev -j2
