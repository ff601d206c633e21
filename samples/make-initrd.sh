#!/bin/sh
# samples/make-initrd.sh -o OUTPUT [-b BUSYBOX] INIT [FILE...] - makes an initrd with busybox, INIT as its /init, and
# FILEs in /lib or, if they are executable, in /bin. BUSYBOX is one for another architecture than this host's, such as
# build/assets/arm64/busybox of fetch-debian-kernel.sh.
#
# The same inputs give the same bytes: names sorted, owner 0:0, no times, inode numbers counted from the first. It is not
# packed: run-snapshot maps it, and Linux reads it, faster as it is.
set -eu
usage() { sed -n '2,4s/^# //p' "$0" >&2; exit 2; }
output='' busybox=''
while getopts o:b: option; do
  case $option in
    o) output=$OPTARG ;;
    b) busybox=$OPTARG ;;
    *) usage ;;
  esac
done
shift $((OPTIND - 1))
[ -n "$output" ] && [ $# -ge 1 ] || usage
init=$1
shift
[ -n "$busybox" ] || busybox=$(command -v busybox) ||
  { echo "make-initrd.sh: busybox is missing: apt-get install busybox-static" >&2; exit 1; }
command -v cpio > /dev/null || { echo "make-initrd.sh: cpio is missing: apt-get install cpio" >&2; exit 1; }
if ldd "$busybox" > /dev/null 2>&1; then
  echo "make-initrd.sh: $busybox needs shared libraries: apt-get install busybox-static" >&2
  exit 1
fi
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
umask 022
mkdir "$root/bin" "$root/lib"
install -m 755 "$busybox" "$root/bin/busybox"
ln -s busybox "$root/bin/sh"
install -m 755 "$init" "$root/init"
for file in "$@"; do
  if [ -x "$file" ]; then install -m 755 "$file" "$root/bin/"; else install -m 644 "$file" "$root/lib/"; fi
done
find "$root" -exec touch -h -d @0 {} +
(cd "$root" && find . -mindepth 1 | LC_ALL=C sort | cpio -o -H newc -R 0:0 --reproducible --quiet) > "$output"
