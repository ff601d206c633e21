// The smallest ACPI tables that are whole.
#pragma once

#include <vector>

#include "formats/acpi.h"

namespace tintype::tiny {

// A header, and `rest` after it.
inline std::vector<std::uint8_t> table(acpi::TableSignature signature, Bytes rest = {}) {
  Buffer buffer;
  buffer.put(acpi::Header{.Signature = signature,
                          .Length = 0u,
                          .Revision = 2,
                          .Checksum = 0,
                          .OEMID = acpi::text("TINY  "),
                          .OEMTableID = acpi::text("TINYTINY"),
                          .OEMRevision = 1u,
                          .CreatorID = acpi::text("TINY"),
                          .CreatorRevision = 1u});
  buffer.write(rest);
  acpi::seal(buffer.bytes());
  return buffer.bytes();
}

// A definition block: Name (TINY, Zero).
inline std::vector<std::uint8_t> ssdt() {
  return table(acpi::text("SSDT"), std::vector<std::uint8_t>{0x08, 'T', 'I', 'N', 'Y', 0x00});
}

}  // namespace tintype::tiny
