#!/bin/sh
# tests/boot/prepare.sh KERNEL FOLDER - makes the nested machine of nested.sh from a folder of fetch-debian-kernel.sh:
# cloud for x86_64, arm64 for both arm64 kinds.
#
# FOLDER/kernel is the kernel unpacked, because under emulation a decompressor takes seconds; FOLDER/base.cpio has
# busybox, KVM's modules where it is not built in, and an init that loads them and runs /run.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
kernel=$1 folder=$2
# What it is made of. With the same, it is kept.
made_of=$(cat "$kernel/package"; cat "$here/prepare.sh" "$here/nested_init" "$here/../../samples/make-initrd.sh" | cksum)
[ ! -e "$folder/made-of" ] || [ "$(cat "$folder/made-of")" != "$made_of" ] || exit 0
rm -rf "$folder"
mkdir -p "$folder"
set --
if [ -e "$kernel/busybox" ]; then
  # Debian's is an arm64 Image, not packed.
  cp "$kernel/vmlinuz" "$folder/kernel"
  set -- -b "$kernel/busybox" "$here/nested_init"
else
  "$here/unpack_kernel.sh" "$kernel/vmlinuz" "$folder/kernel"
  set -- "$here/nested_init"
fi
# For AMD: that is what QEMU emulates.
for module in irqbypass ccp kvm kvm-amd; do
  [ ! -e "$kernel/modules/$module.ko" ] || set -- "$@" "$kernel/modules/$module.ko"
done
"$here/../../samples/make-initrd.sh" -o "$folder/base.cpio" "$@"
echo "$made_of" > "$folder/made-of"
