// The line in which a Linux kernel says what it is.
#pragma once

#include <optional>
#include <string>

#include "formats/wire.h"

namespace tintype {

// What follows "Linux version " in the banner (Linux init/version.c), if `bytes` has one: at most 512
// printable ASCII characters, "6.1.0 (builder) (compiler) #1 SMP ...".
std::optional<std::string> find_banner(Bytes bytes);

}  // namespace tintype
