#!/bin/sh
# samples/quickstart.sh [--linux] - installs what is needed, builds Tintype, composes the hello guest and boots it.
#
# --linux then does the same with Debian's cloud kernel. Guests run on this host's /dev/kvm; where there is none, or where
# it cannot run Linux, they run in an emulated machine that has one. Stops at the first failure.
set -eu
cd "$(dirname "$0")/.."
linux=
case "${1:-}" in
  '') ;;
  --linux) linux=yes ;;
  *)
    echo "usage: samples/quickstart.sh [--linux]" >&2
    exit 2
    ;;
esac
. cmake/packages.sh

say() { printf '\n== %s\n' "$*"; }
# Shows a command and runs it.
show() {
  line=
  for word in "$@"; do
    case $word in *' '*) line="$line '$word'" ;; *) line="$line $word" ;; esac
  done
  echo "\$$line"
  "$@"
}
build=build/release
images=build/quickstart
have_kvm() { [ -r /dev/kvm ] && [ -w /dev/kvm ]; }
# kvm_pvm runs the guest's kernel mode by emulation, which covers hand-made guests and not Linux.
kvm_runs_linux() { have_kvm && [ ! -e /sys/module/kvm_pvm ]; }

# Boots $1 where there is no KVM for it: in a machine of QEMU's that has one.
boot_nested() {
  # shellcheck disable=SC2086
  install_packages $nested_packages
  samples/fetch-debian-kernel.sh cloud
  tests/boot/prepare.sh build/assets/cloud build/assets/nested
  rm -rf build/nested
  mkdir -p build/nested
  cp "$1" build/nested/image.bin
  strip -o build/nested/run-snapshot "$build/bin/run-snapshot"
  echo 'exec /run-snapshot --timeout 120 /image.bin' > build/nested/run
  echo "\$ run-snapshot ${1##*/}     (in the nested machine: tests/boot/nested.sh)"
  tests/boot/nested.sh build/assets/nested build/nested 90
}
# boot IMAGE STATUS CAN-BOOT-HERE - runs it, and expects the status.
boot() {
  status=0
  if $3; then
    show "$build/bin/run-snapshot" --timeout 120 "$1" < /dev/null || status=$?
  else
    boot_nested "$1" || status=$?
  fi
  echo "exit status $status"
  [ "$status" -eq "$2" ] || { echo "quickstart.sh: $2 was expected" >&2; exit 1; }
}

say "Will install Debian packages, build into $build, compose the hello guest and boot it${linux:+, then a kernel of Debian}"
# shellcheck disable=SC2086
install_packages $build_packages

say 'Building (some minutes the first time)'
mkdir -p "$images"
{ cmake --preset release && cmake --build --preset release --target compose-snapshot run-snapshot hello hello_initrd; } > "$images/build.log" 2>&1 ||
  { tail -n 40 "$images/build.log" >&2; echo "quickstart.sh: the build did not succeed; all of it is in $images/build.log" >&2; exit 1; }
echo "$build/bin/compose-snapshot, $build/bin/run-snapshot"

say 'Composing the hello guest'
show "$build/bin/compose-snapshot" build -o "$images/hello.bin" --kernel "$build/samples/hello" \
  --initrd "$build/samples/hello.initrd" --cmdline 'smp exit=42' --cpus 2 --memory 128M
show "$build/bin/compose-snapshot" inspect "$images/hello.bin"

say 'Booting it'
have_kvm || echo 'This host has no /dev/kvm that you may open: it boots in an emulated machine that has one.'
boot "$images/hello.bin" 42 have_kvm

if [ -n "$linux" ]; then
  say "Fetching Debian's cloud kernel, and making an initrd with busybox"
  # shellcheck disable=SC2086
  install_packages $nested_packages
  show samples/fetch-debian-kernel.sh cloud
  show samples/make-initrd.sh -o "$images/initrd" samples/linux/init

  say 'Composing it'
  show "$build/bin/compose-snapshot" build -o "$images/linux.bin" --kernel build/assets/cloud/vmlinuz \
    --initrd "$images/initrd" --cmdline 'console=ttyS0 quiet' --cpus 2 --memory 512M

  say 'Booting it'
  kvm_runs_linux || echo "This host's KVM cannot run Linux: it boots in an emulated machine whose KVM can."
  boot "$images/linux.bin" 0 kvm_runs_linux
fi

say "Done. The snapshots are in $images; README.md goes on from here."
