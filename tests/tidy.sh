#!/bin/sh
# tests/tidy.sh [FILE...] - clang-tidy with the house's list over every source, or the given ones; needs the dev-clang
# build and the package clang-tidy. Minutes, so tests/run.sh leaves it out.
set -eu
cd "$(dirname "$0")/.."
[ -e build/dev-clang/compile_commands.json ] || { echo 'first: cmake --preset dev-clang' >&2; exit 1; }
[ $# -gt 0 ] || set -- formats/*.cc layouts/*.cc layouts/*/*.cc composer/*.cc runner/*.cc
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p build/dev-clang
