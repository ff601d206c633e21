#!/bin/sh
# tests/kill_compose.sh SAMPLES COMPOSE - a compose that is killed leaves no output file or a whole one.
#
# Kills composes at moments spread over a whole one, and, where system calls can be traced, just before each call that
# touches the output. After each: the output is absent or what an undisturbed compose writes, and the next compose
# overwrites whatever temporary file was left.
set -eu
samples=$(realpath "$1")
program=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# Big enough that the writing of it takes a while.
head -c 64M /dev/zero | tr '\0' 'x' > initrd
compose() { "$@" "$program" build -q -o image.bin --kernel "$samples/hello" --initrd initrd --memory 256M; }

start=$(date +%s%N)
compose env
took=$((($(date +%s%N) - start) / 1000000))
mv image.bin whole.bin

killed=0 leftovers=0
check() {
  # A killed process has its lock until all of it is gone.
  [ ! -e image.bin.tmp ] || flock -w 30 image.bin.tmp true
  if [ -e image.bin ] && ! cmp -s image.bin whole.bin; then
    echo "killed $1: image.bin is neither absent nor whole" >&2
    exit 1
  fi
  if [ -e image.bin.tmp ]; then leftovers=$((leftovers + 1)); fi
  rm -f image.bin
  killed=$((killed + 1))
}

for step in $(seq 1 20); do
  delay=$((took * step / 18))
  status=0
  compose timeout -s KILL "$((delay / 1000)).$(printf %03d $((delay % 1000)))" > log 2>&1 || status=$?
  if [ "$status" -ne 0 ] && [ "$status" -ne 137 ]; then
    cat log >&2
    exit 1
  fi
  check "after $delay ms"
done

# A sanitized program does not run under ptrace() with its leak check.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
if command -v strace > /dev/null && strace -o /dev/null true 2> /dev/null; then
  for call in openat flock ftruncate write fsync rename; do
    for count in 1 2 3 5 8; do
      compose strace -f -o /dev/null -e trace="$call" -e inject="$call":signal=KILL:when="$count" > log 2>&1 || true
      check "at $call $count"
    done
  done
else
  echo "strace cannot trace here: killed at moments only"
fi
[ "$leftovers" -gt 0 ] || { echo "no kill left a temporary file: the test no longer hits the writing" >&2; exit 1; }

compose env
cmp image.bin whole.bin
[ ! -e image.bin.tmp ]
echo "$killed composes killed, $leftovers left a temporary file"
