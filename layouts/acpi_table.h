// One ACPI structure a file in acpi/: a const descriptor that the build collects into a registry.
#pragma once

#include <fmt/core.h>

#include <span>
#include <string>
#include <string_view>

#include "formats/acpi.h"
#include "formats/machine.h"
#include "layouts/plan.h"

namespace tintype {

// How a guest finds a structure.
enum class AcpiRole : std::uint8_t {
  root,      // it looks there first: the RSDP, which is no table and seals itself
  unlisted,  // another structure than the XSDT points at it: the XSDT itself, the DSDT
  listed,    // the XSDT has its address
};

struct AcpiTable {
  std::string_view name;  // its region is "acpi." + name: "madt"
  AcpiRole role;
  bool (*wanted)(const Machine& machine);
  // Emits the whole structure, a table's header first (acpi_header). Length and checksum of a table are
  // sealed by the caller. Pointers to others come from `addresses` ("acpi.dsdt").
  void (*emit)(const Machine& machine, const Addresses& addresses, ByteSink& sink);

  std::string region() const { return fmt::format("acpi.{}", name); }
};

// All of them, in the order of their file names, which is that of the XSDT's entries too.
std::span<const AcpiTable* const> acpi_tables();

inline constexpr std::array<std::uint8_t, 6> kAcpiOemId = acpi::text("TINTYP");

// A header with our identification in it; length and checksum are still zero.
acpi::Header acpi_header(acpi::TableSignature signature, std::uint8_t revision);

// Adds a region for each structure that `machine` wants. The RSDP goes to `rsdp` exactly, a multiple of 16;
// tables go into `windows`, the first that has room. Where a window is RAM, the memory map has what they take
// as ACPI data; where it is reserved it stays so.
void add_acpi(const Machine& machine, std::uint64_t rsdp, const std::vector<GpaRange>& windows,
              LayoutPlan& plan);

}  // namespace tintype
