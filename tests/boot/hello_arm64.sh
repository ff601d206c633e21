#!/bin/sh
# tests/boot/hello_arm64.sh COMPOSE RUN SAMPLES ASSETS - the arm64 hello guest boots under the real KVM of a nested arm64
# machine, with a GICv3 and with a GICv2, finds what the image says, and ends in every way there is.
#
# RUN is the statically linked run-snapshot for AArch64 (preset arm64); COMPOSE is this host's. All guests of a machine
# run in one boot of it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
skip() { echo "SKIPPED: $*"; exit 77; }
[ -e "$2" ] || skip "there is no run-snapshot for AArch64: cmake/arm64-sysroot.sh, then build the preset arm64"
[ -e "$3/hello-arm64" ] || skip "there is no hello-arm64: apt-get install g++-aarch64-linux-gnu, and build again"
for tool in qemu-system-aarch64 cpio jq; do
  command -v "$tool" > /dev/null || skip "$tool is not installed"
done
compose_snapshot=$(realpath "$1") run_snapshot=$(realpath "$2") samples=$(realpath "$3")
mkdir -p "$4"
assets=$(realpath "$4")
"$here/../../samples/fetch-debian-kernel.sh" -o "$assets" arm64 || skip "Debian's arm64 kernel could not be fetched"
"$here/prepare.sh" "$assets/arm64" "$assets/nested-arm64"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# --- what is run ---------------------------------------------------------------------------------------------

# guest NAME STATUS CMDLINE [COMPOSE-OPTION]... - composes an image for the machine $kind. $input is its standard input.
initrd=$samples/hello.initrd input='' run_options='--timeout 60'
guest() {
  name=$1 expected=$2 cmdline=$3
  shift 3
  case " $* " in *' --gic '*) ;; *) set -- "$@" --gic "$gic" ;; esac
  "$compose_snapshot" build -q -o "$folder/$name.image" --kernel "$samples/hello-arm64" \
    ${initrd:+--initrd "$initrd"} ${cmdline:+--cmdline "$cmdline"} "$@"
  "$compose_snapshot" inspect --json "$folder/$name.image" > "$work/$kind/$name.json"
  run "$name" "$expected"
}
run() {
  printf '%s' "$input" > "$folder/$1.input"
  echo "$2" > "$work/$kind/$1.expected"
  names="$names $1"
  cat >> "$folder/run" <<RUN
echo '<<< $1'
/run-snapshot $run_options /$1.image < /$1.input > /output 2> /errors
status=\$?
cat /output
echo "<errors>"
cat /errors
echo ">>> $1 \$status"
RUN
}

# --- what is expected of its output --------------------------------------------------------------------------

problem() {
  echo "$kind, $name: $*" >&2
  sed 's/^/  | /' output >&2
  failed=$((failed + 1))
}
says() { sed '/^<errors>$/,$d' output | grep -qE -- "$1" || problem "does not say '$1'"; }
says_not() { if sed '/^<errors>$/,$d' output | grep -qE -- "$1"; then problem "says '$1'"; fi; }
complains() { sed '1,/^<errors>$/d' output | grep -qE -- "$1" || problem "does not say '$1' on standard error"; }
printed() { sed -nE "s/^$1 +0x0*([0-9a-f]+)\$/\1/p" output | head -n 1; }
same() { [ "$(printed "$1")" = "${2#0x}" ] || problem "$1 is $(printed "$1"), and the image says $2"; }
region() { jq -r ".regions[] | select(.name == \"$1\").$2" image.json; }
# ending NAME - of that guest, $expected is known; its output and inspect's report are in files.
ending() {
  name=$1 expected=$(cat "$work/$kind/$1.expected")
  sed -n "/^<<< $name\$/,/^>>> $name [0-9]/p" "$work/$kind/all" > output
  cp "$work/$kind/$name.json" image.json 2> /dev/null || :
  status=$(sed -n "s/^>>> $name \([0-9]*\)\$/\1/p" output)
  [ "$status" = "$expected" ] || problem "ended with '$status' and not with $expected"
}

