#!/bin/sh
# tests/boot/unpack_kernel.sh VMLINUZ VMLINUX - unpacks a bzImage with the packers' own commands, so that what boots the
# nested machine does not depend on the code under test.
set -eu
kernel=$1
# Linux Documentation/arch/x86/boot.rst: setup_sects, payload_offset, payload_length.
field() { od -An -v -t "u$2" -j "$(($1))" -N "$2" --endian=little "$kernel" | tr -d ' '; }
start=$((($(field 0x1f1 1) + 1) * 512 + $(field 0x248 4)))
# The last four bytes are the unpacked size.
packed() { tail -c +"$((start + 1))" "$kernel" | head -c "$(($(field 0x24c 4) - 4))"; }
case $(packed | od -An -t x1 -N 2 | tr -d ' ') in
  fd37) packed | xz -dc --single-stream ;;
  0221) packed | lz4 -dc ;;
  1f8b) packed | gzip -dc ;;
  28b5) packed | zstd -dc ;;
  *) echo "unpack_kernel.sh: $kernel is packed in a way this script does not know" >&2; exit 1 ;;
esac > "$2"
