#include <algorithm>
#include <string>
#include <vector>

#include "layouts/acpi_table.h"

namespace tintype {
namespace {

// Tables may lie at any address; this keeps two of them out of one cache line.
constexpr std::uint64_t kTableAlignment = 64;

std::string region_of(const AcpiTable& table) {
  return fmt::format("acpi.{}", table.name);
}

// The tables of `machine`, listed ones first and in the order of the XSDT.
std::vector<const AcpiTable*> wanted_tables(const Machine& machine) {
  std::vector<const AcpiTable*> tables;
  for (const AcpiTable* table : acpi_tables())
    if (table->wanted(machine)) tables.push_back(table);
  const auto position = [](const AcpiTable* table) { return static_cast<unsigned>(table->order); };
  std::stable_sort(tables.begin(), tables.end(),
                   [&](const AcpiTable* a, const AcpiTable* b) { return position(a) < position(b); });
  return tables;
}

// Sealing needs the whole table, so it goes through a buffer; the biggest, a MADT of 1024 processors, has 14
// KiB.
template <typename EmitTable>
void emit_sealed(ByteSink& sink, const EmitTable& emit_table) {
  Buffer buffer;
  emit_table(buffer);
  acpi::seal(buffer.bytes());
  sink.write(buffer.bytes());
}

void emit_xsdt(const std::vector<const AcpiTable*>& tables, const Addresses& addresses, ByteSink& sink) {
  sink.put(acpi_header("XSDT", acpi::kXsdtRevision));
  for (const AcpiTable* table : tables)
    if (table->order >= 0) sink.put(acpi::XsdtEntry(addresses.of(region_of(*table))));
}

acpi::Rsdp rsdp_for(std::uint64_t xsdt) {
  return acpi::sealed({.Signature = acpi::kRsdpSignature,
                       .Checksum = 0,
                       .OEMID = acpi_header("XSDT", acpi::kXsdtRevision).OEMID,
                       .Revision = acpi::kRsdpRevision,
                       .RsdtAddress = 0u,  // whoever knows revision 2 takes the XSDT
                       .Length = std::uint32_t{sizeof(acpi::Rsdp)},
                       .XsdtAddress = xsdt,
                       .ExtendedChecksum = 0,
                       .Reserved = {}});
}

Region table_region(std::string name, const std::vector<GpaRange>& windows, Emit emit) {
  return {.name = std::move(name),
          .memory = MemoryType::acpi_data,
          .windows = windows,
          .alignment = kTableAlignment,
          .emit = std::move(emit),
          .remedy = "give fewer --cpus"};
}

}  // namespace

acpi::Header acpi_header(std::string_view signature, std::uint8_t revision) {
  return {.Signature = acpi::signature(signature),
          .Length = 0u,
          .Revision = revision,
          .Checksum = 0,
          .OEMID = acpi::text("TINTYP"),
          .OEMTableID = acpi::text("SNAPSHOT"),
          .OEMRevision = 1u,
          .CreatorID = acpi::text("TNTP"),
          .CreatorRevision = 1u};
}

void add_acpi(const Machine& machine, std::uint64_t rsdp, const std::vector<GpaRange>& windows,
              LayoutPlan& plan) {
  const std::vector<const AcpiTable*> tables = wanted_tables(machine);
  plan.add({.name = "acpi.rsdp",
            .memory = MemoryType::reserved,
            .fixed = rsdp,
            .alignment = 16,
            .emit = [](const Addresses& addresses, ByteSink& sink) {
              sink.put(rsdp_for(addresses.of("acpi.xsdt")));
            }});
  plan.add(table_region("acpi.xsdt", windows, [tables](const Addresses& addresses, ByteSink& sink) {
    emit_sealed(sink, [&](ByteSink& buffer) { emit_xsdt(tables, addresses, buffer); });
  }));
  for (const AcpiTable* table : tables)
    plan.add(table_region(
        region_of(*table), windows, [table, machine](const Addresses& addresses, ByteSink& sink) {
          emit_sealed(sink, [&](ByteSink& buffer) { table->emit(machine, addresses, buffer); });
        }));
}

}  // namespace tintype
