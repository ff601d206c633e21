// Where message-signalled interrupts go: Arm DEN0049, IO Remapping Table. It has the machine's ITS and
// nothing that maps to it: virtio-mmio devices send no messages, and a table that a user adds for a bus that
// does can name the ITS by its number.
#include "formats/acpi_arm.h"
#include "layouts/acpi_table.h"

namespace tintype {
namespace {

bool wanted(const AcpiInputs& inputs) {
  return inputs.machine.arch == Arch::aarch64 && inputs.machine.its;
}

void emit(const AcpiInputs&, const Addresses&, ByteSink& sink) {
  sink.put(acpi::Iort{.header = acpi_header(acpi::text("IORT"), acpi::kIortRevision),
                      .Number_of_IORT_nodes = 1u,
                      .Offset_to_Array_of_nodes = std::uint32_t{sizeof(acpi::Iort)},
                      .Reserved = 0u});
  sink.put(acpi::IortItsGroup{.Type = acpi::kIortItsGroup,
                              .Length = std::uint16_t{sizeof(acpi::IortItsGroup)},
                              .Revision = 0,
                              .Reserved = 0u,
                              .Number_of_ID_mappings = 0u,
                              .Reference_to_ID_Array = 0u,
                              .Number_of_ITSs = 1u,
                              .GIC_ITS_Identifier = acpi::kItsId});
}

}  // namespace

extern const AcpiTable acpi_iort;
const AcpiTable acpi_iort = {.name = "iort",
                             .signature = acpi::text("IORT"),
                             .role = AcpiRole::listed,
                             .wanted = wanted,
                             .emit = emit};

}  // namespace tintype
