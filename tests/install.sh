#!/bin/sh
# tests/install.sh BUILD - what `cmake --install` puts in place works from there.
set -eu
build=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
DESTDIR="$work" cmake --install "$build" --prefix /usr > "$work/log" || { cat "$work/log" >&2; exit 1; }
for tool in compose-snapshot run-snapshot; do
  "$work/usr/bin/$tool" --version | grep -qE "^$tool [0-9]+\.[0-9]+\.[0-9]+$"
  "$work/usr/bin/$tool" --help | grep -q 'Exit status'
  page="$work/usr/share/man/man1/$tool.1"
  [ -s "$page" ]
  if command -v groff > /dev/null; then
    warnings=$(groff -t -man -Tutf8 -ww "$page" 2>&1 > /dev/null)
    [ -z "$warnings" ] || { echo "$tool.1: $warnings" >&2; exit 1; }
  fi
done
"$work/usr/bin/compose-snapshot" build -q -o "$work/image.bin" --kernel "$build/samples/hello"
"$work/usr/bin/compose-snapshot" inspect "$work/image.bin" | grep -q 'protocol linux-x86_64'
for tool in compose-snapshot run-snapshot; do
  bash -n "$work/usr/share/bash-completion/completions/$tool"
done
# No path of the build machine in what is installed.
if [ -z "${TINTYPE_SANITIZED:-}" ] && grep -rlaF "$build" "$work/usr"; then
  echo "these hold the path of the build" >&2
  exit 1
fi

# Another project finds the package there, composes with it, and again only when an input has changed.
mkdir -p "$work/project/root"
cd "$work/project"
cp "$build/samples/hello" "$build/samples/hello.initrd" .
echo one > root/file
cat > CMakeLists.txt << 'END'
cmake_minimum_required(VERSION 3.25)
project(other LANGUAGES NONE)
find_package(Tintype 0.1 REQUIRED)
tintype_add_snapshot(image KERNEL hello INITRD hello.initrd INITRD_DIR root CMDLINE "exit=7 a;b" MEMORY 96M CPUS 3
  OUTPUT out/image.bin)
tintype_add_snapshot(plain KERNEL hello OPTIONS --rng-seed=00 DEPENDS extra)
get_target_property(path image TINTYPE_SNAPSHOT)
file(WRITE ${CMAKE_BINARY_DIR}/path "${path}")
END
echo > extra
project() { cmake --build b > log 2>&1 || { cat log >&2; exit 1; }; }
# composed WHAT TARGET... - the last build composed these and no others.
composed() {
  what=$1
  shift
  for target in "$@"; do echo "$target"; done > wanted
  sed -n 's/.*Composing //p' log | sort | cmp -s - wanted ||
    { echo "after $what: composed $(sed -n 's/.*Composing //p' log | tr '\n' ' ')and not $*" >&2; exit 1; }
}
cmake -B b -G Ninja -DCMAKE_PREFIX_PATH="$work/usr" > log 2>&1 || { cat log >&2; exit 1; }
project && composed 'the first build' image plain
"$work/usr/bin/compose-snapshot" build -q -o by-hand --kernel hello --initrd hello.initrd --initrd-dir root \
  --cmdline 'exit=7 a;b' --memory 96M --cpus 3
cmp by-hand "$(cat b/path)"
project && composed 'nothing'
sleep 1
touch hello && project && composed 'a touched kernel' image plain
cmp by-hand "$(cat b/path)"
touch hello.initrd && project && composed 'a touched initrd' image
echo two > root/file && project && composed 'a changed file of a directory' image
if cmp -s by-hand "$(cat b/path)"; then echo "a changed file of a directory changed nothing" >&2; exit 1; fi
echo three > root/more && project && composed 'a new file in a directory' image
touch extra && project && composed 'a touched file under DEPENDS' plain
echo 'tintype_add_snapshot(wrong MEMORY 1G)' >> CMakeLists.txt
if cmake -B b > log 2>&1; then echo "a snapshot of nothing was taken" >&2; exit 1; fi
grep -q 'neither RECIPE nor KERNEL' log
echo "installed and used from there"
