// How far NUMA nodes are from each other (ACPI 6.5, 5.2.17).
#include <cassert>

#include "layouts/acpi_table.h"

namespace tintype {
namespace {

bool wanted(const AcpiInputs& inputs) {
  return !inputs.numa.empty();
}

// Without distances the table says what a guest would take for granted without the table; it says so.
void emit(const AcpiInputs& inputs, const Addresses&, ByteSink& sink) {
  const std::size_t nodes = inputs.numa.size();
  sink.put(acpi::Slit{.header = acpi_header(acpi::text("SLIT"), acpi::kSlitRevision),
                      .Number_of_System_Localities = std::uint64_t{nodes}});
  assert((inputs.distances.empty() || inputs.distances.size() == nodes * nodes) && "not a square");
  if (!inputs.distances.empty()) return sink.write(inputs.distances);
  for (std::size_t from = 0; from < nodes; ++from)
    for (std::size_t to = 0; to < nodes; ++to) sink.put(from == to ? acpi::kSlitLocal : acpi::kSlitRemote);
}

}  // namespace

extern const AcpiTable acpi_slit;
const AcpiTable acpi_slit = {.name = "slit",
                             .signature = acpi::text("SLIT"),
                             .role = AcpiRole::listed,
                             .wanted = wanted,
                             .emit = emit};

}  // namespace tintype
