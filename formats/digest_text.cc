#include "formats/digest_text.h"

#include "formats/hex.h"
#include "formats/suggest.h"

namespace tintype {

namespace {

// `what` says where the word stands.
Result<LaunchPlatform> parse_launch_platform(std::string_view word, std::string_view what) {
  std::vector<std::string_view> names;
  if (const auto platform = launch_platform_named(word)) return *platform;
  for (const LaunchPlatform platform : kLaunchPlatforms) names.push_back(launch_platform_name(platform));
  return fail("{}: '{}' is no platform whose digest is known{}: native, vbs, snp and tdx are", what, word,
              did_you_mean(word, names));
}

}  // namespace

Result<LaunchDigest> parse_digest_of(LaunchPlatform platform, std::string_view text) {
  const std::string_view algorithm = digest_algorithm(platform), name = launch_platform_name(platform);
  std::string_view hex = text;
  if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    if (text.substr(0, colon) != algorithm)
      return fail("a digest of {} is {}, and this is {}", name, algorithm, text.substr(0, colon));
    hex = text.substr(colon + 1);
  }
  const std::size_t bytes = digest_size(platform);
  if (hex.size() != 2 * bytes)
    return fail("a digest of {} has {} hexadecimal digits, and this has {}", name, 2 * bytes, hex.size());
  // No "0x" at its start: the digits are counted above.
  if (hex.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos)
    return fail("'{}' is no hexadecimal number: a digest of {} is {} digits", hex, name, 2 * bytes);
  return LaunchDigest{platform, TRY(parse_hex(hex))};
}

Result<LaunchDigest> parse_launch_digest(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos)
    return fail("'{}' is no platform and digest: write them as PLATFORM=HEX, such as native=HEX", text);
  const LaunchPlatform platform = TRY(parse_launch_platform(text.substr(0, equals), text));
  return with_context(parse_digest_of(platform, text.substr(equals + 1)), std::string(text));
}

Result<void> expect_digest(const LaunchDigest& found, const LaunchDigest& expected) {
  if (found == expected) return {};
  return fail("has the launch digest {}, and {} is expected: it is another snapshot, or was changed",
              found.text(), expected.text());
}

}  // namespace tintype
