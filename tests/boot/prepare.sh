#!/bin/sh
# tests/boot/prepare.sh KERNEL FOLDER - makes the nested machine of nested.sh from a folder of fetch-debian-kernel.sh.
#
# FOLDER/vmlinux is the kernel unpacked, because under emulation a decompressor takes seconds; FOLDER/base.cpio has
# busybox, KVM's modules for AMD (QEMU emulates SVM), and an init that loads them and runs /run.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
kernel=$1 folder=$2
[ ! -e "$folder/package" ] || ! cmp -s "$kernel/package" "$folder/package" || exit 0
mkdir -p "$folder"
"$here/unpack_kernel.sh" "$kernel/vmlinuz" "$folder/vmlinux"
set --
for module in irqbypass ccp kvm kvm-amd; do
  [ ! -e "$kernel/modules/$module.ko" ] || set -- "$@" "$kernel/modules/$module.ko"
done
"$here/../../samples/make-initrd.sh" -o "$folder/base.cpio" "$here/nested_init" "$@"
cp "$kernel/package" "$folder/package"
