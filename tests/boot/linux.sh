#!/bin/sh
# tests/boot/linux.sh BUILD ASSETS SUITE - Debian's kernels, composed by BUILD's compose-snapshot, boot to their own init
# under the real KVM of a nested machine, and find there what the image says. SUITE.cases, beside this script, says
# which: `machine` is about the machine and how it ends, `entries` about the ways in and what guests are handed.
#
# BUILD is a release build: the nested machine has no libraries, so run-snapshot must be static. ASSETS keeps what is
# fetched and made. All cases run in one boot of the nested machine, if it lives that long.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(realpath "$1") suite=$3
mkdir -p "$2"
assets=$(realpath "$2")
skip() { echo "SKIPPED: $*"; exit 77; }
for tool in qemu-system-x86_64 busybox cpio jq lz4 xz; do
  command -v "$tool" > /dev/null || skip "$tool is not installed"
done
"$here/../../samples/fetch-debian-kernel.sh" -o "$assets" cloud amd64 || skip "Debian's kernels could not be fetched"
"$here/prepare.sh" "$assets/cloud" "$assets/nested"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
folder=$work/folder
mkdir -p "$folder/images"
cp "$build/bin/run-snapshot" "$folder/run-snapshot"
strip "$folder/run-snapshot"
head -c 300000 "$assets/cloud/vmlinuz" > "$work/blob"
blob=$(sha256sum < "$work/blob" | cut -d' ' -f1)

# initrd FLAVOUR - with the modules of that kernel.
initrd() {
  "$here/../../samples/make-initrd.sh" -o "$work/$1.initrd" "$here/init" "$work/blob" "$build/samples/exit-port" \
    "$assets/$1/modules/button.ko" "$assets/$1/modules/evdev.ko" "$assets/$1/modules/pvpanic.ko" \
    "$assets/$1/modules/pvpanic-mmio.ko"
}
initrd cloud
initrd amd64

cases=
# boots NAME FLAVOUR CPUS MEMORY WAY STATUS [COMPOSE-OPTION]... - composes a snapshot of the flavour's vmlinuz that is to
# end with STATUS. $kernel and $initrd are used instead of the flavour's, if they are set, and $arguments go on the
# kernel's command line. $extra is a command that the nested machine runs beside it; the guest's output is in
# /tmp/output.
kernel='' initrd='' arguments='' extra=''
boots() {
  name=$1 flavour=$2 cpus=$3 memory=$4 way=$5 expected=$6
  shift 6
  cmdline="console=ttyS0 quiet panic=-1${arguments:+ $arguments} end=$way"
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
    echo "/run-snapshot --timeout 60 /images/$1 < /dev/null > /tmp/output 2>&1; status=\$?"
    echo "cat /tmp/output; echo; echo '>>> $1' \$status"
  } > "$work/$1.run"
}

# finds NAME SECTION LINE - what a guest's report must have in that section, as a basic regular expression.
finds() { printf '%s\t%s\n' "$2" "$3" >> "$work/$1.finds"; }

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
  "$here/nested.sh" "$assets/nested" "$folder" 90 > "$work/part" || status=$?
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
      "$here/check_guest.sh" "$work/$name.json" "$work/$name.output" "$(cat "$work/$name.cmdline")" "$blob" \
        > "$work/problems" 2>&1 || trouble="$trouble; $(cat "$work/problems")"
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
