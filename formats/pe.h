// PE files ("Portable Executable": EFI programs and unified kernel images) as a list of named sections.
// Source: Microsoft, PE Format.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/wire.h"

namespace tintype {

// PE Format, "COFF File Header": loaders take no image with more sections than this.
inline constexpr std::uint64_t kMaxPeSections = 96;

struct PeSection {
  // At most 8 characters; what is not printable ASCII reads '?'. A name that a linker put in the string table
  // reads as the header has it, "/4".
  std::string name;
  // The section's bytes in the file, without their padding: the smaller of VirtualSize and SizeOfRawData.
  Bytes data;
  std::uint64_t offset = 0;       // of `data` in the file; 0 where there is none
  std::uint64_t memory_size = 0;  // VirtualSize; what is over data.size() is zero-filled in memory
};

struct PeFile {
  std::uint16_t machine = 0;        // PE Format, "Machine Types": 0x8664 is x86_64, 0xAA64 is AArch64
  std::vector<PeSection> sections;  // in the table's order, 1 to kMaxPeSections
};

// Reads the headers of a 64-bit image (PE32+); `data` borrows from `file`. Errors: no PE image or a 32-bit
// one, headers or a section that end past the file, no sections or too many.
Result<PeFile> read_pe(Bytes file);

}  // namespace tintype
