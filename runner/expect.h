// Running only what is expected.
#pragma once

#include <string_view>

#include "formats/measure.h"
#include "runner/guest_memory.h"

namespace tintype {

// The value of --expect: "native=HEX". Errors: not that, or another platform, on which this runner starts
// nothing.
Result<LaunchDigest> parse_expected(std::string_view text);

// Measures the launch of `file` by what `memory` holds after load_guest() (formats/NATIVE-DIGEST.md). For the
// digest to be of what runs, `file` and what is mapped to `memory` are of settle_bytes() with `own`. Errors:
// another digest than `expected`, or a file that has none.
Result<void> check_expected(Bytes file, const GuestMemory& memory, const LaunchDigest& expected);

}  // namespace tintype
