// Where a guest begins to look: at 0xE0000-0xFFFFF (ACPI 6.5, 5.2.5.1), or at the address in boot_params.
#include "layouts/acpi_table.h"

namespace tintype {
namespace {

bool wanted(const AcpiInputs&) {
  return true;
}

void emit(const AcpiInputs&, const Addresses& addresses, ByteSink& sink) {
  sink.put(acpi::sealed({.Signature = acpi::kRsdpSignature,
                         .Checksum = 0,
                         .OEMID = kAcpiOemId,
                         .Revision = acpi::kRsdpRevision,
                         .RsdtAddress = 0u,  // whoever knows revision 2 takes the XSDT
                         .Length = std::uint32_t{sizeof(acpi::Rsdp)},
                         .XsdtAddress = addresses.of("acpi.xsdt"),
                         .ExtendedChecksum = 0,
                         .Reserved = {}}));
}

}  // namespace

extern const AcpiTable acpi_rsdp;
const AcpiTable acpi_rsdp = {
    .name = "rsdp", .signature = {}, .role = AcpiRole::root, .wanted = wanted, .emit = emit};

}  // namespace tintype
