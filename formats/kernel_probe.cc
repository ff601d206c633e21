// What a file is, by its first bytes. Each magic number is cited where it is not the format's own, well-known
// one.
#include <algorithm>
#include <array>
#include <cstring>

#include "formats/kernel.h"
#include "formats/kernel_elf_headers.h"
#include "formats/kernel_zboot.h"
#include "formats/linux_boot.h"

namespace tintype {

namespace {

struct Magic {
  std::uint64_t offset;
  std::string_view bytes;
  FileKind kind;
  std::string_view description;
};

using namespace std::string_view_literals;

// The first that matches wins.
constexpr Magic kMagics[] = {
    {0, "IGVM"sv, FileKind::igvm, "an IGVM file (a snapshot)"},
    {0, "\xD0\x0D\xFE\xED"sv, FileKind::fdt, "a flattened device tree"},
    {0, "\x1F\x8B"sv, FileKind::gzip, "a gzip-compressed file"},
    {0,
     "\xFD"
     "7zXZ\0"sv,
     FileKind::xz, "an xz-compressed file"},
    {0, "\x89LZO\0\r\n\x1A\n"sv, FileKind::lzo, "an LZO-compressed file"},
    {0, "\x02\x21\x4C\x18"sv, FileKind::lz4, "an LZ4-compressed file"},
    {0, "\x04\x22\x4D\x18"sv, FileKind::lz4, "an LZ4-compressed file"},
    {0, "\x28\xB5\x2F\xFD"sv, FileKind::zstd, "a Zstandard-compressed file"},
    // Linux Documentation/driver-api/early-userspace/buffer-format.rst; cpio(5) for the old ones.
    {0, "070701"sv, FileKind::cpio, "a cpio archive (newc)"},
    {0, "070702"sv, FileKind::cpio, "a cpio archive (newc with checksums)"},
    {0, "070707"sv, FileKind::cpio, "a cpio archive (odc)"},
    {0, "\xC7\x71"sv, FileKind::cpio, "a cpio archive (old binary)"},
    {0, "\x71\xC7"sv, FileKind::cpio, "a cpio archive (old binary, big-endian)"},
    {0, "!<arch>\ndebian-binary"sv, FileKind::deb, "a Debian package"},
    {0, "!<arch>\n"sv, FileKind::ar, "an ar archive"},
    {0, "hsqs"sv, FileKind::squashfs, "a squashfs image"},
    {0, "QFI\xFB"sv, FileKind::qcow2, "a qcow2 disk image"},
    // Linux Documentation/filesystems/ext4/super.rst: the superblock is at 1024, s_magic at 0x38 in it.
    {1024 + 0x38, "\x53\xEF"sv, FileKind::ext4, "an ext2, ext3 or ext4 file system image"},
    // ECMA-119, 8.1: volume descriptors start in sector 16 of 2048 bytes.
    {16 * 2048 + 1, "CD001"sv, FileKind::iso9660, "an ISO 9660 image"},
};

bool has(Bytes file, std::uint64_t offset, std::string_view magic) {
  return offset <= file.size() && magic.size() <= file.size() - offset &&
         std::memcmp(file.data() + offset, magic.data(), magic.size()) == 0;
}

// The value at `offset`, or 0 where the file is too short: no magic number is 0.
template <typename T>
T peek(Bytes file, std::uint64_t offset) {
  return read_at<T>(file, offset, "").value_or(T(0));
}

// System V ABI, e_machine; LLVM and binutils know the rest.
std::string elf_machine_name(std::uint16_t machine) {
  switch (machine) {
    case 3:
      return "32-bit x86";
    case 8:
      return "MIPS";
    case 20:
      return "PowerPC";
    case 21:
      return "64-bit PowerPC";
    case 22:
      return "S/390";
    case 40:
      return "32-bit Arm";
    case 43:
      return "SPARC";
    case 62:
      return "x86_64";
    case 183:
      return "AArch64";
    case 243:
      return "RISC-V";
    case 247:
      return "BPF";
    case 258:
      return "LoongArch";
    default:
      return fmt::format("machine number {}", machine);
  }
}

// The file must have e_ident, e_type and e_machine, which are at the same place in both classes.
FileProbe probe_elf(Bytes file) {
  constexpr std::uint8_t kBigEndian = 2;
  const bool is64 = file[4] == 2;
  const bool big = file[5] == kBigEndian;
  std::uint16_t type = peek<le16>(file, 16);
  std::uint16_t machine = peek<le16>(file, 18);
  if (big) {
    type = __builtin_bswap16(type);
    machine = __builtin_bswap16(machine);
  }
  // ET_REL, ET_DYN, ET_CORE; a kernel is ET_EXEC, or ET_DYN where it relocates itself.
  std::string_view what = "kernel";
  if (type == 1) what = "object file";
  if (type == 3) what = "position-independent program";
  if (type == 4) what = "core dump";
  return {.kind = is64 ? FileKind::elf64 : FileKind::elf32,
          .elf_machine = machine,
          .description = fmt::format("an {} {} for {}{}", is64 ? "ELF64" : "ELF32", what,
                                     elf_machine_name(machine), big ? " (big-endian)" : ""),
          .arch = machine == kElfX86_64    ? std::optional(Arch::x86_64)
                  : machine == kElfAarch64 ? std::optional(Arch::aarch64)
                                           : std::nullopt};
}

// PE Format, "Machine Types".
std::string_view pe_machine_name(std::uint16_t machine) {
  switch (machine) {
    case 0x14C:
      return "32-bit x86";
    case 0x8664:
      return "x86_64";
    case 0xAA64:
      return "AArch64";
    case 0x5064:
      return "RISC-V";
    case 0x6264:
      return "LoongArch";
    default:
      return "an unnamed machine";
  }
}

std::optional<Arch> pe_arch(std::uint16_t machine) {
  if (machine == 0x8664) return Arch::x86_64;
  if (machine == 0xAA64) return Arch::aarch64;
  return std::nullopt;
}

// What an EFI program is that holds no kernel in a section .linux. Linux drivers/firmware/efi/libstub/
// zboot-header.S; include/linux/pe.h, LINUX_PE_MAGIC, which its other kernels with this header have too.
std::string_view pe_program(Bytes file) {
  if (is_zboot(file)) return "zboot kernel";
  return peek<le32>(file, 0x38) == 0x818223CD ? "Linux kernel" : "program (PE)";
}

// PE Format, "COFF File Header" and "Section Table".
FileProbe probe_pe(Bytes file, std::uint64_t header) {
  const std::uint16_t machine = peek<le16>(file, header + 4);
  const std::uint16_t sections = peek<le16>(file, header + 6);
  const std::uint64_t table = header + 24 + peek<le16>(file, header + 20);
  for (std::uint64_t i = 0; i < sections; ++i)
    if (has(file, table + 40 * i, ".linux\0\0"sv))
      return {.kind = FileKind::uki,
              .elf_machine = std::nullopt,
              .description = fmt::format("a unified kernel image for {}", pe_machine_name(machine)),
              .arch = pe_arch(machine)};
  return {.kind = FileKind::pe,
          .elf_machine = std::nullopt,
          .description = fmt::format("an EFI {} for {}", pe_program(file), pe_machine_name(machine)),
          .arch = pe_arch(machine)};
}

// XZ Utils doc/lzma-file-format.txt: a properties byte below 225, a dictionary size, an unpacked size, which
// is unknown or believable. Kernels have lc=3, lp=0, pb=2, 0x5D.
bool is_lzma(Bytes file) {
  if (file.size() < 13 || file[0] != 0x5D) return false;
  const std::uint32_t dictionary = peek<le32>(file, 1);
  const std::uint64_t size = peek<le64>(file, 5);
  const bool round = dictionary != 0 && (dictionary & (dictionary - 1)) == 0;
  const bool round_sum =
      dictionary % 3 == 0 && dictionary != 0 && ((dictionary / 3) & (dictionary / 3 - 1)) == 0;
  return (round || round_sum) && (size == ~std::uint64_t{0} || size < 256 * kGiB);
}

// The first line of a script names its interpreter.
FileProbe probe_script(Bytes file) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()),
                              std::min<std::size_t>(file.size(), 128));
  std::string_view line = text.substr(0, text.find('\n'));
  const std::size_t end = line.find_last_not_of(" \t\r");
  line = line.substr(0, end + 1);
  // "#!/bin/sh -e" and "#!/usr/bin/env bash" alike.
  const bool shell = line.ends_with("sh") || line.find("sh ") != line.npos;
  return {.kind = FileKind::script,
          .elf_machine = std::nullopt,
          .description = shell ? "a shell script" : "a script"};
}

