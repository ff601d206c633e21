// Sizes as people write them on a command line.
#pragma once

#include <cstdint>
#include <string_view>

#include "formats/result.h"

namespace tintype {

// "512M", "4G", "1048576K", "1T" or bytes, to bytes. Suffixes are powers of 1024. Errors: not a size, or not
// a multiple of the page size.
Result<std::uint64_t> parse_size(std::string_view text);

}  // namespace tintype
