#include "layouts/memory_map.h"

#include "support/test_main.h"

namespace tintype {
namespace {

// Sorted, disjoint, and no two neighbours of one type touch.
void check_normalised(const MemoryMap& map) {
  for (std::size_t i = 0; i < map.entries().size(); ++i) {
    const MemoryMapEntry& entry = map.entries()[i];
    CHECK(entry.range.start < entry.range.end);
    if (i == 0) continue;
    const MemoryMapEntry& before = map.entries()[i - 1];
    CHECK(before.range.end <= entry.range.start);
    CHECK((before.range.end != entry.range.start || before.type != entry.type));
  }
}

TEST_CASE("setting and clearing splits and joins") {
  MemoryMap map;
  map.set({0, 0x10000}, MemoryType::ram);
  map.set({0x4000, 0x5000}, MemoryType::reserved);
  CHECK(map.entries() == std::vector<MemoryMapEntry>{{{0, 0x4000}, MemoryType::ram},
                                                     {{0x4000, 0x5000}, MemoryType::reserved},
                                                     {{0x5000, 0x10000}, MemoryType::ram}});
  map.set({0x4000, 0x5000}, MemoryType::ram);
  CHECK(map.entries() == std::vector<MemoryMapEntry>{{{0, 0x10000}, MemoryType::ram}});
  map.clear({0x8000, 0x9000});
  CHECK(map.entries().size() == 2);
  CHECK_FALSE(map.covers({0x7000, 0x9000}, MemoryType::ram));
  CHECK(map.covers({0x7000, 0x8000}, MemoryType::ram));
  map.set({0x1000, 0x1000}, MemoryType::reserved);
  CHECK(map.entries().size() == 2);
}

TEST_CASE("any sequence of changes leaves the map normalised and says what was said last") {
  std::uint32_t state = 1;
  const auto next = [&](std::uint32_t limit) {
    state = state * 1664525 + 1013904223;
    return (state >> 8) % limit;
  };
  MemoryMap map;
  std::vector<int> model(64, -1);
  for (int round = 0; round < 5000; ++round) {
    const std::uint64_t start = next(64);
    const std::uint64_t end = start + next(static_cast<std::uint32_t>(65 - start));
    const int type = static_cast<int>(next(4)) - 1;
    if (type < 0)
      map.clear({start, end});
    else
      map.set({start, end}, static_cast<MemoryType>(type));
    for (std::uint64_t i = start; i < end; ++i) model[i] = type;
    check_normalised(map);
    for (std::uint64_t i = 0; i < 64; ++i) {
      int found = -1;
      for (const MemoryMapEntry& entry : map.entries())
        if (entry.range.contains(i)) found = static_cast<int>(entry.type);
      REQUIRE(found == model[i]);
    }
  }
}

TEST_CASE("an x86_64 machine has its hole, its legacy window and its reserved firmware area") {
  Machine machine;
  machine.memory = 512 * kMiB;
  CHECK(memory_map_of(machine).entries() ==
        std::vector<MemoryMapEntry>{{{0, 0xA0000}, MemoryType::ram},
                                    {{0xE0000, 0x100000}, MemoryType::reserved},
                                    {{0x100000, 512 * kMiB}, MemoryType::ram}});
  machine.memory = 1 * kTiB;
  const MemoryMap large = memory_map_of(machine);
  CHECK(large.entries()[2].range == GpaRange{0x100000, 3 * kGiB});
  CHECK(large.entries()[3].range == GpaRange{4 * kGiB, kTiB + kGiB});
  machine.memory = 3 * kGiB;
  CHECK(memory_map_of(machine).entries().back().range.end == 3 * kGiB);
}

}  // namespace
}  // namespace tintype
