// The processors' timers (ACPI 6.5, 5.2.25).
#include "formats/acpi_arm.h"
#include "layouts/acpi_table.h"

namespace tintype {
namespace {

// Level-triggered and active low, as Arm's processors have them; a GIC does not see the polarity of private
// interrupts. They are always on because KVM keeps a timer of the host for a vCPU that waits or is not
// running: without the bit Linux would want another timer to wake processors by
// (drivers/clocksource/arm_arch_timer.c, CLOCK_EVT_FEAT_C3STOP), and this machine has none.
constexpr std::uint32_t kFlags = acpi::kGtdtActiveLow | acpi::kGtdtAlwaysOn;

bool wanted(const AcpiInputs& inputs) {
  return inputs.machine.arch == Arch::aarch64;
}

// The counter has no frame in memory, and there are neither timers in memory nor watchdogs. The secure and
// the EL2 timer have their interrupts by convention; a guest at EL1 cannot use them. The virtual EL2 timer,
// of processors with VHE, has no interrupt.
void emit(const AcpiInputs&, const Addresses&, ByteSink& sink) {
  sink.put(acpi::Gtdt{.header = acpi_header(acpi::text("GTDT"), acpi::kGtdtRevision),
                      .CntControlBase = acpi::kGtdtNoFrame,
                      .Reserved = 0u,
                      .Secure_EL1_Timer_GSIV = arm64::kSecureTimer,
                      .Secure_EL1_Timer_Flags = kFlags,
                      .Non_Secure_EL1_Timer_GSIV = arm64::kPhysicalTimer,
                      .Non_Secure_EL1_Timer_Flags = kFlags,
                      .Virtual_EL1_Timer_GSIV = arm64::kVirtualTimer,
                      .Virtual_EL1_Timer_Flags = kFlags,
                      .EL2_Timer_GSIV = arm64::kHypervisorTimer,
                      .EL2_Timer_Flags = kFlags,
                      .CntReadBase = acpi::kGtdtNoFrame,
                      .Platform_Timer_Count = 0u,
                      .Platform_Timer_Offset = 0u,
                      .Virtual_EL2_Timer_GSIV = 0u,
                      .Virtual_EL2_Timer_Flags = 0u});
}

}  // namespace

extern const AcpiTable acpi_gtdt;
const AcpiTable acpi_gtdt = {.name = "gtdt",
                             .signature = acpi::text("GTDT"),
                             .role = AcpiRole::listed,
                             .wanted = wanted,
                             .emit = emit};

}  // namespace tintype
