#!/bin/sh
# tests/boot/linux.sh BUILD ASSETS SUITE [RUNNER] - Debian's kernels, composed by BUILD's compose-snapshot, boot to their
# own init under the real KVM of a nested machine, and find there what the image says. SUITE.cases, beside this script,
# says which: `machine` is about the machine and how it ends, `entries` about the ways in and what guests are handed,
# `arm64` and `arm64_gicv2` about AArch64 with the one interrupt controller and the other.
#
# BUILD is a release build: the nested machine has no libraries, so run-snapshot must be static. RUNNER is the one for
# AArch64, of the preset arm64. ASSETS keeps what is fetched and made. All cases run in one boot of the nested machine,
# if it lives that long.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(realpath "$1") suite=$3 runner=${4:-$1/bin/run-snapshot}
mkdir -p "$2"
assets=$(realpath "$2")
skip() { echo "SKIPPED: $*"; exit 77; }
case $suite in
  arm64) kind=arm64 gic=v3 ;;
  arm64_gicv2) kind=arm64-gicv2 gic=v2 ;;
  *) kind=x86_64 ;;
esac
needs() {
  for tool in "$@"; do command -v "$tool" > /dev/null || skip "$tool is not installed"; done
}
if [ "$kind" = x86_64 ]; then
  needs qemu-system-x86_64 busybox cpio jq lz4 xz
  flavours='cloud amd64' nested=nested strip=strip check=check_guest.sh console=ttyS0
  modules='button evdev pvpanic pvpanic-mmio'
else
  needs qemu-system-aarch64 cpio jq gzip
  flavours=arm64 nested=nested-arm64 strip=aarch64-linux-gnu-strip check=check_guest_arm64.sh console=ttyAMA0
  modules=evdev
fi
[ -e "$runner" ] || skip "there is no run-snapshot for AArch64: cmake/arm64-sysroot.sh, then build the preset arm64"
# shellcheck disable=SC2086
"$here/../../samples/fetch-debian-kernel.sh" -o "$assets" $flavours || skip "Debian's kernels could not be fetched"
"$here/prepare.sh" "$assets/${flavours%% *}" "$assets/$nested"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
folder=$work/folder
mkdir -p "$folder/images"
cp "$runner" "$folder/run-snapshot"
"$strip" "$folder/run-snapshot" 2> /dev/null || :
head -c 300000 "$assets/${flavours%% *}/vmlinuz" > "$work/blob"
blob=$(sha256sum < "$work/blob" | cut -d' ' -f1)

# initrd FLAVOUR - with the modules of that kernel.
initrd() {
  flavour=$1
  set -- -o "$work/$flavour.initrd"
  [ ! -e "$assets/$flavour/busybox" ] || set -- "$@" -b "$assets/$flavour/busybox"
  set -- "$@" "$here/init" "$work/blob"
  # AArch64 has a register for that, which busybox can write.
  [ "$kind" != x86_64 ] || set -- "$@" "$build/samples/exit-port"
  for module in $modules; do set -- "$@" "$assets/$flavour/modules/$module.ko"; done
  "$here/../../samples/make-initrd.sh" "$@"
}
for flavour in $flavours; do initrd "$flavour"; done

cases=
# boots NAME FLAVOUR CPUS MEMORY WAY STATUS [COMPOSE-OPTION]... - composes a snapshot of the flavour's vmlinuz that is to
# end with STATUS. $kernel and $initrd are used instead of the flavour's, if they are set, and $arguments go on the
# kernel's command line. $extra is a command that the nested machine runs beside it; the guest's output is in
# /tmp/output.
kernel='' initrd='' arguments='' extra=''
boots() {
  name=$1 flavour=$2 cpus=$3 memory=$4 way=$5 expected=$6
  shift 6
  cmdline="console=$console quiet panic=-1${arguments:+ $arguments} end=$way"
  [ "$kind" = x86_64 ] || set -- "$@" --gic "$gic"
  "$build/bin/compose-snapshot" build -q -o "$folder/images/$name" --kernel "${kernel:-$assets/$flavour/vmlinuz}" \
    --initrd "${initrd:-$work/$flavour.initrd}" --cmdline "$cmdline" --cpus "$cpus" --memory "$memory" "$@"
  "$build/bin/compose-snapshot" inspect --json "$folder/images/$name" > "$work/$name.json"
  echo "$cmdline" > "$work/$name.cmdline"
  echo "$expected" > "$work/$name.expected"
  runs "$name" "$extra"
}
after() { :; }
# hello NAME CPUS WAY STATUS - the same for the hello guest.
hello() {
  "$build/bin/compose-snapshot" build -q -o "$folder/images/$1" --kernel "$build/samples/hello" \
    --initrd "$build/samples/hello.initrd" --cmdline "smp exit=$3" --cpus "$2" --memory 64M
  echo "$4" > "$work/$1.expected"
  runs "$1" ''
}
runs() {
  cases="$cases $1"
  {
    echo "echo '<<< $1'"
    echo ': > /tmp/output'
    [ -z "$2" ] || echo "($2) &"
    echo "/run-snapshot --timeout 120 /images/$1 < /dev/null > /tmp/output 2>&1; status=\$?"
    echo "cat /tmp/output; echo; echo '>>> $1' \$status"
  } > "$work/$1.run"
}