# facts CMDLINE CPUS MEMORY-END - what every guest that is well prints.
facts() {
  says '^hello from the guest$'
  for register in pc x0 x1 x2 x3 sctlr; do
    case $register in sctlr) field=sctlr_el1 ;; *) field=$register ;; esac
    same $register "$(jq -r ".vp_contexts[0].$field" image.json)"
  done
  same x0 "$(region fdt start)"
  same daif 0x3c0
  same el 0x1
  same spsel 0x1
  says '^mmu     off$'
  says '^dcache  off$'
  says '^bss     zero$'
  says "^cmdline $1\$"
  same initrd "$(region initrd start)"
  same size "$(printf %x "$(region initrd size)")"
  says '^pattern right$'
  same virtio 0x74726976
  same device 0x0
  clock=$((0x$(printed rtc)))
  [ "$clock" -ge "$started" ] && [ "$clock" -le $((started + 600)) ] ||
    problem "the clock says $clock, and the machine's said $started when the first guest was started"
  [ "$gic" = v2 ] && expected_gic=0 || expected_gic=1
  same 'gic sysreg' 0x$expected_gic
  case $1 in
    *smp*)
      says "^cpus    $2 up\$"
      [ "$(grep -cE '^cpu     0x([0-9a-f]+) here, its MPIDR says 0x\1, X0 0x\1, EL1$' output)" -eq $(($2 - 1)) ] ||
        problem 'a processor is not the one that was started'
      ;;
  esac
  sed '1,/^<errors>$/d' output | grep -qv '^>>> ' && problem 'complains though all is well'
  case $name in
    *acpi*) acpi_facts "$3" ;;
    *) tree_facts "$2" "$3" ;;
  esac
}
tree_facts() {
  says '^psci    hvc$'
  same 'cpus in the tree' "0x$(printf %x "$1")"
  says "^memory  0x0000000040000000-0x0*$2\$"
  says_not '^efi '
}
acpi_facts() {
  says '^efi crc right$'
  same efi "$(region efi.system_table start)"
  same rsdp "$(region acpi.rsdp start)"
  says '^config  acpi '
  says '^config  smbios3 '
  says '^config  rt-properties '
  says_not '^config  UNKNOWN'
  for table in XSDT FACP DSDT APIC GTDT SPCR DBG2 PPTT; do says "^table   $table 0x[0-9a-f]* sums to zero\$"; done
  says_not '^memory '
  # The map is all of RAM, in order, without a hole or an overlap, all of it cacheable (bit 3), and no table is in
  # memory that a kernel may take for its own (7: conventional).
  sed -nE 's/^  0x([0-9a-f]+)-0x([0-9a-f]+) type ([0-9]+) attribute 0x([0-9a-f]+)$/\1 \2 \3 \4/p' output > map
  next=$((0x40000000))
  while read -r start end type attribute; do
    [ "$((0x$start))" -eq "$next" ] || problem "the EFI memory map goes on at 0x$start and not at $next"
    next=$((0x$end + 1))
    [ $((0x$attribute & 8)) -eq 8 ] || problem "memory at 0x$start is not EFI_MEMORY_WB"
    for address in "$(region efi.system_table start)" "$(region acpi.rsdp start)"; do
      if [ "$((address))" -ge "$((0x$start))" ] && [ "$((address))" -le "$((0x$end))" ] && [ "$type" -eq 7 ]; then
        problem "the table at $address is in conventional memory"
      fi
    done
  done < map
  [ "$next" -eq $((0x$1 + 1)) ] || problem "the EFI memory map ends at $next and RAM at 0x$1"
}

# --- the guests ----------------------------------------------------------------------------------------------

