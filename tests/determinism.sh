#!/bin/sh
# tests/determinism.sh SAMPLES COMPOSE... [-- ASSETS] - the same inputs give the same bytes, whoever composes and wherever.
#
# Composes snapshots of every kind with every given compose-snapshot (builds of several compilers, say), from several
# directories, umasks, locales, time zones and numbers of processors, at other times, with inputs of other names, times and
# orders in their directories, and compares. ASSETS has the kernels of samples/fetch-debian-kernel.sh; those that are there
# take part.
set -eu
samples=$(realpath "$1")
shift
assets=
programs=
while [ $# -gt 0 ]; do
  if [ "$1" = -- ]; then
    assets=$(realpath -m "$2")
    break
  fi
  # Said from here, before the loops walk about.
  programs="$programs
$(realpath "$1")"
  shift
done
work=$(mktemp -d)
memory=
trap 'rm -rf "$work" "$memory"' EXIT

# The inputs, and the same elsewhere: other names, times, and files that were made in another order.
mkdir "$work/a" "$work/another folder"
cp "$samples/hello" "$work/a/kernel"
cp "$samples/hello.initrd" "$work/a/initrd"
cp "$samples/hello" "$work/another folder/vmlinux of mine"
cp "$samples/hello.initrd" "$work/another folder/i"
# fill DIRECTORY NAME... - a tree with files of those names, whose contents follow from them.
fill() {
  mkdir "$1"
  (umask 022
    cd "$1"
    shift
    for file; do
      mkdir -p "${file%/*}"
      echo "this is $file" > "$file"
    done
    chmod 755 ./init
    ln -s init link)
}
numbers=$(seq 1 40)
reversed=$(seq 40 -1 1)
# shellcheck disable=SC2046
fill "$work/a/root" ./init ./etc/motd $(for i in $numbers; do echo "./bin/tool$i"; done)
# shellcheck disable=SC2046
fill "$work/another folder/root" $(for i in $reversed; do echo "./bin/tool$i"; done) ./etc/motd ./init
# A tmpfs lists the newest first, where others sort by hashes of names.
if memory=$(mktemp -d /dev/shm/tintype.XXXXXX 2> /dev/null); then
  # shellcheck disable=SC2046
  fill "$memory/root" ./init ./etc/motd $(for i in $numbers; do echo "./bin/tool$i"; done)
fi
find "$work/another folder" -exec touch -h -d '1980-01-01' {} +

# A unified kernel image, on systemd's stub, with sections far behind the stub's own.
stub=/usr/lib/systemd/boot/efi/linuxx64.efi.stub
if [ -e $stub ] && command -v objcopy > /dev/null; then
  printf 'exit=7 unified' > "$work/cmdline"
  objcopy --add-section .cmdline="$work/cmdline" --change-section-vma .cmdline=0x20000000 \
    --add-section .initrd="$samples/hello.initrd" --change-section-vma .initrd=0x20100000 \
    --add-section .linux="$samples/hello" --change-section-vma .linux=0x20200000 $stub "$work/uki.efi" 2> /dev/null
else
  echo 'systemd-boot-efi and binutils are not installed: a unified kernel image did not take part'
fi

# The options of one kind of snapshot, for the current directory's $kernel, $initrd and $root.
cases='hello folders compressed recipe'
[ ! -e "$work/uki.efi" ] || cases="$cases unified"
[ ! -e "$samples/pvh-guest" ] || cases="$cases pvh"
[ ! -e "$samples/hello-arm64" ] || cases="$cases arm64 tree"
for name in cloud amd64 arm64; do
  [ -z "$assets" ] || [ ! -e "$assets/$name/vmlinuz" ] || cases="$cases debian-$name"
done
build() {
  program=$1 name=$2 to=$3
  shift 3
  case $name in
    hello) set -- "$@" "$program" build --kernel "$kernel" --initrd "$initrd" --cmdline 'exit=7 quiet' --memory 96M --cpus 3 ;;
    folders) set -- "$@" "$program" build --kernel "$kernel" --initrd "$initrd" --initrd-dir "$root" ;;
    compressed) set -- "$@" "$program" build --kernel "$kernel" --initrd-dir "$root" --initrd-compress zstd ;;
    # Written by hand or printed, and wherever it lies.
    recipe)
      "$program" build --kernel "$kernel" --initrd "$initrd" --initrd-dir "$root" --cpus 2 --smbios product=Turnip \
        --print-recipe > recipe.toml
      set -- "$@" "$program" build --recipe recipe.toml
      ;;
    unified) set -- "$@" "$program" build --kernel "$work/uki.efi" --initrd "$initrd" --append quiet ;;
    pvh) set -- "$@" "$program" build --kernel "$samples/pvh-guest" --protocol pvh --initrd "$initrd" ;;
    arm64) set -- "$@" "$program" build --kernel "$samples/hello-arm64" --initrd "$initrd" --cpus 2 ;;
    tree) set -- "$@" "$program" build --kernel "$samples/hello-arm64" --device-tree --rng-seed 00ff --gic v2 ;;
    debian-*) set -- "$@" "$program" build --kernel "$assets/${name#debian-}/vmlinuz" --initrd "$initrd" --cpus 2 ;;
  esac
  env "$@" -q -o "$to"
}

