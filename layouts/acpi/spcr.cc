// The serial port as the console: Microsoft, Serial Port Console Redirection Table.
//
// x86 Linux takes it for an early console and only when told `earlycon` without a driver; which console it
// has otherwise remains the command line's choice (arch/x86/kernel/acpi/boot.c, acpi_boot_init). arm64 Linux
// takes it for its console when the command line names none (arch/arm64/kernel/acpi.c, acpi_boot_table_init).
#include "layouts/acpi_table.h"

namespace tintype {
namespace {

struct Port {
  std::uint8_t interface_type;
  acpi::GenericAddress base;
  std::uint8_t interrupt_type;
  std::uint32_t gsi;
};

// The interrupt is one of the I/O APIC alone, as in the DSDT.
constexpr Port kX86Port = {.interface_type = acpi::kSpcr16550,
                           .base = acpi::port_register(x86::kSerialPort),
                           .interrupt_type = acpi::kSpcrIoApic,
                           .gsi = x86::kSerialGsi};

constexpr Port kArm64Port = {.interface_type = acpi::kSpcrPl011,
                             .base = acpi::memory_register(arm64::kUart),
                             .interrupt_type = acpi::kSpcrGic,
                             .gsi = arm64::kFirstSpi + arm64::kUartSpi};

bool wanted(const AcpiInputs&) {
  return true;
}

// Revision 2, the oldest that Linux reads (drivers/acpi/spcr.c): what later ones add, the clock and a name in
// the namespace, neither a 16550 at its usual port needs nor a PL011 whose speed nobody sets.
void emit(const AcpiInputs& inputs, const Addresses&, ByteSink& sink) {
  const Port& port = inputs.machine.arch == Arch::x86_64 ? kX86Port : kArm64Port;
  sink.put(acpi::Spcr{.header = acpi_header(acpi::text("SPCR"), acpi::kSpcrRevision),
                      .Interface_Type = port.interface_type,
                      .Reserved = {},
                      .Base_Address = port.base,
                      .Interrupt_Type = port.interrupt_type,
                      .IRQ = 0,
                      .Global_System_Interrupt = port.gsi,
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
