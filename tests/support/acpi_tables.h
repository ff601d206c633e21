// The ACPI structures of a machine as a layout places them.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "layouts/acpi_table.h"
#include "support/test_main.h"

namespace tintype {

struct AcpiTables {
  std::map<std::string, std::vector<std::uint8_t>> bytes;  // by name of the region, without "acpi."
  std::map<std::string, GpaRange> ranges;
  MemoryMap memory;
};

// The first window of linux-x86_64, and the second.
inline constexpr GpaRange kBiosWindow = {x86::kBiosStart, x86::kSmbiosStart};
inline constexpr GpaRange kLowWindow = {0x2000, x86::kLowRamEnd};

// On AArch64, where the tables may lie above a kernel.
inline constexpr GpaRange kArm64Window = {arm64::kRamStart + 64 * kMiB, arm64::kRamStart + 128 * kMiB};

// The tables in `windows`, or in those of the architecture; the RSDP where the architecture wants it.
inline AcpiTables place_acpi(const AcpiInputs& inputs, std::vector<GpaRange> windows = {}) {
  const bool x86 = inputs.machine.arch == Arch::x86_64;
  if (windows.empty() && x86) windows = {kBiosWindow, kLowWindow};
  if (windows.empty()) windows = {kArm64Window};
  LayoutPlan plan(memory_map_of(inputs.machine), memory_map_of(inputs.machine));
  REQUIRE_OK(add_acpi(inputs, x86 ? std::optional(x86::kRsdp) : std::nullopt, windows, plan));
  REQUIRE_OK(plan.place());
  Arena arena;
  AcpiTables tables;
  for (const PlacedRegion& region : plan.realize(arena)) {
    REQUIRE(region.name.starts_with("acpi."));
    const std::string name = region.name.substr(5);
    for (const Bytes piece : region.pieces)
      tables.bytes[name].insert(tables.bytes[name].end(), piece.begin(), piece.end());
    tables.ranges[name] = region.range;
  }
  tables.memory = plan.addresses().memory();
  return tables;
}

// What the XSDT lists, by name, in its order.
inline std::vector<std::string> listed(const AcpiTables& tables) {
  const auto& xsdt = tables.bytes.at("xsdt");
  std::vector<std::string> names;
  for (std::size_t at = sizeof(acpi::Header); at < xsdt.size(); at += 8) {
    const auto gpa = read_at<le64>(xsdt, at, "XSDT entry");
    REQUIRE_OK(gpa);
    const auto found = std::find_if(tables.ranges.begin(), tables.ranges.end(),
                                    [&](const auto& table) { return table.second.start == *gpa; });
    REQUIRE(found != tables.ranges.end());
    names.push_back(found->first);
  }
  return names;
}

template <Wire T>
T read_table(const std::vector<std::uint8_t>& bytes, std::uint64_t offset = 0) {
  const auto value = read_at<T>(bytes, offset, "table");
  REQUIRE_OK(value);
  return *value;
}

inline unsigned byte_sum(Bytes bytes) {
  unsigned total = 0;
  for (const std::uint8_t byte : bytes) total += byte;
  return total & 0xFF;
}

}  // namespace tintype
