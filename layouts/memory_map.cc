#include "layouts/memory_map.h"

#include <algorithm>

namespace tintype {

std::string_view memory_type_name(MemoryType type) {
  switch (type) {
    case MemoryType::ram:
      return "RAM";
    case MemoryType::reserved:
      return "reserved";
    case MemoryType::acpi_data:
      return "ACPI data";
    case MemoryType::efi_data:
      return "EFI data";
  }
  return "unknown";
}

void MemoryMap::clear(GpaRange range) {
  std::vector<MemoryMapEntry> kept;
  kept.reserve(entries_.size() + 1);
  for (const MemoryMapEntry& entry : entries_) {
    if (!entry.range.overlaps(range)) {
      kept.push_back(entry);
      continue;
    }
    if (entry.range.start < range.start) kept.push_back({{entry.range.start, range.start}, entry.type});
    if (entry.range.end > range.end) kept.push_back({{range.end, entry.range.end}, entry.type});
  }
  entries_ = std::move(kept);
}

void MemoryMap::set(GpaRange range, MemoryType type) {
  if (range.empty()) return;
  clear(range);
  const auto after = std::find_if(entries_.begin(), entries_.end(), [&](const MemoryMapEntry& entry) {
    return entry.range.start >= range.end;
  });
  entries_.insert(after, {range, type});
  std::vector<MemoryMapEntry> joined;
  for (const MemoryMapEntry& entry : entries_) {
    const bool extends =
        !joined.empty() && joined.back().type == entry.type && joined.back().range.end == entry.range.start;
    if (extends)
      joined.back().range.end = entry.range.end;
    else
      joined.push_back(entry);
  }
  entries_ = std::move(joined);
}

bool MemoryMap::covers(GpaRange range, MemoryType type) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const MemoryMapEntry& entry) {
    return entry.type == type && entry.range.contains(range);
  });
}

MemoryMap memory_map_of(const Machine& machine) {
  MemoryMap map;
  for (const GpaRange& range : ram_ranges(machine.arch, machine.memory)) map.set(range, MemoryType::ram);
  if (machine.arch == Arch::x86_64) {
    map.clear({x86::kLowRamEnd, x86::kHighRamStart});
    map.set({x86::kBiosStart, x86::kHighRamStart}, MemoryType::reserved);
  }
  return map;
}

}  // namespace tintype
