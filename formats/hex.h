// Bytes as people write them on a command line.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "formats/result.h"

namespace tintype {

// The most bytes that parse_hex() takes.
inline constexpr std::size_t kMaxHexBytes = 512;

// "0a1b2c" or "0x0A1B2C" to bytes, in the order written. Errors: no digits, an odd number of them, another
// character, or more than kMaxHexBytes.
Result<std::vector<std::uint8_t>> parse_hex(std::string_view text);

}  // namespace tintype
