#!/usr/bin/env python3
"""tests/native_digest.py FILE... - the native launch digest of each file, from the file's bytes.

Written from formats/NATIVE-DIGEST.md, formats/SNAPSHOT.md and the IGVM format's igvm_defs, and sharing nothing with the
programs: that it agrees with `compose-snapshot measure` says that the page says what the programs do. For files that are
in order; it checks next to nothing.
"""

import hashlib
import struct
import sys

PAGE = 4096
NATIVE, VSM_ISOLATION = 0, 1
PARAMETERS = {0x307, 0x308, 0x309, 0x30A, 0x30C, 0x30E, 0x30F, 0x310, 0x312, 0x313}
# HvArm64RegisterName of the Hypervisor Top Level Functional Specification, and what a register starts with.
ARM64 = [(0x20000 + i, 0) for i in range(8)] + [
    (0x20022, 0), (0x20023, 0x3C5), (0x40002, 0x30D00800), (0x40005, 0), (0x40006, 0), (0x40007, 0), (0x4000B, 0),
    (0x4000C, 0)]


def headers(data):
    version, offset, size = struct.unpack_from("<III", data, 4)
    arch = struct.unpack_from("<I", data, 24)[0] if version == 2 else 0
    found = []
    at = offset
    while at < offset + size:
        kind, length = struct.unpack_from("<II", data, at)
        found.append((kind & 0x7FFFFFFF, data[at + 8:at + 8 + length]))
        at += 8 + (length + 7) // 8 * 8
    return ("aarch64" if arch == 1 else "x86_64"), found


def tree_of(data):
    """The machine description as {path: {property: bytes}}, or None."""
    footer = data[-64:]
    if footer[:8] != b"TINTYPE\0":
        return None
    size = struct.unpack_from("<I", footer, 12)[0]
    blob = data[-64 - size:-64]
    structure, strings = struct.unpack_from(">II", blob, 8)
    nodes, path, at = {}, [], structure
    while True:
        token = struct.unpack_from(">I", blob, at)[0]
        at += 4
        if token == 1:
            end = blob.index(b"\0", at)
            path.append(blob[at:end].decode())
            nodes["/".join(path) or "/"] = {}
            at = (end + 4) // 4 * 4
        elif token == 2:
            path.pop()
        elif token == 3:
            length, name = struct.unpack_from(">II", blob, at)
            name = blob[strings + name:blob.index(b"\0", strings + name)].decode()
            nodes["/".join(path) or "/"][name] = blob[at + 8:at + 8 + length]
            at += 8 + (length + 3) // 4 * 4
        elif token == 9:
            return nodes


def number(value):
    return struct.pack("<Q", value)


def text(value):
    return number(len(value)) + value.encode()


def string(value):
    return value.rstrip(b"\0").decode()


