#include "formats/measure.h"

namespace tintype {

std::string_view digest_algorithm(LaunchPlatform platform) {
  const bool longer = platform == LaunchPlatform::snp || platform == LaunchPlatform::tdx;
  return longer ? "sha384" : "sha256";
}

std::string LaunchDigest::text() const {
  return fmt::format("{} {}:{}", launch_platform_name(platform), digest_algorithm(platform), to_hex(value));
}

}  // namespace tintype
