// Launch digests as people and pipelines write them.
#pragma once

#include <string_view>

#include "formats/measure.h"

namespace tintype {

// "native=HEX", "snp=sha384:HEX". Errors: no such platform, another algorithm than the platform's, or no
// digest of its length.
Result<LaunchDigest> parse_launch_digest(std::string_view text);

// "sha256:HEX" or "HEX", the digest of `platform`. Errors: the last two of these.
Result<LaunchDigest> parse_digest_of(LaunchPlatform platform, std::string_view text);

// Errors: `found`, of a file, is not `expected`; they read on from the file's name.
Result<void> expect_digest(const LaunchDigest& found, const LaunchDigest& expected);

}  // namespace tintype
