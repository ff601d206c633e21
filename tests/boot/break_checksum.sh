#!/bin/sh
# tests/boot/break_checksum.sh IMAGE REGION COMPOSE - adds one to the checksum byte of the ACPI table in REGION of a
# snapshot, in place, for tests of what a guest says to that.
set -eu
image=$1 region=$2 compose_snapshot=$3
start=$("$compose_snapshot" inspect --json "$image" |
  jq -r --arg name "$region" '.regions[] | select(.name == $name) | .file_offset // empty')
[ -n "$start" ] || { echo "break_checksum.sh: $image has no bytes for a region $region" >&2; exit 1; }
# ACPI 6.5, 5.2.6: the table's Checksum field.
offset=$((start + 9))
byte=$(od -An -t u1 -j "$offset" -N 1 "$image" | tr -d ' ')
# shellcheck disable=SC2059
printf "\\$(printf %03o $(((byte + 1) % 256)))" | dd of="$image" bs=1 seek="$offset" conv=notrunc status=none
