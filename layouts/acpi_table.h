// One ACPI structure a file in acpi/: a const descriptor that the build collects into a registry.
#pragma once

#include <fmt/core.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

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

// A NUMA node: the vCPUs and the memory that are near each other. It may lack one of the two.
struct NumaNode {
  std::vector<std::uint32_t> cpus;  // indices, ascending
  std::uint64_t memory = 0;         // bytes, a multiple of 4 KiB
  bool operator==(const NumaNode&) const = default;
};

// A table that the user brings, as read_acpi_table() (formats/acpi_file.h) accepted it.
struct ImportedTable {
  Bytes bytes;  // borrowed: must outlive the plan
  acpi::TableSignature signature{};
  std::string file;  // what messages call it
};

// Everything that the tables of a machine follow from.
struct AcpiInputs {
  Machine machine;
  // In the order of their proximity domains, 0 first. Each vCPU is in one of them, and their memory adds up
  // to the machine's; it follows one after the other over ram_ranges(). Empty: the machine has no NUMA.
  std::vector<NumaNode> numa;
  // Row by row, numa.size() of them in each of as many rows, as a SLIT has them. Empty: 10 within a node, 20
  // between any two.
  std::vector<std::uint8_t> distances;
  // In the order given. One whose signature is that of a table of ours takes its place and its region's
  // name; the others have regions "acpi." + signature in lower case ("acpi.ssdt"), and from the second of a
  // kind on a number ("acpi.ssdt.2").
  std::vector<ImportedTable> imported;
};

struct AcpiTable {
  std::string_view name;           // its region is "acpi." + name: "madt"
  acpi::TableSignature signature;  // the RSDP's is longer and elsewhere: it has none here
  AcpiRole role;
  bool (*wanted)(const AcpiInputs& inputs);
  // Emits the whole structure, a table's header first (acpi_header). Length and checksum of a table are
  // sealed by the caller. Pointers to others come from `addresses` ("acpi.dsdt").
  void (*emit)(const AcpiInputs& inputs, const Addresses& addresses, ByteSink& sink);

  std::string region() const { return fmt::format("acpi.{}", name); }
};

// All of them, in the order of their file names, which is that of the XSDT's entries too.
std::span<const AcpiTable* const> acpi_tables();

inline constexpr std::array<std::uint8_t, 6> kAcpiOemId = acpi::text("TINTYP");

// A header with our identification in it; length and checksum are still zero.
acpi::Header acpi_header(acpi::TableSignature signature, std::uint8_t revision);

// The regions of the tables in the XSDT, in its order: ours in the order of their file names, each imported
// one that replaces one of ours in its place; then the other imported ones in the order given.
std::vector<std::string> listed_regions(const AcpiInputs& inputs);

// Adds a region for each structure that `inputs` want, which need not outlive the plan (the bytes of imported
// tables must). The RSDP goes to `rsdp` exactly, a multiple of 16, or like the tables into `windows`, the
// first that has room. Where a window is RAM, the memory map has what they take as ACPI data; where it is
// reserved it stays so. Errors: imported tables of which a machine has one, or that this machine cannot have.
Result<void> add_acpi(const AcpiInputs& inputs, std::optional<std::uint64_t> rsdp,
                      const std::vector<GpaRange>& windows, LayoutPlan& plan);

}  // namespace tintype
