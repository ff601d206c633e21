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
"$bin/first_byte" "$((runs / 4 + 1))" "$bin/kvm_floor" $((1024 + 64)) -- "$bin/run-snapshot" "$tmp/1024"
for i in 1 2 3 4 5; do "$bin/igvm_walk" "$tmp/1024"; done | sort -t ' ' -k 4 -n | sed -n '3s/^/igvm_walk, median of 5: /p'
