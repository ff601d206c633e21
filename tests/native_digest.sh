#!/bin/sh
# tests/native_digest.sh SAMPLES COMPOSE [ASSETS] - native_digest.py, which was written from the documentation, and
# compose-snapshot agree on the native digest of snapshots and of other files.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
samples=$(realpath "$1") compose=$(realpath "$2") assets=$(realpath -m "${3:-.}")
command -v python3 > /dev/null || { echo 'SKIPPED: python3 is not installed'; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

compose() {
  name=$1
  shift
  "$compose" build -q -o "$name.bin" "$@"
}
compose x86 --kernel "$samples/hello" --initrd "$samples/hello.initrd" --cmdline quiet
compose wide --kernel "$samples/hello" --cpus 5 --memory 5G --rng-seed 0011 --numa cpus=0-3,memory=4G --numa cpus=4,memory=1G
compose bare --kernel "$samples/hello" --no-acpi --memory 64M
compose acpi --kernel "$samples/hello-arm64" --initrd "$samples/hello.initrd" --cpus 3 --its
compose tree --kernel "$samples/hello-arm64" --device-tree --gic v2 --memory 3G
for kernel in cloud arm64; do
  [ ! -e "$assets/$kernel/vmlinuz" ] || compose "$kernel" --kernel "$assets/$kernel/vmlinuz" --cmdline quiet
done
cp "$here"/vectors/igvm/digest/native-*.igvm "$here/vectors/igvm/digest/aarch64.igvm" .

files=0
for file in *.bin *.igvm; do
  ours=$("$compose" measure --platform native "$file")
  theirs=$(python3 "$here/native_digest.py" "$file")
  if [ "$ours" != "$theirs" ]; then
    echo "$file: compose-snapshot says $ours, and native_digest.py $theirs" >&2
    exit 1
  fi
  files=$((files + 1))
done
# Digests that nothing moves would agree too.
[ "$(for file in *.bin *.igvm; do "$compose" measure --platform native "$file"; done | sort -u | wc -l)" = "$files" ]
echo "$files files, each with a digest of its own, and the same by both"
