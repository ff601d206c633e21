#!/bin/sh
# tests/native_digest.sh SAMPLES COMPOSE [ASSETS] - native_digest.py, which was written from the documentation, and
# compose-snapshot agree on the native digest of snapshots and of other files.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
samples=$(realpath "$1") compose=$(realpath "$2") assets=$(realpath -m "${3:-.}")
command -v python3 > /dev/null || { echo 'SKIPPED: python3 is not installed'; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

compose() {
  name=$1
  shift
  "$compose" build -q -o "$name.bin" "$@"
}
compose x86 --kernel "$samples/hello" --initrd "$samples/hello.initrd" --cmdline quiet
compose wide --kernel "$samples/hello" --cpus 5 --memory 5G --rng-seed 0011 --numa cpus=0-3,memory=4G --numa cpus=4,memory=1G
compose bare --kernel "$samples/hello" --no-acpi --memory 64M
compose acpi --kernel "$samples/hello-arm64" --initrd "$samples/hello.initrd" --cpus 3 --its
compose tree --kernel "$samples/hello-arm64" --device-tree --gic v2 --memory 3G
for kernel in cloud arm64; do
  [ ! -e "$assets/$kernel/vmlinuz" ] || compose "$kernel" --kernel "$assets/$kernel/vmlinuz" --cmdline quiet
done
# Memory that files without a machine description name, each in another way.
python3 - << 'END'
import struct
import zlib

PAGE = 4096
ELSEWHERE = 0xE0000000


def write(name, *headers):
    """A NATIVE file with a page at 0x1000 that vCPU 0 starts in, and `headers`, (type, body)."""
    context = bytearray(PAGE)
    struct.pack_into("<QQ", context, 128, 0x1000, 2)
    size = 8 + 16 + 8 + 24 + 8 + 24 + sum(8 + len(body) for _, body in headers)
    data = 24 + size
    headers = [(0x001, struct.pack("<IBBHQ", 1, 0, 0, 1, 0)), (0x302, struct.pack("<QIIIHH", 0x1000, 1, data, 0, 0, 0)),
               *headers, (0x304, struct.pack("<QIIHHI", 0, 1, data + PAGE, 0, 0, 0))]
    # The length of a VP context leaves its padding out.
    body = b"".join(struct.pack("<II", kind, 20 if kind == 0x304 else len(rest)) + rest for kind, rest in headers)
    fixed = struct.pack("<5I", 0x4D564749, 1, 24, size, data + 2 * PAGE)
    checksum = struct.pack("<I", zlib.crc32(fixed + bytes(4) + body))
    with open("memory-" + name + ".igvm", "wb") as file:
        file.write(fixed + checksum + body + b"\xf4" * PAGE + context)


def page(gpa, flags=0):
    return 0x302, struct.pack("<QIIIHH", gpa, 1, 0, flags, 0, 0)


write("none")
# A page without data has no record; the range after it does.
write("page-and-error", page(ELSEWHERE), (0x30D, struct.pack("<QII", ELSEWHERE + PAGE, 1, PAGE)))
write("unmeasured", page(ELSEWHERE, 2))
write("shared", page(ELSEWHERE, 4))
write("error", (0x30D, struct.pack("<QII", ELSEWHERE + 2 * PAGE, 1, PAGE)))
write("area", (0x301, struct.pack("<QII", PAGE, 0, 0)), (0x303, struct.pack("<QII", ELSEWHERE, 1, 0)))
END
cp "$here"/vectors/igvm/digest/native-*.igvm "$here/vectors/igvm/digest/aarch64.igvm" .

files=0
for file in *.bin *.igvm; do
  ours=$("$compose" measure --platform native "$file")
  theirs=$(python3 "$here/native_digest.py" "$file")
  if [ "$ours" != "$theirs" ]; then
    echo "$file: compose-snapshot says $ours, and native_digest.py $theirs" >&2
    exit 1
  fi
  files=$((files + 1))
done
# Digests that nothing moves would agree too.
[ "$(for file in *.bin *.igvm; do "$compose" measure --platform native "$file"; done | sort -u | wc -l)" = "$files" ]
echo "$files files, each with a digest of its own, and the same by both"
