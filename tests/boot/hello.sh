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
  "$compose_snapshot" build -q -o image --kernel "$samples/hello" --initrd "$initrd" --cmdline "$cmdline" "$@"
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

# What it was given is what the image says.
for cpus in 1 2; do
  boot "$cpus vCPUs" 7 'smp exit=7' --cpus "$cpus" --memory 64M
  says "^cpus    $cpus up\$"
  says '^pattern right$'
  says '^bss     zero$'
  says '^cmdline smp exit=7$'
  [ ! -s errors ] || problem 'complains though all is well'
  for register in rip rsp rsi rflags cr0 cr3 cr4 efer; do
    same "$register" "$(jq -r ".vp_contexts[0].$register" image.json)"
  done
  same initrd "$(jq -r '.regions[] | select(.name == "initrd").start' image.json)"
  same rsdp "$(jq -r '.regions[] | select(.name == "acpi.rsdp").start' image.json)"
  jq -r '.["e820"][] | .start[2:] + " " + .end[2:]' image.json > map.ours
  sed -nE 's/^  0x([0-9a-f]+)-0x([0-9a-f]+) type .*/\1 \2/p' output |
    while read -r start end; do printf '%x %x\n' "$((0x$start))" "$((0x$end + 1))"; done > map.guest
  cmp -s map.ours map.guest || problem 'the e820 map is not the one of the image'
done
boot '8 vCPUs' 0 smp --cpus 8
says '^cpus    8 up$'
boot 'RAM above 4 GiB' 9 exit=9 --memory 5G
says '0x0000000100000000-0x000000017fffffff type 1'

# Every way to end.
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

# The guest sees a byte that is not what it should be.
cp "$initrd" broken
printf '\377' | dd of=broken bs=1 seek=70001 conv=notrunc status=none
initrd=broken
boot 'broken initrd' 3 exit=0
says 'pattern WRONG'

[ "$failed" -eq 0 ] && echo 'hello, in every way'
[ "$failed" -eq 0 ]
