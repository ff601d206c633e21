// What the fuzz targets share.
#pragma once

#include <cstdlib>
#include <cstring>
#include <vector>

#include "formats/igvm_read_rules.h"

namespace tintype {

inline void require(bool condition) {
  if (!condition) std::abort();
}

// Makes the sizes and the checksum in an IGVM file's fixed header right: nearly every input would end at them
// otherwise.
inline void make_plausible(std::vector<std::uint8_t>& bytes) {
  if (bytes.size() < sizeof(IGVM_FIXED_HEADER)) return;
  IGVM_FIXED_HEADER header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  header.magic = IGVM_MAGIC_VALUE;
  header.total_file_size = static_cast<std::uint32_t>(bytes.size());
  header.checksum = std::uint32_t{0};
  std::memcpy(bytes.data(), &header, sizeof(header));
  const std::size_t fixed = header.format_version == IGVM_FORMAT_VERSION_2 ? 32 : 24;
  const std::uint64_t start = header.variable_header_offset;
  const std::uint64_t size = header.variable_header_size;
  if (fixed > bytes.size() || start + size > bytes.size()) return;
  const std::uint32_t sum = igvm::crc32(0, Bytes(bytes).first(fixed));
  header.checksum = igvm::crc32(sum, Bytes(bytes).subspan(start, size));
  std::memcpy(bytes.data(), &header, sizeof(header));
}

}  // namespace tintype
