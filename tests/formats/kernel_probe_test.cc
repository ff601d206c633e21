#include <string>

#include "formats/kernel.h"
#include "support/test_main.h"
#include "support/tiny_kernels.h"

using namespace tintype;
using namespace std::string_view_literals;
using tiny::File;

namespace {

File file_of(std::string_view text) {
  return {text.begin(), text.end()};
}

File with(std::size_t size, std::initializer_list<std::pair<std::size_t, std::string_view>> pieces) {
  File file(size, 0);
  for (const auto& [at, text] : pieces)
    std::copy(text.begin(), text.end(), file.begin() + static_cast<std::ptrdiff_t>(at));
  return file;
}

void check(Bytes file, FileKind kind, std::string_view description) {
  const FileProbe found = probe(file);
  CHECK(found.kind == kind);
  CHECK(found.description == description);
}

File elf_for(std::uint16_t machine, std::uint8_t elf_class = 2, std::uint16_t type = 2) {
  tiny::ElfSpec spec = tiny::elf_spec();
  spec.machine = machine;
  spec.elf_class = elf_class;
  spec.type = type;
  return tiny::elf(spec);
}

}  // namespace

TEST_CASE("ELF files are named with class, type and machine") {
  check(elf_for(62), FileKind::elf64, "an ELF64 kernel for x86_64");
  check(elf_for(183), FileKind::elf64, "an ELF64 kernel for AArch64");
  check(elf_for(243), FileKind::elf64, "an ELF64 kernel for RISC-V");
  check(elf_for(3, 1), FileKind::elf32, "an ELF32 kernel for 32-bit x86");
  check(elf_for(62, 2, 1), FileKind::elf64, "an ELF64 object file for x86_64");
  check(elf_for(62, 2, 3), FileKind::elf64, "an ELF64 position-independent program for x86_64");
  check(elf_for(62, 2, 4), FileKind::elf64, "an ELF64 core dump for x86_64");
  check(elf_for(4711), FileKind::elf64, "an ELF64 kernel for machine number 4711");
  CHECK(probe(elf_for(183)).elf_machine == 183);
  File big = elf_for(0x1600);  // 22, the other way around
  big[5] = 2;
  big[16] = 0;
  big[17] = 2;
  check(big, FileKind::elf64, "an ELF64 kernel for S/390 (big-endian)");
}

TEST_CASE("a bzImage is one although it also begins as an EFI program") {
  const File file = tiny::bzimage();
  CHECK(file[0] == 'M');
  check(file, FileKind::bzimage, "a Linux bzImage");
}

TEST_CASE("kernel images of other architectures and EFI programs are named") {
  check(with(64, {{0, "MZ"}, {0x38, "ARM\x64"}}), FileKind::arm64_image, "a Linux kernel Image for AArch64");
  check(with(64, {{0x38, "RSC\x05"}}), FileKind::unknown, "a Linux kernel Image for RISC-V");
  const auto pe = [](std::string_view machine, std::string_view section, std::string_view mark = "") {
    return with(512, {{0, "MZ"},
                      {4, mark},
                      {0x3C, "\x80"sv},
                      {0x80, "PE\0\0"sv},
                      {0x84, machine},
                      {0x86, "\2"sv},
                      {0x94, "\x10"sv},
                      {0x98 + 0x10, ".text"},
                      {0x98 + 0x10 + 40, section}});
  };
  check(pe("\x64\x86", ".data"), FileKind::pe, "an EFI program (PE) for x86_64");
  check(pe("\x64\xAA", ".data", "zimg"), FileKind::pe, "an EFI zboot kernel for AArch64");
  check(pe("\x64\x86", ".linux"), FileKind::uki, "a unified kernel image for x86_64");
  check(pe("\x64\x86", ".linuxx"), FileKind::pe, "an EFI program (PE) for x86_64");
  check(with(64, {{0, "MZ"}}), FileKind::unknown, "a DOS program");
  check(with(64, {{0, "MZ"}, {0x3C, "\xFF\xFF\xFF\xFF"sv}}), FileKind::unknown,
        "a DOS program, or an EFI program cut short");
}

