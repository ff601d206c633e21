#!/bin/sh
# tests/determinism_arm64.sh SAMPLES COMPOSE ARM64-COMPOSE SYSROOT ASSETS - an image composed on an AArch64 host is the
# same bytes as one composed here.
#
# ARM64-COMPOSE is the preset arm64's compose-snapshot, which runs under qemu-aarch64-static with the libraries of
# SYSROOT (cmake/arm64-sysroot.sh). Composes x86_64 and AArch64 guests with both programs and compares, what inspect says
# of them too. Debian's kernels are composed as well where samples/fetch-debian-kernel.sh has left them in ASSETS.
set -eu
skip() { echo "SKIPPED: $*"; exit 77; }
[ -e "$4/packages" ] || skip "there are no libraries for AArch64: run cmake/arm64-sysroot.sh"
[ -e "$3" ] || skip "there is no compose-snapshot for AArch64: build the preset arm64"
command -v qemu-aarch64-static > /dev/null || skip "qemu-aarch64-static is not installed (qemu-user-static)"
samples=$(realpath "$1") native=$(realpath "$2") foreign=$(realpath "$3") sysroot=$(realpath "$4")
assets=$(realpath -m "$5")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
emulated() { qemu-aarch64-static -L "$sysroot" "$foreign" "$@"; }

[ "$(emulated --version)" = "$("$native" --version)" ] ||
  { echo "the two programs are of different versions: build the preset arm64 again" >&2; exit 1; }

count=0
# same NAME OPTION... - composes with both.
same() {
  name=$1
  shift
  "$native" build -q -o "$work/native" "$@"
  emulated build -q -o "$work/foreign" "$@"
  cmp "$work/native" "$work/foreign" || { echo "$name: other bytes on AArch64" >&2; exit 1; }
  "$native" inspect "$work/native" | sed "s|$work/native|image|" > "$work/native.txt"
  emulated inspect "$work/native" | sed "s|$work/native|image|" > "$work/foreign.txt"
  cmp "$work/native.txt" "$work/foreign.txt" || { echo "$name: inspect says something else on AArch64" >&2; exit 1; }
  count=$((count + 1))
}

initrd=$samples/hello.initrd
if [ -e "$samples/hello" ]; then
  same hello --kernel "$samples/hello" --initrd "$initrd" --cmdline 'exit=7 quiet' --memory 96M --cpus 3
  same hello-numa --kernel "$samples/hello" --memory 8G --cpus 4 --numa cpus=0-1,memory=4G --numa cpus=2-3,memory=4G
  same hello-seeds --kernel "$samples/hello" --memory 64M --rng-seed 00112233445566778899aabbccddeeff
  same pvh --kernel "$samples/pvh-guest" --initrd "$initrd" --cmdline 'exit=7' --memory 96M
  same pvh64 --kernel "$samples/pvh-guest64" --memory 96M
fi
if [ -e "$samples/hello-arm64" ]; then
  for gic in v2 v3; do
    for mode in '' --device-tree; do
      # shellcheck disable=SC2086
      same "hello-arm64 $gic $mode" --kernel "$samples/hello-arm64" --initrd "$initrd" --cmdline 'smp exit=7' \
        --memory 64M --cpus 4 --gic "$gic" $mode
    done
  done
  same hello-arm64-its --kernel "$samples/hello-arm64" --memory 5G --cpus 18 --its
  same hello-arm64-seeds --kernel "$samples/hello-arm64" --memory 64M --device-tree \
    --kaslr-seed 0123456789abcdef --rng-seed 00112233445566778899aabbccddeeff
fi
for kernel in cloud amd64 arm64; do
  [ -e "$assets/$kernel/vmlinuz" ] || continue
  same "Debian's $kernel kernel" --kernel "$assets/$kernel/vmlinuz" --initrd "$initrd" --cmdline quiet --memory 512M
done
[ "$count" -gt 0 ] || skip "there are no guests in $samples"

# The comparison can see a difference.
guest=$(for name in hello hello-arm64; do [ ! -e "$samples/$name" ] || echo "$samples/$name"; done | head -n 1)
"$native" build -q -o "$work/native" --kernel "$guest" --memory 64M --cmdline a
emulated build -q -o "$work/foreign" --kernel "$guest" --memory 64M --cmdline b
if cmp -s "$work/native" "$work/foreign"; then
  echo "another command line gave the same bytes" >&2
  exit 1
fi
echo "$count images are the same bytes, composed on x86_64 and on AArch64"
