// The addresses of the tables that no other table points at (ACPI 6.5, 5.2.8).
#include "layouts/acpi_table.h"

namespace tintype {
namespace {

bool wanted(const AcpiInputs&) {
  return true;
}

void emit(const AcpiInputs& inputs, const Addresses& addresses, ByteSink& sink) {
  sink.put(acpi_header(acpi::text("XSDT"), acpi::kXsdtRevision));
  for (const std::string& region : listed_regions(inputs)) sink.put(acpi::XsdtEntry(addresses.of(region)));
}

}  // namespace

extern const AcpiTable acpi_xsdt;
const AcpiTable acpi_xsdt = {.name = "xsdt",
                             .signature = acpi::text("XSDT"),
                             .role = AcpiRole::unlisted,
                             .wanted = wanted,
                             .emit = emit};

}  // namespace tintype
