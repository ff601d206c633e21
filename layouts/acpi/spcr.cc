// The serial port as the console: Microsoft, Serial Port Console Redirection Table.
//
// x86 Linux takes it for an early console and only when told `earlycon` without a driver; which console it
// has otherwise remains the command line's choice (arch/x86/kernel/acpi/boot.c, acpi_boot_init).
#include "layouts/acpi_table.h"

namespace tintype {
namespace {

bool wanted(const AcpiInputs& inputs) {
  return inputs.machine.arch == Arch::x86_64;
}

// Revision 2, the oldest that Linux reads (drivers/acpi/spcr.c): what later ones add, the clock and a name in
// the namespace, a 16550 at its usual port does not need. The interrupt is one of the I/O APIC alone, as in
// the DSDT.
void emit(const AcpiInputs&, const Addresses&, ByteSink& sink) {
  sink.put(acpi::Spcr{.header = acpi_header(acpi::text("SPCR"), acpi::kSpcrRevision),
                      .Interface_Type = acpi::kSpcr16550,
                      .Reserved = {},
                      .Base_Address = acpi::port_register(x86::kSerialPort),
                      .Interrupt_Type = acpi::kSpcrIoApic,
                      .IRQ = 0,
                      .Global_System_Interrupt = std::uint32_t{x86::kSerialGsi},
                      .Configured_Baud_Rate = acpi::kSpcr115200,
                      .Parity = 0,
                      .Stop_Bits = acpi::kSpcrOneStopBit,
                      .Flow_Control = 0,
                      .Terminal_Type = acpi::kSpcrVtUtf8,
                      .Language = 0,
                      .PCI_Device_ID = acpi::kSpcrNoPci,
                      .PCI_Vendor_ID = acpi::kSpcrNoPci,
                      .PCI_Bus_Number = 0,
                      .PCI_Device_Number = 0,
                      .PCI_Function_Number = 0,
                      .PCI_Flags = 0u,
                      .PCI_Segment = 0,
                      .Reserved2 = 0u});
}

}  // namespace

extern const AcpiTable acpi_spcr;
const AcpiTable acpi_spcr = {.name = "spcr",
                             .signature = acpi::text("SPCR"),
                             .role = AcpiRole::listed,
                             .wanted = wanted,
                             .emit = emit};

}  // namespace tintype
