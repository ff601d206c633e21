// What a region asks the memory map to say about it is what the map says, so that the guest never takes a
// table for free RAM.
#include "layouts/check.h"

namespace tintype {

namespace {

void run(const GuestImage& image, std::vector<std::string>& violations) {
  for (const PlacedRegion& region : image.regions) {
    const bool as_asked = image.memory.covers(region.range, region.memory);
    if (!as_asked && !image.memory.covers(region.range, MemoryType::reserved))
      violations.push_back(fmt::format("region '{}' {:#x}-{:#x} is {} but the memory map does not say so",
                                       region.name, region.range.start, region.range.last(),
                                       memory_type_name(region.memory)));
  }
}

}  // namespace

extern const Check check_memory;
const Check check_memory = {.name = "memory", .run = run};

}  // namespace tintype
