// What UEFI leaves in memory for an operating system, as the specification prints it (UEFI 2.10), and the two
// configuration tables that are Linux's own. Which of it a guest gets is layouts/efi.cc's business.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "formats/gpa.h"
#include "formats/scalar.h"
#include "formats/wire.h"

namespace tintype::efi {

// UEFI 2.10, Appendix A: a GUID, its first three fields little-endian
struct Guid {
  le32 TimeLow;                          // 0
  le16 TimeMid;                          // 4
  le16 TimeHighAndVersion;               // 6
  std::uint8_t ClockSeqHighAndReserved;  // 8
  std::uint8_t ClockSeqLow;              // 9
  std::array<std::uint8_t, 6> Node;      // 10
  bool operator==(const Guid&) const = default;
};
static_assert(sizeof(Guid) == 16 && Wire<Guid>);

// UEFI 2.10, 4.6.1: industry standard configuration tables
inline constexpr Guid kAcpi20Table = {0x8868E871u,
                                      std::uint16_t{0xE4F1},
                                      std::uint16_t{0x11D3},
                                      0xBC,
                                      0x22,
                                      {0x00, 0x80, 0xC7, 0x3C, 0x88, 0x81}};
inline constexpr Guid kSmbios3Table = {0xF2FD1544u,
                                       std::uint16_t{0x9794},
                                       std::uint16_t{0x4A2C},
                                       0x99,
                                       0x2E,
                                       {0xE5, 0xBB, 0xCF, 0x20, 0xE3, 0x94}};
// UEFI 2.10, 4.6.2
inline constexpr Guid kRtPropertiesTable = {0xEB66918Au,
                                            std::uint16_t{0x7EEF},
                                            std::uint16_t{0x402A},
                                            0x84,
                                            0x2E,
                                            {0x93, 0x1D, 0x21, 0xC3, 0x8A, 0xE9}};
// Linux include/linux/efi.h
inline constexpr Guid kLinuxRandomSeedTable = {0x1CE1E5BCu,
                                               std::uint16_t{0x7CEB},
                                               std::uint16_t{0x42F2},
                                               0x81,
                                               0xE5,
                                               {0x8A, 0xAD, 0xF1, 0x80, 0xF5, 0x7B}};
inline constexpr Guid kLinuxMemReserveTable = {0x888EB0C6u,
                                               std::uint16_t{0x8EDE},
                                               std::uint16_t{0x4FF5},
                                               0xA8,
                                               0xF0,
                                               {0x9A, 0xEE, 0x5C, 0xB9, 0x77, 0xC2}};

// UEFI 2.10, 4.2.1: EFI_TABLE_HEADER
struct TableHeader {
  le64 Signature;   // 0
  le32 Revision;    // 8: the major revision in the upper half, ten times the minor one in the lower
  le32 HeaderSize;  // 12: bytes of the whole table
  le32 CRC32;       // 16: of HeaderSize bytes, with this field zero
  le32 Reserved;    // 20
};
static_assert(sizeof(TableHeader) == 24 && Wire<TableHeader>);

// UEFI 2.10, 4.3.1: EFI_SYSTEM_TABLE
struct SystemTable {
  TableHeader Hdr;            // 0
  le64 FirmwareVendor;        // 24: NUL-terminated UTF-16
  le32 FirmwareRevision;      // 32
  le32 Padding;               // 36
  le64 ConsoleInHandle;       // 40
  le64 ConIn;                 // 48
  le64 ConsoleOutHandle;      // 56
  le64 ConOut;                // 64
  le64 StandardErrorHandle;   // 72
  le64 StdErr;                // 80
  le64 RuntimeServices;       // 88
  le64 BootServices;          // 96
  le64 NumberOfTableEntries;  // 104
  le64 ConfigurationTable;    // 112
};
static_assert(sizeof(SystemTable) == 120 && Wire<SystemTable>);
inline constexpr std::uint64_t kSystemTableSignature = 0x5453595320494249;  // "IBI SYST"
inline constexpr std::uint32_t kRevision2_10 = 2u << 16 | 100;

// UEFI 2.10, 4.6: EFI_CONFIGURATION_TABLE
struct ConfigurationTable {
  Guid VendorGuid;   // 0
  le64 VendorTable;  // 16
};
static_assert(sizeof(ConfigurationTable) == 24 && Wire<ConfigurationTable>);

// UEFI 2.10, 4.6.2: EFI_RT_PROPERTIES_TABLE
struct RtPropertiesTable {
  le16 Version;                   // 0: 1
  le16 Length;                    // 2: bytes
  le32 RuntimeServicesSupported;  // 4: a bit each; none is set if there are none
};
static_assert(sizeof(RtPropertiesTable) == 8 && Wire<RtPropertiesTable>);
inline constexpr std::uint16_t kRtPropertiesVersion = 1;

// UEFI 2.10, 7.2.3: EFI_MEMORY_DESCRIPTOR
struct MemoryDescriptor {
  le32 Type;           // 0: EFI_MEMORY_TYPE
  le32 Padding;        // 4
  le64 PhysicalStart;  // 8: a multiple of 4 KiB
  le64 VirtualStart;   // 16: 0 while nothing is mapped for runtime services
  le64 NumberOfPages;  // 24: of 4 KiB, not 0
  le64 Attribute;      // 32
};
static_assert(sizeof(MemoryDescriptor) == 40 && Wire<MemoryDescriptor>);
inline constexpr std::uint32_t kMemoryDescriptorVersion = 1;
// UEFI 2.10, 7.2.1: EFI_MEMORY_TYPE
inline constexpr std::uint32_t kReservedMemory = 0;
inline constexpr std::uint32_t kConventionalMemory = 7;
inline constexpr std::uint32_t kAcpiReclaimMemory = 9;
inline constexpr std::uint64_t kMemoryWriteBack = 1u << 3;  // 7.2.3: EFI_MEMORY_WB

// Linux include/linux/efi.h: struct linux_efi_random_seed. The seed follows.
struct LinuxRandomSeed {
  le32 size;  // 0: bytes of the seed
};
static_assert(sizeof(LinuxRandomSeed) == 4 && Wire<LinuxRandomSeed>);

// Linux include/linux/efi.h: struct linux_efi_memreserve, the head of a list and of no entries of its own
struct LinuxMemReserve {
  le32 size;   // 0: entries that there is room for
  le32 count;  // 4: entries in use
  le64 next;   // 8: physical address of the next list, or 0
};
static_assert(sizeof(LinuxMemReserve) == 16 && Wire<LinuxMemReserve>);

// Linux include/linux/efi.h, enum efi_secureboot_mode: what /chosen says of Secure Boot
inline constexpr std::uint32_t kSecureBootDisabled = 2;

// The CRC-32 of UEFI 2.10, 4.2.1, as in zlib.
std::uint32_t crc32(Bytes bytes);

// `table` with its CRC32.
SystemTable sealed(SystemTable table);

// NUL-terminated UTF-16 of printable ASCII.
std::vector<std::uint8_t> utf16_of(std::string_view text);

// Memory that the operating system caches as it likes. `range` is of whole 4 KiB pages.
MemoryDescriptor descriptor(std::uint32_t type, GpaRange range);

}  // namespace tintype::efi
