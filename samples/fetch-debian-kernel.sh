#!/bin/sh
# samples/fetch-debian-kernel.sh [-o FOLDER] [cloud|amd64]... - fetches Debian's current kernel packages.
#
# Leaves FOLDER/cloud and FOLDER/amd64 (default: build/assets in the checkout, both kernels), each with
#   vmlinuz     the kernel as Debian ships it: linux-image-cloud-amd64 is packed with LZ4, linux-image-amd64 with XZ
#   modules/    its modules, unpacked
#   package     the name and version of the package
# What is there already is kept. Nothing is installed; apt only downloads.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
folder=$top/build/assets
if [ "${1:-}" = -o ]; then
  folder=$2
  shift 2
fi
[ $# -gt 0 ] || set -- cloud amd64
trouble() { echo "fetch-debian-kernel.sh: $*" >&2; exit 1; }

# The package that the metapackage $1 stands for now.
current() {
  apt-cache depends "$1" 2> /dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1
}

for flavour in "$@"; do
  case $flavour in
    cloud) meta=linux-image-cloud-amd64 ;;
    amd64) meta=linux-image-amd64 ;;
    *) trouble "'$flavour' is neither cloud nor amd64" ;;
  esac
  [ ! -e "$folder/$flavour/package" ] || continue
  package=$(current "$meta")
  if [ -z "$package" ]; then
    $([ "$(id -u)" = 0 ] || echo sudo) apt-get update -qq || trouble "apt-get update did not succeed"
    package=$(current "$meta")
  fi
  [ -n "$package" ] || trouble "apt knows no package $meta: is this Debian, with its main archive for amd64?"
  work=$folder/$flavour.part
  rm -rf "$work"
  mkdir -p "$work/deb"
  echo "fetching $package"
  (cd "$work/deb" && apt-get download -qq "$package:amd64" > apt.log 2>&1) ||
    { cat "$work/deb/apt.log" >&2; trouble "apt could not download $package"; }
  dpkg-deb -x "$work"/deb/*.deb "$work/root"
  mv "$work"/root/boot/vmlinuz-* "$work/vmlinuz"
  mkdir "$work/modules"
  find "$work/root" -path '*/kernel/*' -name '*.ko*' -exec mv {} "$work/modules/" \;
  find "$work/modules" -name '*.ko.xz' -exec xz -d {} +
  dpkg-deb -W "$work"/deb/*.deb > "$work/package"
  rm -rf "$work/root" "$work/deb" "${folder:?}/$flavour"
  mv "$work" "$folder/$flavour"
done
