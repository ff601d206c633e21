#include "formats/hex.h"

#include <charconv>

namespace tintype {

Result<std::vector<std::uint8_t>> parse_hex(std::string_view text) {
  std::string_view digits = text;
  if (digits.starts_with("0x") || digits.starts_with("0X")) digits.remove_prefix(2);
  if (digits.empty()) return fail("there are no digits: give bytes as hexadecimal digits, such as 6b1d0c29");
  const std::size_t stray = digits.find_first_not_of("0123456789abcdefABCDEF");
  if (stray != digits.npos)
    return fail("'{}' at character {} is no hexadecimal byte: use only 0-9 and a-f, such as 6b1d0c29",
                digits.substr(stray / 2 * 2, 2), text.size() - digits.size() + stray / 2 * 2 + 1);
  if (digits.size() % 2 != 0)
    return fail("{} hexadecimal digit{} not whole bytes: give two for each, with leading zeroes",
                digits.size(), digits.size() == 1 ? " is" : "s are");
  if (digits.size() / 2 > kMaxHexBytes)
    return fail("{} bytes are more than the {} that are possible: give fewer", digits.size() / 2,
                kMaxHexBytes);
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    std::uint8_t byte = 0;
    std::from_chars(digits.data() + i, digits.data() + i + 2, byte, 16);
    bytes.push_back(byte);
  }
  return bytes;
}

}  // namespace tintype
