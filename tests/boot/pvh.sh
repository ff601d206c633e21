#!/bin/sh
# tests/boot/pvh.sh COMPOSE RUN SAMPLES - the PVH guest boots on this machine's /dev/kvm, and finds what the image says.
set -eu
compose_snapshot=$(realpath "$1") run_snapshot=$(realpath "$2") samples=$(realpath "$3")
skip() { echo "SKIPPED: $*"; exit 77; }
[ -r /dev/kvm ] && [ -w /dev/kvm ] || skip 'there is no /dev/kvm that this user may open'
command -v jq > /dev/null || skip 'jq is not installed'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failed=0
problem() {
  echo "$name: $*" >&2
  sed 's/^/  | /' output >&2
  failed=$((failed + 1))
}
# boot NAME STATUS COMPOSE-OPTION... - composes, runs, expects.
boot() {
  name=$1 expected=$2
  shift 2
  "$compose_snapshot" build -q -o image "$@"
  "$compose_snapshot" inspect --json image > image.json
  status=0
  "$run_snapshot" --timeout 60 image < /dev/null > output 2>&1 || status=$?
  [ "$status" -eq "$expected" ] || problem "ended with $status and not with $expected"
}
says() { grep -qE -- "$1" output || problem "does not say '$1'"; }
printed() { sed -nE "s/^ *$1 +0x0*([0-9a-f]+)\$/\1/p" output | sed -n "${2:-1}p"; }
same() { [ "$(printed "$1" "${3:-1}")" = "${2#0x}" ] || problem "$1 is $(printed "$1" "${3:-1}"), and the image says $2"; }
region() { jq -r ".regions[] | select(.name == \"$1\").$2" image.json; }
facts() {
  says '^all is as it should be$'
  [ "$(jq -r .machine.protocol image.json)" = pvh ] || problem 'is not entered by PVH'
  same ebx "$(jq -r '.vp_contexts[0].rbx' image.json)"
  same cr0 "$(jq -r '.vp_contexts[0].cr0' image.json)"
  same cs 0x10
  same ss 0x18
  jq -r '.["e820"][] | .start[2:] + " " + .end[2:] + " " + .type' image.json > map.ours
  sed -nE 's/^memory  0x([0-9a-f]+)-0x([0-9a-f]+) type 0x0*([0-9]+)$/\1 \2 \3/p' output |
    while read -r start end type; do
      case $type in 1) type=RAM ;; 2) type=reserved ;; 3) type='ACPI data' ;; esac
      printf '%x %x %s\n' "$((0x$start))" "$((0x$end + 1))" "$type"
    done > map.guest
  [ -s map.ours ] && cmp -s map.ours map.guest || problem 'the memory map is not the one of the image'
}

# The same code as ELF32 and ELF64, for both of which PVH is the default.
for guest in pvh-guest pvh-guest64; do
  "$samples/make_pattern" 5001 > second
  boot "$guest" 7 --kernel "$samples/$guest" --cmdline 'exit=7 quiet' --initrd "$samples/hello.initrd" \
    --initrd-cmdline 'the first' --module second --module-cmdline 'the second' --module second --memory 5G --cpus 2
  facts
  says '^cmdline exit=7 quiet$'
  same modules 0x3
  same module "$(region initrd start)"
  same size "$(printf %x "$(region initrd size)")"
  same module "$(region module.1 start)" 2
  same size "$(printf %x 5001)" 2
  same module "$(region module.2 start)" 3
  says '^  line the first$'
  says '^  line the second$'
  says '^  line $'
  same rsdp "$(region acpi.rsdp start)"
  for table in FACP DSDT APIC SPCR; do says "^table   $table "; done
  same smbios "$(region smbios.entry start)"
done
boot 'nothing but a kernel' 0 --kernel "$samples/pvh-guest" --memory 16M
facts
same modules 0x0
boot 'no ACPI' 9 --kernel "$samples/pvh-guest" --cmdline 'bare exit=9' --no-acpi
facts
same rsdp 0x0
# The guest sees what is wrong: a module of other bytes, tables where there should be none.
echo 'no pattern' > broken
boot 'a broken module' 3 --kernel "$samples/pvh-guest" --module second --module broken
boot 'unwanted tables' 6 --kernel "$samples/pvh-guest" --cmdline bare
[ "$failed" -eq 0 ]
