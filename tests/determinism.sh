#!/bin/sh
# tests/determinism.sh SAMPLES COMPOSE... - the same inputs give the same bytes, whoever composes and wherever.
#
# Composes one snapshot with every given compose-snapshot (builds of several compilers, say), from several directories,
# umasks, locales, time zones and numbers of processors, with inputs of other names and times, and compares.
set -eu
samples=$(realpath "$1")
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# compose PROGRAM NAME [VARIABLE=VALUE]... [COMMAND...] - in the current directory.
compose() {
  program=$1 name=$2
  shift 2
  env "$@" "$program" build -q -o "$work/$name" --kernel "$kernel" --initrd "$initrd" --cmdline 'exit=7 quiet' \
    --memory 96M --cpus 3
  if [ ! -e "$work/first" ]; then
    cp "$work/$name" "$work/first"
  elif ! cmp "$work/first" "$work/$name"; then
    echo "$name: not the bytes of the first compose" >&2
    exit 1
  fi
  rm "$work/$name"
}

mkdir "$work/a" "$work/another folder"
cp "$samples/hello" "$work/a/kernel"
cp "$samples/hello.initrd" "$work/a/initrd"
cp "$samples/hello" "$work/another folder/vmlinux of mine"
cp "$samples/hello.initrd" "$work/another folder/i"
touch -d '1980-01-01' "$work/another folder/i"

# Said from here, before the loop walks about.
for program in "$@"; do
  shift
  set -- "$@" "$(realpath "$program")"
done

for program in "$@"; do
  cd "$work/a"
  kernel=kernel initrd=./initrd
  compose "$program" image.bin
  compose "$program" image.bin.tmp2 TZ=Pacific/Auckland
  compose "$program" 'other name' LC_ALL=tr_TR.UTF-8 LANG=tr_TR.UTF-8
  compose "$program" image.bin LC_ALL=de_DE.UTF-8 SOURCE_DATE_EPOCH=1
  (umask 0000 && compose "$program" image.bin)
  (umask 0177 && compose "$program" image.bin)
  cd "$work/another folder"
  kernel="$work/another folder/vmlinux of mine" initrd=i
  compose "$program" image.bin HOME=/nowhere USER=nobody
  cd / && initrd=$work/a/initrd
  if command -v taskset > /dev/null; then
    compose "$program" image.bin taskset -c 0
  fi
  # To a pipe, where nothing can be sought or renamed.
  "$program" build -q -o - --kernel "$work/a/kernel" --initrd "$work/a/initrd" --cmdline 'exit=7 quiet' \
    --memory 96M --cpus 3 | cmp - "$work/first"
done

# The comparison can see a difference.
cd "$work/a"
printf x >> initrd
"$program" build -q -o "$work/changed" --kernel kernel --initrd initrd --cmdline 'exit=7 quiet' --memory 96M --cpus 3
if cmp -s "$work/first" "$work/changed"; then
  echo "another initrd gave the same bytes" >&2
  exit 1
fi
echo "every compose gave the same bytes"
