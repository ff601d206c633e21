#!/bin/sh
# tests/boot/check_guest_arm64.sh INSPECT.json OUTPUT CMDLINE BLOB-SHA256 - compares what an AArch64 guest of linux.sh
# printed with what `compose-snapshot inspect --json` says of its snapshot.
set -u
json=$1 output=$2 cmdline=$3 blob=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
problems=0
problem() { echo "$*" >&2; problems=$((problems + 1)); }
tr -d '\r' < "$output" > "$work/output"
section() { sed -n "/^=== $1\$/,/^=== /p" "$work/output" | sed '/^=== /d'; }
grep -q '^=== end$' "$work/output" || { echo "the guest did not get to the end of its report" >&2; exit 1; }
region() { jq -r --arg name "$1" ".regions[] | select(.name == \$name).$2" "$json"; }
boot() { section boot | grep -qE -- "$1" || problem "the kernel does not say '$1'"; }

[ "$(section cmdline)" = "$cmdline" ] || problem "/proc/cmdline is '$(section cmdline)', and '$cmdline' was composed"
cpus=$(jq -r .machine.cpus "$json")
[ "$(section nproc)" = "$cpus" ] || problem "nproc is '$(section nproc)', and the image has $cpus vCPUs"
[ "$(section initrd)" = "$blob  /lib/blob" ] || problem "a file of the initrd has changed: $(section initrd)"

# --- who describes the machine -------------------------------------------------------------------------------

protocol=$(jq -r .machine.protocol "$json")
described=$(section described | tr -s ' \n' ' ')
# /sys/firmware/fdt is the tree as the kernel was given it; seeds are taken out of it.
case " $cmdline " in
  *' seeded '*) ;;
  *) [ "$(section fdt)" = "$(region fdt sha256)  /sys/firmware/fdt" ] || problem "the tree is not the one of the image: $(section fdt)" ;;
esac
case $protocol in
  linux-arm64-acpi)
    for part in acpi efi dmi; do
      case " $described " in *" $part "*) ;; *) problem "there is no /sys/firmware/$part, but $described" ;; esac
    done
    boot 'efi: EFI v2\.[0-9]+ by '
    boot 'efi: .*ACPI 2\.0=0x'
    boot 'efi: .*SMBIOS 3\.0=0x'
    boot 'psci: probing for conduit method from ACPI'
    # Each table byte for byte: the regions are named after them.
    jq -r '.regions[] | select(.name // "" | startswith("acpi.")) | .sha256 + "  " + (.name | ltrimstr("acpi."))' "$json" |
      grep -vE '  (rsdp|xsdt)$' | sed 's/  fadt$/  facp/; s/  madt$/  apic/' | tr '[:lower:]' '[:upper:]' | sort > "$work/tables.ours"
    section acpi | tr '[:lower:]' '[:upper:]' | sort > "$work/tables.linux"
    [ -s "$work/tables.ours" ] && cmp -s "$work/tables.ours" "$work/tables.linux" ||
      problem "the ACPI tables are $(diff "$work/tables.ours" "$work/tables.linux")"
    [ "$(section smbios)" = "$(region smbios.tables sha256)  DMI" ] ||
      problem "the SMBIOS tables are $(section smbios), and the image has $(region smbios.tables sha256)"
    ;;
  linux-arm64-dt)
    case " $described " in *' acpi '* | *' efi '*) problem "a device tree was composed, and /sys/firmware has $described" ;; esac
    [ -n "$(section compatible)" ] || problem "/sys/firmware/devicetree does not describe the machine"
    boot 'efi: UEFI not found'
    boot 'psci: probing for conduit method from DT'
    # ACPI has no binding for the clock.
    clock=$(section rtc | sed -n 2p)
    [ "${clock:-0}" -gt 1700000000 ] || problem "the clock is '$clock'"
    ;;
  *) problem "protocol $protocol is none of AArch64" ;;
