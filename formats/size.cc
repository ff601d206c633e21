#include "formats/size.h"

#include <charconv>

#include "formats/gpa.h"

namespace tintype {

std::optional<std::uint32_t> parse_decimal(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<std::uint32_t> parse_number(std::string_view option, std::string_view text, std::uint32_t lowest,
                                   std::uint32_t highest) {
  const std::optional<std::uint32_t> value = parse_decimal(text);
  if (!value || *value < lowest || *value > highest)
    return fail("{} '{}' is not a number from {} to {}", option, text, lowest, highest);
  return *value;
}

Result<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view suffix(end, static_cast<std::size_t>(text.data() + text.size() - end));
  std::uint64_t unit = 0;
  if (suffix.empty()) unit = 1;
  if (suffix == "K" || suffix == "k") unit = kKiB;
  if (suffix == "M" || suffix == "m") unit = kMiB;
  if (suffix == "G" || suffix == "g") unit = kGiB;
  if (suffix == "T" || suffix == "t") unit = kTiB;
  const auto bytes = checked_mul(value, unit);
  if (status != std::errc() || unit == 0 || !bytes)
    return fail("'{}' is not a size: write a number of bytes, or one with K, M, G or T, like 512M", text);
  if (!is_aligned(*bytes, kPageSize))
    return fail(
        "{} bytes is not a multiple of the page size, 4096: write a multiple of it, or a size like 512M",
        *bytes);
  return *bytes;
}

}  // namespace tintype
