// SMBIOS as the specification prints it (DMTF DSP0134 3.3.0): the 64-bit entry point, the structures in use,
// and the set of strings that follows each. Which values a machine gets is layouts/smbios.cc's business.
#pragma once

#include <array>
#include <cassert>
#include <cstdint>
#include <string>
#include <string_view>

#include "formats/scalar.h"
#include "formats/wire.h"

namespace tintype::smbios {

// The revision of the specification that every structure here is complete for.
inline constexpr std::uint8_t kMajorVersion = 3;
inline constexpr std::uint8_t kMinorVersion = 3;
inline constexpr std::uint8_t kDocumentRevision = 0;

// The entry point lies at a multiple of this in 0xF0000-0xFFFFF; or, with EFI, anywhere, and EFI's
// configuration table says where (DSP0134 3.3, 5.2.2).
inline constexpr std::uint64_t kEntryPointAlignment = 16;

// DSP0134 3.3, 5.2.2: SMBIOS 3.0 (64-bit) Entry Point
struct EntryPoint64 {
  std::array<std::uint8_t, 5> AnchorString;  // 0x00 (3.0): "_SM3_"
  std::uint8_t EntryPointStructureChecksum;  // 0x05 (3.0): makes all bytes of the entry point sum to zero
  std::uint8_t EntryPointLength;             // 0x06 (3.0)
  std::uint8_t SMBIOSMajorVersion;           // 0x07 (3.0)
  std::uint8_t SMBIOSMinorVersion;           // 0x08 (3.0)
  std::uint8_t SMBIOSDocrev;                 // 0x09 (3.0)
  std::uint8_t EntryPointRevision;           // 0x0A (3.0): 1
  std::uint8_t Reserved;                     // 0x0B (3.0)
  le32 StructureTableMaximumSize;            // 0x0C (3.0): bytes, the end-of-table structure included
  le64 StructureTableAddress;                // 0x10 (3.0)
};
static_assert(sizeof(EntryPoint64) == 24 && Wire<EntryPoint64>);

// A handle is below this (6.1.2), and names one structure.
inline constexpr std::uint16_t kHandlesEnd = 0xFF00;
inline constexpr std::uint16_t kNoHandle = 0xFFFF;       // of a cache, and of what else does not exist
inline constexpr std::uint16_t kNoErrorHandle = 0xFFFE;  // 7.17, 7.18: errors are not recorded at all

// DSP0134 3.3, 6.1.2: Structure header format
struct Header {
  std::uint8_t Type;    // 0
  std::uint8_t Length;  // 1: of the formatted area, this header included, the strings not
  le16 Handle;          // 2
};
static_assert(sizeof(Header) == 4 && Wire<Header>);

// A field that is a string has the string's number in the structure's set, from 1; 0 is none (6.1.3).
using String = std::uint8_t;

// DSP0134 3.3, 7.1: BIOS Information
struct BiosInformation {
  static constexpr std::uint8_t kType = 0;
  Header header;                                                  // 0x00
  String Vendor;                                                  // 0x04 (2.0)
  String BIOSVersion;                                             // 0x05 (2.0)
  le16 BIOSStartingAddressSegment;                                // 0x06 (2.0): 0 where it means nothing
  String BIOSReleaseDate;                                         // 0x08 (2.0): mm/dd/yyyy
  std::uint8_t BIOSROMSize;                                       // 0x09 (2.0): 64 KiB units, less one
  le64 BIOSCharacteristics;                                       // 0x0A (2.0): 7.1.1
  std::array<std::uint8_t, 2> BIOSCharacteristicsExtensionBytes;  // 0x12 (2.4): 7.1.2
  std::uint8_t SystemBIOSMajorRelease;                            // 0x14 (2.4): 0xFF is none
  std::uint8_t SystemBIOSMinorRelease;                            // 0x15 (2.4)
  std::uint8_t EmbeddedControllerFirmwareMajorRelease;            // 0x16 (2.4): 0xFF is none
  std::uint8_t EmbeddedControllerFirmwareMinorRelease;            // 0x17 (2.4)
  le16 ExtendedBIOSROMSize;                                       // 0x18 (3.1): if BIOSROMSize is 0xFF
};
static_assert(sizeof(BiosInformation) == 0x1A && Wire<BiosInformation>);
inline constexpr std::uint64_t kBiosCharacteristicsNotSupported = 1u << 3;  // 7.1.1
inline constexpr std::uint8_t kBiosVirtualMachine = 1u << 4;                // 7.1.2.2, the second byte
inline constexpr std::uint8_t kNoRelease = 0xFF;

// DSP0134 3.3, 7.2.1: the UUID, its first three fields little-endian since 2.6. All zeroes: there is none.
struct Uuid {
  le32 time_low;                           // 0
  le16 time_mid;                           // 4
  le16 time_hi_and_version;                // 6
  std::uint8_t clock_seq_hi_and_reserved;  // 8
  std::uint8_t clock_seq_low;              // 9
  std::array<std::uint8_t, 6> Node;        // 10
};
static_assert(sizeof(Uuid) == 16 && Wire<Uuid>);

// DSP0134 3.3, 7.2: System Information
struct SystemInformation {
  static constexpr std::uint8_t kType = 1;
  Header header;            // 0x00
  String Manufacturer;      // 0x04 (2.0)
  String ProductName;       // 0x05 (2.0)
  String Version;           // 0x06 (2.0)
  String SerialNumber;      // 0x07 (2.0)
  Uuid UUID;                // 0x08 (2.1)
  std::uint8_t WakeUpType;  // 0x18 (2.1): 7.2.2
  String SKUNumber;         // 0x19 (2.4)
  String Family;            // 0x1A (2.4)
};
static_assert(sizeof(SystemInformation) == 0x1B && Wire<SystemInformation>);
inline constexpr std::uint8_t kWakeUpPowerSwitch = 6;

// DSP0134 3.3, 7.3: Baseboard (or Module) Information, one that contains nothing
struct BaseboardInformation {
  static constexpr std::uint8_t kType = 2;
  Header header;                                // 0x00
  String Manufacturer;                          // 0x04 (2.0)
  String Product;                               // 0x05 (2.0)
  String Version;                               // 0x06 (2.0)
  String SerialNumber;                          // 0x07 (2.0)
  String AssetTag;                              // 0x08 (2.0)
  std::uint8_t FeatureFlags;                    // 0x09 (2.0): 7.3.1
  String LocationInChassis;                     // 0x0A (2.0)
  le16 ChassisHandle;                           // 0x0B (2.0)
  std::uint8_t BoardType;                       // 0x0D (2.0): 7.3.2
  std::uint8_t NumberOfContainedObjectHandles;  // 0x0E (2.0): 0, and no handles follow
};
static_assert(sizeof(BaseboardInformation) == 0x0F && Wire<BaseboardInformation>);
inline constexpr std::uint8_t kBoardHosting = 1u << 0;
inline constexpr std::uint8_t kBoardMotherboard = 0x0A;

// DSP0134 3.3, 7.4: System Enclosure or Chassis, one that contains nothing
struct SystemEnclosure {
  static constexpr std::uint8_t kType = 3;
  Header header;                              // 0x00
  String Manufacturer;                        // 0x04 (2.0)
  std::uint8_t Type;                          // 0x05 (2.0): 7.4.1
  String Version;                             // 0x06 (2.0)
  String SerialNumber;                        // 0x07 (2.0)
  String AssetTagNumber;                      // 0x08 (2.0)
  std::uint8_t BootUpState;                   // 0x09 (2.1): 7.4.2
  std::uint8_t PowerSupplyState;              // 0x0A (2.1): 7.4.2
  std::uint8_t ThermalState;                  // 0x0B (2.1): 7.4.2
  std::uint8_t SecurityStatus;                // 0x0C (2.1): 7.4.3
  le32 OEMDefined;                            // 0x0D (2.3)
  std::uint8_t Height;                        // 0x11 (2.3): 0 is unspecified
  std::uint8_t NumberOfPowerCords;            // 0x12 (2.3): 0 is unspecified
  std::uint8_t ContainedElementCount;         // 0x13 (2.3): 0, and no elements follow
  std::uint8_t ContainedElementRecordLength;  // 0x14 (2.3)
  String SKUNumber;                           // 0x15 (2.7): after the elements
};
static_assert(sizeof(SystemEnclosure) == 0x16 && Wire<SystemEnclosure>);
inline constexpr std::uint8_t kEnclosureOther = 1;
inline constexpr std::uint8_t kStateSafe = 3;
inline constexpr std::uint8_t kSecurityUnknown = 2;

// DSP0134 3.3, 7.5: Processor Information
struct ProcessorInformation {
  static constexpr std::uint8_t kType = 4;
  Header header;                  // 0x00
  String SocketDesignation;       // 0x04 (2.0)
  std::uint8_t ProcessorType;     // 0x05 (2.0): 7.5.1
  std::uint8_t ProcessorFamily;   // 0x06 (2.0): 7.5.2
  String ProcessorManufacturer;   // 0x07 (2.0)
  le64 ProcessorID;               // 0x08 (2.0): 7.5.3
  String ProcessorVersion;        // 0x10 (2.0)
  std::uint8_t Voltage;           // 0x11 (2.0): 7.5.4
  le16 ExternalClock;             // 0x12 (2.0): MHz, 0 is unknown
  le16 MaxSpeed;                  // 0x14 (2.0): MHz, 0 is unknown
  le16 CurrentSpeed;              // 0x16 (2.0): MHz, 0 is unknown
  std::uint8_t Status;            // 0x18 (2.0)
  std::uint8_t ProcessorUpgrade;  // 0x19 (2.0): 7.5.5
  le16 L1CacheHandle;             // 0x1A (2.1)
  le16 L2CacheHandle;             // 0x1C (2.1)
  le16 L3CacheHandle;             // 0x1E (2.1)
  String SerialNumber;            // 0x20 (2.3)
  String AssetTag;                // 0x21 (2.3)
  String PartNumber;              // 0x22 (2.3)
  std::uint8_t CoreCount;         // 0x23 (2.5): 0xFF from 255 cores on, see CoreCount2
  std::uint8_t CoreEnabled;       // 0x24 (2.5): likewise
  std::uint8_t ThreadCount;       // 0x25 (2.5): likewise
  le16 ProcessorCharacteristics;  // 0x26 (2.5): 7.5.9
  le16 ProcessorFamily2;          // 0x28 (2.6): the family again, where 8 bits may not do
  le16 CoreCount2;                // 0x2A (3.0): the count, whatever it is
  le16 CoreEnabled2;              // 0x2C (3.0)
  le16 ThreadCount2;              // 0x2E (3.0)
};
static_assert(sizeof(ProcessorInformation) == 0x30 && Wire<ProcessorInformation>);
inline constexpr std::uint8_t kProcessorCentral = 3;
inline constexpr std::uint8_t kProcessorFamilyOther = 1;
inline constexpr std::uint8_t kProcessorFamilyIsIn2 = 0xFE;
inline constexpr std::uint16_t kProcessorFamilyArmV8 = 0x101;
inline constexpr std::uint8_t kProcessorUpgradeOther = 1;
inline constexpr std::uint8_t kProcessorPopulated = 1u << 6;
inline constexpr std::uint8_t kProcessorEnabled = 1;
inline constexpr std::uint16_t kProcessor64Bit = 1u << 2;
inline constexpr std::uint16_t kProcessorMultiCore = 1u << 3;

// DSP0134 3.3, 7.12: OEM Strings
struct OemStrings {
  static constexpr std::uint8_t kType = 11;
  Header header;       // 0x00
  std::uint8_t Count;  // 0x04 (2.0): all strings of the set
};
static_assert(sizeof(OemStrings) == 0x05 && Wire<OemStrings>);

// DSP0134 3.3, 7.17: Physical Memory Array
struct PhysicalMemoryArray {
  static constexpr std::uint8_t kType = 16;
  Header header;                       // 0x00
  std::uint8_t Location;               // 0x04 (2.1): 7.17.1
  std::uint8_t Use;                    // 0x05 (2.1): 7.17.2
  std::uint8_t MemoryErrorCorrection;  // 0x06 (2.1): 7.17.3
  le32 MaximumCapacity;                // 0x07 (2.1): KiB, or kCapacityIsExtended
  le16 MemoryErrorInformationHandle;   // 0x0B (2.1)
  le16 NumberOfMemoryDevices;          // 0x0D (2.1)
  le64 ExtendedMaximumCapacity;        // 0x0F (2.7): bytes
};
static_assert(sizeof(PhysicalMemoryArray) == 0x17 && Wire<PhysicalMemoryArray>);
inline constexpr std::uint8_t kMemoryLocationOther = 1;
inline constexpr std::uint8_t kMemoryUseSystem = 3;
inline constexpr std::uint8_t kMemoryErrorCorrectionUnknown = 2;
inline constexpr std::uint32_t kCapacityIsExtended = 0x80000000;  // 2 TiB

// DSP0134 3.3, 7.18: Memory Device
struct MemoryDevice {
  static constexpr std::uint8_t kType = 17;
  Header header;                                 // 0x00
  le16 PhysicalMemoryArrayHandle;                // 0x04 (2.1)
  le16 MemoryErrorInformationHandle;             // 0x06 (2.1)
  le16 TotalWidth;                               // 0x08 (2.1): bits, 0xFFFF is unknown
  le16 DataWidth;                                // 0x0A (2.1): bits, 0xFFFF is unknown
  le16 Size;                                     // 0x0C (2.1): MiB (bit 15: KiB), or kSizeIsExtended
  std::uint8_t FormFactor;                       // 0x0E (2.1): 7.18.1
  std::uint8_t DeviceSet;                        // 0x0F (2.1): 0 is none
  String DeviceLocator;                          // 0x10 (2.1)
  String BankLocator;                            // 0x11 (2.1)
  std::uint8_t MemoryType;                       // 0x12 (2.1): 7.18.2
  le16 TypeDetail;                               // 0x13 (2.1): 7.18.3
  le16 Speed;                                    // 0x15 (2.3): MT/s, 0 is unknown
  String Manufacturer;                           // 0x17 (2.3)
  String SerialNumber;                           // 0x18 (2.3)
  String AssetTag;                               // 0x19 (2.3)
  String PartNumber;                             // 0x1A (2.3)
  std::uint8_t Attributes;                       // 0x1B (2.6): ranks, 0 is unknown
  le32 ExtendedSize;                             // 0x1C (2.7): MiB, bit 31 reserved
  le16 ConfiguredMemorySpeed;                    // 0x20 (2.7): MT/s, 0 is unknown
  le16 MinimumVoltage;                           // 0x22 (2.8): mV, 0 is unknown
  le16 MaximumVoltage;                           // 0x24 (2.8)
  le16 ConfiguredVoltage;                        // 0x26 (2.8)
  std::uint8_t MemoryTechnology;                 // 0x28 (3.2): 7.18.6
  le16 MemoryOperatingModeCapability;            // 0x29 (3.2): 7.18.7
  String FirmwareVersion;                        // 0x2B (3.2)
  le16 ModuleManufacturerID;                     // 0x2C (3.2): 0 is unknown
  le16 ModuleProductID;                          // 0x2E (3.2): 0 is unknown
  le16 MemorySubsystemControllerManufacturerID;  // 0x30 (3.2): 0 is unknown
  le16 MemorySubsystemControllerProductID;       // 0x32 (3.2): 0 is unknown
  le64 NonVolatileSize;                          // 0x34 (3.2): bytes
  le64 VolatileSize;                             // 0x3C (3.2): bytes
  le64 CacheSize;                                // 0x44 (3.2): bytes
  le64 LogicalSize;                              // 0x4C (3.2): bytes
  le32 ExtendedSpeed;                            // 0x54 (3.3): if Speed is 0xFFFF
  le32 ExtendedConfiguredMemorySpeed;            // 0x58 (3.3): if ConfiguredMemorySpeed is 0xFFFF
};
static_assert(sizeof(MemoryDevice) == 0x5C && Wire<MemoryDevice>);
inline constexpr std::uint16_t kWidthUnknown = 0xFFFF;
inline constexpr std::uint16_t kSizeIsExtended = 0x7FFF;  // from 32 GiB - 1 MiB on
inline constexpr std::uint8_t kFormFactorOther = 1;
inline constexpr std::uint8_t kMemoryTypeRam = 7;
inline constexpr std::uint16_t kTypeDetailOther = 1u << 1;
inline constexpr std::uint8_t kTechnologyUnknown = 2;
inline constexpr std::uint16_t kModeVolatile = 1u << 3;

// DSP0134 3.3, 7.20: Memory Array Mapped Address
struct MemoryArrayMappedAddress {
  static constexpr std::uint8_t kType = 19;
  Header header;                 // 0x00
  le32 StartingAddress;          // 0x04 (2.1): KiB, or kAddressIsExtended
  le32 EndingAddress;            // 0x08 (2.1): the last KiB
  le16 MemoryArrayHandle;        // 0x0C (2.1)
  std::uint8_t PartitionWidth;   // 0x0E (2.1): devices that make one row
  le64 ExtendedStartingAddress;  // 0x0F (2.7): bytes
  le64 ExtendedEndingAddress;    // 0x17 (2.7): the last byte
};
static_assert(sizeof(MemoryArrayMappedAddress) == 0x1F && Wire<MemoryArrayMappedAddress>);
inline constexpr std::uint32_t kAddressIsExtended = 0xFFFFFFFF;

// DSP0134 3.3, 7.33: System Boot Information
struct SystemBootInformation {
  static constexpr std::uint8_t kType = 32;
  Header header;                           // 0x00
  std::array<std::uint8_t, 6> Reserved;    // 0x04 (2.3)
  std::array<std::uint8_t, 1> BootStatus;  // 0x0A (2.3): 7.33.1; up to 10 bytes
};
static_assert(sizeof(SystemBootInformation) == 0x0B && Wire<SystemBootInformation>);
inline constexpr std::uint8_t kBootNoErrors = 0;

// DSP0134 3.3, 7.47: End-of-Table
struct EndOfTable {
  static constexpr std::uint8_t kType = 127;
  Header header;  // 0x00
};
static_assert(sizeof(EndOfTable) == 0x04 && Wire<EndOfTable>);

// The strings after one structure's formatted area (DSP0134 3.3, 6.1.3).
class StringSet {
 public:
  static constexpr std::size_t kMaxCount = 255;  // a string's number is one byte

