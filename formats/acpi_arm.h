// The ACPI structures that only machines of Arm's architecture have (ACPI 6.5, chapter 5; Arm DEN0049).
#pragma once

#include "formats/acpi.h"

namespace tintype::acpi {

// ACPI 6.4, 5.2.12.14: GIC CPU Interface (GICC) Structure. ACPI 6.5 adds an interrupt at its end.
struct MadtGicc {
  std::uint8_t Type;                              // 0: 11
  std::uint8_t Length;                            // 1: 80
  le16 Reserved;                                  // 2
  le32 CPU_Interface_Number;                      // 4: of GICv2
  le32 ACPI_Processor_UID;                        // 8
  le32 Flags;                                     // 12
  le32 Parking_Protocol_Version;                  // 16: 0 is none
  le32 Performance_Interrupt_GSIV;                // 20: 0 is none
  le64 Parked_Address;                            // 24
  le64 Physical_Base_Address;                     // 32: of GICv2's CPU interface
  le64 GICV;                                      // 40
  le64 GICH;                                      // 48
  le32 VGIC_Maintenance_interrupt;                // 56
  le64 GICR_Base_Address;                         // 60: 0 where GICR structures have it
  le64 MPIDR;                                     // 68: affinity fields, the other bits zero
  std::uint8_t Processor_Power_Efficiency_Class;  // 76
  std::uint8_t Reserved2;                         // 77
  le16 SPE_overflow_Interrupt;                    // 78 (6.3): 0 is none
};
static_assert(sizeof(MadtGicc) == 80 && Wire<MadtGicc>);
inline constexpr std::uint8_t kMadtGicc = 11;

// ACPI 6.5, 5.2.12.15: GIC Distributor (GICD) Structure
struct MadtGicd {
  std::uint8_t Type;                      // 0: 12
  std::uint8_t Length;                    // 1: 24
  le16 Reserved;                          // 2
  le32 GIC_ID;                            // 4
  le64 Physical_Base_Address;             // 8
  le32 System_Vector_Base;                // 16: 0
  std::uint8_t GIC_version;               // 20
  std::array<std::uint8_t, 3> Reserved2;  // 21
};
static_assert(sizeof(MadtGicd) == 24 && Wire<MadtGicd>);
inline constexpr std::uint8_t kMadtGicd = 12;
inline constexpr std::uint8_t kGicVersion2 = 2;
inline constexpr std::uint8_t kGicVersion3 = 3;

// ACPI 6.5, 5.2.12.17: GIC Redistributor (GICR) Structure
struct MadtGicr {
  std::uint8_t Type;                  // 0: 14
  std::uint8_t Length;                // 1: 16
  le16 Reserved;                      // 2
  le64 Discovery_Range_Base_Address;  // 4
  le32 Discovery_Range_Length;        // 12: of all redistributors in it
};
static_assert(sizeof(MadtGicr) == 16 && Wire<MadtGicr>);
inline constexpr std::uint8_t kMadtGicr = 14;

// ACPI 6.5, 5.2.12.18: GIC Interrupt Translation Service (ITS) Structure
struct MadtIts {
  std::uint8_t Type;           // 0: 15
  std::uint8_t Length;         // 1: 20
  le16 Reserved;               // 2
  le32 GIC_ITS_ID;             // 4
  le64 Physical_Base_Address;  // 8
  le32 Reserved2;              // 16
};
static_assert(sizeof(MadtIts) == 20 && Wire<MadtIts>);
inline constexpr std::uint8_t kMadtIts = 15;

// What MADT, SRAT and IORT call the one ITS of a machine.
inline constexpr std::uint32_t kItsId = 0;

// ACPI 6.5, 5.2.16.4: GICC Affinity Structure
struct SratGicc {
  std::uint8_t Type;        // 0: 3
  std::uint8_t Length;      // 1: 18
  le32 Proximity_Domain;    // 2
  le32 ACPI_Processor_UID;  // 6
  le32 Flags;               // 10
  le32 Clock_Domain;        // 14
};
static_assert(sizeof(SratGicc) == 18 && Wire<SratGicc>);
inline constexpr std::uint8_t kSratGicc = 3;

// ACPI 6.5, 5.2.16.5: GIC Interrupt Translation Service (ITS) Affinity Structure
struct SratIts {
  std::uint8_t Type;      // 0: 4
  std::uint8_t Length;    // 1: 12
  le32 Proximity_Domain;  // 2
  le16 Reserved;          // 6
  le32 ITS_ID;            // 8
};
static_assert(sizeof(SratIts) == 12 && Wire<SratIts>);
inline constexpr std::uint8_t kSratIts = 4;

// ACPI 6.5, 5.2.25: Generic Timer Description Table
struct Gtdt {
  Header header;                    // 0
  le64 CntControlBase;              // 36: kGtdtNoFrame if it is not there
  le32 Reserved;                    // 44
  le32 Secure_EL1_Timer_GSIV;       // 48
  le32 Secure_EL1_Timer_Flags;      // 52
  le32 Non_Secure_EL1_Timer_GSIV;   // 56
  le32 Non_Secure_EL1_Timer_Flags;  // 60
  le32 Virtual_EL1_Timer_GSIV;      // 64
  le32 Virtual_EL1_Timer_Flags;     // 68
  le32 EL2_Timer_GSIV;              // 72
  le32 EL2_Timer_Flags;             // 76
  le64 CntReadBase;                 // 80: as CntControlBase
  le32 Platform_Timer_Count;        // 88
  le32 Platform_Timer_Offset;       // 92
  le32 Virtual_EL2_Timer_GSIV;      // 96 (6.3): 0 is none
  le32 Virtual_EL2_Timer_Flags;     // 100 (6.3)
};
static_assert(sizeof(Gtdt) == 104 && Wire<Gtdt>);
inline constexpr std::uint8_t kGtdtRevision = 3;  // ACPI 6.3 to 6.5
inline constexpr std::uint64_t kGtdtNoFrame = UINT64_MAX;
inline constexpr std::uint32_t kGtdtActiveLow = 1u << 1;
inline constexpr std::uint32_t kGtdtAlwaysOn = 1u << 2;

// ACPI 6.5, 5.2.30: Processor Properties Topology Table: a Header and then structures.
inline constexpr std::uint8_t kPpttRevision = 3;  // ACPI 6.4 and 6.5

// ACPI 6.5, 5.2.30.1: Processor hierarchy node structure (type 0), without private resources
struct PpttProcessor {
  std::uint8_t Type;                 // 0: 0
  std::uint8_t Length;               // 1: 20
  le16 Reserved;                     // 2
  le32 Flags;                        // 4
  le32 Parent;                       // 8: offset in the table; 0: none
  le32 ACPI_Processor_ID;            // 12: the _UID of its device
  le32 Number_of_private_resources;  // 16
};
static_assert(sizeof(PpttProcessor) == 20 && Wire<PpttProcessor>);
inline constexpr std::uint8_t kPpttProcessor = 0;
inline constexpr std::uint32_t kPpttPhysicalPackage = 1u << 0;
inline constexpr std::uint32_t kPpttIdValid = 1u << 1;
inline constexpr std::uint32_t kPpttLeaf = 1u << 3;

// Arm DEN0049, IO Remapping Table, issues A to D
struct Iort {
  Header header;                  // 0
  le32 Number_of_IORT_nodes;      // 36
  le32 Offset_to_Array_of_nodes;  // 40
  le32 Reserved;                  // 44
};
static_assert(sizeof(Iort) == 48 && Wire<Iort>);
inline constexpr std::uint8_t kIortRevision = 0;

// Arm DEN0049, 3.1.1.1: ITS group node, with one ITS
struct IortItsGroup {
  std::uint8_t Type;           // 0: 0
  le16 Length;                 // 1: 24
  std::uint8_t Revision;       // 3: 0
  le32 Reserved;               // 4
  le32 Number_of_ID_mappings;  // 8
  le32 Reference_to_ID_Array;  // 12
  le32 Number_of_ITSs;         // 16
  le32 GIC_ITS_Identifier;     // 20: GIC_ITS_ID of the MADT
};
static_assert(sizeof(IortItsGroup) == 24 && Wire<IortItsGroup>);
inline constexpr std::uint8_t kIortItsGroup = 0;

// Microsoft, Debug Port Table 2
struct Dbg2 {
  Header header;             // 0
  le32 OffsetDbgDeviceInfo;  // 36
  le32 NumberDbgDeviceInfo;  // 40
};
static_assert(sizeof(Dbg2) == 44 && Wire<Dbg2>);
inline constexpr std::uint8_t kDbg2Revision = 0;

// Microsoft, Debug Port Table 2, Debug Device Information, with one register block. The device's path in the
// namespace follows, with its NUL.
struct Dbg2Device {
  std::uint8_t Revision;                         // 0: 0
  le16 Length;                                   // 1: with the path
  std::uint8_t NumberofGenericAddressRegisters;  // 3
  le16 NamespaceStringLength;                    // 4: with the NUL
  le16 NamespaceStringOffset;                    // 6: from the start of this structure; so the next three
  le16 OemDataLength;                            // 8
  le16 OemDataOffset;                            // 10
  le16 Port_Type;                                // 12
  le16 Port_Subtype;                             // 14
  le16 Reserved;                                 // 16
  le16 BaseAddressRegisterOffset;                // 18
  le16 AddressSizeOffset;                        // 20
  GenericAddress BaseAddressRegister;            // 22
  le32 AddressSize;                              // 34
};
static_assert(sizeof(Dbg2Device) == 38 && Wire<Dbg2Device>);
inline constexpr std::uint16_t kDbg2Serial = 0x8000;
inline constexpr std::uint16_t kDbg2Pl011 = 3;

}  // namespace tintype::acpi
