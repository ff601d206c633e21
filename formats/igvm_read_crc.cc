// CRC-32 over zlib.
#include <zlib.h>

#include <algorithm>

#include "formats/igvm_read_rules.h"

namespace tintype::igvm {

std::uint32_t crc32(std::uint32_t crc, Bytes bytes) {
  uLong sum = crc;
  constexpr std::size_t kStep = std::size_t{1} << 30;  // zlib counts in 32 bits
  for (; !bytes.empty(); bytes = bytes.subspan(std::min(kStep, bytes.size())))
    sum = ::crc32(sum, bytes.data(), static_cast<uInt>(std::min(kStep, bytes.size())));
  return static_cast<std::uint32_t>(sum);
}

}  // namespace tintype::igvm