  // The number of `text`, which has no NUL in it, for a field of the structure. Empty text is no string: 0.
  // At most kMaxCount strings.
  String add(std::string_view text);
  std::uint8_t count() const { return count_; }
  // The strings, each with its NUL, and the NUL that ends the set; two NULs for an empty set.
  void emit(ByteSink& sink) const;

 private:
  std::string bytes_;
  std::uint8_t count_ = 0;
};

// The header of a structure T. `handle` is below kHandlesEnd.
template <Wire T>
constexpr Header header_of(std::uint16_t handle) {
  return {.Type = T::kType, .Length = sizeof(T), .Handle = handle};
}

// Writes a whole structure: its formatted area, and its strings.
template <Wire T>
void emit_structure(const T& structure, const StringSet& strings, ByteSink& sink) {
  assert(structure.header.Type == T::kType && structure.header.Length == sizeof(T));
  sink.put(structure);
  strings.emit(sink);
}

// The sixteen bytes of a UUID in the order in which it is written down, as SMBIOS has them since 2.6.
Uuid uuid_of(const std::array<std::uint8_t, 16>& written);

// An entry point with its checksum, for structures in the `size` bytes at `address`.
EntryPoint64 entry_point(std::uint64_t address, std::uint32_t size);

}  // namespace tintype::smbios
