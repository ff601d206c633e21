#!/bin/sh
# samples/fetch-debian-kernel.sh [-o FOLDER] [cloud|amd64|arm64]... - fetches Debian's current kernel packages.
#
# Leaves FOLDER/cloud, FOLDER/amd64 and FOLDER/arm64 (default: build/assets in the checkout, all three), each with
#   vmlinuz     the kernel as Debian ships it: linux-image-cloud-amd64 is packed with LZ4, linux-image-amd64 with XZ,
#               and linux-image-cloud-arm64 is not packed
#   modules/    its modules, unpacked
#   package     the name and version of what was fetched
# and arm64 with a statically linked busybox besides, which an initrd for it needs.
# What is there already is kept. Nothing is installed; apt only downloads. For a kernel of another architecture than the
# host's apt must know that architecture: `dpkg --add-architecture`, which this script does where it is missing, as root
# or with sudo.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
folder=$top/build/assets
if [ "${1:-}" = -o ]; then
  folder=$2
  shift 2
fi
[ $# -gt 0 ] || set -- cloud amd64 arm64
trouble() { echo "fetch-debian-kernel.sh: $*" >&2; exit 1; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# The package that the metapackage $1 stands for now, without its architecture.
current() {
  apt-cache depends "$1" 2> /dev/null | sed -nE 's/^ *Depends: (linux-image-[0-9][^:]*).*/\1/p' | head -n 1
}
update() { as_root apt-get update -qq || trouble "apt-get update did not succeed"; }
# download NAME:ARCHITECTURE FOLDER - and unpacks it to FOLDER/root, with a line for FOLDER/package.
download() {
  echo "fetching $1"
  rm -rf "$2/deb"
  mkdir -p "$2/deb"
  (cd "$2/deb" && apt-get download -qq "$1" > apt.log 2>&1) || { cat "$2/deb/apt.log" >&2; trouble "apt could not download $1"; }
  dpkg-deb -x "$2"/deb/*.deb "$2/root"
  dpkg-deb -W "$2"/deb/*.deb >> "$2/package"
  rm -rf "$2/deb"
}

for flavour in "$@"; do
  architecture=amd64
  case $flavour in
    cloud) meta=linux-image-cloud-amd64 ;;
    amd64) meta=linux-image-amd64 ;;
    arm64) meta=linux-image-cloud-arm64 architecture=arm64 ;;
    *) trouble "'$flavour' is not cloud, amd64 or arm64" ;;
  esac
  [ ! -e "$folder/$flavour/package" ] || continue
  if ! { dpkg --print-architecture; dpkg --print-foreign-architectures; } | grep -qx "$architecture"; then
    echo "telling apt of the architecture $architecture"
    as_root dpkg --add-architecture "$architecture" ||
      trouble "dpkg --add-architecture $architecture did not succeed: run it as root, then this script again"
    update
  fi
  package=$(current "$meta:$architecture")
  if [ -z "$package" ]; then
    update
    package=$(current "$meta:$architecture")
  fi
  [ -n "$package" ] || trouble "apt knows no package $meta: is this Debian, with its main archive for $architecture?"
  work=$folder/$flavour.part
  rm -rf "$work"
  mkdir -p "$work/modules"
  download "$package:$architecture" "$work"
  mv "$work"/root/boot/vmlinuz-* "$work/vmlinuz"
  find "$work/root" -path '*/kernel/*' -name '*.ko*' -exec mv {} "$work/modules/" \;
  find "$work/modules" -name '*.ko.xz' -exec xz -d {} +
  if [ "$flavour" = arm64 ]; then
    download "busybox-static:$architecture" "$work"
    mv "$work/root/bin/busybox" "$work/busybox"
  fi
  rm -rf "$work/root" "${folder:?}/$flavour"
  mv "$work" "$folder/$flavour"
done
