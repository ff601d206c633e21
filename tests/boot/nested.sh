#!/bin/sh
# tests/boot/nested.sh MACHINE FOLDER SECONDS - boots a machine whose /dev/kvm is that of an ordinary Linux, and runs
# FOLDER/run in it.
#
# The machine is emulated by QEMU (TCG), with an emulated AMD-V, so the host needs no KVM at all. MACHINE is a folder of
# prepare.sh. FOLDER is copied over the machine's root; its `run` is a script for busybox's shell. What it prints is
# printed here; its exit status is this script's. 124: nothing was printed for SECONDS; 125: the machine itself did not
# work.
set -eu
machine=$1 folder=$2 seconds=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Linux unpacks concatenated archives one after another.
(cd "$folder" && find . -mindepth 1 | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet) > "$work/folder.cpio"
cat "$machine/base.cpio" "$work/folder.cpio" > "$work/initrd"
: > "$work/console"
: > "$work/output"

# The emulated TSC is the host's. This machine has no timer to calibrate it with but the PIT, which fails often under
# emulation; KVM_RUN then never returns. So the kernel is told the rate.
khz=$(awk -F : '/^cpu MHz/ { printf "%d", $2 * 1000; exit }' /proc/cpuinfo)
# XSAVE is hidden: QEMU 7.2 does not intercept XSETBV for an emulated hypervisor, and the guest's XCR0 would be lost.
cpu=EPYC,-xsave,-avx,-avx2,-fma,-f16c
append="console=ttyS0 quiet reboot=t panic=-1 mitigations=off no_timer_check tsc=reliable tsc_early_khz=${khz:-2000000}"
trap '[ ! -e "$work/pid" ] || kill -9 "$(cat "$work/pid")" 2> /dev/null; rm -rf "$work"' EXIT
# QEMU 7.2 sometimes loses an interrupt under emulated AMD-V: it changes the processor's set of pending ones without a
# lock when it enters or leaves a guest, and the machine then waits for ever for a timer that has long fired. The next
# interrupt of any device puts that right; so the console gets a new line twice a second.
while sleep 0.5; do echo; done 2> /dev/null | {
  qemu-system-x86_64 -M microvm,acpi=on,pit=on,pic=on,rtc=on,isa-serial=off -pidfile "$work/pid" \
    -accel tcg,thread=multi -cpu "$cpu" -smp 1 -m 2048 -nodefaults -no-user-config -display none -no-reboot \
    -chardev stdio,id=console,signal=off -device isa-serial,chardev=console,index=0 \
    -chardev "file,id=output,path=$work/output" -device isa-serial,chardev=output,index=1 \
    -kernel "$machine/vmlinux" -initrd "$work/initrd" -append "$append" \
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
