// The interrupt controllers: one local APIC a processor and one I/O APIC, or a GIC (ACPI 6.5, 5.2.12).
#include "formats/acpi_arm.h"
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
void put_local_apic(std::uint32_t index, ByteSink& sink) {
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

// No source overrides: GSI n is I/O APIC pin n, and what ISA interrupts mean without one (edge, active high,
// same number) is what the serial port does. No NMI structures: nothing drives LINT1.
void put_x86(const Machine& machine, ByteSink& sink) {
  sink.put(acpi::Madt{.header = acpi_header(acpi::text("APIC"), acpi::kMadtRevision),
                      .Local_Interrupt_Controller_Address = std::uint32_t{x86::kLapicBase},
                      .Flags = kFlags});
  for (std::uint32_t index = 0; index < machine.cpus; ++index) put_local_apic(index, sink);
  sink.put(acpi::MadtIoApic{.Type = acpi::kMadtIoApic,
                            .Length = sizeof(acpi::MadtIoApic),
                            .IO_APIC_ID = x86::kIoapicId,
                            .Reserved = 0,
                            .IO_APIC_Address = std::uint32_t{x86::kIoapicBase},
                            .Global_System_Interrupt_Base = 0u});
}

// Enabled and nothing to park: PSCI starts it. Guests have no PMU, no statistical profiling and, at EL1, no
// virtualization of their own, so all those are zero, which Linux reads as absent (drivers/perf/
// arm_pmu_acpi.c, drivers/irqchip/irq-gic.c). UID and CPU interface number are the processor's index.
void put_gicc(std::uint32_t index, Gic gic, ByteSink& sink) {
  sink.put(acpi::MadtGicc{.Type = acpi::kMadtGicc,
                          .Length = sizeof(acpi::MadtGicc),
                          .Reserved = std::uint16_t{0},
                          .CPU_Interface_Number = index,
                          .ACPI_Processor_UID = index,
                          .Flags = acpi::kMadtEnabled,
                          .Parking_Protocol_Version = 0u,
                          .Performance_Interrupt_GSIV = 0u,
                          .Parked_Address = std::uint64_t{0},
                          .Physical_Base_Address = gic == Gic::v2 ? arm64::kGicc : 0,
                          .GICV = std::uint64_t{0},
                          .GICH = std::uint64_t{0},
                          .VGIC_Maintenance_interrupt = 0u,
                          .GICR_Base_Address = std::uint64_t{0},
                          .MPIDR = arm64_mpidr(index),
                          .Processor_Power_Efficiency_Class = 0,
                          .Reserved2 = 0,
                          .SPE_overflow_Interrupt = std::uint16_t{0}});
}

// What is at kGicr is one range, however many redistributors it has. No MSI frames: KVM's GICv2 has none.
void put_gic(const Machine& machine, ByteSink& sink) {
  sink.put(acpi::MadtGicd{.Type = acpi::kMadtGicd,
                          .Length = sizeof(acpi::MadtGicd),
                          .Reserved = std::uint16_t{0},
                          .GIC_ID = 0u,
                          .Physical_Base_Address = std::uint64_t{arm64::kGicd},
                          .System_Vector_Base = 0u,
                          .GIC_version = machine.gic == Gic::v2 ? acpi::kGicVersion2 : acpi::kGicVersion3,
                          .Reserved2 = {}});
  if (machine.gic == Gic::v2) return;
  sink.put(acpi::MadtGicr{
      .Type = acpi::kMadtGicr,
      .Length = sizeof(acpi::MadtGicr),
      .Reserved = std::uint16_t{0},
      .Discovery_Range_Base_Address = std::uint64_t{arm64::kGicr},
      .Discovery_Range_Length = static_cast<std::uint32_t>(machine.cpus * arm64::kGicrStride)});
  if (!machine.its) return;
  sink.put(acpi::MadtIts{.Type = acpi::kMadtIts,
                         .Length = sizeof(acpi::MadtIts),
                         .Reserved = std::uint16_t{0},
                         .GIC_ITS_ID = acpi::kItsId,
                         .Physical_Base_Address = std::uint64_t{arm64::kIts},
                         .Reserved2 = 0u});
}

// Revision 5: in 6, a GICC has 82 bytes, for the interrupt of a trace buffer that no guest of ours has, and
// Linux 4.19 takes a GICC of 80 bytes and of no other length (arch/arm64/include/asm/acpi.h).
void put_arm64(const Machine& machine, ByteSink& sink) {
  sink.put(acpi::Madt{.header = acpi_header(acpi::text("APIC"), acpi::kMadtRevisionOfAcpi64),
                      .Local_Interrupt_Controller_Address = 0u,
                      .Flags = 0u});
  for (std::uint32_t index = 0; index < machine.cpus; ++index) put_gicc(index, machine.gic, sink);
  put_gic(machine, sink);
}

bool wanted(const AcpiInputs&) {
  return true;
}

void emit(const AcpiInputs& inputs, const Addresses&, ByteSink& sink) {
  if (inputs.machine.arch == Arch::x86_64) return put_x86(inputs.machine, sink);
  put_arm64(inputs.machine, sink);
}

}  // namespace

extern const AcpiTable acpi_madt;
const AcpiTable acpi_madt = {.name = "madt",
                             .signature = acpi::text("APIC"),
                             .role = AcpiRole::listed,
                             .wanted = wanted,
                             .emit = emit};

}  // namespace tintype
