#include "layouts/acpi_import.h"

#include <algorithm>
#include <cassert>
#include <cstddef>

namespace tintype {
namespace {

constexpr acpi::TableSignature kFadt = acpi::text("FACP");

// Of these a system may have several: definition blocks (ACPI 6.5, 5.2.11.2 and 5.2.11.3), what OEMs define
// for themselves (5.2.6, OEMx), and UEFI's, which a GUID tells apart (UEFI 2.10, appendix O).
bool may_repeat(acpi::TableSignature signature) {
  const bool oem = signature[0] == 'O' && signature[1] == 'E' && signature[2] == 'M';
  return signature == acpi::text("SSDT") || signature == acpi::text("PSDT") ||
         signature == acpi::text("UEFI") || oem;
}

// Only a FADT of ACPI 5.0 and newer can say that there is no fixed hardware, and one that does not say it
// needs a FACS (5.2.10) and the registers of 4.8.
Result<void> check_fadt(const ImportedTable& table) {
  if (table.bytes.size() < acpi::kFadtSizeOfAcpi5)
    return fail(
        "table '{}' is a FADT of {} bytes, from before ACPI 5.0, and cannot say that the machine is "
        "hardware-reduced, as this one is: use one of at least {} bytes",
        table.file, table.bytes.size(), acpi::kFadtSizeOfAcpi5);
  const std::uint32_t flags = TRY(read_at<le32>(table.bytes, offsetof(acpi::Fadt, Flags), "FADT flags"));
  if ((flags & acpi::kFadtHwReducedAcpi) == 0)
    return fail(
        "table '{}' is a FADT with flags {:#010x}, in which HW_REDUCED_ACPI ({:#010x}) is clear, and this "
        "machine has no fixed ACPI hardware and no FACS: set the flag",
        table.file, flags, acpi::kFadtHwReducedAcpi);
  return {};
}

Result<void> check_pair(const ImportedTable& first, const ImportedTable& second) {
  if (first.signature != second.signature) return {};
  if (!may_repeat(first.signature))
    return fail("tables '{}' and '{}' both have the signature {}, and a machine has one: leave one out",
                first.file, second.file, acpi::signature_text(first.signature));
  // A definition block that is loaded twice defines every name twice, which is an error to the guest.
  if (std::ranges::equal(first.bytes, second.bytes))
    return fail("tables '{}' and '{}' are the same, byte for byte: leave one out", first.file, second.file);
  return {};
}

}  // namespace

const ImportedTable* replacement_of(const AcpiTable& ours, const AcpiInputs& inputs) {
  for (const ImportedTable& table : inputs.imported)
    if (table.signature == ours.signature) return &table;
  return nullptr;
}

std::vector<AddedTable> added_tables(const AcpiInputs& inputs) {
  std::vector<AddedTable> added;
  for (const ImportedTable& table : inputs.imported) {
    const auto all = acpi_tables();
    const bool replaces = std::any_of(
        all.begin(), all.end(), [&](const AcpiTable* ours) { return ours->signature == table.signature; });
    if (replaces) continue;
    const auto before = std::count_if(added.begin(), added.end(), [&](const AddedTable& other) {
      return other.table->signature == table.signature;
    });
    std::string region = "acpi.";
    for (const char c : acpi::signature_text(table.signature))
      region += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (before > 0) region += fmt::format(".{}", before + 1);
    added.push_back({&table, std::move(region)});
  }
  return added;
}

Result<void> check_imported(const std::vector<ImportedTable>& imported) {
  for (std::size_t second = 0; second < imported.size(); ++second) {
    for (std::size_t first = 0; first < second; ++first) TRY(check_pair(imported[first], imported[second]));
    if (imported[second].signature == kFadt) TRY(check_fadt(imported[second]));
  }
  return {};
}

void emit_imported(const ImportedTable& table, const Addresses& addresses, ByteSink& sink) {
  if (table.signature != kFadt) return sink.borrow(table.bytes);
  assert(table.bytes.size() >= acpi::kFadtSizeOfAcpi5);
  std::vector<std::uint8_t> fadt(table.bytes.begin(), table.bytes.end());
  const auto set = [&fadt](std::size_t offset, const auto& value) {
    std::ranges::copy(bytes_of(value), fadt.begin() + static_cast<std::ptrdiff_t>(offset));
  };
  const std::uint64_t dsdt = addresses.of("acpi.dsdt");
  set(offsetof(acpi::Fadt, FIRMWARE_CTRL), le32(0u));
  set(offsetof(acpi::Fadt, X_FIRMWARE_CTRL), le64(std::uint64_t{0}));
  set(offsetof(acpi::Fadt, DSDT), acpi::fadt_dsdt(dsdt));
  set(offsetof(acpi::Fadt, X_DSDT), le64(dsdt));
  acpi::seal(fadt);
  sink.write(fadt);
}

}  // namespace tintype
