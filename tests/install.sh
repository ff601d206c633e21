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
# No path of the build machine in what is installed.
if [ -z "${TINTYPE_SANITIZED:-}" ] && grep -rlaF "$build" "$work/usr"; then
  echo "these hold the path of the build" >&2
  exit 1
fi
echo "installed and used from there"
