#include <memory>

#include "layouts/acpi_table.h"

namespace tintype {
namespace {

// Tables may lie at any address; this keeps two of them out of one cache line.
constexpr std::uint64_t kTableAlignment = 64;

// Emitters run after add_acpi() has returned; they share one copy of what they emit from.
using SharedInputs = std::shared_ptr<const AcpiInputs>;

Region root_region(const AcpiTable& root, const SharedInputs& inputs, std::uint64_t gpa) {
  return {.name = root.region(),
          .memory = MemoryType::reserved,
          .fixed = gpa,
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
          // Sealing needs the whole table, so it goes through a buffer; the biggest, a MADT of 1024
          // processors, has 14 KiB.
          .emit =
              [&table, inputs](const Addresses& addresses, ByteSink& sink) {
                Buffer buffer;
                table.emit(*inputs, addresses, buffer);
                acpi::seal(buffer.bytes());
                sink.write(buffer.bytes());
              },
          .remedy = "give fewer --cpus"};
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

Result<void> add_acpi(const AcpiInputs& inputs, std::uint64_t rsdp, const std::vector<GpaRange>& windows,
                      LayoutPlan& plan) {
  const auto shared = std::make_shared<const AcpiInputs>(inputs);
  for (const AcpiTable* table : acpi_tables()) {
    if (!table->wanted(inputs)) continue;
    plan.add(table->role == AcpiRole::root ? root_region(*table, shared, rsdp)
                                           : table_region(*table, shared, windows));
  }
  return {};
}

}  // namespace tintype