// UTF-8 or any 8-bit text: no control characters but white space.
bool is_text(Bytes file) {
  const Bytes start = file.first(std::min<std::size_t>(file.size(), 512));
  return std::all_of(start.begin(), start.end(), [](std::uint8_t byte) {
    return (byte >= 0x20 && byte != 0x7F) || (byte >= '\t' && byte <= '\r');
  });
}

FileProbe named(FileKind kind, std::string_view description, std::optional<Arch> arch = std::nullopt) {
  return {.kind = kind, .elf_machine = std::nullopt, .description = std::string(description), .arch = arch};
}

}  // namespace

std::optional<std::string_view> compression_name(FileKind kind) {
  switch (kind) {
    case FileKind::gzip:
      return "gzip";
    case FileKind::bzip2:
      return "bzip2";
    case FileKind::lzma:
      return "lzma";
    case FileKind::xz:
      return "xz";
    case FileKind::lzo:
      return "lzo";
    case FileKind::lz4:
      return "lz4";
    case FileKind::zstd:
      return "zstd";
    default:
      return std::nullopt;
  }
}

namespace {

// Whether the file begins with one of the longer magic numbers of compressions. What it is compressed from
// may be in it as it was, with a magic number of its own that would be found further on.
const Magic* find_compression(Bytes file) {
  for (const Magic& magic : kMagics)
    if (compression_name(magic.kind) && magic.bytes.size() >= 4 && has(file, magic.offset, magic.bytes))
      return &magic;
  return nullptr;
}

}  // namespace

