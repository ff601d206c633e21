#!/bin/sh
# start.sh [BUILD]: how long run-snapshot takes from exec to the guest's first port write, for images of 1 MiB, 64 MiB
# and 1 GiB, beside a bare C program that makes the same KVM calls with no image (kvm_floor), and one that only checks
# and walks the same headers (igvm_walk). BUILD is a release build, default build/release.
#
# Aims: 1 and 64 MiB within 1.5 times the floor; 1 GiB within the floor plus 1.5 times the walk.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:-$top/build/release}
runs=${RUNS:-200}
[ -w /dev/kvm ] || { echo "start.sh: no access to /dev/kvm" >&2; exit 1; }
cmake --build "$build" --target run-snapshot kvm_floor first_byte igvm_walk start_image >/dev/null
bin=$build/bin
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for mib in 1 64 1024; do "$bin/start_image" "$tmp/$mib" "$mib"; done

echo "exec to first port write, medians of $runs runs; RAM is the image's size and 64 MiB"
for mib in 1 64; do
  echo "$mib MiB:"
  "$bin/first_byte" "$runs" "$bin/kvm_floor" $((mib + 64)) -- "$bin/run-snapshot" "$tmp/$mib"
done
echo "1024 MiB:"
few=$((runs / 4 + 1))
"$bin/first_byte" "$few" "$bin/kvm_floor" $((1024 + 64)) -- "$bin/run-snapshot" "$tmp/1024"
# The walk tells its own time, without process start. It takes turns with the others too: back to back it would find the
# headers in the processor's caches, which nobody who starts a machine does.
i=0
while [ "$i" -lt "$few" ]; do
  "$bin/first_byte" 1 "$bin/kvm_floor" $((1024 + 64)) -- "$bin/run-snapshot" "$tmp/1024" >/dev/null
  sleep 0.02
  "$bin/igvm_walk" "$tmp/1024"
  i=$((i + 1))
done | sort -t ' ' -k 4 -n | sed -n "$((few / 2 + 1))s/^/igvm_walk, median of $few: /p"
