#!/bin/sh
# tests/run.sh [--fast] - installs what is needed, builds every configuration once and runs every test.
#
# --fast leaves out the boots of Linux in the nested machine. Stops at the first failure; the last line counts the tests.
set -eu
cd "$(dirname "$0")/.."
fast=
case "${1:-}" in
  '') ;;
  --fast) fast=yes ;;
  *)
    echo "usage: tests/run.sh [--fast]" >&2
    exit 2
    ;;
esac
. cmake/packages.sh

say() { printf '\n== %s\n' "$*"; }
say "Will install Debian packages, build with g++ and clang (sanitized) and for release, and run every test${fast:+ but the nested boots}"
packages="$build_packages $test_packages $cross_packages"
[ -n "$fast" ] || packages="$packages $nested_packages $nested_arm64_packages"
# shellcheck disable=SC2086
install_packages $packages

# Real kernels to read and, but for --fast, to boot. Tests that want them skip where there are none.
samples/fetch-debian-kernel.sh cloud amd64 || true
samples/fetch-debian-kernel.sh arm64 || true

results=build/results
rm -rf "$results"
mkdir -p "$results"
jobs=$(nproc)

build_preset() {
  say "Building $1"
  cmake --preset "$1" > "$results/$1.log" || { cat "$results/$1.log"; exit 1; }
  cmake --build --preset "$1" > "$results/$1.log" || { cat "$results/$1.log"; exit 1; }
}
# test_preset PRESET [CTEST-ARGUMENT]... - builds it and runs its tests.
test_preset() {
  preset=$1
  shift
  build_preset "$preset"
  say "Testing $preset"
  ctest --preset "$preset" -j "$jobs" --stop-on-failure --output-junit "$PWD/$results/$preset.xml" "$@"
}

# The runner that arm64 guests are booted with, where its libraries can be fetched.
rm -f build/arm64/bin/run-snapshot
if cmake/arm64-sysroot.sh; then build_preset arm64; fi

# The boots of Linux take their programs from the release build.
test_preset dev -LE nested
test_preset dev-clang -LE nested
if [ -n "$fast" ]; then test_preset release -LE nested; else test_preset release; fi

say "Comparing what the builds of both compilers compose"
tests/determinism.sh build/release/samples build/dev/bin/compose-snapshot build/dev-clang/bin/compose-snapshot \
  build/release/bin/compose-snapshot -- build/assets

# ctest's counts, added up: one line for everything that ran.
count() { sed -n "s/.*$1=\"\([0-9]*\)\".*/\1/p" "$results"/*.xml | awk '{ sum += $1 } END { print sum + 0 }'; }
total=$(count tests) failed=$(count failures) skipped=$(count skipped)
say "Skipped: $skipped"
# Each with its reason, which is what it printed.
sed -n -e 's/.*<testcase name="\([^"]*\)".*status="notrun".*/\1/p' -e 's/.*\(SKIPPED: .*\)/  \1/p' "$results"/*.xml
echo "100% tests passed, $failed tests failed out of $total"
