#include "formats/kernel_banner.h"

#include <algorithm>
#include <cstring>

namespace tintype {

namespace {

// Text from a file goes to terminals and reports, so it ends at the first character that is not printable.
std::string line_of(Bytes bytes) {
  constexpr std::size_t kLongest = 512;
  const Bytes line = bytes.first(std::min(bytes.size(), kLongest));
  const auto end =
      std::find_if(line.begin(), line.end(), [](std::uint8_t c) { return c < 0x20 || c > 0x7E; });
  return std::string(line.begin(), end);
}

// Since 6.1 a kernel has two: one that is compiled early, without the number of the build, and the one that
// the linker puts in its place, init/version-timestamp.c, with it: "#1 SMP".
bool has_build_number(std::string_view banner) {
  const std::size_t at = banner.find(" #");
  return at != banner.npos && at + 2 < banner.size() && banner[at + 2] >= '0' && banner[at + 2] <= '9';
}

}  // namespace

std::optional<std::string> find_banner(Bytes bytes) {
  constexpr std::string_view kBanner = "Linux version ";
  std::optional<std::string> first;
  // A segment without bytes has no pointer either, which memmem() does not take.
  while (bytes.size() > kBanner.size()) {
    const void* hit = memmem(bytes.data(), bytes.size(), kBanner.data(), kBanner.size());
    if (hit == nullptr) break;
    bytes = bytes.subspan(static_cast<std::size_t>(static_cast<const std::uint8_t*>(hit) - bytes.data()) +
                          kBanner.size());
    // The kernel has its format strings too, "Linux version %s".
    if (bytes.empty() || bytes[0] < '0' || bytes[0] > '9') continue;
    std::string banner = line_of(bytes);
    if (has_build_number(banner)) return banner;
    if (!first) first = std::move(banner);
  }
  return first;
}

}  // namespace tintype