def cells(value):
    return struct.unpack(">%dI" % (len(value) // 4), value)


def wide(value):
    words = cells(value)
    return [words[i] << 32 | words[i + 1] for i in range(0, len(words), 2)]


def machine_of(nodes, arch):
    root = nodes["/"]
    out = number(1) + number(cells(root["vcpus"])[0]) + number(cells(root["numa-nodes"])[0] if "numa-nodes" in root else 0)
    if arch == "aarch64":
        out += text(string(root["gic"])) + number(1 if "its" in root else 0)
    devices = [(path, node) for path, node in nodes.items() if path.startswith("/devices/")]
    out += number(len(devices))
    for path, node in devices:
        base, size = wide(node["reg"])
        out += text(path.split("/")[2].split("@")[0]) + text(string(node["compatible"])) + text(string(node["space"]))
        out += number(base) + number(size) + number(cells(node["count"])[0])
        out += number(cells(node["gsi"])[0] + 1 if "gsi" in node else 0)
    return out


def registers_x86(data, offset):
    gpr = struct.unpack_from("<18Q", data, offset)
    idtr_base, idtr_limit, gdtr_limit, gdtr_base = struct.unpack_from("<QH4xHQ", data, offset + 144)
    code = struct.unpack_from("<HHII", data, offset + 168)
    cpu_data = struct.unpack_from("<HHII", data, offset + 180)
    return list(gpr) + list(struct.unpack_from("<5Q", data, offset + 192)) + [
        idtr_base, idtr_limit, gdtr_base, gdtr_limit, *code, *cpu_data]


def registers_arm64(data, offset):
    values = dict(ARM64)
    for i in range(struct.unpack_from("<I", data, offset)[0]):
        entry = offset + 4 + 32 * i
        values[struct.unpack_from("<I", data, entry + 1)[0]] = struct.unpack_from("<Q", data, entry + 16)[0]
    return [values[name] for name, _ in ARM64]


def native_digest(data):
    arch, found = headers(data)
    mask = 0
    for kind, body in found:
        if kind == 1:
            bit, vtl, platform = struct.unpack_from("<IBB", body)
            if platform == (NATIVE if arch == "x86_64" else VSM_ISOLATION) and (arch == "x86_64" or vtl == 0):
                mask |= bit
    nodes = tree_of(data)
    pages, parameters, vcpus, areas, values, wanted = [], [], [], {}, {}, []
    for kind, body in found:
        if kind == 0x302:  # PAGE_DATA
            gpa, bits, offset, flags, _ = struct.unpack_from("<QIIIH", body)
            if bits & mask:
                contents = data[offset:offset + PAGE] if offset else bytes(PAGE)
                page_kind = 3 if flags & 4 else 2 if flags & 2 else 1
                if page_kind != 1 or contents.strip(b"\0"):
                    pages.append((gpa, page_kind, contents))
        elif kind == 0x301:  # PARAMETER_AREA
            size, index = struct.unpack_from("<QI", body)
            areas[index], values[index] = size, []
        elif kind in PARAMETERS:
            index, offset = struct.unpack_from("<II", body)
            values[index].append((offset, kind))
        elif kind == 0x303:  # PARAMETER_INSERT
            gpa, bits, index = struct.unpack_from("<QII", body)
            if bits & mask:
                pages += [(gpa + i * PAGE, 4, b"") for i in range(areas[index] // PAGE)]
                parameters += [(gpa + offset, value) for offset, value in values[index]]
        elif kind == 0x304:  # VP_CONTEXT
            _, bits, offset, index = struct.unpack_from("<QIIH", body)
            if bits & mask:
                read = registers_x86 if arch == "x86_64" else registers_arm64
                vcpus.append((index, read(data, offset)))
        elif kind in (0x305, 0x30D):  # REQUIRED_MEMORY, ERROR_RANGE
            gpa, bits, size = struct.unpack_from("<QII", body)
            if bits & mask:
                wanted.append([gpa, gpa + size])
    if nodes is None:
        ram = wanted
    else:
        ram = []
        for path, node in nodes.items():
            if path.startswith("/memory@"):
                reg = wide(node["reg"])
                ram += [[reg[i], reg[i] + reg[i + 1]] for i in range(0, len(reg), 2)]
    joined = []
    for start, end in sorted(ram):
        if joined and start <= joined[-1][1]:
            joined[-1][1] = max(end, joined[-1][1])
        else:
            joined.append([start, end])

    out = hashlib.sha256(text("tintype native launch 1") + text(arch) + number(len(joined)))
    for start, end in joined:
        out.update(number(start) + number(end))
    out.update(number(0) if nodes is None else machine_of(nodes, arch))
    for gpa, page_kind, contents in sorted(pages):
        out.update(number(1) + number(gpa) + number(page_kind))
        if page_kind == 1:
            out.update(hashlib.sha256(contents).digest())
    for address, value in sorted(parameters):
        out.update(number(2) + number(address) + number(value))
    for index, registers in sorted(vcpus):
        out.update(number(3) + number(index) + number(len(registers)) + b"".join(map(number, registers)))
    out.update(number(0))
    return out.hexdigest()


if __name__ == "__main__":
    for name in sys.argv[1:]:
        with open(name, "rb") as file:
            print("native sha256:" + native_digest(file.read()))
