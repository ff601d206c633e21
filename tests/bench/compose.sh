#!/bin/sh
# tests/bench/compose.sh COMPOSE VMLINUZ [INITRD-MIB [ROUNDS]] - what a compose costs against what it cannot avoid.
#
# Floor: sha256sum over the unpacked kernel and the initrd, and dd conv=fsync of a file of the image's size. Kernel
# decompression is reported apart, against the decompressor's own command on the same payload. Every round runs all of
# them in turn; the figures are medians, and ratios of medians.
set -eu
program=$(realpath "$1")
kernel=$(realpath "$2")
initrd_mib=${3:-64}
rounds=${4:-9}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# Bytes of a little-endian field (Linux Documentation/arch/x86/boot.rst).
field() { od -An -v -t "u$2" -j "$(($1))" -N "$2" --endian=little "$kernel" | tr -d ' '; }
setup_sectors=$(field 0x1f1 1)
start=$(((setup_sectors + 1) * 512 + $(field 0x248 4)))
size=$(field 0x24c 4)
# The last four bytes are the unpacked size.
tail -c +"$((start + 1))" "$kernel" | head -c "$((size - 4))" > payload
case $(od -An -t x1 -N 2 payload | tr -d ' ') in
  fd37) unpack='xz -dc' ;;
  0221) unpack='lz4 -dc' ;;
  1f8b) unpack='gzip -dc' ;;
  28b5) unpack='zstd -dc' ;;
  *) echo "$kernel: packed in a way this bench does not know" >&2; exit 1 ;;
esac
$unpack < payload > vmlinux
head -c "${initrd_mib}M" /dev/urandom > initrd

milliseconds() { awk "BEGIN { printf \"%.1f\", $1 / 1000000 }"; }
# timed NAME COMMAND... - appends the wall time in ms to NAME.times.
timed() {
  name=$1
  shift
  begin=$(date +%s%N)
  "$@" > /dev/null 2>&1
  milliseconds $(($(date +%s%N) - begin)) >> "$name.times"
  echo >> "$name.times"
}
median() { sort -n "$1.times" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

compose() { "$program" build -o image.bin --kernel "$kernel" --initrd initrd --memory 2G --timings 2> steps; }
hashes() { cat vmlinux initrd | sha256sum; }
copies() { dd if=image.bin of=copy.bin bs=1M conv=fsync; }
unpacks() { $unpack < payload > /dev/null; }

compose
for _ in $(seq "$rounds"); do
  rm -f image.bin copy.bin
  timed compose compose
  awk '/^unpack kernel/ { print $3 }' steps >> unpack.times
  awk '/^self-check/ { print $2 }' steps >> selfcheck.times
  timed hash hashes
  timed copy copies
  timed tool unpacks
done

hash=$(median hash) copy=$(median copy) whole=$(median compose) ours=$(median unpack) tool=$(median tool)
check=$(median selfcheck)
awk -v whole="$whole" -v ours="$ours" -v check="$check" -v hash="$hash" -v copy="$copy" -v tool="$tool" -v by="$unpack" \
  -v image="$(stat -c %s image.bin)" 'BEGIN {
  printf "image                            %8.1f MiB\n", image / 1048576
  printf "compose, wall                    %8.1f ms\n", whole
  printf "  of it unpacking the kernel     %8.1f ms\n", ours
  printf "  of it reading the file back    %8.1f ms\n", check
  printf "floor: sha256sum                 %8.1f ms\n", hash
  printf "floor: dd conv=fsync             %8.1f ms\n", copy
  printf "compose without unpacking / floor %7.2f\n", (whole - ours) / (hash + copy)
  printf "compose / floor                   %7.2f\n", whole / (hash + copy)
  printf "%-32s %8.1f ms\n", by, tool
  printf "unpacking / %-21s %7.2f\n", by, ours / tool
}'
