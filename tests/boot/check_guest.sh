#!/bin/sh
# tests/boot/check_guest.sh INSPECT.json OUTPUT CMDLINE BLOB-SHA256 - compares what a guest of linux.sh printed with what
# `compose-snapshot inspect --json` says of its snapshot.
#
# Linux trims its map itself: page 0 is reserved, and so is 0xA0000-0xFFFFF.
set -u
json=$1 output=$2 cmdline=$3 blob=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
problems=0
problem() { echo "$*" >&2; problems=$((problems + 1)); }
tr -d '\r' < "$output" > "$work/output"
section() { sed -n "/^=== $1\$/,/^=== /p" "$work/output" | sed '/^=== /d'; }
grep -q '^=== end$' "$work/output" || { echo "the guest did not get to the end of its report" >&2; exit 1; }

[ "$(section cmdline)" = "$cmdline" ] || problem "/proc/cmdline is '$(section cmdline)', and '$cmdline' was composed"
cpus=$(jq -r .machine.cpus "$json")
[ "$(section nproc)" = "$cpus" ] || problem "nproc is '$(section nproc)', and the image has $cpus vCPUs"
[ "$(section initrd)" = "$blob  /lib/blob" ] || problem "a file of the initrd has changed: $(section initrd)"
has_acpi=$(jq '[.regions[] | select(.name == "acpi.rsdp")] | length' "$json")
for table in APIC DSDT FACP SPCR; do
  [ "$has_acpi" -eq 0 ] || section tables | grep -qx "$table" || problem "ACPI table $table is not in /sys/firmware/acpi/tables"
done
trouble=$(section trouble)
# On the processor that the nested machine pretends to be, Linux takes eight neighbouring APIC IDs for sharers of a
# cache whatever CPUID says (arch/x86/kernel/cpu/cacheinfo.c, cacheinfo_amd_init_llc_id()), and wonders at nodes.
[ "$(jq .machine.numa_nodes "$json")" -lt 2 ] ||
  trouble=$(echo "$trouble" | grep -vE 'topology_sane|Call Trace')
[ "$has_acpi" -eq 1 ] || trouble=$(echo "$trouble" | grep -v 'A valid RSDP was not found')
[ -z "$trouble" ] || problem "the kernel complained: $trouble"

# The map: each kind of range as "start end", hexadecimal, ascending. jq has no hexadecimal; the report's are without
# leading zeroes, /proc/iomem's with.
plain() { sed -E 's/^0+([0-9a-f])/\1/; s/ 0+([0-9a-f])/ \1/'; }
ours() { jq -r --arg type "$1" '.["e820"][] | select(.type == $type) | .start[2:] + " " + .end[2:]' "$json"; }
# The report's ends are past the last byte; /proc/iomem's are the last byte. What Linux keeps for itself of a range
# (setup_data) is an entry of its own there, and is one with its neighbours here.
linux() {
  section iomem | sed -nE "s/^([0-9a-f]+)-([0-9a-f]+) : $1\$/\1 \2/p" | {
    from= to=
    while read -r start end; do
      if [ "$((0x$start))" = "$to" ]; then
        to=$((0x$end + 1))
        continue
      fi
      [ -z "$from" ] || printf '%x %x\n' "$from" "$to"
      from=$((0x$start)) to=$((0x$end + 1))
    done
    [ -z "$from" ] || printf '%x %x\n' "$from" "$to"
  }
}
ours RAM | sed '1s/^0 /1000 /' | plain > "$work/ram.ours"
linux 'System RAM' > "$work/ram.linux"
cmp -s "$work/ram.ours" "$work/ram.linux" ||
  problem "System RAM is $(tr '\n' ',' < "$work/ram.linux") and the image says $(tr '\n' ',' < "$work/ram.ours")"
[ -s "$work/ram.linux" ] || problem "there is no System RAM in /proc/iomem"
ours 'ACPI data' | plain > "$work/acpi.ours"
linux 'ACPI Tables' > "$work/acpi.linux"
cmp -s "$work/acpi.ours" "$work/acpi.linux" ||
  problem "ACPI Tables are $(tr '\n' ',' < "$work/acpi.linux") and the image says $(tr '\n' ',' < "$work/acpi.ours")"

# The kernel's own parts lie in the regions that are called kernel, and its first byte where the image says. A kernel
# that unpacks itself stays in its region only if it is told not to move.
placed_by=$(jq -r '.machine.kernel.placed_by' "$json")
case " $cmdline " in *' nokaslr '*) moves= ;; *) [ "$placed_by" = boot ] && moves=yes || moves= ;; esac
jq -r '.regions[] | select(.name // "" | startswith("kernel")) | .start[2:] + " " + .end[2:]' "$json" > "$work/kernel"
inside() {
  while read -r start end; do
    [ "$((0x$1))" -ge "$((0x$start))" ] && [ "$((0x$2))" -lt "$((0x$end))" ] && return 0
  done < "$work/kernel"
  return 1
}
for part in code rodata data bss; do
  range=$(section iomem | sed -nE "s/^ +([0-9a-f]+)-([0-9a-f]+) : Kernel $part\$/\1 \2/p")
  [ -n "$range" ] || { problem "there is no Kernel $part in /proc/iomem"; continue; }
  # shellcheck disable=SC2086
  [ -n "$moves" ] || inside $range ||
    problem "Kernel $part $range is in no region named kernel: $(tr '\n' ',' < "$work/kernel")"
done
text=$(section text | sed -n 's/ .*//p' | plain)
code=$(section iomem | sed -nE 's/^ +([0-9a-f]+)-.* : Kernel code$/\1/p' | plain)
if [ "$placed_by" != boot ]; then
  [ "0x$text" = "$(jq -r .machine.kernel.virtual "$json")" ] ||
    problem "_text is at 0x$text, and the image says $(jq -r .machine.kernel.virtual "$json")"
  [ "0x$code" = "$(jq -r .machine.kernel.physical "$json")" ] ||
    problem "the kernel's code is at 0x$code, and the image says $(jq -r .machine.kernel.physical "$json")"
elif [ -z "$moves" ]; then
  [ "0x$code" = "$(jq -r .machine.kernel.physical "$json")" ] && [ "$text" = ffffffff81000000 ] ||
    problem "the kernel unpacked itself to 0x$code, _text $text, though it was told not to move"
fi
# Memory is randomised (arch/x86/mm/kaslr.c) if and only if the kernel was moved; if not, RAM is mapped from
# 0xffff888000000000 on (Documentation/arch/x86/x86_64/mm.rst).
case "$placed_by$moves" in
  seed | bootyes) expected=randomised ;;
  *) expected=fixed ;;
esac
found=randomised
section kcore | grep -q ffff8880 && found=fixed
section kcore | grep -qE 'ffff[89a-f][0-9a-f]{3}' || found=unknown
[ "$found" = "$expected" ] || problem "the mapping of RAM is $found and should be $expected: $(section kcore)"

# SMBIOS, byte for byte.
tables=$(jq -r '.regions[] | select(.name == "smbios.tables").sha256' "$json")
[ "$(section smbios)" = "$tables  DMI" ] || problem "the SMBIOS tables are $(section smbios), and the image has $tables"
[ "$problems" -eq 0 ]
