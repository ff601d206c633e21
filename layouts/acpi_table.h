// One ACPI table a file in acpi/: a const descriptor that the build collects into a registry.
#pragma once

#include <span>
#include <string_view>

#include "formats/acpi.h"
#include "formats/machine.h"
#include "layouts/plan.h"

namespace tintype {

struct AcpiTable {
  std::string_view signature;  // "APIC"
  std::string_view name;       // its region is "acpi." + name: "madt"
  int order;                   // position in the XSDT, ascending; negative: not listed there (DSDT)
  bool (*wanted)(const Machine& machine);
  // Emits the whole table; header fields length and checksum are sealed by the caller. Pointers to other
  // tables come from `addresses` ("acpi.dsdt").
  void (*emit)(const Machine& machine, const Addresses& addresses, ByteSink& sink);
};

// All tables, in the order of their file names.
std::span<const AcpiTable* const> acpi_tables();

// Adds a region for each table that `machine` wants, the XSDT and the RSDP (at `rsdp` exactly). Tables go
// into `windows`, the first that has room.
void add_acpi(const Machine& machine, std::uint64_t rsdp, const std::vector<GpaRange>& windows,
              LayoutPlan& plan);

}  // namespace tintype
