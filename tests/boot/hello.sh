#!/bin/sh
# tests/boot/hello.sh COMPOSE RUN SAMPLES - the hello guest boots on this machine's /dev/kvm, finds what the image says,
# and ends in every way there is.
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
  sed 's/^/  | /' output errors >&2
  failed=$((failed + 1))
}

# boot NAME STATUS CMDLINE [COMPOSE-OPTION]... - composes, runs, expects. Standard input is `input`, or nothing.
: > input
initrd=$samples/hello.initrd
run_options='--timeout 60'
boot() {
  name=$1 expected=$2 cmdline=$3
  shift 3
  "$compose_snapshot" build -q -o image --kernel "$samples/hello" ${initrd:+--initrd "$initrd"} \
    ${cmdline:+--cmdline "$cmdline"} "$@"
  "$compose_snapshot" inspect --json image > image.json
  status=0
  # shellcheck disable=SC2086
  "$run_snapshot" $run_options image < input > output 2> errors || status=$?
  [ "$status" -eq "$expected" ] || problem "ended with $status and not with $expected"
}
says() { grep -qE -- "$1" output || problem "does not say '$1'"; }
complains() { grep -qE -- "$1" errors || problem "does not say '$1' on standard error"; }
# What the guest printed beside a name, without 0x and leading zeroes.
printed() { sed -nE "s/^$1 +0x0*([0-9a-f]+)\$/\1/p" output | head -n 1; }
same() { [ "$(printed "$1")" = "${2#0x}" ] || problem "$1 is $(printed "$1"), and the image says $2"; }

# What the guest found is what the image says.
facts() {
  says '^hello from the guest$'
  for register in rip rsp rsi rflags cr0 cr3 cr4 efer; do
    same "$register" "$(jq -r ".vp_contexts[0].$register" image.json)"
  done
  same cs 0x10 # boot.rst: __BOOT_CS, __BOOT_DS
  same ds 0x18
  same ss 0x18
  says '^bss     zero$'
  says "^cmdline $1\$"
  region() { jq -r ".regions[] | select(.name == \"$1\").$2" image.json; }
  same rsdp "$(region acpi.rsdp start)"
  same initrd "$(region initrd start)"
  same size "$(printf %x "$(region initrd size)")"
  says '^pattern right$'
  jq -r '.["e820"][] | .start[2:] + " " + .end[2:] + " " + .type' image.json > map.ours
  sed -nE 's/^  0x([0-9a-f]+)-0x([0-9a-f]+) type ([0-9]+)$/\1 \2 \3/p' output |
    while read -r start end type; do
      case $type in 1) type=RAM ;; 2) type=reserved ;; 3) type='ACPI data' ;; esac
      printf '%x %x %s\n' "$((0x$start))" "$((0x$end + 1))" "$type"
    done > map.guest
  [ -s map.ours ] && cmp -s map.ours map.guest || problem 'the e820 map is not the one of the image'
  [ ! -s errors ] || problem 'complains though all is well'
}
for cpus in 1 2 8; do
  boot "$cpus vCPUs" 7 'smp exit=7' --cpus "$cpus" --memory 64M
  facts 'smp exit=7'
  says "^cpus    $cpus up\$"
  [ "$(grep -cE '^cpu     ([0-9]+) here, its CPUID says \1$' output)" -eq $((cpus - 1)) ] ||
    problem 'a processor has another APIC ID than the MADT says'
done
boot 'RAM above 4 GiB' 9 exit=9 --cpus 1 --memory 5G
facts exit=9
says '0x0000000100000000-0x000000017fffffff type 1'
initrd=
boot 'no initrd, no command line' 0 ''
says '^cmdline $'
same size 0x0

# Every way to end.
initrd=$samples/hello.initrd
boot 'exit code 0' 0 exit=0
boot 'exit code 119' 119 exit=119
boot 'exit code 120' 121 exit=120
complains 'exit code 120'
boot 'power-off' 0 exit=off
boot reset 120 exit=reset
complains 'reset the machine'
boot panic 121 exit=panic
complains 'panicked \(pvpanic\)'
boot crash 121 exit=crash
complains 'the guest crashed: '
complains 'rip '
complains 'code at '
run_options='--timeout 1.5'
boot hang 124 exit=hang
complains '1\.5 s'
run_options='--timeout 60 --no-seccomp'
boot 'no seccomp' 3 exit=3
run_options='--timeout 60'
printf 'words for the guest\n' > input
boot echo 0 echo
says '^echo    words for the guest'
: > input

# It does not take one thing for another: a word it does not know, a wrong byte in the middle of the initrd or at its end.
boot 'unknown way out' 5 exit=elsewhere
says '^exit    elsewhere UNKNOWN$'
for offset in 70001 100002; do
  cp "$samples/hello.initrd" broken
  printf '\377' | dd of=broken bs=1 seek=$offset conv=notrunc status=none
  initrd=broken
  boot "initrd broken at $offset" 3 exit=0
  says 'pattern WRONG'
done

[ "$failed" -eq 0 ] && echo 'hello, in every way'
[ "$failed" -eq 0 ]
