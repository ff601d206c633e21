// The interrupt controllers: one local APIC a processor, one I/O APIC (ACPI 6.5, 5.2.12).
#include "layouts/acpi_table.h"

namespace tintype {
namespace {

// KVM's in-kernel interrupt controller includes the two 8259s, which come out of reset unmasked, with vector
// base 0. PCAT_COMPAT tells the guest to mask them. Hardware-reduced Linux never looks at them, flag or no
// flag (arch/x86/kernel/acpi/boot.c, acpi_generic_reduced_hw_init).
constexpr std::uint32_t kFlags = acpi::kMadtPcatCompat;

// UID and APIC ID are the processor's index. The namespace has no processor devices: Linux starts processors
// from this table alone, x86 guests get no C- or P-states from us, and thousands of objects would cost boot
// time.
void put_processor(std::uint32_t index, ByteSink& sink) {
  if (index < acpi::kFirstX2Apic) {
    sink.put(acpi::MadtLocalApic{.Type = acpi::kMadtLocalApic,
                                 .Length = sizeof(acpi::MadtLocalApic),
                                 .ACPI_Processor_UID = static_cast<std::uint8_t>(index),
                                 .APIC_ID = static_cast<std::uint8_t>(index),
                                 .Flags = acpi::kMadtEnabled});
    return;
  }
  sink.put(acpi::MadtLocalX2Apic{.Type = acpi::kMadtLocalX2Apic,
                                 .Length = sizeof(acpi::MadtLocalX2Apic),
                                 .Reserved = std::uint16_t{0},
                                 .X2APIC_ID = index,
                                 .Flags = acpi::kMadtEnabled,
                                 .ACPI_Processor_UID = index});
}

bool wanted(const AcpiInputs& inputs) {
  return inputs.machine.arch == Arch::x86_64;
}

// No source overrides: GSI n is I/O APIC pin n, and what ISA interrupts mean without one (edge, active high,
// same number) is what the serial port does. No NMI structures: nothing drives LINT1.
void emit(const AcpiInputs& inputs, const Addresses&, ByteSink& sink) {
  sink.put(acpi::Madt{.header = acpi_header(acpi::text("APIC"), acpi::kMadtRevision),
                      .Local_Interrupt_Controller_Address = std::uint32_t{x86::kLapicBase},
                      .Flags = kFlags});
  for (std::uint32_t index = 0; index < inputs.machine.cpus; ++index) put_processor(index, sink);
  sink.put(acpi::MadtIoApic{.Type = acpi::kMadtIoApic,
                            .Length = sizeof(acpi::MadtIoApic),
                            .IO_APIC_ID = x86::kIoapicId,
                            .Reserved = 0,
                            .IO_APIC_Address = std::uint32_t{x86::kIoapicBase},
                            .Global_System_Interrupt_Base = 0u});
}

}  // namespace

extern const AcpiTable acpi_madt;
const AcpiTable acpi_madt = {.name = "madt",
                             .signature = acpi::text("APIC"),
                             .role = AcpiRole::listed,
                             .wanted = wanted,
                             .emit = emit};

}  // namespace tintype