esac
boot 'psci: PSCIv1\.[0-9] detected in firmware'
boot 'psci: Using standard PSCI v0\.2 function IDs'

# The interrupt controller of the machine, and interrupts of the timer on every processor.
case $(jq -r '[.machine.devices[].name] | join(" ")' "$json") in
  *gicr*) controller=GICv3 ;;
  *) controller=GIC-0 ;; # what Linux calls a GICv2 that it is no hypervisor of
esac
section interrupts | grep arch_timer > "$work/timer"
grep -q " $controller " "$work/timer" || problem "the interrupt controller is not $controller: $(cat "$work/timer")"
awk -v cpus="$cpus" '{ for (i = 2; i < 2 + cpus; ++i) if ($i == 0) exit 1 }' "$work/timer" ||
  problem "a processor has had no timer interrupt: $(cat "$work/timer")"
section interrupts | grep -q 'uart-pl011' || problem 'the PL011 has no interrupt'

# --- memory --------------------------------------------------------------------------------------------------

# "start end" in hexadecimal, end past the last byte; neighbours are one.
merged() {
  from='' to=''
  while read -r start end; do
    start=$((0x$start)) end=$((0x$end + 1))
    if [ "$start" = "$to" ]; then
      to=$end
      continue
    fi
    [ -z "$from" ] || printf '%x %x\n' "$from" "$to"
    from=$start to=$end
  done
  [ -z "$from" ] || printf '%x %x\n' "$from" "$to"
}
section iomem | sed -nE 's/^([0-9a-f]+)-([0-9a-f]+) : System RAM$/\1 \2/p' | merged > "$work/ram.linux"
jq -r '.machine.ram[] | .start[2:] + " " + .end[2:]' "$json" > "$work/ram.ours"
[ -s "$work/ram.ours" ] && cmp -s "$work/ram.ours" "$work/ram.linux" ||
  problem "System RAM is $(tr '\n' ',' < "$work/ram.linux") and the image says $(tr '\n' ',' < "$work/ram.ours")"
for part in code data; do
  range=$(section iomem | sed -nE "s/^ +([0-9a-f]+)-([0-9a-f]+) : Kernel $part\$/\1 \2/p")
  [ -n "$range" ] || { problem "there is no Kernel $part in /proc/iomem"; continue; }
  [ "$((0x${range% *}))" -ge "$(($(region kernel start)))" ] && [ "$((0x${range#* }))" -lt "$(($(region kernel end)))" ] ||
    problem "Kernel $part $range is not in region kernel, $(region kernel start) to $(region kernel end)"
done
# Where it is mapped: moved by a seed, or where it was linked (Documentation/arm64/memory.rst).
case " $cmdline " in
  *' seeded '*) boot 'KASLR enabled' ;;
  *)
    boot 'KASLR disabled due to lack of seed'
    section stext | grep -q '^ffff800008010000 ' || problem "the kernel was moved without a seed: $(section stext)"
    ;;
esac

# --- warnings ------------------------------------------------------------------------------------------------

# What Linux says and means nothing by:
# - 6.1 wants to hear of caches early, and finds none in the PPTT, which cannot know those of the host
#   (arch/arm64/kernel/cacheinfo.c; later versions keep quiet about it).
# - KVM's vCPUs have no PMU, so the MADT has no interrupt for it (drivers/perf/arm_pmu_acpi.c).
# - It was given no seed to move itself by.
# - The nested machine is slow, and Linux measures it (kernel/time/hrtimer.c).
trouble=$(section trouble |
  grep -vE '^<[0-4]>\[[ 0-9.]+\] (Early cacheinfo failed, ret = -2|No ACPI PMU IRQ for CPU[0-9]+|KASLR disabled due to lack of seed|hrtimer: interrupt took [0-9]+ ns)$')
[ -z "$trouble" ] || problem "the kernel complained: $trouble"
[ "$problems" -eq 0 ]
