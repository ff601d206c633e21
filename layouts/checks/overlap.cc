// Regions are disjoint, and no page holds regions of two kinds: a page is loaded in one way.
#include "layouts/check.h"

namespace tintype {

namespace {

void run(const GuestImage& image, std::vector<std::string>& violations) {
  for (std::size_t i = 1; i < image.regions.size(); ++i) {
    const PlacedRegion& before = image.regions[i - 1];
    const PlacedRegion& region = image.regions[i];
    if (before.range.end > region.range.start)
      violations.push_back(fmt::format("region '{}' {:#x}-{:#x} overlaps region '{}' {:#x}-{:#x}",
                                       region.name, region.range.start, region.range.last(), before.name,
                                       before.range.start, before.range.last()));
    else if (before.kind != region.kind && before.range.to_pages().overlaps(region.range.to_pages()))
      violations.push_back(fmt::format("region '{}' ({}) and region '{}' ({}) share the page at {:#x}",
                                       before.name, page_kind_name(before.kind), region.name,
                                       page_kind_name(region.kind),
                                       align_down(region.range.start, kPageSize)));
  }
}

}  // namespace

extern const Check check_overlap;
const Check check_overlap = {.name = "overlap", .run = run};

}  // namespace tintype
