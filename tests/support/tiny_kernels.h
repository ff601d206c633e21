// Kernels of a few hundred bytes, made in code: ELF files, bzImages and Images as tests want them, valid or
// broken.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/kernel.h"
#include "formats/linux_boot.h"

namespace tintype::tiny {

using File = std::vector<std::uint8_t>;

// One program header and its bytes.
struct ElfSegment {
  std::uint64_t gpa = 0;
  std::uint64_t vaddr = 0;
  File data;
  std::uint64_t memory_size = 0;
  std::uint32_t type = 1;  // PT_LOAD
  std::uint64_t alignment = 1;
};

struct ElfSpec {
  std::uint8_t elf_class = 2;
  std::uint8_t data = 1;
  std::uint16_t type = 2;
  std::uint16_t machine = 62;
  std::uint64_t entry = 0;
  std::vector<ElfSegment> segments;
  File after;  // what follows the file: Linux's relocation table
};

// A kernel at 1 MiB that only halts, with data and 8 KiB of zeroes at 2 MiB, linked and entered at physical
// addresses. It is Linux by its banner, if it has one.
ElfSpec elf_spec(std::string banner = "Linux version 6.99.0-tiny (tests) #1 SMP\n");
// The ELF file of `spec`, of the class that it says: header, program headers, then each segment's bytes.
File elf(const ElfSpec& spec = elf_spec());

// A PT_NOTE segment with one note, padded to `alignment`.
ElfSegment note_segment(std::string_view name, std::uint32_t type, Bytes description,
                        std::uint64_t alignment = 4);
// Xen's XEN_ELFNOTE_PHYS32_ENTRY with a 32-bit address.
ElfSegment pvh_note(std::uint32_t entry);

// A Linux at 16 MiB whose places to correct are where its relocation table says: a 32-bit and a 64-bit
// address, and a 32-bit difference, each of its own start. `lists` is 3, or 2 as in kernels without the
// differences.
ElfSpec relocatable_spec(int lists = 3);
inline constexpr std::uint64_t kRelocatableBase = 16 * kMiB;

// `bytes` as the named tool would pack a kernel, without the size that bzImages append. `kind` is a
// compression.
File compress(FileKind kind, Bytes bytes);

struct BzImageSpec {
  SetupHeader header;  // payload_*, syssize and setup_sects are filled in by bzimage()
  std::string version = "6.99.0-tiny (tests) #1";
  FileKind compression = FileKind::zstd;  // elf64: the kernel as it is
  File kernel;                            // what is packed
  // The packed payload, if it is not to be made from `kernel`; with its size appended.
  File payload;
};

// Protocol 2.15, 64-bit entry, tiny::elf() packed.
BzImageSpec bzimage_spec(FileKind compression = FileKind::zstd);
File bzimage(const BzImageSpec& spec = bzimage_spec());
// The offset of the payload in every file of bzimage().
inline constexpr std::uint64_t kPayloadOffset = 0x400 + 0x40;

// An arm64 Image (Linux Documentation/arch/arm64/booting.rst, 4): its header, code that waits for ever, and
// a banner, by which it is Linux.
struct Arm64ImageSpec {
  std::uint32_t code0 = 0x14000010;  // b .+64, over the header
  std::uint32_t code1 = 0;
  std::uint64_t text_offset = 0;
  std::uint64_t image_size = 0x20000;
  std::uint64_t flags = 0xA;  // little-endian, pages of 4 KiB, anywhere
  std::uint32_t res5 = 0;
  std::string banner = "Linux version 6.99.0-tiny (tests) #1 SMP\n";
};
File arm64_image(const Arm64ImageSpec& spec = {});

// A vmlinux for AArch64: arm64_image() linked at a virtual address, data 64 KiB after it, and 64 KiB of
// zeroes 64 KiB after that; the header asks for 64 KiB more. Its Image is therefore `kArm64ElfBytes` long.
ElfSpec arm64_elf_spec(const Arm64ImageSpec& image = {});
File arm64_elf();
inline constexpr std::uint64_t kArm64Base = 0xFFFF800008000000;
inline constexpr std::uint64_t kArm64ElfBytes = 0x10008;
inline constexpr std::uint64_t kArm64ElfMemory = 0x40000;

// An EFI zboot kernel (Linux drivers/firmware/efi/libstub/zboot-header.S) of `image`.
struct ZbootSpec {
  FileKind compression = FileKind::gzip;
  std::string type = "gzip";  // at most 32 characters
  std::uint16_t machine = 0xAA64;
  File image = arm64_image();
  bool sized = false;  // the unpacked size is in the payload's own size; it follows the payload anyway
};
ZbootSpec zboot_spec(FileKind compression);
File zboot(const ZbootSpec& spec = {});
// Where in every file of zboot() the payload is.
inline constexpr std::uint64_t kZbootPayload = 0x180;

}  // namespace tintype::tiny
