#!/bin/sh
# tests/boot/nested.sh MACHINE FOLDER SECONDS [KIND] - boots a machine whose /dev/kvm is that of an ordinary Linux, and
# runs FOLDER/run in it.
#
# The machine is emulated by QEMU (TCG), with an emulated AMD-V or EL2, so the host needs no KVM at all. MACHINE is a
# folder of prepare.sh. KIND is x86_64 (the default), arm64 or arm64-gicv2, whose KVM has a GICv2 to give to guests and
# no GICv3. FOLDER is copied over the machine's root; its `run` is a script for busybox's shell. What it prints is
# printed here; its exit status is this script's. 124: nothing was printed for SECONDS; 125: the machine itself did not
# work.
set -eu
machine=$1 folder=$2 seconds=$3 kind=${4:-x86_64}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Linux unpacks concatenated archives one after another.
(cd "$folder" && find . -mindepth 1 | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet) > "$work/folder.cpio"
cat "$machine/base.cpio" "$work/folder.cpio" > "$work/initrd"
: > "$work/console"
: > "$work/output"

case $kind in
  x86_64)
    qemu=qemu-system-x86_64
    # The emulated TSC is the host's. This machine has no timer to calibrate it with but the PIT, which fails often under
    # emulation; KVM_RUN then never returns. So the kernel is told the rate.
    khz=$(awk -F : '/^cpu MHz/ { printf "%d", $2 * 1000; exit }' /proc/cpuinfo)
    append="console=ttyS0 reboot=t no_timer_check tsc=reliable tsc_early_khz=${khz:-2000000}"
    # XSAVE is hidden: QEMU 7.2 does not intercept XSETBV for an emulated hypervisor, and the guest's XCR0 would be lost.
    set -- -M microvm,acpi=on,pit=on,pic=on,rtc=on,isa-serial=off -cpu EPYC,-xsave,-avx,-avx2,-fma,-f16c \
      -device isa-serial,chardev=console,index=0 -device isa-serial,chardev=output,index=1
    ;;
  arm64 | arm64-gicv2)
    qemu=qemu-system-aarch64
    append="console=ttyAMA0"
    gic=3
    [ "$kind" = arm64 ] || gic=2
    # A processor with EL2 and VHE, without what costs time to emulate (SVE, pointer authentication), and without random
    # numbers of its own, with which Linux would do what it otherwise does with a seed only.
    set -- -M "virt,virtualization=on,gic-version=$gic" -cpu cortex-a76 \
      -serial chardev:console -device pci-serial,chardev=output
    ;;
  *)
    echo "nested.sh: '$kind' is not x86_64, arm64 or arm64-gicv2" >&2
    exit 125
    ;;
esac
trap '[ ! -e "$work/pid" ] || kill -9 "$(cat "$work/pid")" 2> /dev/null; rm -rf "$work"' EXIT
# QEMU 7.2 sometimes loses an interrupt under emulated AMD-V: it changes the processor's set of pending ones without a
# lock when it enters or leaves a guest, and the machine then waits for ever for a timer that has long fired. The next
# interrupt of any device puts that right; so the console gets a new line twice a second.
while sleep 0.5; do echo; done 2> /dev/null | {
  "$qemu" "$@" -pidfile "$work/pid" \
    -accel tcg,thread=multi -smp 1 -m 2048 -nodefaults -no-user-config -display none -no-reboot \
    -chardev stdio,id=console,signal=off -chardev "file,id=output,path=$work/output" \
    -kernel "$machine/kernel" -initrd "$work/initrd" -append "$append quiet panic=-1 mitigations=off" \
    > "$work/console" 2> "$work/qemu"
  echo $? > "$work/status"
} &

# A machine that says nothing for so long will say nothing any more.
size=0 silent=0
while [ ! -s "$work/status" ] && [ "$silent" -lt "$seconds" ]; do
  sleep 1
  silent=$((silent + 1))
  now=$(wc -c < "$work/output")
  [ "$now" -eq "$size" ] || silent=0
  size=$now
done
status=124
[ ! -s "$work/status" ] || status=$(cat "$work/status")

sed -e 's/\r$//' -e '/^nested machine: status [0-9]*$/d' "$work/output"
answer=$(sed -n 's/^nested machine: status \([0-9]*\)\r*$/\1/p' "$work/output" | tail -n 1)
[ -z "$answer" ] || exit "$answer"
{
  if [ "$status" -eq 124 ]; then
    echo "nested.sh: no word for $seconds s; the machine's console:"
  else
    echo "nested.sh: the machine stopped with QEMU's status $status and no answer; its console:"
  fi
  grep -v "TCG doesn't support requested feature" "$work/qemu" || true
  tail -n 30 "$work/console"
} >&2
[ "$status" -eq 124 ] && exit 124
exit 125
