// Hexadecimal as people write and read it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/result.h"

namespace tintype {

// The most bytes that parse_hex() takes.
inline constexpr std::size_t kMaxHexBytes = 512;

// "0a1b2c" or "0x0A1B2C" to bytes, in the order written. Errors: no digits, an odd number of them, another
// character, or more than kMaxHexBytes.
Result<std::vector<std::uint8_t>> parse_hex(std::string_view text);

// "0x1000"
inline std::string hex(std::uint64_t value) {
  return fmt::format("{:#x}", value);
}

}  // namespace tintype
