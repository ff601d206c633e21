#include "formats/measure.h"

namespace tintype {

std::string_view digest_algorithm(LaunchPlatform platform) {
  return digest_size(platform) == std::tuple_size_v<Sha384> ? "sha384" : "sha256";
}

std::size_t digest_size(LaunchPlatform platform) {
  const bool longer = platform == LaunchPlatform::snp || platform == LaunchPlatform::tdx;
  return longer ? std::tuple_size_v<Sha384> : std::tuple_size_v<Sha256>;
}

std::string LaunchDigest::text() const {
  return fmt::format("{} {}:{}", launch_platform_name(platform), digest_algorithm(platform), to_hex(value));
}

}  // namespace tintype
