# Sourced by the set-up commands: which Debian 12 packages they need, and how they are installed.

build_packages="g++ cmake ninja-build pkg-config libfdt-dev liblief-dev libzstd-dev libcxxopts-dev doctest-dev
  libssl-dev zlib1g-dev liblzma-dev libbz2-dev liblz4-dev liblzo2-dev libexpected-dev libfmt-dev nlohmann-json3-dev
  libtomlplusplus-dev libseccomp-dev libarchive-dev"
# The nested machine, in which Linux runs where this host's KVM cannot run it.
nested_packages="qemu-system-x86 busybox-static cpio gzip xz-utils lz4 zstd jq"
# The same for AArch64.
nested_arm64_packages="qemu-system-arm cpio gzip jq"
# The cross build for AArch64 (preset arm64, cmake/arm64-sysroot.sh), and what runs its programs on another host.
cross_packages="g++-aarch64-linux-gnu qemu-user-static"
# Other compilers, the judges of what we write, and what the scripts of tests/ use.
test_packages="clang libclang-rt-14-dev clang-format acpica-tools device-tree-compiler groff strace jq lz4 xz-utils
  cpio dmidecode systemd-boot-efi make faketime python3-yaml"

# install_packages NAME... - installs what is missing; says which, and why it cannot where it cannot.
install_packages() {
  missing=
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q 'ok installed' || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  echo "installing:$missing"
  sudo=
  [ "$(id -u)" = 0 ] || sudo=sudo
  # shellcheck disable=SC2086
  if ! { $sudo apt-get update -qq && $sudo env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends $missing; } > /tmp/tintype-apt.$$ 2>&1; then
    cat "/tmp/tintype-apt.$$" >&2
    rm -f "/tmp/tintype-apt.$$"
    echo "apt could not install$missing: they are packages of Debian 12" >&2
    return 1
  fi
  rm -f "/tmp/tintype-apt.$$"
}
