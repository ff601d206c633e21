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
  // Emits the whole table, header first (acpi_header). Length and checksum are sealed by the caller. Pointers
  // to other tables come from `addresses` ("acpi.dsdt").
  void (*emit)(const Machine& machine, const Addresses& addresses, ByteSink& sink);
};

// All tables, in the order of their file names.
std::span<const AcpiTable* const> acpi_tables();

// A header with our identification in it; length and checksum are still zero.
acpi::Header acpi_header(std::string_view signature, std::uint8_t revision);

// Adds a region for each table that `machine` wants, the XSDT and the RSDP (at `rsdp` exactly, a multiple of
// 16). Tables go into `windows`, the first that has room. Where a window is RAM, the memory map has what they
// take as ACPI data; where it is reserved it stays so.
void add_acpi(const Machine& machine, std::uint64_t rsdp, const std::vector<GpaRange>& windows,
              LayoutPlan& plan);

}  // namespace tintype
