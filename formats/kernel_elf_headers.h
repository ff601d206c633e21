// The headers of an ELF file of either class, checked, as one kind of value.
#pragma once

#include <cstdint>
#include <vector>

#include "formats/wire.h"

namespace tintype {

// System V ABI, "Program Header", p_type
inline constexpr std::uint32_t kElfLoad = 1;  // PT_LOAD
inline constexpr std::uint32_t kElfNote = 4;  // PT_NOTE

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
  std::uint64_t entry = 0;
  std::vector<ElfSegmentHeader> segments;  // PT_LOADs that occupy memory and PT_NOTEs, in file order
  // Where the file ends as far as its headers say: what follows belongs to somebody else.
  std::uint64_t file_end = 0;
};

// Reads the headers of an ELF executable for x86 (ELF64 for x86_64, ELF32 for i386 or x86_64). Errors name
// the header and its offset: not an executable, a table or a segment outside the file, more in the file than
// in memory, physical memory past 2^52, no or too many loadable segments.
Result<ElfHeaders> read_elf_headers(Bytes file);

}  // namespace tintype
