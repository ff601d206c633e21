// Which processors and which memory belong to which NUMA node (ACPI 6.5, 5.2.16). Node n is proximity domain
// n.
#include <algorithm>

#include "formats/acpi_arm.h"
#include "layouts/acpi_table.h"

namespace tintype {
namespace {

void put_apic(std::uint32_t index, std::uint32_t node, ByteSink& sink) {
  if (index < acpi::kFirstX2Apic) {
    sink.put(acpi::SratLocalApic{
        .Type = acpi::kSratLocalApic,
        .Length = sizeof(acpi::SratLocalApic),
        .Proximity_Domain_Low = static_cast<std::uint8_t>(node),
        .APIC_ID = static_cast<std::uint8_t>(index),
        .Flags = acpi::kSratEnabled,
        .Local_SAPIC_EID = 0,
        .Proximity_Domain_High = {static_cast<std::uint8_t>(node >> 8), static_cast<std::uint8_t>(node >> 16),
                                  static_cast<std::uint8_t>(node >> 24)},
        .Clock_Domain = 0u});
    return;
  }
  sink.put(acpi::SratLocalX2Apic{.Type = acpi::kSratLocalX2Apic,
                                 .Length = sizeof(acpi::SratLocalX2Apic),
                                 .Reserved = std::uint16_t{0},
                                 .Proximity_Domain = node,
                                 .X2APIC_ID = index,
                                 .Flags = acpi::kSratEnabled,
                                 .Clock_Domain = 0u,
                                 .Reserved2 = 0u});
}

void put_gicc(std::uint32_t index, std::uint32_t node, ByteSink& sink) {
  sink.put(acpi::SratGicc{.Type = acpi::kSratGicc,
                          .Length = sizeof(acpi::SratGicc),
                          .Proximity_Domain = node,
                          .ACPI_Processor_UID = index,
                          .Flags = acpi::kSratEnabled,
                          .Clock_Domain = 0u});
}

// The ITS is near no node, but a guest should put its tables where there is memory: in the first node that
// has some.
void put_its(const AcpiInputs& inputs, ByteSink& sink) {
  const auto first = std::ranges::find_if(inputs.numa, [](const NumaNode& node) { return node.memory != 0; });
  sink.put(acpi::SratIts{.Type = acpi::kSratIts,
                         .Length = sizeof(acpi::SratIts),
                         .Proximity_Domain = static_cast<std::uint32_t>(first - inputs.numa.begin()),
                         .Reserved = std::uint16_t{0},
                         .ITS_ID = acpi::kItsId});
}

// The nodes' memory one after the other over the machine's RAM: what a node has on both sides of the hole is
// two structures.
void put_memory(const AcpiInputs& inputs, ByteSink& sink) {
  std::uint32_t node = 0;
  std::uint64_t left = inputs.numa.front().memory;
  for (GpaRange ram : ram_ranges(inputs.machine.arch, inputs.machine.memory)) {
    while (!ram.empty()) {
      while (left == 0 && node + 1 < inputs.numa.size()) left = inputs.numa[++node].memory;
      if (left == 0) return;
      const std::uint64_t size = std::min(left, ram.size());
      sink.put(acpi::SratMemory{.Type = acpi::kSratMemory,
                                .Length = sizeof(acpi::SratMemory),
                                .Proximity_Domain = node,
                                .Reserved = std::uint16_t{0},
                                .Base_Address = ram.start,
                                .Memory_Length = size,
                                .Reserved2 = 0u,
                                .Flags = acpi::kSratEnabled,
                                .Reserved3 = {}});
      ram.start += size;
      left -= size;
    }
  }
}

bool wanted(const AcpiInputs& inputs) {
  return !inputs.numa.empty();
}

// Processors come node by node: Linux numbers its nodes in the order in which their proximity domains appear
// (drivers/acpi/numa/srat.c, acpi_map_pxm_to_node), processors first, and should arrive at ours.
void emit(const AcpiInputs& inputs, const Addresses&, ByteSink& sink) {
  sink.put(acpi::Srat{.header = acpi_header(acpi::text("SRAT"), acpi::kSratRevision),
                      .Reserved = acpi::kSratReserved,
                      .Reserved2 = {}});
  const auto put_processor = inputs.machine.arch == Arch::x86_64 ? put_apic : put_gicc;
  for (std::uint32_t node = 0; node < inputs.numa.size(); ++node)
    for (const std::uint32_t index : inputs.numa[node].cpus) put_processor(index, node, sink);
  put_memory(inputs, sink);
  if (inputs.machine.its) put_its(inputs, sink);
}

}  // namespace

extern const AcpiTable acpi_srat;
const AcpiTable acpi_srat = {.name = "srat",
                             .signature = acpi::text("SRAT"),
                             .role = AcpiRole::listed,
                             .wanted = wanted,
                             .emit = emit};

}  // namespace tintype
