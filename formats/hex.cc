#include "formats/hex.h"

#include <charconv>

namespace tintype {

Result<std::vector<std::uint8_t>> parse_hex(std::string_view text) {
  std::string_view digits = text;
  if (digits.starts_with("0x") || digits.starts_with("0X")) digits.remove_prefix(2);
  if (digits.empty()) return fail("there are no digits: give bytes as hexadecimal digits, such as 6b1d0c29");
  if (digits.size() % 2 != 0)
    return fail("{} hexadecimal digits are not whole bytes: give two for each, with leading zeroes",
                digits.size());
  if (digits.size() / 2 > kMaxHexBytes)
    return fail("{} bytes are more than the {} that are possible", digits.size() / 2, kMaxHexBytes);
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    std::uint8_t byte = 0;
    const char* first = digits.data() + i;
    const auto [end, status] = std::from_chars(first, first + 2, byte, 16);
    if (status != std::errc() || end != first + 2)
      return fail("'{}' at character {} is no hexadecimal byte", digits.substr(i, 2), i + 1);
    bytes.push_back(byte);
  }
  return bytes;
}

}  // namespace tintype
