// What SMBIOS says of a machine (DMTF DSP0134 3.3.0): the structures, their entry point, and where they lie.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "formats/machine.h"
#include "layouts/plan.h"

namespace tintype {

// What the user says of the machine. Strings are printable ASCII, not empty; one that is not given gets the
// default that is noted, or else is not specified in the tables either.
struct SmbiosInputs {
  std::optional<std::string> bios_vendor;   // "Tintype"
  std::optional<std::string> bios_version;  // "1"
  std::optional<std::string> bios_date;     // mm/dd/yyyy; "01/01/2025"
  std::optional<std::string> manufacturer;  // "Tintype"
  std::optional<std::string> product;       // "Snapshot"
  std::optional<std::string> version;
  std::optional<std::string> serial;
  std::optional<std::string> sku;
  std::optional<std::string> family;
  std::optional<std::string> board_manufacturer;  // the system's
  std::optional<std::string> board_product;       // the system's
  std::optional<std::string> board_version;
  std::optional<std::string> board_serial;
  std::optional<std::string> board_asset;
  std::optional<std::string> chassis_manufacturer;  // the system's
  std::optional<std::string> chassis_version;
  std::optional<std::string> chassis_serial;
  std::optional<std::string> chassis_asset;
  std::optional<std::string> chassis_sku;
  std::optional<std::string> cpu_manufacturer;  // the system's
  std::optional<std::string> cpu_version;
  std::optional<std::array<std::uint8_t, 16>> uuid;  // in the order in which it is written
  std::vector<std::string> oem_strings;
  bool operator==(const SmbiosInputs&) const = default;
};

// `inputs` with every default in its place.
SmbiosInputs with_defaults(SmbiosInputs inputs);

// Writes every structure of the machine, the end-of-table structure last. Says nothing of addresses other
// than RAM's, so it serves any architecture; depends on nothing but its arguments.
void emit_smbios_tables(const Machine& machine, const SmbiosInputs& inputs, ByteSink& sink);

// Adds two regions to an x86_64 machine's plan: "smbios.entry" at x86::kSmbiosStart, where guests without EFI
// look for it (DSP0134 3.3, 5.2.2), and "smbios.tables", in the rest of the 64 KiB that are kept for it or,
// if they are too many, in low RAM, which the memory map then has as reserved.
void add_smbios(const Machine& machine, const SmbiosInputs& inputs, LayoutPlan& plan);

// Adds the same two regions in `windows`, as EFI data, to a plan in which EFI's configuration table says
// where the entry point is (region "smbios.entry").
void add_smbios(const Machine& machine, const SmbiosInputs& inputs, const std::vector<GpaRange>& windows,
                LayoutPlan& plan);

// Where the entry point is, for who has to point at it.
std::uint64_t smbios_entry(const Addresses& addresses);

}  // namespace tintype
