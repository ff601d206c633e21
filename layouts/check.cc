#include "layouts/check.h"

#include <algorithm>

namespace tintype {

const PlacedRegion* region_at(const GuestImage& image, std::uint64_t gpa) {
  const auto found = std::find_if(image.regions.begin(), image.regions.end(),
                                  [&](const PlacedRegion& region) { return region.range.contains(gpa); });
  return found == image.regions.end() ? nullptr : &*found;
}

const PlacedRegion* region_named(const GuestImage& image, std::string_view name) {
  const auto found = std::find_if(image.regions.begin(), image.regions.end(),
                                  [&](const PlacedRegion& region) { return region.name == name; });
  return found == image.regions.end() ? nullptr : &*found;
}

std::vector<std::uint8_t> bytes_at(const GuestImage& image, std::uint64_t gpa, std::uint64_t size) {
  std::vector<std::uint8_t> bytes;
  const PlacedRegion* region = region_at(image, gpa);
  if (!region) return bytes;
  std::uint64_t start = region->range.start;
  for (const Bytes piece : region->pieces) {
    const std::uint64_t end = start + piece.size();
    if (gpa < end && bytes.size() < size) {
      const Bytes rest = piece.subspan(gpa - start);
      const Bytes taken = rest.first(std::min<std::uint64_t>(rest.size(), size - bytes.size()));
      bytes.insert(bytes.end(), taken.begin(), taken.end());
      gpa += taken.size();
    }
    start = end;
  }
  if (bytes.size() != size) bytes.clear();
  return bytes;
}

Result<void> run_checks(const GuestImage& image) {
  std::vector<std::string> violations;
  for (const Check* check : checks()) check->run(image, violations);
  if (violations.empty()) return {};
  std::string text;
  for (const std::string& violation : violations) text += (text.empty() ? "" : "; ") + violation;
  return fail("{}", text);
}

}  // namespace tintype
