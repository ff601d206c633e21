// The headers of an ELF file of either class, checked, as one kind of value.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "formats/wire.h"

namespace tintype {

// System V ABI, "Program Header", p_type
inline constexpr std::uint32_t kElfLoad = 1;  // PT_LOAD
inline constexpr std::uint32_t kElfNote = 4;  // PT_NOTE

// System V ABI, "ELF Header", e_machine
inline constexpr std::uint16_t kElf386 = 3;        // EM_386
inline constexpr std::uint16_t kElfX86_64 = 62;    // EM_X86_64
inline constexpr std::uint16_t kElfAarch64 = 183;  // EM_AARCH64

// System V ABI, "ELF Header": ELF64
struct Elf64Header {
  std::array<std::uint8_t, 16> e_ident;  // 00
  le16 e_type;                           // 10
  le16 e_machine;                        // 12
  le32 e_version;                        // 14
  le64 e_entry;                          // 18
  le64 e_phoff;                          // 20
  le64 e_shoff;                          // 28
  le32 e_flags;                          // 30
  le16 e_ehsize;                         // 34
  le16 e_phentsize;                      // 36
  le16 e_phnum;                          // 38
  le16 e_shentsize;                      // 3A
  le16 e_shnum;                          // 3C
  le16 e_shstrndx;                       // 3E
};
static_assert(sizeof(Elf64Header) == 64 && Wire<Elf64Header>);

// System V ABI, "Program Header": ELF64
struct Elf64ProgramHeader {
  le32 p_type;    // 00
  le32 p_flags;   // 04
  le64 p_offset;  // 08
  le64 p_vaddr;   // 10
  le64 p_paddr;   // 18
  le64 p_filesz;  // 20
  le64 p_memsz;   // 28
  le64 p_align;   // 30
};
static_assert(sizeof(Elf64ProgramHeader) == 56 && Wire<Elf64ProgramHeader>);

// A program header whose bytes, if it has any, lie in the file.
struct ElfSegmentHeader {
  std::uint64_t at = 0;  // where it is in the file
  std::uint64_t index = 0;
  std::uint32_t type = 0;
  std::uint64_t vaddr = 0;
  std::uint64_t paddr = 0;
  std::uint64_t memory_size = 0;
  std::uint64_t alignment = 0;
  std::uint64_t offset = 0;  // of its bytes in the file
  Bytes data;
};

struct ElfHeaders {
  bool is64 = true;
  std::uint16_t machine = 0;          // one of those above
  bool position_independent = false;  // ET_DYN, of AArch64 only
  std::uint64_t entry = 0;
  std::vector<ElfSegmentHeader> segments;  // PT_LOADs that occupy memory and PT_NOTEs, in file order
  // Where the file ends as far as its headers say: what follows belongs to somebody else.
  std::uint64_t file_end = 0;
};

// Reads the headers of an ELF executable for x86 (ELF64 for x86_64, ELF32 for i386 or x86_64) or AArch64
// (ELF64). Errors name the header and its offset: not an executable, a table or a segment outside the file,
// more in the file than in memory, memory past the end of addresses (2^52 for x86; 2^64 for AArch64, whose
// physical addresses may be virtual ones), no or too many loadable segments.
Result<ElfHeaders> read_elf_headers(Bytes file);

}  // namespace tintype
