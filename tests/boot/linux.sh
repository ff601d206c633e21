#!/bin/sh
# tests/boot/linux.sh BUILD ASSETS - Debian's kernels, composed by BUILD's compose-snapshot, boot to their own init under
# the real KVM of a nested machine, and find there what the image says.
#
# BUILD is a release build: the nested machine has no libraries, so run-snapshot must be static. ASSETS keeps what is
# fetched and made. All cases run in one boot of the nested machine, which is tried again once if it does not answer.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(realpath "$1")
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

: > "$folder/run"
cases=
# boots NAME FLAVOUR CPUS MEMORY WAY STATUS [EXTRA] - composes a snapshot of $kernel, or of the flavour's vmlinuz, that is
# to end with STATUS. EXTRA is a command that the nested machine runs beside it; the guest's output is in /tmp/output.
kernel=
boots() {
  name=$1 flavour=$2 cpus=$3 memory=$4 way=$5 expected=$6 extra=${7:-}
  cmdline="console=ttyS0 quiet panic=-1 end=$way"
  "$build/bin/compose-snapshot" build -q -o "$folder/images/$name" --kernel "${kernel:-$assets/$flavour/vmlinuz}" \
    --initrd "$work/$flavour.initrd" --cmdline "$cmdline" --cpus "$cpus" --memory "$memory"
  "$build/bin/compose-snapshot" inspect --json "$folder/images/$name" > "$work/$name.json"
  echo "$cmdline" > "$work/$name.cmdline"
  echo "$expected" > "$work/$name.expected"
  runs "$name" "$extra"
}
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
  } >> "$folder/run"
}

hello hello-1 1 7 7
hello hello-2 2 off 0
boots cloud-exit cloud 1 512M exit:42 42
boots cloud-off-smp cloud 2 256M off 0
boots amd64-exit-smp amd64 2 384M exit:119 119
boots amd64-reset amd64 1 512M reset 120
kernel=$assets/nested/vmlinux
boots cloud-bare-elf cloud 1 4G exit:1 1
kernel=
boots cloud-panic cloud 1 512M panic 121
boots cloud-button cloud 1 512M button 0 \
  'until grep -q "waiting for the power" /tmp/output; do sleep 0.1; done; sleep 2; kill -TERM $(pidof run-snapshot)'

status=0
"$here/nested.sh" "$assets/nested" "$folder" 400 > "$work/output" || status=$?
if [ "$status" -eq 124 ]; then
  echo 'the nested machine did not answer: once more'
  status=0
  "$here/nested.sh" "$assets/nested" "$folder" 400 > "$work/output" || status=$?
fi
[ -z "${KEEP_OUTPUT:-}" ] || cp -r "$work" "$KEEP_OUTPUT"
[ "$status" -eq 0 ] || { cat "$work/output"; exit 1; }

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
grep -q 'pressed' "$work/cloud-button.output" || { echo 'cloud-button: the button was not seen'; failed=$((failed + 1)); }

# The comparison can see a difference: the same output against another image's map, and with a page of RAM less.
if "$here/check_guest.sh" "$work/cloud-off-smp.json" "$work/cloud-exit.output" "$(cat "$work/cloud-exit.cmdline")" \
  "$blob" 2> /dev/null; then
  echo 'check_guest.sh finds nothing wrong with the map of another image'
  failed=$((failed + 1))
fi
sed 's/0009ffff : System RAM/0009efff : System RAM/' "$work/cloud-exit.output" > "$work/doctored"
if "$here/check_guest.sh" "$work/cloud-exit.json" "$work/doctored" "$(cat "$work/cloud-exit.cmdline")" "$blob" \
  2> /dev/null; then
  echo 'check_guest.sh does not see that a page of RAM is missing'
  failed=$((failed + 1))
fi
[ "$failed" -eq 0 ]
