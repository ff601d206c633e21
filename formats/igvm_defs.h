// The structures and constants of the IGVM file format.
//
// Source: the `igvm_defs` crate (microsoft/igvm, igvm_defs/src/lib.rs), which is the format's specification;
// the CCA definitions are of its pull request 106. Everything is little endian. Names and spelling are the
// specification's.
#pragma once

#include <array>
#include <cstdint>

#include "formats/scalar.h"
#include "formats/wire.h"

namespace tintype {

inline constexpr std::uint32_t IGVM_MAGIC_VALUE = 0x4D564749;  // "IGVM"
inline constexpr std::uint32_t IGVM_FORMAT_VERSION_1 = 1;
inline constexpr std::uint32_t IGVM_FORMAT_VERSION_2 = 2;

// IgvmArchitecture
inline constexpr std::uint32_t IGVM_ARCHITECTURE_X64 = 0;
inline constexpr std::uint32_t IGVM_ARCHITECTURE_AARCH64 = 1;

// IgvmVariableHeaderType. The top bit set marks a header that a loader may skip.
inline constexpr std::uint32_t IGVM_VHT_SUPPORTED_PLATFORM = 0x1;

inline constexpr std::uint32_t IGVM_VHT_GUEST_POLICY = 0x101;
inline constexpr std::uint32_t IGVM_VHT_RELOCATABLE_REGION = 0x102;
inline constexpr std::uint32_t IGVM_VHT_PAGE_TABLE_RELOCATION_REGION = 0x103;
inline constexpr std::uint32_t IGVM_VHT_CCA_POLICY = 0x104;

inline constexpr std::uint32_t IGVM_VHT_PARAMETER_AREA = 0x301;
inline constexpr std::uint32_t IGVM_VHT_PAGE_DATA = 0x302;
inline constexpr std::uint32_t IGVM_VHT_PARAMETER_INSERT = 0x303;
inline constexpr std::uint32_t IGVM_VHT_VP_CONTEXT = 0x304;
inline constexpr std::uint32_t IGVM_VHT_REQUIRED_MEMORY = 0x305;
inline constexpr std::uint32_t IGVM_VHT_VP_COUNT_PARAMETER = 0x307;
inline constexpr std::uint32_t IGVM_VHT_SRAT = 0x308;
inline constexpr std::uint32_t IGVM_VHT_MADT = 0x309;
inline constexpr std::uint32_t IGVM_VHT_MMIO_RANGES = 0x30A;
inline constexpr std::uint32_t IGVM_VHT_SNP_ID_BLOCK = 0x30B;
inline constexpr std::uint32_t IGVM_VHT_MEMORY_MAP = 0x30C;
inline constexpr std::uint32_t IGVM_VHT_ERROR_RANGE = 0x30D;
inline constexpr std::uint32_t IGVM_VHT_COMMAND_LINE = 0x30E;
inline constexpr std::uint32_t IGVM_VHT_SLIT = 0x30F;
inline constexpr std::uint32_t IGVM_VHT_PPTT = 0x310;
inline constexpr std::uint32_t IGVM_VHT_VBS_MEASUREMENT = 0x311;
inline constexpr std::uint32_t IGVM_VHT_DEVICE_TREE = 0x312;
inline constexpr std::uint32_t IGVM_VHT_ENVIRONMENT_INFO_PARAMETER = 0x313;

inline constexpr std::uint32_t IGVM_VHT_OPTIONAL = 0x80000000;

// The sections of the variable headers, by the ranges of their types; both ends belong to the range.
inline constexpr std::uint32_t IGVM_VHT_RANGE_PLATFORM_FIRST = 0x1;
inline constexpr std::uint32_t IGVM_VHT_RANGE_PLATFORM_LAST = 0x100;
inline constexpr std::uint32_t IGVM_VHT_RANGE_INIT_FIRST = 0x101;
inline constexpr std::uint32_t IGVM_VHT_RANGE_INIT_LAST = 0x200;
inline constexpr std::uint32_t IGVM_VHT_RANGE_DIRECTIVE_FIRST = 0x301;
inline constexpr std::uint32_t IGVM_VHT_RANGE_DIRECTIVE_LAST = 0x400;

// IgvmPlatformType
inline constexpr std::uint8_t IGVM_PLATFORM_NATIVE = 0;
inline constexpr std::uint8_t IGVM_PLATFORM_VSM_ISOLATION = 1;
inline constexpr std::uint8_t IGVM_PLATFORM_SEV_SNP = 2;
inline constexpr std::uint8_t IGVM_PLATFORM_TDX = 3;
inline constexpr std::uint8_t IGVM_PLATFORM_SEV = 4;
inline constexpr std::uint8_t IGVM_PLATFORM_SEV_ES = 5;
inline constexpr std::uint8_t IGVM_PLATFORM_CCA = 6;
// The one version that each platform type has.
inline constexpr std::uint16_t IGVM_PLATFORM_VERSION = 1;

// IgvmPageDataType
inline constexpr std::uint16_t IGVM_PAGE_DATA_TYPE_NORMAL = 0;
inline constexpr std::uint16_t IGVM_PAGE_DATA_TYPE_SECRETS = 1;
inline constexpr std::uint16_t IGVM_PAGE_DATA_TYPE_CPUID_DATA = 2;
inline constexpr std::uint16_t IGVM_PAGE_DATA_TYPE_CPUID_XF = 3;

// IgvmPageDataFlags
inline constexpr std::uint32_t IGVM_PAGE_DATA_IS_2MB_PAGE = 1u << 0;
inline constexpr std::uint32_t IGVM_PAGE_DATA_UNMEASURED = 1u << 1;
inline constexpr std::uint32_t IGVM_PAGE_DATA_SHARED = 1u << 2;
inline constexpr std::uint32_t IGVM_PAGE_DATA_FLAGS_ALL = 7;

// RequiredMemoryFlags
inline constexpr std::uint32_t IGVM_REQUIRED_MEMORY_VTL2_PROTECTABLE = 1u << 0;

// IGVM_VHS_RELOCATABLE_REGION::flags
inline constexpr std::uint8_t IGVM_VHF_RELOCATABLE_REGION_IS_VTL2 = 1;
inline constexpr std::uint8_t IGVM_VHF_RELOCATABLE_REGION_APPLY_PC = 2;
inline constexpr std::uint8_t IGVM_VHF_RELOCATABLE_REGION_APPLY_GDTR = 4;
inline constexpr std::uint8_t IGVM_VHF_RELOCATABLE_REGION_ALL = 7;

// SnpPolicy: the bit of IGVM_VHS_GUEST_POLICY::policy that the SNP firmware ABI wants set.
inline constexpr std::uint64_t IGVM_SNP_POLICY_RESERVED_MUST_BE_ONE = 1ull << 17;

// CcaHashAlgorithm, CcaLfaPolicy and the attribute bits of IGVM_VHS_CCA_POLICY
inline constexpr std::uint8_t IGVM_CCA_HASH_SHA256 = 0;
inline constexpr std::uint8_t IGVM_CCA_HASH_SHA512 = 1;
inline constexpr std::uint8_t IGVM_CCA_HASH_SHA384 = 2;
inline constexpr std::uint8_t IGVM_CCA_LFA_DISALLOW = 0;
inline constexpr std::uint8_t IGVM_CCA_LFA_ALLOW = 1;
inline constexpr std::uint64_t IGVM_CCA_POLICY_ATTR_DEBUG = 1;
inline constexpr std::uint64_t IGVM_CCA_POLICY_ATTR_MEC = 2;

// MemoryMapEntryType
inline constexpr std::uint16_t IGVM_MEMORY_MAP_ENTRY_MEMORY = 0;
inline constexpr std::uint16_t IGVM_MEMORY_MAP_ENTRY_PLATFORM_RESERVED = 1;
inline constexpr std::uint16_t IGVM_MEMORY_MAP_ENTRY_PERSISTENT = 2;
inline constexpr std::uint16_t IGVM_MEMORY_MAP_ENTRY_VTL2_PROTECTABLE = 3;
inline constexpr std::uint16_t IGVM_MEMORY_MAP_ENTRY_SPECIFIC_PURPOSE = 4;
inline constexpr std::uint16_t IGVM_MEMORY_MAP_ENTRY_HIDDEN = 5;

// IgvmEnvironmentInfo, the 32-bit value of IGVM_VHT_ENVIRONMENT_INFO_PARAMETER
inline constexpr std::uint32_t IGVM_ENVIRONMENT_INFO_MEMORY_IS_SHARED = 1u << 0;

// IGVM_FIXED_HEADER
struct IGVM_FIXED_HEADER {
  le32 magic;                   // 0
  le32 format_version;          // 4
  le32 variable_header_offset;  // 8
  le32 variable_header_size;    // 12
  le32 total_file_size;         // 16
  le32 checksum;                // 20, CRC-32 of fixed and variable headers, taken with this field zero
  bool operator==(const IGVM_FIXED_HEADER&) const = default;
};
static_assert(sizeof(IGVM_FIXED_HEADER) == 24 && Wire<IGVM_FIXED_HEADER>);

// IGVM_FIXED_HEADER_V2: what format version 2 has after the fields of version 1.
struct IGVM_FIXED_HEADER_V2 {
  IGVM_FIXED_HEADER v1;  // 0
  le32 architecture;     // 24
  le32 page_size;        // 28
  bool operator==(const IGVM_FIXED_HEADER_V2&) const = default;
};
static_assert(sizeof(IGVM_FIXED_HEADER_V2) == 32 && Wire<IGVM_FIXED_HEADER_V2>);

// IGVM_VHS_VARIABLE_HEADER. `length` is the size of the structure that follows, without padding; the next
// header begins at the next multiple of 8.
struct IGVM_VHS_VARIABLE_HEADER {
  le32 typ;     // 0
  le32 length;  // 4
  bool operator==(const IGVM_VHS_VARIABLE_HEADER&) const = default;
};
static_assert(sizeof(IGVM_VHS_VARIABLE_HEADER) == 8 && Wire<IGVM_VHS_VARIABLE_HEADER>);

// IGVM_VHS_SUPPORTED_PLATFORM
struct IGVM_VHS_SUPPORTED_PLATFORM {
  le32 compatibility_mask;     // 0, one bit
  std::uint8_t highest_vtl;    // 4
  std::uint8_t platform_type;  // 5
  le16 platform_version;       // 6
  le64 shared_gpa_boundary;    // 8
  bool operator==(const IGVM_VHS_SUPPORTED_PLATFORM&) const = default;
};
static_assert(sizeof(IGVM_VHS_SUPPORTED_PLATFORM) == 16 && Wire<IGVM_VHS_SUPPORTED_PLATFORM>);

// IGVM_VHS_GUEST_POLICY
struct IGVM_VHS_GUEST_POLICY {
  le64 policy;              // 0, SnpPolicy or TdxPolicy
  le32 compatibility_mask;  // 8
  le32 reserved;            // 12
  bool operator==(const IGVM_VHS_GUEST_POLICY&) const = default;
};
static_assert(sizeof(IGVM_VHS_GUEST_POLICY) == 16 && Wire<IGVM_VHS_GUEST_POLICY>);

// IGVM_VHS_CCA_POLICY
struct IGVM_VHS_CCA_POLICY {
  le32 compatibility_mask;                // 0
  le32 reserved;                          // 4
  le64 attributes_required_zeroes;        // 8
  le64 attributes_required_ones;          // 16
  std::uint8_t hash_algorithm;            // 24
  std::uint8_t lfa_policy;                // 25
  std::array<std::uint8_t, 6> reserved2;  // 26
  bool operator==(const IGVM_VHS_CCA_POLICY&) const = default;
};
static_assert(sizeof(IGVM_VHS_CCA_POLICY) == 32 && Wire<IGVM_VHS_CCA_POLICY>);

// IGVM_VHS_RELOCATABLE_REGION
struct IGVM_VHS_RELOCATABLE_REGION {
  le32 compatibility_mask;      // 0
  le16 vp_index;                // 4
  std::uint8_t vtl;             // 6
  std::uint8_t flags;           // 7
  le64 relocation_alignment;    // 8
  le64 relocation_region_gpa;   // 16
  le64 relocation_region_size;  // 24
  le64 minimum_relocation_gpa;  // 32
  le64 maximum_relocation_gpa;  // 40
  bool operator==(const IGVM_VHS_RELOCATABLE_REGION&) const = default;
};
static_assert(sizeof(IGVM_VHS_RELOCATABLE_REGION) == 48 && Wire<IGVM_VHS_RELOCATABLE_REGION>);

// IGVM_VHS_PAGE_TABLE_RELOCATION
struct IGVM_VHS_PAGE_TABLE_RELOCATION {
  le32 compatibility_mask;  // 0
  le16 vp_index;            // 4
  std::uint8_t vtl;         // 6
  std::uint8_t reserved;    // 7
  le64 gpa;                 // 8
  le64 size;                // 16
  le64 used_size;           // 24
  bool operator==(const IGVM_VHS_PAGE_TABLE_RELOCATION&) const = default;
};
static_assert(sizeof(IGVM_VHS_PAGE_TABLE_RELOCATION) == 32 && Wire<IGVM_VHS_PAGE_TABLE_RELOCATION>);

// IGVM_VHS_PARAMETER_AREA
struct IGVM_VHS_PARAMETER_AREA {
  le64 number_of_bytes;       // 0
  le32 parameter_area_index;  // 8
  le32 file_offset;           // 12
  bool operator==(const IGVM_VHS_PARAMETER_AREA&) const = default;
};
static_assert(sizeof(IGVM_VHS_PARAMETER_AREA) == 16 && Wire<IGVM_VHS_PARAMETER_AREA>);

// IGVM_VHS_PAGE_DATA
struct IGVM_VHS_PAGE_DATA {
  le64 gpa;                 // 0
  le32 compatibility_mask;  // 8
  le32 file_offset;         // 12, from the start of the file; 0: a page of zeroes
  le32 flags;               // 16, IgvmPageDataFlags
  le16 data_type;           // 20, IgvmPageDataType
  le16 reserved;            // 22
  bool operator==(const IGVM_VHS_PAGE_DATA&) const = default;
};
static_assert(sizeof(IGVM_VHS_PAGE_DATA) == 24 && Wire<IGVM_VHS_PAGE_DATA>);

// IGVM_VHS_PARAMETER_INSERT
struct IGVM_VHS_PARAMETER_INSERT {
  le64 gpa;                   // 0
  le32 compatibility_mask;    // 8
  le32 parameter_area_index;  // 12
  bool operator==(const IGVM_VHS_PARAMETER_INSERT&) const = default;
};
static_assert(sizeof(IGVM_VHS_PARAMETER_INSERT) == 16 && Wire<IGVM_VHS_PARAMETER_INSERT>);

// IGVM_VHS_PARAMETER
struct IGVM_VHS_PARAMETER {
  le32 parameter_area_index;  // 0
  le32 byte_offset;           // 4
  bool operator==(const IGVM_VHS_PARAMETER&) const = default;
};
static_assert(sizeof(IGVM_VHS_PARAMETER) == 8 && Wire<IGVM_VHS_PARAMETER>);

// IGVM_VHS_VP_CONTEXT: 20 bytes, followed by 4 of padding.
struct IGVM_VHS_VP_CONTEXT {
  le64 gpa;                 // 0
  le32 compatibility_mask;  // 8
  le32 file_offset;         // 12
  le16 vp_index;            // 16
  le16 reserved;            // 18
  bool operator==(const IGVM_VHS_VP_CONTEXT&) const = default;
};
static_assert(sizeof(IGVM_VHS_VP_CONTEXT) == 20 && Wire<IGVM_VHS_VP_CONTEXT>);

// IGVM_VHS_ERROR_RANGE
struct IGVM_VHS_ERROR_RANGE {
  le64 gpa;                 // 0
  le32 compatibility_mask;  // 8
  le32 size_bytes;          // 12
  bool operator==(const IGVM_VHS_ERROR_RANGE&) const = default;
};
static_assert(sizeof(IGVM_VHS_ERROR_RANGE) == 16 && Wire<IGVM_VHS_ERROR_RANGE>);

// IGVM_VHS_REQUIRED_MEMORY
struct IGVM_VHS_REQUIRED_MEMORY {
  le64 gpa;                 // 0
  le32 compatibility_mask;  // 8
  le32 number_of_bytes;     // 12
  le32 flags;               // 16, RequiredMemoryFlags
  le32 reserved;            // 20
  bool operator==(const IGVM_VHS_REQUIRED_MEMORY&) const = default;
};
static_assert(sizeof(IGVM_VHS_REQUIRED_MEMORY) == 24 && Wire<IGVM_VHS_REQUIRED_MEMORY>);

// IGVM_VHS_MEMORY_RANGE
struct IGVM_VHS_MEMORY_RANGE {
  le64 starting_gpa_page_number;  // 0
  le64 number_of_pages;           // 8
  bool operator==(const IGVM_VHS_MEMORY_RANGE&) const = default;
};
static_assert(sizeof(IGVM_VHS_MEMORY_RANGE) == 16 && Wire<IGVM_VHS_MEMORY_RANGE>);

// IGVM_VHS_MMIO_RANGES: what a loader writes for IGVM_VHT_MMIO_RANGES.
struct IGVM_VHS_MMIO_RANGES {
  std::array<IGVM_VHS_MEMORY_RANGE, 2> mmio_ranges;  // 0
  bool operator==(const IGVM_VHS_MMIO_RANGES&) const = default;
};
static_assert(sizeof(IGVM_VHS_MMIO_RANGES) == 32 && Wire<IGVM_VHS_MMIO_RANGES>);

// IGVM_VHS_MEMORY_MAP_ENTRY: what a loader writes for IGVM_VHT_MEMORY_MAP; an entry of no pages ends the map.
struct IGVM_VHS_MEMORY_MAP_ENTRY {
  le64 starting_gpa_page_number;  // 0
  le64 number_of_pages;           // 8
  le16 entry_type;                // 16, MemoryMapEntryType
  le16 flags;                     // 18
  le32 reserved;                  // 20
  bool operator==(const IGVM_VHS_MEMORY_MAP_ENTRY&) const = default;
};
static_assert(sizeof(IGVM_VHS_MEMORY_MAP_ENTRY) == 24 && Wire<IGVM_VHS_MEMORY_MAP_ENTRY>);

// IGVM_VHS_SNP_ID_BLOCK_SIGNATURE
struct IGVM_VHS_SNP_ID_BLOCK_SIGNATURE {
  std::array<std::uint8_t, 72> r_comp;  // 0
  std::array<std::uint8_t, 72> s_comp;  // 72
  bool operator==(const IGVM_VHS_SNP_ID_BLOCK_SIGNATURE&) const = default;
};
static_assert(sizeof(IGVM_VHS_SNP_ID_BLOCK_SIGNATURE) == 144 && Wire<IGVM_VHS_SNP_ID_BLOCK_SIGNATURE>);

// IGVM_VHS_SNP_ID_BLOCK_PUBLIC_KEY
struct IGVM_VHS_SNP_ID_BLOCK_PUBLIC_KEY {
  le32 curve;                       // 0
  le32 reserved;                    // 4
  std::array<std::uint8_t, 72> qx;  // 8
  std::array<std::uint8_t, 72> qy;  // 80
  bool operator==(const IGVM_VHS_SNP_ID_BLOCK_PUBLIC_KEY&) const = default;
};
static_assert(sizeof(IGVM_VHS_SNP_ID_BLOCK_PUBLIC_KEY) == 152 && Wire<IGVM_VHS_SNP_ID_BLOCK_PUBLIC_KEY>);

// IGVM_VHS_SNP_ID_BLOCK
struct IGVM_VHS_SNP_ID_BLOCK {
  le32 compatibility_mask;                               // 0
  std::uint8_t author_key_enabled;                       // 4
  std::array<std::uint8_t, 3> reserved;                  // 5
  std::array<std::uint8_t, 48> ld;                       // 8
  std::array<std::uint8_t, 16> family_id;                // 56
  std::array<std::uint8_t, 16> image_id;                 // 72
  le32 version;                                          // 88
  le32 guest_svn;                                        // 92
  le32 id_key_algorithm;                                 // 96
  le32 author_key_algorithm;                             // 100
  IGVM_VHS_SNP_ID_BLOCK_SIGNATURE id_key_signature;      // 104
  IGVM_VHS_SNP_ID_BLOCK_PUBLIC_KEY id_public_key;        // 248
  IGVM_VHS_SNP_ID_BLOCK_SIGNATURE author_key_signature;  // 400
  IGVM_VHS_SNP_ID_BLOCK_PUBLIC_KEY author_public_key;    // 544
  bool operator==(const IGVM_VHS_SNP_ID_BLOCK&) const = default;
};
static_assert(sizeof(IGVM_VHS_SNP_ID_BLOCK) == 696 && Wire<IGVM_VHS_SNP_ID_BLOCK>);

// IGVM_VHS_VBS_MEASUREMENT
struct IGVM_VHS_VBS_MEASUREMENT {
  le32 compatibility_mask;                               // 0
  le32 version;                                          // 4
  le32 product_id;                                       // 8
  le32 module_id;                                        // 12
  le32 security_version;                                 // 16
  le32 policy_flags;                                     // 20
  le32 boot_digest_algo;                                 // 24
  le32 signing_algo;                                     // 28
  std::array<std::uint8_t, 64> boot_measurement_digest;  // 32
  std::array<std::uint8_t, 256> signature;               // 96
  std::array<std::uint8_t, 512> public_key;              // 352
  bool operator==(const IGVM_VHS_VBS_MEASUREMENT&) const = default;
};
static_assert(sizeof(IGVM_VHS_VBS_MEASUREMENT) == 864 && Wire<IGVM_VHS_VBS_MEASUREMENT>);

// IgvmNativeVpContextX64: the start of the 4096 bytes of a native (or SEV) VP context; the rest is zero.
// Segment attributes are the VMX access rights, limits are in bytes; `data_*` is for DS, ES, FS, GS and SS.
struct IgvmNativeVpContextX64 {
  le64 rax;                      // 0
  le64 rcx;                      // 8
  le64 rdx;                      // 16
  le64 rbx;                      // 24
  le64 rsp;                      // 32
  le64 rbp;                      // 40
  le64 rsi;                      // 48
  le64 rdi;                      // 56
  le64 r8;                       // 64
  le64 r9;                       // 72
  le64 r10;                      // 80
  le64 r11;                      // 88
  le64 r12;                      // 96
  le64 r13;                      // 104
  le64 r14;                      // 112
  le64 r15;                      // 120
  le64 rip;                      // 128
  le64 rflags;                   // 136
  le64 idtr_base;                // 144
  le16 idtr_limit;               // 152
  std::array<le16, 2> reserved;  // 154
  le16 gdtr_limit;               // 158
  le64 gdtr_base;                // 160
  le16 code_selector;            // 168
  le16 code_attributes;          // 170
  le32 code_base;                // 172
  le32 code_limit;               // 176
  le16 data_selector;            // 180
  le16 data_attributes;          // 182
  le32 data_base;                // 184
  le32 data_limit;               // 188
  le64 gs_base;                  // 192
  le64 cr0;                      // 200
  le64 cr3;                      // 208
  le64 cr4;                      // 216
  le64 efer;                     // 224
  bool operator==(const IgvmNativeVpContextX64&) const = default;
};
static_assert(sizeof(IgvmNativeVpContextX64) == 232 && Wire<IgvmNativeVpContextX64>);

// VbsVpContextHeader, followed by `register_count` of VbsVpContextRegister
struct VbsVpContextHeader {
  le32 register_count;  // 0
  bool operator==(const VbsVpContextHeader&) const = default;
};
static_assert(sizeof(VbsVpContextHeader) == 4 && Wire<VbsVpContextHeader>);

// VbsVpContextRegister. Register names are those of the Hypervisor Top Level Functional Specification.
struct VbsVpContextRegister {
  std::uint8_t vtl;                             // 0
  le32 register_name;                           // 1
  std::array<std::uint8_t, 11> mbz;             // 5
  std::array<std::uint8_t, 16> register_value;  // 16
  bool operator==(const VbsVpContextRegister&) const = default;
};
static_assert(sizeof(VbsVpContextRegister) == 32 && Wire<VbsVpContextRegister>);

// IgvmVpContextAArch64Cca: the start of the 4096 bytes of a CCA VP context (RMM specification, RmiRecParams);
// the rest is zero.
struct IgvmVpContextAArch64Cca {
  std::array<le64, 8> x;  // 0, x0-x7
  le64 pc;                // 64
  le64 flags;             // 72
  bool operator==(const IgvmVpContextAArch64Cca&) const = default;
};
static_assert(sizeof(IgvmVpContextAArch64Cca) == 80 && Wire<IgvmVpContextAArch64Cca>);

}  // namespace tintype