FileProbe probe(Bytes file) {
  if (file.empty()) return named(FileKind::empty, "an empty file");
  if (file.size() >= 20 &&
      has(file, 0,
          "\x7F"
          "ELF") &&
      (file[4] == 1 || file[4] == 2))
    return probe_elf(file);
  if (const Magic* compression = find_compression(file))
    return named(compression->kind, compression->description);
  // Before MZ: a kernel with an EFI stub is both.
  if (peek<le16>(file, 0x1FE) == kBootFlag && peek<le32>(file, kSetupHeaderJump) == kSetupMagic)
    return named(FileKind::bzimage, "a Linux bzImage", Arch::x86_64);
  // Linux Documentation/arch/arm64/booting.rst, 4; Documentation/arch/riscv/boot-image-header.rst.
  if (has(file, 0x38, "ARM\x64"))
    return named(FileKind::arm64_image, "a Linux kernel Image for AArch64", Arch::aarch64);
  if (has(file, 0x38, "RSC\x05")) return named(FileKind::unknown, "a Linux kernel Image for RISC-V");
  // Linux arch/arm/boot/compressed/head.S
  if (has(file, 0x24, "\x18\x28\x6F\x01")) return named(FileKind::unknown, "a Linux zImage for 32-bit Arm");
  if (has(file, 0, "MZ")) {
    const std::uint64_t header = peek<le32>(file, 0x3C);
    if (has(file, header, "PE\0\0"sv)) return probe_pe(file, header);
    if (header >= file.size()) return named(FileKind::unknown, "a DOS program, or an EFI program cut short");
    return named(FileKind::unknown, "a DOS program");
  }
  for (const Magic& magic : kMagics)
    if (has(file, magic.offset, magic.bytes)) return named(magic.kind, magic.description);
  if (has(file, 0, "BZh") && file.size() > 3 && file[3] >= '1' && file[3] <= '9')
    return named(FileKind::bzip2, "a bzip2-compressed file");
  if (is_lzma(file)) return named(FileKind::lzma, "an LZMA-compressed file");
  if (has(file, 0, "#!")) return probe_script(file);
  if (is_text(file)) return named(FileKind::text, "a text file");
  return named(FileKind::unknown, "a file of no known format");
}

}  // namespace tintype
