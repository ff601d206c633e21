#include "formats/acpi.h"

#include <cassert>
#include <cstring>

namespace tintype::acpi {

std::string signature_text(TableSignature signature) {
  std::string text;
  for (const std::uint8_t byte : signature)
    text += byte >= 0x20 && byte < 0x7F ? static_cast<char>(byte) : '?';
  return text;
}

std::uint8_t checksum(Bytes bytes) {
  unsigned sum = 0;
  for (const std::uint8_t byte : bytes) sum += byte;
  return static_cast<std::uint8_t>(0u - sum);
}

void seal(std::span<std::uint8_t> table) {
  assert(table.size() >= sizeof(Header) && table.size() <= UINT32_MAX);
  Header header;
  std::memcpy(&header, table.data(), sizeof(header));
  header.Length = static_cast<std::uint32_t>(table.size());
  header.Checksum = 0;
  std::memcpy(table.data(), &header, sizeof(header));
  header.Checksum = checksum(table);
  std::memcpy(table.data(), &header, sizeof(header));
}

Rsdp sealed(Rsdp rsdp) {
  rsdp.Checksum = 0;
  rsdp.ExtendedChecksum = 0;
  rsdp.Checksum = checksum(bytes_of(rsdp).first(kRsdpFirstChecksumSize));
  rsdp.ExtendedChecksum = checksum(bytes_of(rsdp));
  return rsdp;
}

}  // namespace tintype::acpi
