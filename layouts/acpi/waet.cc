// What a guest need not work around in emulated devices: Microsoft, Windows ACPI Emulated Devices Table.
//
// The table speaks of two devices, RTC and ACPI PM timer, and this machine has neither. Linux does not read
// it, so Linux does not get it. A guest of another kind may, and may look for such devices where a virtual
// machine monitor that loads the snapshot has them although nothing here says so: one read of an emulated PM
// timer is good anywhere. Nothing is said of the RTC, because RTCs are commonly emulated with the interrupt
// acknowledgement that "RTC good" denies.
#include "layouts/acpi_table.h"

namespace tintype {
namespace {

bool wanted(const AcpiInputs& inputs) {
  return inputs.machine.arch == Arch::x86_64 && !inputs.machine.protocol.starts_with("linux-");
}

void emit(const AcpiInputs&, const Addresses&, ByteSink& sink) {
  sink.put(acpi::Waet{.header = acpi_header(acpi::text("WAET"), acpi::kWaetRevision),
                      .Emulated_Device_Flags = acpi::kWaetPmTimerGood});
}

}  // namespace

extern const AcpiTable acpi_waet;
const AcpiTable acpi_waet = {.name = "waet",
                             .signature = acpi::text("WAET"),
                             .role = AcpiRole::listed,
                             .wanted = wanted,
                             .emit = emit};

}  // namespace tintype