guests() {
  other=v2
  [ "$gic" = v3 ] || other=v3
  for mode in tree acpi; do
    option=
    [ "$mode" = acpi ] || option=--device-tree
    for cpus in 1 4; do
      # shellcheck disable=SC2086
      guest "$mode-$cpus" 7 'smp exit=7' $option --cpus "$cpus" --memory 64M
    done
  done
  guest tree-5g 9 exit=9 --device-tree --memory 5G
  guest acpi-5g 9 exit=9 --memory 5G
  if [ "$gic" = v3 ]; then
    # Affinity 1 counts from the seventeenth vCPU on.
    guest tree-18 0 smp --device-tree --cpus 18 --memory 64M
    guest acpi-18 0 smp --cpus 18 --memory 64M
    guest acpi-its 8 'smp exit=8' --cpus 2 --memory 64M --its
  else
    # More vCPUs than a GICv2 can have.
    guest wrong-gic-18 126 '' --gic v3 --cpus 18 --memory 64M
  fi
  guest wrong-gic 126 '' --gic "$other" --memory 64M
  [ ! -x "$samples/hello" ] || {
    "$compose_snapshot" build -q -o "$folder/x86.image" --kernel "$samples/hello" --memory 64M
    run x86 126
  }
  guest seeds 6 exit=6 --device-tree --memory 64M --kaslr-seed 5eed --rng-seed 00112233445566778899aabbccddeeff
  guest exit-119 119 exit=119 --memory 64M
  guest exit-120 121 exit=120 --memory 64M
  guest off 0 exit=off --memory 64M
  guest reset 120 exit=reset --memory 64M
  guest crash 121 exit=crash --memory 64M
  guest unknown-way 5 exit=elsewhere --memory 64M
  run_options='--timeout 1.5'
  guest hang 124 exit=hang --memory 64M
  # AArch64 has no triple fault: the processor takes exception after exception.
  guest lost 124 exit=lost --memory 64M
  run_options='--timeout 60 --no-seccomp'
  guest no-seccomp 3 exit=3 --memory 64M
  run_options='--timeout 60'
  input='words for the guest
'
  guest echo 0 echo --device-tree --memory 64M
  input=''
  initrd=$work/broken
  cp "$samples/hello.initrd" "$initrd"
  printf '\377' | dd of="$initrd" bs=1 seek=100002 conv=notrunc status=none
  guest broken 3 exit=0 --memory 64M
  initrd=
  guest bare 0 '' --device-tree --memory 64M
  guest bare-acpi 0 '' --memory 64M
  initrd=$samples/hello.initrd
}

verdicts() {
  for mode in tree acpi; do
    for cpus in 1 4; do
      ending "$mode-$cpus"
      facts 'smp exit=7' "$cpus" 43ffffff
    done
    ending "$mode-5g"
    facts exit=9 1 17fffffff
  done
  if [ "$gic" = v3 ]; then
    for mode in tree acpi; do
      ending "$mode-18"
      facts smp 18 43ffffff
      says '^cpu     0x0000000000000101 here'
    done
    ending acpi-its
    facts 'smp exit=8' 2 43ffffff
    says '^config  memory-reserve '
    says '^table   IORT '
  fi
  ending wrong-gic
  complains '--gic'
  complains "$other"
  if [ "$gic" = v2 ]; then
    ending wrong-gic-18
    complains 'GICv3.*--gic v2'
  fi
  [ ! -e "$folder/x86.image" ] || {
    ending x86
    complains 'x86_64'
  }
  ending seeds
  # 8 bytes that follow from the seed.
  says '^kaslr   0x[0-9a-f]{16}$'
  same rng 0x10
  ending exit-119
  ending exit-120
  complains 'exit code 120'
  ending off
  ending reset
  complains 'reset the machine'
  ending crash
  complains 'the guest crashed: '
  complains '0x30000000'
  complains 'pc '
  complains 'code at '
  ending unknown-way
  says '^exit    elsewhere UNKNOWN$'
  ending hang
  complains '1\.5 s'
  ending lost
  complains '1\.5 s'
  ending no-seccomp
  ending echo
  says '^echo    words for the guest'
  ending broken
  says '^pattern WRONG'
  for guest in bare bare-acpi; do
    ending "$guest"
    says '^cmdline $'
    same size 0x0
  done
}

for kind in arm64 arm64-gicv2; do
  gic=v3
  [ "$kind" = arm64 ] || gic=v2
  folder=$work/$kind/folder names=
  mkdir -p "$folder"
  cp "$run_snapshot" "$folder/run-snapshot"
  aarch64-linux-gnu-strip "$folder/run-snapshot" 2> /dev/null || :
  echo "echo started \$(date +%s)" > "$folder/run"
  guests
  echo 'exit 0' >> "$folder/run"
  status=0
  "$here/nested.sh" "$assets/nested-arm64" "$folder" 90 "$kind" > "$work/$kind/all" || status=$?
  [ -z "${KEEP_OUTPUT:-}" ] || { mkdir -p "$KEEP_OUTPUT"; cp -r "$work/$kind" "$KEEP_OUTPUT"; }
  [ "$status" -eq 0 ] || { cat "$work/$kind/all"; exit 1; }
  tr -d '\r' < "$work/$kind/all" > "$work/$kind/clean"
  mv "$work/$kind/clean" "$work/$kind/all"
  started=$(sed -n 's/^started //p' "$work/$kind/all")
  cd "$work/$kind"
  verdicts
  cd - > /dev/null
  echo "$kind:$(echo "$names" | wc -w) guests"
done
[ "$failed" -eq 0 ] && echo 'hello, in every way'
[ "$failed" -eq 0 ]
