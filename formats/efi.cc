#include "formats/efi.h"

#include <cassert>

#include "formats/igvm_read_rules.h"

namespace tintype::efi {

std::uint32_t crc32(Bytes bytes) {
  return igvm::crc32(0, bytes);
}

SystemTable sealed(SystemTable table) {
  table.Hdr.CRC32 = 0u;
  table.Hdr.CRC32 = crc32(bytes_of(table));
  return table;
}

std::vector<std::uint8_t> utf16_of(std::string_view text) {
  Buffer buffer;
  for (const char c : text) {
    assert(c >= 0x20 && c < 0x7F);
    buffer.put(le16(static_cast<std::uint16_t>(c)));
  }
  buffer.put(le16(std::uint16_t{0}));
  return std::move(buffer.bytes());
}

MemoryDescriptor descriptor(std::uint32_t type, GpaRange range) {
  assert(!range.empty() && range == range.to_pages());
  return {.Type = type,
          .Padding = 0u,
          .PhysicalStart = range.start,
          .VirtualStart = std::uint64_t{0},
          .NumberOfPages = pages_of(range.size()),
          .Attribute = kMemoryWriteBack};
}

}  // namespace tintype::efi
