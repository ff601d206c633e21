#include "formats/hex.h"

#include "support/test_main.h"

namespace tintype {
namespace {

std::string error_of(std::string_view text) {
  const auto bytes = parse_hex(text);
  return bytes ? "no error" : bytes.error().message();
}

TEST_CASE("hexadecimal digits are bytes in the order written") {
  CHECK(parse_hex("0a1B2c").value() == std::vector<std::uint8_t>{0x0A, 0x1B, 0x2C});
  CHECK(parse_hex("0x00ff").value() == std::vector<std::uint8_t>{0x00, 0xFF});
  CHECK(parse_hex(std::string(2 * kMaxHexBytes, '7')).value().size() == kMaxHexBytes);
}

TEST_CASE("what is not whole bytes says so") {
  CHECK(error_of("").find("there are no digits") != std::string::npos);
  CHECK(error_of("0x").find("there are no digits") != std::string::npos);
  CHECK(error_of("123").find("3 hexadecimal digits are not whole bytes") != std::string::npos);
  for (const std::string_view text : {"00g0", "00 1", "00-1", "000x"})
    CHECK(error_of(text).find("at character 3") != std::string::npos);
  CHECK(error_of(std::string(2 * kMaxHexBytes + 2, '7')).find("513 bytes are more than the 512") !=
        std::string::npos);
}

}  // namespace
}  // namespace tintype
