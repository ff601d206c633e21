#!/bin/sh
# tests/bench/measure.sh [BUILD [ROUNDS]] - what measuring costs against the hash that it cannot avoid.
#
# A warm image of 1 GiB without a zero page. SEV-SNP beside `openssl speed` on all processors, in bytes of page contents;
# TDX and native beside `openssl speed` on one and on all, MRTD in hashed bytes: 6272 a page, which are its contents, 16
# times 128 for TDH.MR.EXTEND and 128 for TDH.MEM.PAGE.ADD. The rounds take turns; figures are medians. Last, the most memory
# that each took, for 64 MiB and for 1 GiB: mapped pages of the file count.
set -eu
build=$(realpath "${1:-build/release}")
rounds=${2:-5}
cmake --build "$build" --target start_image compose-snapshot > /dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$build/bin/start_image" small 64 isolated
"$build/bin/start_image" large 1024 isolated
cat large > /dev/null
processors=$(nproc)

median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
# speed FILE DIGEST [OPTION...] - appends bytes a second.
speed() {
  file=$1 digest=$2
  shift 2
  openssl speed -mr -seconds 2 -bytes 4096 "$@" -evp "$digest" 2> /dev/null | tr -d '\r' |
    awk -F: '/^\+F:/ { print $NF }' | tail -n 1 >> "$file"
}
# measured FILE PLATFORM BYTES - appends bytes a second, of so many that are hashed.
measured() {
  begin=$(date +%s%N)
  "$build/bin/compose-snapshot" measure large --platform "$2" > digest
  awk "BEGIN { print $3 / ($(date +%s%N) - $begin) * 1000000000 }" >> "$1"
}
pages=$((1024 * 256))
for _ in $(seq "$rounds"); do
  speed sha384.all sha384 -multi "$processors"
  measured snp snp $((pages * 4096))
  speed sha384.one sha384
  measured tdx tdx $((pages * 6272))
  speed sha256.all sha256 -multi "$processors"
  measured native native $((pages * 4096))
done
row() {
  awk -v name="$1" -v ours="$(median "$2")" -v hash="$(median "$3")" -v by="$4" 'BEGIN {
    printf "%-7s %7.0f MB/s   openssl speed, %-15s %7.0f MB/s   %5.2f\n", name, ours / 1e6, by, hash / 1e6, ours / hash }'
}
row snp snp sha384.all "sha384, all:"
row tdx tdx sha384.one "sha384, one:"
row native native sha256.all "sha256, all:"

# peak FILE PLATFORM - the most memory in KiB.
peak() {
  "$build/bin/compose-snapshot" measure "$1" --platform "$2" > digest &
  most=0
  while held=$(awk '/^VmHWM/ { print $2 }' "/proc/$!/status" 2> /dev/null) && [ -n "$held" ]; do
    most=$held
    sleep 0.01
  done
  wait
  echo "$most"
}
for platform in snp tdx native; do
  printf '%-7s at most %6d KiB for 64 MiB, %6d KiB for 1 GiB\n' "$platform" "$(peak small "$platform")" "$(peak large "$platform")"
done
