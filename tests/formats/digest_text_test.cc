#include "formats/digest_text.h"

#include "support/test_main.h"

namespace tintype {
namespace {

std::string error_of(const std::string& text) {
  const auto result = parse_launch_digest(text);
  return result ? "it was taken" : result.error().message();
}

TEST_CASE("a digest is written with or without its algorithm") {
  const std::string hex(64, 'a');
  const auto digest = parse_launch_digest("native=" + hex);
  REQUIRE_OK(digest);
  CHECK(digest->text() == "native sha256:" + hex);
  CHECK(parse_launch_digest("native=sha256:" + hex).value() == *digest);
  CHECK(parse_launch_digest("native=" + std::string(64, 'A')).value() == *digest);
  const auto longer = parse_launch_digest("snp=sha384:" + std::string(96, '0'));
  REQUIRE_OK(longer);
  CHECK(longer->platform == LaunchPlatform::snp);
  CHECK(longer->value == std::vector<std::uint8_t>(48));
  REQUIRE_OK(parse_launch_digest("tdx=" + std::string(96, '1')));
  REQUIRE_OK(parse_launch_digest("vbs=" + std::string(64, '1')));
}

TEST_CASE("what is no digest is told why") {
  const std::string hex(64, 'a');
  CHECK(error_of(hex) ==
        "'" + hex + "' is no platform and digest: write them as PLATFORM=HEX, such as native=HEX");
  CHECK(error_of("nativ=aa") ==
        "nativ=aa: 'nativ' is no platform whose digest is known (did you mean 'native'?): native, vbs, snp "
        "and tdx are");
  CHECK(error_of("native=aa") == "native=aa: a digest of native has 64 hexadecimal digits, and this has 2");
  CHECK(error_of("native=") == "native=: a digest of native has 64 hexadecimal digits, and this has 0");
  CHECK(error_of("snp=sha256:aa") == "snp=sha256:aa: a digest of snp is sha384, and this is sha256");
  const std::string bad = "0x" + std::string(62, 'a');
  CHECK(error_of("native=" + bad) ==
        "native=" + bad + ": '" + bad + "' is no hexadecimal number: a digest of native is 64 digits");
}

}  // namespace
}  // namespace tintype
