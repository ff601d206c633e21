// The fixed description of a machine without ACPI's fixed hardware (ACPI 6.5, 4.1 and 5.2.9).
#include "layouts/acpi_table.h"

namespace tintype {
namespace {

// PWR_BUTTON and SLP_BUTTON set say that neither button is fixed hardware: the power button is a device of
// the DSDT.
constexpr std::uint32_t kFlags =
    acpi::kFadtPwrButton | acpi::kFadtSlpButton | acpi::kFadtHeadless | acpi::kFadtHwReducedAcpi;
constexpr std::uint32_t kX86Flags = kFlags | acpi::kFadtWbinvd | acpi::kFadtProcC1 | acpi::kFadtResetRegSup;

// What is absent must be said in two ways: VGA and CMOS RTC by a set bit, the 8042 and other ISA devices by a
// clear one. (Port 0x64 takes the reset command only; it is no keyboard controller.) The serial port needs no
// LEGACY_DEVICES, the DSDT enumerates it. MSI Not Supported and PCIe ASPM Controls speak to a PCI bus, and
// there is none.
constexpr std::uint16_t kBootArch = acpi::kIapcVgaNotPresent | acpi::kIapcCmosRtcNotPresent;

acpi::Fadt x86_fadt(std::uint64_t dsdt) {
  constexpr acpi::GenericAddress kNone = acpi::no_register();
  return acpi::Fadt{.header = acpi_header(acpi::text("FACP"), acpi::kFadtRevision),
                    .FIRMWARE_CTRL = 0u,  // a hardware-reduced machine needs no FACS (5.2.10)
                    .DSDT = acpi::fadt_dsdt(dsdt),
                    .Reserved = 0,
                    .Preferred_PM_Profile = 0,  // unspecified
                    .SCI_INT = std::uint16_t{0},
                    .SMI_CMD = 0u,
                    .ACPI_ENABLE = 0,
                    .ACPI_DISABLE = 0,
                    .S4BIOS_REQ = 0,
                    .PSTATE_CNT = 0,
                    .PM1a_EVT_BLK = 0u,
                    .PM1b_EVT_BLK = 0u,
                    .PM1a_CNT_BLK = 0u,
                    .PM1b_CNT_BLK = 0u,
                    .PM2_CNT_BLK = 0u,
                    .PM_TMR_BLK = 0u,
                    .GPE0_BLK = 0u,
                    .GPE1_BLK = 0u,
                    .PM1_EVT_LEN = 0,
                    .PM1_CNT_LEN = 0,
                    .PM2_CNT_LEN = 0,
                    .PM_TMR_LEN = 0,
                    .GPE0_BLK_LEN = 0,
                    .GPE1_BLK_LEN = 0,
                    .GPE1_BASE = 0,
                    .CST_CNT = 0,
                    .P_LVL2_LAT = std::uint16_t{0xFFFF},  // over 100 us: no C2
                    .P_LVL3_LAT = std::uint16_t{0xFFFF},  // over 1000 us: no C3
                    .FLUSH_SIZE = std::uint16_t{0},
                    .FLUSH_STRIDE = std::uint16_t{0},
                    .DUTY_OFFSET = 0,
                    .DUTY_WIDTH = 0,
                    .DAY_ALRM = 0,
                    .MON_ALRM = 0,
                    .CENTURY = 0,
                    .IAPC_BOOT_ARCH = kBootArch,
                    .Reserved2 = 0,
                    .Flags = kX86Flags,
                    .RESET_REG = acpi::port_register(x86::kResetPort),
                    .RESET_VALUE = x86::kResetValue,
                    .ARM_BOOT_ARCH = std::uint16_t{0},
                    .FADT_Minor_Version = acpi::kFadtMinorVersion,
                    .X_FIRMWARE_CTRL = std::uint64_t{0},
                    .X_DSDT = dsdt,
                    .X_PM1a_EVT_BLK = kNone,
                    .X_PM1b_EVT_BLK = kNone,
                    .X_PM1a_CNT_BLK = kNone,
                    .X_PM1b_CNT_BLK = kNone,
                    .X_PM2_CNT_BLK = kNone,
                    .X_PM_TMR_BLK = kNone,
                    .X_GPE0_BLK = kNone,
                    .X_GPE1_BLK = kNone,
                    .SLEEP_CONTROL_REG = acpi::port_register(x86::kSleepControlPort),
                    .SLEEP_STATUS_REG = acpi::port_register(x86::kSleepStatusPort),
                    // Linux reads it as the hypervisor's name and does nothing with it; the hypervisor is
                    // not ours to know at compose time.
                    .Hypervisor_Vendor_Identity = {}};
}

// PSCI does what sleep and reset registers would do, and starts processors; a guest at EL1 reaches it with
// HVC (Arm DEN0022). What is left out is zero, as Linux expects of all that hardware-reduced machines ignore
// (Documentation/arch/arm64/acpi_object_usage.rst). A machine without screen, battery and user has a server's
// profile. ACPI 6.4 goes with the revision of the MADT.
acpi::Fadt arm64_fadt(std::uint64_t dsdt) {
  acpi::Fadt fadt{};
  fadt.header = acpi_header(acpi::text("FACP"), acpi::kFadtRevision);
  fadt.FADT_Minor_Version = acpi::kFadtMinorVersionOfAcpi64;
  fadt.Preferred_PM_Profile = acpi::kPmEnterpriseServer;
  fadt.Flags = kFlags;
  fadt.ARM_BOOT_ARCH = static_cast<std::uint16_t>(acpi::kArmPsciCompliant | acpi::kArmPsciUseHvc);
  fadt.DSDT = acpi::fadt_dsdt(dsdt);
  fadt.X_DSDT = dsdt;
  return fadt;
}

bool wanted(const AcpiInputs&) {
  return true;
}

void emit(const AcpiInputs& inputs, const Addresses& addresses, ByteSink& sink) {
  const std::uint64_t dsdt = addresses.of("acpi.dsdt");
  sink.put(inputs.machine.arch == Arch::x86_64 ? x86_fadt(dsdt) : arm64_fadt(dsdt));
}

}  // namespace

extern const AcpiTable acpi_fadt;
const AcpiTable acpi_fadt = {.name = "fadt",
                             .signature = acpi::text("FACP"),
                             .role = AcpiRole::listed,
                             .wanted = wanted,
                             .emit = emit};

}  // namespace tintype
