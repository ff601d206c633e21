// Numbers and sizes as people write them on a command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "formats/result.h"

namespace tintype {

// A decimal number of nothing but digits, below 2^32.
std::optional<std::uint32_t> parse_decimal(std::string_view text);

// The number that `option` has as its value. Errors: none, or not from `lowest` to `highest`.
Result<std::uint32_t> parse_number(std::string_view option, std::string_view text, std::uint32_t lowest,
                                   std::uint32_t highest);

// "512M", "4G", "1048576K", "1T" or bytes, to bytes. Suffixes are powers of 1024. Errors: not a size, or not
// a multiple of the page size.
Result<std::uint64_t> parse_size(std::string_view text);

}  // namespace tintype