TEST_CASE("what the compressions make is recognised") {
  const std::pair<FileKind, std::string_view> kinds[] = {
      {FileKind::gzip, "a gzip-compressed file"},     {FileKind::bzip2, "a bzip2-compressed file"},
      {FileKind::lzma, "an LZMA-compressed file"},    {FileKind::xz, "an xz-compressed file"},
      {FileKind::lzo, "an LZO-compressed file"},      {FileKind::lz4, "an LZ4-compressed file"},
      {FileKind::zstd, "a Zstandard-compressed file"}};
  for (const auto& [kind, description] : kinds) check(tiny::compress(kind, tiny::elf()), kind, description);
  check(file_of("\x04\x22\x4D\x18 and more"), FileKind::lz4, "an LZ4-compressed file");
  CHECK(compression_name(FileKind::lz4) == "lz4");
  CHECK_FALSE(compression_name(FileKind::elf64).has_value());
}

TEST_CASE("initrds, scripts and other files are named") {
  check(file_of("070701000000"), FileKind::cpio, "a cpio archive (newc)");
  check(file_of("070702000000"), FileKind::cpio, "a cpio archive (newc with checksums)");
  check(file_of("070707000000"), FileKind::cpio, "a cpio archive (odc)");
  check(file_of("\xC7\x71\x01\x02"), FileKind::cpio, "a cpio archive (old binary)");
  check(file_of("\x71\xC7\x01\x02"), FileKind::cpio, "a cpio archive (old binary, big-endian)");
  check(file_of("#!/bin/sh\necho\n"), FileKind::script, "a shell script");
  check(file_of("#!/bin/sh -e\n"), FileKind::script, "a shell script");
  check(file_of("#!/usr/bin/env bash  \n"), FileKind::script, "a shell script");
  check(file_of("#!/usr/bin/python3\n"), FileKind::script, "a script");
  check(file_of("#!"), FileKind::script, "a script");
  check(file_of("Kernels are in /boot.\n\tGr\xC3\xBC\xC3\x9F"
                "e\n"),
        FileKind::text, "a text file");
  check(file_of("IGVM\2\0\0\0"sv), FileKind::igvm, "an IGVM file (a snapshot)");
  check(file_of("\xD0\x0D\xFE\xED\0\0"sv), FileKind::fdt, "a flattened device tree");
  check(file_of("hsqs\1\2"), FileKind::squashfs, "a squashfs image");
  check(file_of("QFI\xFB\0\0"sv), FileKind::qcow2, "a qcow2 disk image");
  check(with(2048, {{1080, "\x53\xEF"}}), FileKind::ext4, "an ext2, ext3 or ext4 file system image");
  check(with(40000, {{32769, "CD001"}}), FileKind::iso9660, "an ISO 9660 image");
  check(file_of("!<arch>\ndebian-binary   1410122664"), FileKind::deb, "a Debian package");
  check(file_of("!<arch>\n/               0"), FileKind::ar, "an ar archive");
  check({}, FileKind::empty, "an empty file");
  check(file_of("\1\2\3\4"), FileKind::unknown, "a file of no known format");
  check(with(3, {}), FileKind::unknown, "a file of no known format");
}

TEST_CASE("every prefix of a recognised file has a description") {
  for (const File& file : {tiny::elf(), tiny::bzimage(), tiny::compress(FileKind::xz, tiny::elf())})
    for (std::size_t size = 0; size <= file.size(); ++size) {
      const File prefix(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
      REQUIRE_FALSE(probe(prefix).description.empty());
    }
}

TEST_CASE("an Image that zstd left readable is still compressed") {
  File file = tiny::arm64_image();
  const std::string_view magic = "\x28\xB5\x2F\xFD";
  std::copy(magic.begin(), magic.end(), file.begin());
  CHECK(probe(file).kind == FileKind::zstd);
  CHECK(probe(tiny::arm64_image()).kind == FileKind::arm64_image);
}

TEST_CASE("programs for our architectures say so") {
  CHECK(probe(tiny::elf()).arch == Arch::x86_64);
  CHECK(probe(tiny::arm64_elf()).arch == Arch::aarch64);
  CHECK(probe(tiny::bzimage()).arch == Arch::x86_64);
  CHECK(probe(tiny::arm64_image()).arch == Arch::aarch64);
  CHECK(probe(tiny::zboot()).arch == Arch::aarch64);
  tiny::ZbootSpec spec;
  spec.machine = 0x5064;
  CHECK(probe(tiny::zboot(spec)).arch == std::nullopt);
  CHECK(probe(tiny::compress(FileKind::gzip, tiny::elf())).arch == std::nullopt);
  File loongarch = tiny::zboot();
  std::fill_n(loongarch.begin() + 4, 4, std::uint8_t{0});
  loongarch[0x44] = 0x64;
  loongarch[0x45] = 0x62;
  CHECK(probe(loongarch).description == "an EFI Linux kernel for LoongArch");
}
