// ACPI tables as the specification prints them (ACPI 6.5, chapter 5), and what seals them: length and
// checksum. Only structures; which values a machine gets is layouts/acpi/'s business.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "formats/scalar.h"
#include "formats/wire.h"

namespace tintype::acpi {

using TableSignature = std::array<std::uint8_t, 4>;

// "APIC": a signature as people read it. What is not printable becomes '?'.
std::string signature_text(TableSignature signature);

// Fixed-width text, such as a signature: text("APIC"). The fields have no terminator.
template <std::size_t N>
constexpr std::array<std::uint8_t, N - 1> text(const char (&characters)[N]) {
  std::array<std::uint8_t, N - 1> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(characters[i]);
  return bytes;
}

// ACPI 6.5, 5.2.6: System Description Table Header
struct Header {
  TableSignature Signature;                // 0
  le32 Length;                             // 4: of the whole table, this header included
  std::uint8_t Revision;                   // 8
  std::uint8_t Checksum;                   // 9: makes all bytes of the table sum to zero
  std::array<std::uint8_t, 6> OEMID;       // 10
  std::array<std::uint8_t, 8> OEMTableID;  // 16
  le32 OEMRevision;                        // 24
  std::array<std::uint8_t, 4> CreatorID;   // 28
  le32 CreatorRevision;                    // 32
};
static_assert(sizeof(Header) == 36 && Wire<Header>);

// ACPI 6.5, 5.2.5.3: Root System Description Pointer. Found at a 16-byte boundary in 0xE0000-0xFFFFF
// (5.2.5.1).
struct Rsdp {
  std::array<std::uint8_t, 8> Signature;  // 0: "RSD PTR "
  std::uint8_t Checksum;                  // 8: of bytes 0-19
  std::array<std::uint8_t, 6> OEMID;      // 9
  std::uint8_t Revision;                  // 15: 2 since ACPI 2.0
  le32 RsdtAddress;                       // 16
  le32 Length;                            // 20 (2)
  le64 XsdtAddress;                       // 24 (2)
  std::uint8_t ExtendedChecksum;          // 32 (2): of the whole structure
  std::array<std::uint8_t, 3> Reserved;   // 33 (2)
};
static_assert(sizeof(Rsdp) == 36 && Wire<Rsdp>);
inline constexpr std::size_t kRsdpFirstChecksumSize = 20;
inline constexpr std::array<std::uint8_t, 8> kRsdpSignature = text("RSD PTR ");
inline constexpr std::uint8_t kRsdpRevision = 2;

// ACPI 6.5, 5.2.8: the XSDT is a Header and then one of these for each table.
using XsdtEntry = le64;
inline constexpr std::uint8_t kXsdtRevision = 1;

// ACPI 6.5, 5.2.3.2: Generic Address Structure
struct GenericAddress {
  std::uint8_t AddressSpaceID;     // 0
  std::uint8_t RegisterBitWidth;   // 1
  std::uint8_t RegisterBitOffset;  // 2
  std::uint8_t AccessSize;         // 3 (3.0)
  le64 Address;                    // 4
};
static_assert(sizeof(GenericAddress) == 12 && Wire<GenericAddress>);
inline constexpr std::uint8_t kSystemMemory = 0;
inline constexpr std::uint8_t kSystemIo = 1;
inline constexpr std::uint8_t kByteAccess = 1;
inline constexpr std::uint8_t kDwordAccess = 3;

// An 8-bit register at an I/O port.
constexpr GenericAddress port_register(std::uint16_t port) {
  return {.AddressSpaceID = kSystemIo,
          .RegisterBitWidth = 8,
          .RegisterBitOffset = 0,
          .AccessSize = kByteAccess,
          .Address = std::uint64_t{port}};
}
// A 32-bit register at a guest-physical address.
constexpr GenericAddress memory_register(std::uint64_t gpa) {
  return {.AddressSpaceID = kSystemMemory,
          .RegisterBitWidth = 32,
          .RegisterBitOffset = 0,
          .AccessSize = kDwordAccess,
          .Address = gpa};
}
// A register that does not exist.
constexpr GenericAddress no_register() {
  return {0, 0, 0, 0, std::uint64_t{0}};
}

// ACPI 6.5, 5.2.9: Fixed ACPI Description Table. In parentheses the ACPI version that brought the field.
struct Fadt {
  Header header;                                           // 0
  le32 FIRMWARE_CTRL;                                      // 36
  le32 DSDT;                                               // 40
  std::uint8_t Reserved;                                   // 44: INT_MODEL in ACPI 1.0
  std::uint8_t Preferred_PM_Profile;                       // 45 (2.0)
  le16 SCI_INT;                                            // 46
  le32 SMI_CMD;                                            // 48
  std::uint8_t ACPI_ENABLE;                                // 52
  std::uint8_t ACPI_DISABLE;                               // 53
  std::uint8_t S4BIOS_REQ;                                 // 54
  std::uint8_t PSTATE_CNT;                                 // 55 (2.0)
  le32 PM1a_EVT_BLK;                                       // 56
  le32 PM1b_EVT_BLK;                                       // 60
  le32 PM1a_CNT_BLK;                                       // 64
  le32 PM1b_CNT_BLK;                                       // 68
  le32 PM2_CNT_BLK;                                        // 72
  le32 PM_TMR_BLK;                                         // 76
  le32 GPE0_BLK;                                           // 80
  le32 GPE1_BLK;                                           // 84
  std::uint8_t PM1_EVT_LEN;                                // 88
  std::uint8_t PM1_CNT_LEN;                                // 89
  std::uint8_t PM2_CNT_LEN;                                // 90
  std::uint8_t PM_TMR_LEN;                                 // 91
  std::uint8_t GPE0_BLK_LEN;                               // 92
  std::uint8_t GPE1_BLK_LEN;                               // 93
  std::uint8_t GPE1_BASE;                                  // 94
  std::uint8_t CST_CNT;                                    // 95 (2.0)
  le16 P_LVL2_LAT;                                         // 96
  le16 P_LVL3_LAT;                                         // 98
  le16 FLUSH_SIZE;                                         // 100
  le16 FLUSH_STRIDE;                                       // 102
  std::uint8_t DUTY_OFFSET;                                // 104
  std::uint8_t DUTY_WIDTH;                                 // 105
  std::uint8_t DAY_ALRM;                                   // 106
  std::uint8_t MON_ALRM;                                   // 107
  std::uint8_t CENTURY;                                    // 108
  le16 IAPC_BOOT_ARCH;                                     // 109 (2.0)
  std::uint8_t Reserved2;                                  // 111
  le32 Flags;                                              // 112
  GenericAddress RESET_REG;                                // 116 (2.0)
  std::uint8_t RESET_VALUE;                                // 128 (2.0)
  le16 ARM_BOOT_ARCH;                                      // 129 (5.1)
  std::uint8_t FADT_Minor_Version;                         // 131 (5.1)
  le64 X_FIRMWARE_CTRL;                                    // 132 (2.0)
  le64 X_DSDT;                                             // 140 (2.0)
  GenericAddress X_PM1a_EVT_BLK;                           // 148 (2.0)
  GenericAddress X_PM1b_EVT_BLK;                           // 160 (2.0)
  GenericAddress X_PM1a_CNT_BLK;                           // 172 (2.0)
  GenericAddress X_PM1b_CNT_BLK;                           // 184 (2.0)
  GenericAddress X_PM2_CNT_BLK;                            // 196 (2.0)
  GenericAddress X_PM_TMR_BLK;                             // 208 (2.0)
  GenericAddress X_GPE0_BLK;                               // 220 (2.0)
  GenericAddress X_GPE1_BLK;                               // 232 (2.0)
  GenericAddress SLEEP_CONTROL_REG;                        // 244 (5.0)
  GenericAddress SLEEP_STATUS_REG;                         // 256 (5.0)
  std::array<std::uint8_t, 8> Hypervisor_Vendor_Identity;  // 268 (6.0)
};
static_assert(sizeof(Fadt) == 276 && Wire<Fadt>);
inline constexpr std::size_t kFadtSizeOfAcpi5 = 268;  // up to SLEEP_STATUS_REG
inline constexpr std::uint8_t kFadtRevision = 6;      // with kFadtMinorVersion: ACPI 6.5
inline constexpr std::uint8_t kFadtMinorVersion = 5;  // bits 0-3; bits 4-7, the errata, are zero
inline constexpr std::uint8_t kFadtMinorVersionOfAcpi64 = 4;
inline constexpr std::uint8_t kPmEnterpriseServer = 4;  // Preferred_PM_Profile

// The field DSDT of a FADT whose X_DSDT is `gpa`: ignored where X_DSDT is known (5.2.9), and readers older
// than that find it here, if it has room for the address.
constexpr le32 fadt_dsdt(std::uint64_t gpa) {
  return gpa <= UINT32_MAX ? static_cast<std::uint32_t>(gpa) : 0u;
}

// ACPI 6.5, table 5.10: Fixed ACPI Description Table Fixed Feature Flags (those in use)
inline constexpr std::uint32_t kFadtWbinvd = 1u << 0;
inline constexpr std::uint32_t kFadtProcC1 = 1u << 2;
// The power button, if there is one, is a control method device, and no fixed hardware; likewise the other.
inline constexpr std::uint32_t kFadtPwrButton = 1u << 4;
inline constexpr std::uint32_t kFadtSlpButton = 1u << 5;
inline constexpr std::uint32_t kFadtResetRegSup = 1u << 10;
inline constexpr std::uint32_t kFadtHeadless = 1u << 12;
inline constexpr std::uint32_t kFadtHwReducedAcpi = 1u << 20;

// ACPI 6.5, table 5.11: IA-PC Boot Architecture Flags
inline constexpr std::uint16_t kIapcLegacyDevices = 1u << 0;
inline constexpr std::uint16_t kIapc8042 = 1u << 1;
inline constexpr std::uint16_t kIapcVgaNotPresent = 1u << 2;
inline constexpr std::uint16_t kIapcMsiNotSupported = 1u << 3;
inline constexpr std::uint16_t kIapcPcieAspmControls = 1u << 4;
inline constexpr std::uint16_t kIapcCmosRtcNotPresent = 1u << 5;

// ACPI 6.5, table 5.12: ARM Architecture Boot Flags
inline constexpr std::uint16_t kArmPsciCompliant = 1u << 0;
inline constexpr std::uint16_t kArmPsciUseHvc = 1u << 1;

// ACPI 6.5, 5.2.12: Multiple APIC Description Table; interrupt controller structures follow.
struct Madt {
  Header header;                            // 0
  le32 Local_Interrupt_Controller_Address;  // 36
  le32 Flags;                               // 40
};
static_assert(sizeof(Madt) == 44 && Wire<Madt>);
inline constexpr std::uint8_t kMadtRevision = 6;          // ACPI 6.5
inline constexpr std::uint8_t kMadtRevisionOfAcpi64 = 5;  // in which a GICC structure has 80 bytes
inline constexpr std::uint32_t kMadtPcatCompat = 1u << 0;

// ACPI 6.5, 5.2.12.2: Processor Local APIC Structure
struct MadtLocalApic {
  std::uint8_t Type;                // 0: 0
  std::uint8_t Length;              // 1: 8
  std::uint8_t ACPI_Processor_UID;  // 2
  std::uint8_t APIC_ID;             // 3
  le32 Flags;                       // 4
};
static_assert(sizeof(MadtLocalApic) == 8 && Wire<MadtLocalApic>);
inline constexpr std::uint8_t kMadtLocalApic = 0;
inline constexpr std::uint32_t kMadtEnabled = 1u << 0;  // of this structure, the x2APIC's and the GICC's

// ACPI 6.5, 5.2.12.3: I/O APIC Structure
struct MadtIoApic {
  std::uint8_t Type;                  // 0: 1
  std::uint8_t Length;                // 1: 12
  std::uint8_t IO_APIC_ID;            // 2
  std::uint8_t Reserved;              // 3
  le32 IO_APIC_Address;               // 4
  le32 Global_System_Interrupt_Base;  // 8
};
static_assert(sizeof(MadtIoApic) == 12 && Wire<MadtIoApic>);
inline constexpr std::uint8_t kMadtIoApic = 1;

// ACPI 6.5, 5.2.12.12: Processor Local x2APIC Structure
struct MadtLocalX2Apic {
  std::uint8_t Type;        // 0: 9
  std::uint8_t Length;      // 1: 16
  le16 Reserved;            // 2
  le32 X2APIC_ID;           // 4
  le32 Flags;               // 8
  le32 ACPI_Processor_UID;  // 12
};
static_assert(sizeof(MadtLocalX2Apic) == 16 && Wire<MadtLocalX2Apic>);
inline constexpr std::uint8_t kMadtLocalX2Apic = 9;

// Processors with an APIC ID from here on have x2APIC structures in MADT and SRAT; below it they must have
// local APIC structures (5.2.12.12). Linux follows the rule: next to local APIC structures it ignores an
// x2APIC structure with an ID below 255 (arch/x86/kernel/acpi/boot.c, acpi_parse_x2apic).
inline constexpr std::uint32_t kFirstX2Apic = 255;

// ACPI 6.5, 5.2.11.1: the DSDT is a Header and then AML. From revision 2 on its integers have 64 bits.
inline constexpr std::uint8_t kDsdtRevision = 2;

// ACPI 6.5, 5.2.16: System Resource Affinity Table; affinity structures follow.
struct Srat {
  Header header;                          // 0
  le32 Reserved;                          // 36: 1, as it was before ACPI 2.0
  std::array<std::uint8_t, 8> Reserved2;  // 40
};
static_assert(sizeof(Srat) == 48 && Wire<Srat>);
inline constexpr std::uint8_t kSratRevision = 3;  // ACPI 6.5; from 2 on a proximity domain has 32 bits
inline constexpr std::uint32_t kSratReserved = 1;
inline constexpr std::uint32_t kSratEnabled = 1u << 0;  // of each affinity structure below

// ACPI 6.5, 5.2.16.1: Processor Local APIC/SAPIC Affinity Structure
struct SratLocalApic {
  std::uint8_t Type;                                  // 0: 0
  std::uint8_t Length;                                // 1: 16
  std::uint8_t Proximity_Domain_Low;                  // 2: bits 0-7
  std::uint8_t APIC_ID;                               // 3
  le32 Flags;                                         // 4
  std::uint8_t Local_SAPIC_EID;                       // 8
  std::array<std::uint8_t, 3> Proximity_Domain_High;  // 9: bits 8-31
  le32 Clock_Domain;                                  // 12
};
static_assert(sizeof(SratLocalApic) == 16 && Wire<SratLocalApic>);
inline constexpr std::uint8_t kSratLocalApic = 0;

// ACPI 6.5, 5.2.16.2: Memory Affinity Structure. The specification has base and length in halves, low first.
struct SratMemory {
  std::uint8_t Type;                      // 0: 1
  std::uint8_t Length;                    // 1: 40
  le32 Proximity_Domain;                  // 2
  le16 Reserved;                          // 6
  le64 Base_Address;                      // 8
  le64 Memory_Length;                     // 16
  le32 Reserved2;                         // 24
  le32 Flags;                             // 28
  std::array<std::uint8_t, 8> Reserved3;  // 32
};
static_assert(sizeof(SratMemory) == 40 && Wire<SratMemory>);
inline constexpr std::uint8_t kSratMemory = 1;

// ACPI 6.5, 5.2.16.3: Processor Local x2APIC Affinity Structure
struct SratLocalX2Apic {
  std::uint8_t Type;      // 0: 2
  std::uint8_t Length;    // 1: 24
  le16 Reserved;          // 2
  le32 Proximity_Domain;  // 4
  le32 X2APIC_ID;         // 8
  le32 Flags;             // 12
  le32 Clock_Domain;      // 16
  le32 Reserved2;         // 20
};
static_assert(sizeof(SratLocalX2Apic) == 24 && Wire<SratLocalX2Apic>);
inline constexpr std::uint8_t kSratLocalX2Apic = 2;

// ACPI 6.5, 5.2.17: System Locality Information Table; a byte for each pair of localities follows, row by
// row.
struct Slit {
  Header header;                     // 0
  le64 Number_of_System_Localities;  // 36
};
static_assert(sizeof(Slit) == 44 && Wire<Slit>);
inline constexpr std::uint8_t kSlitRevision = 1;
inline constexpr std::uint8_t kSlitLocal = 10;   // from a locality to itself
inline constexpr std::uint8_t kSlitRemote = 20;  // what a system without a SLIT is taken to have
inline constexpr std::uint8_t kSlitUnreachable = 255;

// Microsoft, Serial Port Console Redirection Table, revision 2
struct Spcr {
  Header header;                         // 0
  std::uint8_t Interface_Type;           // 36: a serial port subtype of the Debug Port Table 2
  std::array<std::uint8_t, 3> Reserved;  // 37
  GenericAddress Base_Address;           // 40
  std::uint8_t Interrupt_Type;           // 52
  std::uint8_t IRQ;                      // 53: of the 8259s, if Interrupt_Type has them
  le32 Global_System_Interrupt;          // 54
  std::uint8_t Configured_Baud_Rate;     // 58
  std::uint8_t Parity;                   // 59: 0 is none
  std::uint8_t Stop_Bits;                // 60: 1
  std::uint8_t Flow_Control;             // 61: 0 is none
  std::uint8_t Terminal_Type;            // 62
  std::uint8_t Language;                 // 63: 0
  le16 PCI_Device_ID;                    // 64: 0xFFFF if it is no PCI device; so the next
  le16 PCI_Vendor_ID;                    // 66
  std::uint8_t PCI_Bus_Number;           // 68
  std::uint8_t PCI_Device_Number;        // 69
  std::uint8_t PCI_Function_Number;      // 70
  le32 PCI_Flags;                        // 71
  std::uint8_t PCI_Segment;              // 75
  le32 Reserved2;                        // 76
};
static_assert(sizeof(Spcr) == 80 && Wire<Spcr>);
inline constexpr std::uint8_t kSpcrRevision = 2;
inline constexpr std::uint8_t kSpcr16550 = 0;
inline constexpr std::uint8_t kSpcrPl011 = 3;
inline constexpr std::uint8_t kSpcrIoApic = 1u << 1;
inline constexpr std::uint8_t kSpcrGic = 1u << 3;
inline constexpr std::uint8_t kSpcr115200 = 7;
inline constexpr std::uint8_t kSpcrOneStopBit = 1;
inline constexpr std::uint8_t kSpcrVtUtf8 = 2;
inline constexpr std::uint16_t kSpcrNoPci = 0xFFFF;

// Microsoft, Windows ACPI Emulated Devices Table, version 1.0
struct Waet {
  Header header;               // 0
  le32 Emulated_Device_Flags;  // 36
};
static_assert(sizeof(Waet) == 40 && Wire<Waet>);
inline constexpr std::uint8_t kWaetRevision = 1;
inline constexpr std::uint32_t kWaetPmTimerGood = 1u << 1;  // one read is enough

// The byte that makes `bytes` and itself sum to zero.
std::uint8_t checksum(Bytes bytes);

// Sets Length and Checksum in the header of a whole table; `table` starts with a Header and ends with the
// table.
void seal(std::span<std::uint8_t> table);

// `rsdp` with both of its checksums.
Rsdp sealed(Rsdp rsdp);

}  // namespace tintype::acpi
