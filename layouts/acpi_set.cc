#include "layouts/acpi_table.h"

namespace tintype {
namespace {

// Tables may lie at any address; this keeps two of them out of one cache line.
constexpr std::uint64_t kTableAlignment = 64;

Region root_region(const AcpiTable& root, const Machine& machine, std::uint64_t gpa) {
  return {.name = root.region(),
          .memory = MemoryType::reserved,
          .fixed = gpa,
          .emit = [&root, machine](const Addresses& addresses, ByteSink& sink) {
            root.emit(machine, addresses, sink);
          }};
}

Region table_region(const AcpiTable& table, const Machine& machine, const std::vector<GpaRange>& windows) {
  return {.name = table.region(),
          .memory = MemoryType::acpi_data,
          .windows = windows,
          .alignment = kTableAlignment,
          // Sealing needs the whole table, so it goes through a buffer; the biggest, a MADT of 1024
          // processors, has 14 KiB.
          .emit =
              [&table, machine](const Addresses& addresses, ByteSink& sink) {
                Buffer buffer;
                table.emit(machine, addresses, buffer);
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

void add_acpi(const Machine& machine, std::uint64_t rsdp, const std::vector<GpaRange>& windows,
              LayoutPlan& plan) {
  for (const AcpiTable* table : acpi_tables()) {
    if (!table->wanted(machine)) continue;
    plan.add(table->role == AcpiRole::root ? root_region(*table, machine, rsdp)
                                           : table_region(*table, machine, windows));
  }
}

}  // namespace tintype