# compose PROGRAM NAME [VARIABLE=VALUE]... [COMMAND...] - each kind, in the current directory, compared with the first of it.
compose() {
  program=$1 output=$2
  shift 2
  for name in $these; do
    build "$program" "$name" "$work/$output" "$@"
    if [ ! -e "$work/first.$name" ]; then
      cp "$work/$output" "$work/first.$name"
    elif ! cmp "$work/first.$name" "$work/$output"; then
      echo "$name, composed by $program as '$output'${*:+ with $*}: not the bytes of the first compose" >&2
      exit 1
    fi
    rm "$work/$output"
  done
}

IFS='
'
for program in $programs; do
  unset IFS
  cd "$work/a"
  kernel=kernel initrd=./initrd root=root
  # Real kernels take a second each, so only the extremes of it all are theirs.
  these=$cases
  compose "$program" image.bin
  these='hello folders compressed'
  compose "$program" image.bin.tmp2 TZ=Pacific/Auckland
  compose "$program" 'other name' LC_ALL=tr_TR.UTF-8 LANG=tr_TR.UTF-8
  compose "$program" image.bin LC_ALL=de_DE.UTF-8 SOURCE_DATE_EPOCH=1
  compose "$program" image.bin -i
  if ! command -v faketime > /dev/null; then
    echo 'faketime is not installed: another time was not tried'
  elif grep -q __asan_init "$program"; then
    # Both AddressSanitizer and faketime's library stand before clock_gettime, and now and then wait for one another for ever.
    echo "$program has AddressSanitizer: another time is tried with builds that have not"
  else
    compose "$program" image.bin faketime '2001-09-09 01:46:40'
  fi
  (umask 0000 && compose "$program" image.bin)
  (umask 0177 && compose "$program" image.bin)
  cd "$work/another folder"
  kernel="$work/another folder/vmlinux of mine" initrd=i root="$work/another folder/root/"
  these=$cases
  compose "$program" image.bin HOME=/nowhere USER=nobody TZ=Asia/Kathmandu
  cd / && initrd=$work/a/initrd
  [ -z "$memory" ] || root=$memory/root
  these='hello folders compressed'
  if command -v taskset > /dev/null; then compose "$program" image.bin taskset -c 0; fi
  # To a pipe, where nothing can be sought or renamed.
  for name in $these; do build "$program" "$name" - | cmp - "$work/first.$name"; done
  IFS='
'
done
unset IFS

# The comparison can see a difference, of contents and of modes; and the orders of the two directories are two.
cd "$work/a"
order=$(ls -U root/bin)
if [ "$order" = "$(ls -U "$work/another folder/root/bin")" ] &&
  { [ -z "$memory" ] || [ "$order" = "$(ls -U "$memory/root/bin")" ]; }; then
  echo 'every directory here is listed in one order: another was not tried'
fi
differs() {
  build "$program" "$1" "$work/changed"
  if cmp -s "$work/first.$1" "$work/changed"; then
    echo "$2 gave the same bytes" >&2
    exit 1
  fi
}
kernel=kernel initrd=initrd root=root
printf x >> initrd
differs hello 'another initrd'
chmod 700 root/etc/motd
differs compressed 'another mode of a file'
echo "every compose gave the same bytes: $cases"
