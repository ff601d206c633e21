#!/bin/sh
# cmake/arm64-sysroot.sh [FOLDER] - fetches the libraries that the preset arm64 builds with (default:
# build/arm64-sysroot in the checkout).
#
# They are Debian's :arm64 packages, downloaded and unpacked: several of the -dev packages cannot be installed next to
# their amd64 selves. The C and C++ libraries are those of the cross compiler, and the ones here only serve to run what
# was built (qemu-aarch64-static -L FOLDER). Nothing is installed but the cross compiler, where it is missing. What is
# there already is kept. apt must know the architecture: `dpkg --add-architecture arm64`, which this script does where
# it is missing, as root or with sudo.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
folder=$(realpath -m "${1:-$top/build/arm64-sysroot}")
. "$top/cmake/packages.sh"

trouble() { echo "arm64-sysroot.sh: $*" >&2; exit 1; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# Headers and archives to build with; those of every architecture are architecture-independent packages.
dev="libfdt-dev libssl-dev zlib1g-dev liblief-dev liblzma-dev libbz2-dev liblz4-dev liblzo2-dev libzstd-dev
  libarchive-dev libseccomp-dev libfmt-dev libtomlplusplus-dev"
all="libexpected-dev libcxxopts-dev nlohmann-json3-dev"
# Whose own dependencies are fetched too, for programs to run.
shared="libc6 libstdc++6 libfdt1 libssl3 zlib1g liblief0 liblzma5 libbz2-1.0 liblz4-1 liblzo2-2 libzstd1 libarchive13
  libseccomp2"

command -v dpkg > /dev/null && command -v apt-get > /dev/null || trouble "this needs Debian's apt and dpkg"
want=$(cksum < "$0")
if [ -e "$folder/packages" ] && [ "$(head -n 1 "$folder/packages")" = "# $want" ]; then
  echo "$folder is there already"
  exit 0
fi

# shellcheck disable=SC2086
install_packages $cross_packages
if ! { dpkg --print-architecture; dpkg --print-foreign-architectures; } | grep -qx arm64; then
  echo "telling apt of the architecture arm64"
  as_root dpkg --add-architecture arm64 ||
    trouble "dpkg --add-architecture arm64 did not succeed: run it as root, then this script again"
fi
if ! apt-cache show liblief-dev:arm64 > /dev/null 2>&1; then
  echo "asking the archive what it has for arm64"
  as_root apt-get update -qq || trouble "apt-get update did not succeed"
fi

# The runtime libraries of $shared and all that they depend on.
closure() {
  for name in $shared; do echo "$name:arm64"; done | xargs apt-cache depends --recurse --no-recommends --no-suggests \
    --no-conflicts --no-breaks --no-replaces --no-enhances | sed -n 's/^\(lib[^ ]*\|zlib1g\):arm64$/\1:arm64/p' | sort -u
}
names=$(for name in $dev; do echo "$name:arm64"; done; echo "$all" | tr ' ' '\n'; closure)

work=$folder.part
rm -rf "$work"
mkdir -p "$work/deb" "$work/root"
echo "fetching" $(echo "$names" | grep -c .) "packages"
# shellcheck disable=SC2086
(cd "$work/deb" && apt-get download -qq $names > apt.log 2>&1) ||
  { cat "$work/deb/apt.log" >&2; trouble "apt could not download them: if its lists are old, run apt-get update"; }
{
  echo "# $want"
  for deb in "$work"/deb/*.deb; do
    dpkg-deb -x "$deb" "$work/root"
    dpkg-deb -W "$deb"
  done
} > "$work/root/packages"

# A link to /lib/... is one into the host.
find "$work/root" -type l -lname '/*' | while read -r link; do
  ln -snf "$folder$(readlink "$link")" "$link"
done
rm -rf "$work/root/usr/share" "$folder"
mv "$work/root" "$folder"
rm -rf "$work"
echo "$folder: $(($(wc -l < "$folder/packages") - 1)) packages, $(du -sm "$folder" | cut -f 1) MiB"
