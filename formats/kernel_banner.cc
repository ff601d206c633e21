#include "formats/kernel_banner.h"

#include <algorithm>
#include <cstring>

namespace tintype {

// Text from a file goes to terminals and reports, so it ends at the first character that is not printable.
std::optional<std::string> find_banner(Bytes bytes) {
  constexpr std::string_view kBanner = "Linux version ";
  constexpr std::size_t kLongest = 512;
  // A segment without bytes has no pointer either, which memmem() does not take.
  while (bytes.size() > kBanner.size()) {
    const void* hit = memmem(bytes.data(), bytes.size(), kBanner.data(), kBanner.size());
    if (hit == nullptr) break;
    bytes = bytes.subspan(static_cast<std::size_t>(static_cast<const std::uint8_t*>(hit) - bytes.data()) +
                          kBanner.size());
    // The kernel has its format strings too, "Linux version %s".
    if (bytes.empty() || bytes[0] < '0' || bytes[0] > '9') continue;
    const Bytes line = bytes.first(std::min(bytes.size(), kLongest));
    const auto end =
        std::find_if(line.begin(), line.end(), [](std::uint8_t c) { return c < 0x20 || c > 0x7E; });
    return std::string(line.begin(), end);
  }
  return std::nullopt;
}

}  // namespace tintype
