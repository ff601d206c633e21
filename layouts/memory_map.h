// The one map of guest memory. e820, and later the EFI map and FDT nodes, are renderings of it.
#pragma once

#include <string>
#include <vector>

#include "formats/gpa.h"
#include "formats/machine.h"
#include "formats/result.h"

namespace tintype {

// What the guest is told about a range of memory.
enum class MemoryType : std::uint8_t { ram, reserved, acpi_data, efi_data };

// "RAM", "reserved", "ACPI data", "EFI data"
std::string_view memory_type_name(MemoryType type);

struct MemoryMapEntry {
  GpaRange range;
  MemoryType type = MemoryType::ram;
  bool operator==(const MemoryMapEntry&) const = default;
};

// Sorted, disjoint, maximal entries: no two neighbours of one type touch. What no entry covers is not memory.
class MemoryMap {
 public:
  // Makes `range` be of `type`, whatever covered it before.
  void set(GpaRange range, MemoryType type);
  // Makes `range` be no memory at all.
  void clear(GpaRange range);
  const std::vector<MemoryMapEntry>& entries() const { return entries_; }
  // Whether one entry of `type` covers all of `range`.
  bool covers(GpaRange range, MemoryType type) const;
  bool operator==(const MemoryMap&) const = default;

 private:
  std::vector<MemoryMapEntry> entries_;
};

// The machine's memory before anything is placed in it (DESIGN.md, "The machines").
MemoryMap memory_map_of(const Machine& machine);

}  // namespace tintype