# finds NAME SECTION LINE - what a guest's report must have in that section, as a basic regular expression.
finds() { printf '%s\t%s\n' "$2" "$3" >> "$work/$1.finds"; }
# expect_trouble NAME PATTERN - that the comparison is to find fault with that guest, and say so.
expect_trouble() { echo "$2" > "$work/$1.trouble"; }

# shellcheck source=/dev/null
. "$here/$suite.cases"

# Should the emulated machine stop, another one goes on with the guests that are left, the one that was running included.
left=$cases attempts=0 status=124
: > "$work/output"
while [ "$status" -eq 124 ] && [ "$attempts" -lt 5 ]; do
  attempts=$((attempts + 1))
  : > "$folder/run"
  for name in $left; do cat "$work/$name.run" >> "$folder/run"; done
  status=0
  "$here/nested.sh" "$assets/$nested" "$folder" 150 "$kind" > "$work/part" || status=$?
  left=
  for name in $cases; do
    sed -n "/^<<< $name\$/,/^>>> $name [0-9]/p" "$work/part" > "$work/one"
    if grep -q "^>>> $name [0-9]" "$work/one"; then cat "$work/one" >> "$work/output"; fi
    grep -q "^>>> $name [0-9]" "$work/output" || left="$left $name"
  done
  [ "$status" -ne 124 ] || echo "the nested machine stopped; left:$left"
done
[ -z "${KEEP_OUTPUT:-}" ] || cp -r "$work" "$KEEP_OUTPUT"
[ "$status" -eq 0 ] || { cat "$work/output" "$work/part"; exit 1; }

failed=0
for name in $cases; do
  sed -n "/^<<< $name\$/,/^>>> $name /p" "$work/output" > "$work/$name.output"
  ended=$(sed -n "s/^>>> $name \([0-9]*\)\$/\1/p" "$work/$name.output")
  trouble=
  [ "$ended" = "$(cat "$work/$name.expected")" ] ||
    trouble="ended with '$ended' and not with $(cat "$work/$name.expected")"
  case $name in
    hello-*) grep -q '^pattern right' "$work/$name.output" || trouble="$trouble; the hello guest found no pattern" ;;
    *)
      found=
      "$here/$check" "$work/$name.json" "$work/$name.output" "$(cat "$work/$name.cmdline")" "$blob" \
        > "$work/problems" 2>&1 || found="; $(cat "$work/problems")"
      if [ -e "$work/$name.trouble" ]; then
        if echo "$found" | grep -q -f "$work/$name.trouble"; then
          found=
        else
          found="; $check does not see: $(cat "$work/$name.trouble")"
        fi
      fi
      trouble=$trouble$found
      [ ! -e "$work/$name.finds" ] || while IFS='	' read -r section line; do
        sed -n "/^=== $section\r*\$/,/^=== /p" "$work/$name.output" | tr -d '\r' | grep -q -- "$line" ||
          trouble="$trouble; section $section does not have: $line"
      done < "$work/$name.finds"
      ;;
  esac
  if [ -n "$trouble" ]; then
    failed=$((failed + 1))
    echo "$name: $trouble"
    sed 's/^/  | /' "$work/$name.output"
  else
    echo "$name: as it should be, status $ended"
  fi
done

after
[ "$failed" -eq 0 ]
