// How processors are made up (ACPI 6.5, 5.2.30): one package, all processors cores of it.
//
// x86 guests learn the same from CPUID. Without the table arm64 Linux would make the topology up from
// MPIDR_EL1, in which sixteen vCPUs are one cluster for the interrupt controller's sake only. It tells of no
// caches: those are the host's, which is not known when the image is made, and Linux reads them from the
// processor (arch/arm64/kernel/cacheinfo.c).
#include "formats/acpi_arm.h"
#include "layouts/acpi_table.h"

namespace tintype {
namespace {

// The package is the table's first structure; its ID is the _UID of the DSDT's processor container.
constexpr std::uint32_t kPackage = sizeof(acpi::Header);
constexpr std::uint32_t kPackageId = 0;

acpi::PpttProcessor node(std::uint32_t flags, std::uint32_t parent, std::uint32_t id) {
  return {.Type = acpi::kPpttProcessor,
          .Length = sizeof(acpi::PpttProcessor),
          .Reserved = std::uint16_t{0},
          .Flags = flags | acpi::kPpttIdValid,
          .Parent = parent,
          .ACPI_Processor_ID = id,
          .Number_of_private_resources = 0u};
}

bool wanted(const AcpiInputs& inputs) {
  return inputs.machine.arch == Arch::aarch64;
}

void emit(const AcpiInputs& inputs, const Addresses&, ByteSink& sink) {
  sink.put(acpi_header(acpi::text("PPTT"), acpi::kPpttRevision));
  sink.put(node(acpi::kPpttPhysicalPackage, 0, kPackageId));
  for (std::uint32_t index = 0; index < inputs.machine.cpus; ++index)
    sink.put(node(acpi::kPpttLeaf, kPackage, index));
}

}  // namespace

extern const AcpiTable acpi_pptt;
const AcpiTable acpi_pptt = {.name = "pptt",
                             .signature = acpi::text("PPTT"),
                             .role = AcpiRole::listed,
                             .wanted = wanted,
                             .emit = emit};

}  // namespace tintype
