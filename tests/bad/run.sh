#!/bin/sh
# tests/bad/run.sh COMPOSE RUN SPECIMENS - runs every case of this folder.
#
# A case is a file NN-name or NNN-name: it makes one broken input from a good one and says, with `expect STATUS 'MESSAGE'`, what
# the program that is then given it must answer. A case may use:
#   specimen NAME FILE    copy a valid file, of those that README.md names, to FILE
#   patch FILE OFFSET HEX overwrite bytes of FILE
#   seal FILE             make the checksum of an ACPI table right again
#   cut FILE SIZE         keep the first SIZE bytes, or fill up to so many with zeroes
#   build ARGUMENT...     compose-snapshot build -o out.bin ARGUMENT...
#   inspect, run, compose the programs themselves
set -u
compose_snapshot=$(realpath "$1") run_snapshot=$(realpath "$2") specimens=$(realpath "$3")
cases=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$specimens" "$work" || exit 1
# What is broken below is valid as it is, or a case would show nothing.
good() {
  (cd "$work" && "$compose_snapshot" build -q -o image.bin --memory 64M --cmdline quiet --kernel "$@") && return
  echo "a specimen does not compose: --kernel $*" >&2
  exit 1
}
good tiny.efi
good tiny.efi --profile 1
good tiny.bzimage
good keep.bzimage --keep-compressed
good pvh.elf
good pvh32.elf
good relocatable.elf --kaslr-seed 01
good tiny.image
good tiny.zboot
good vmlinux.arm64
good tiny.image --fdt tiny.dtb --fdt-overlay tiny.dtbo
good tiny.elf --initrd tiny.cpio --acpi-table ssdt.aml --acpi-table fadt.aml
good tiny.elf
"$compose_snapshot" build -q -o "$work/image.bin.zst" --memory 64M --cmdline quiet --kernel "$work/tiny.elf" || exit 1

specimen() { cp "$work/$1" "$2"; }
patch() {
  : > patch.bytes
  for byte in $(printf %s "$3" | sed 's/../& /g'); do
    # shellcheck disable=SC2059
    printf "\\$(printf %03o "0x$byte")" >> patch.bytes
  done
  dd if=patch.bytes of="$1" bs=1 seek="$(($2))" conv=notrunc status=none
  rm patch.bytes
}
seal() {
  patch "$1" 9 00
  patch "$1" 9 "$(od -An -v -tu1 "$1" | awk '
    { for (i = 1; i <= NF; ++i) sum += $i }
    END { printf "%02x", (256 - sum % 256) % 256 }')"
}
cut() { truncate -s "$2" "$1"; }
record() { "$@" > output 2>&1; status=$?; }
compose() { record "$compose_snapshot" "$@"; }
build() { compose build -o out.bin "$@"; }
inspect() { compose inspect "$@"; }
run() { record timeout 20 "$run_snapshot" "$@"; }
expect() {
  checked=$((checked + 1))
  [ "$status" -eq "$1" ] || problem "exit status $status, and $1 was expected"
  grep -qF -- "$2" output || problem "the message is not: $2"
  [ "$(wc -l < output)" -le "${3:-1}" ] || problem "the message has more than ${3:-1} line"
  for left in out.bin out.bin.tmp; do [ ! -e "$left" ] || problem "$left was left behind"; done
}
problem() {
  echo "$name: $1; the output was:" >&2
  sed 's/^/  | /' output >&2
  failed=$((failed + 1))
}

failed=0 total=0
for case in "$cases"/[0-9][0-9]-* "$cases"/[0-9][0-9][0-9]-*; do
  name=$(basename "$case") checked=0 status=0
  mkdir "$work/$name" && cd "$work/$name" || exit 1
  # shellcheck source=/dev/null
  . "$case"
  [ "$checked" -gt 0 ] || problem "the case expects nothing"
  total=$((total + 1))
done
echo "$total cases, $failed problems"
[ "$total" -ge 213 ] && [ "$failed" -eq 0 ]
