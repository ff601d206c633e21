#!/bin/sh
# samples/make-initrd.sh -o OUTPUT INIT [FILE...] - makes an initrd with busybox, INIT as its /init, and FILEs in /lib or,
# if they are executable, in /bin.
#
# The same inputs give the same bytes: names sorted, owner 0:0, no times, inode numbers counted from the first. It is not
# packed: run-snapshot maps it, and Linux reads it, faster as it is.
set -eu
[ "${1:-}" = -o ] && [ $# -ge 3 ] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }
output=$2 init=$3
shift 3
busybox=$(command -v busybox) || { echo "make-initrd.sh: busybox is missing: apt-get install busybox-static" >&2; exit 1; }
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
