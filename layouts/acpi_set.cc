#include <memory>

#include "layouts/acpi_import.h"
#include "layouts/acpi_table.h"

namespace tintype {
namespace {

// Tables may lie at any address; this keeps two of them out of one cache line.
constexpr std::uint64_t kTableAlignment = 64;

// Emitters run after add_acpi() has returned; they share one copy of what they emit from.
using SharedInputs = std::shared_ptr<const AcpiInputs>;

Region root_region(const AcpiTable& root, const SharedInputs& inputs, std::optional<std::uint64_t> gpa,
                   const std::vector<GpaRange>& windows) {
  return {.name = root.region(),
          .memory = gpa ? MemoryType::reserved : MemoryType::acpi_data,
          .fixed = gpa,
          .windows = windows,
          .alignment = kTableAlignment,
          .emit = [&root, inputs](const Addresses& addresses, ByteSink& sink) {
            root.emit(*inputs, addresses, sink);
          }};
}

Region table_region(const AcpiTable& table, const SharedInputs& inputs,
                    const std::vector<GpaRange>& windows) {
  return {.name = table.region(),
          .memory = MemoryType::acpi_data,
          .windows = windows,
          .alignment = kTableAlignment,
          // Sealing needs the whole table, so it goes through a buffer; the biggest, an SRAT of 1024
          // processors, has 22 KiB and a structure for each node.
          .emit =
              [&table, inputs](const Addresses& addresses, ByteSink& sink) {
                Buffer buffer;
                table.emit(*inputs, addresses, buffer);
                acpi::seal(buffer.bytes());
                sink.write(buffer.bytes());
              },
          .remedy = "give fewer --cpus"};
}

// `table` is one of `inputs`.
Region imported_region(std::string name, const ImportedTable& table, const SharedInputs& inputs,
                       const std::vector<GpaRange>& windows) {
  return {.name = std::move(name),
          .memory = MemoryType::acpi_data,
          .windows = windows,
          .alignment = kTableAlignment,
          .emit = [&table, inputs](const Addresses& addresses,
                                   ByteSink& sink) { emit_imported(table, addresses, sink); },
          .remedy = fmt::format("leave '{}' out", table.file)};
}

}  // namespace

acpi::Header acpi_header(acpi::TableSignature signature, std::uint8_t revision) {
  return {.Signature = signature,
          .Length = 0u,
          .Revision = revision,
          .Checksum = 0,
          .OEMID = kAcpiOemId,
          .OEMTableID = acpi::text("SNAPSHOT"),
          .OEMRevision = 1u,
          .CreatorID = acpi::text("TNTP"),
          .CreatorRevision = 1u};
}

std::vector<std::string> listed_regions(const AcpiInputs& inputs) {
  std::vector<std::string> regions;
  for (const AcpiTable* table : acpi_tables())
    if (table->role == AcpiRole::listed && (replacement_of(*table, inputs) || table->wanted(inputs)))
      regions.push_back(table->region());
  for (const AddedTable& added : added_tables(inputs)) regions.push_back(added.region);
  return regions;
}

Result<void> add_acpi(const AcpiInputs& inputs, std::optional<std::uint64_t> rsdp,
                      const std::vector<GpaRange>& windows, LayoutPlan& plan) {
  TRY(check_imported(inputs.imported));
  const auto shared = std::make_shared<const AcpiInputs>(inputs);
  for (const AcpiTable* table : acpi_tables()) {
    if (const ImportedTable* imported = replacement_of(*table, *shared))
      plan.add(imported_region(table->region(), *imported, shared, windows));
    else if (table->wanted(*shared))
      plan.add(table->role == AcpiRole::root ? root_region(*table, shared, rsdp, windows)
                                             : table_region(*table, shared, windows));
  }
  for (const AddedTable& added : added_tables(*shared))
    plan.add(imported_region(added.region, *added.table, shared, windows));
  return {};
}

}  // namespace tintype
