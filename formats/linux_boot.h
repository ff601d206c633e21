// What a boot loader hands to x86 Linux: the setup header, the e820 table and boot_params, the "zero page".
// Linux Documentation/arch/x86/boot.rst (protocol 2.15) and zero-page.rst.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "formats/gpa.h"
#include "formats/kernel.h"
#include "formats/wire.h"

namespace tintype {

// File offsets around the setup header (boot.rst, "The Real-Mode Kernel Header").
inline constexpr std::uint64_t kSetupHeaderOffset = 0x1F1;
// The header ends at kSetupHeaderJump plus the byte before it, the operand of a short jump.
inline constexpr std::uint64_t kSetupHeaderJump = 0x202;
inline constexpr std::uint64_t kSetupSector = 512;
// setup_sects of 0 means this many.
inline constexpr std::uint8_t kDefaultSetupSectors = 4;

inline constexpr std::uint16_t kBootFlag = 0xAA55;
inline constexpr std::uint32_t kSetupMagic = 0x53726448;  // "HdrS"
inline constexpr std::uint16_t kProtocol2_12 = 0x020C;    // the first with xloadflags
inline constexpr std::uint16_t kProtocol2_15 = 0x020F;

// setup_header.type_of_loader: a boot loader without an assigned number.
inline constexpr std::uint8_t kLoaderUndefined = 0xFF;

// setup_header.loadflags
inline constexpr std::uint8_t kLoadedHigh = 1 << 0;
inline constexpr std::uint8_t kKaslrFlag = 1 << 1;
inline constexpr std::uint8_t kQuietFlag = 1 << 5;
inline constexpr std::uint8_t kKeepSegments = 1 << 6;
inline constexpr std::uint8_t kCanUseHeap = 1 << 7;

// setup_header.xloadflags
inline constexpr std::uint16_t kXlfKernel64 = 1 << 0;
inline constexpr std::uint16_t kXlfCanBeLoadedAbove4G = 1 << 1;

// boot.rst, "Details of Header Fields". Offsets are those in the file and in boot_params; the protocol
// version that brought a field is in parentheses.
struct SetupHeader {
  std::uint8_t setup_sects;         // 1F1
  le16 root_flags;                  // 1F2
  le32 syssize;                     // 1F4 (2.04)
  le16 ram_size;                    // 1F8
  le16 vid_mode;                    // 1FA
  le16 root_dev;                    // 1FC
  le16 boot_flag;                   // 1FE
  le16 jump;                        // 200 (2.00)
  le32 header;                      // 202 (2.00)
  le16 version;                     // 206 (2.00)
  le32 realmode_swtch;              // 208 (2.00)
  le16 start_sys_seg;               // 20C (2.00)
  le16 kernel_version;              // 20E (2.00)
  std::uint8_t type_of_loader;      // 210 (2.00)
  std::uint8_t loadflags;           // 211 (2.00)
  le16 setup_move_size;             // 212 (2.00)
  le32 code32_start;                // 214 (2.00)
  le32 ramdisk_image;               // 218 (2.00)
  le32 ramdisk_size;                // 21C (2.00)
  le32 bootsect_kludge;             // 220 (2.00)
  le16 heap_end_ptr;                // 224 (2.01)
  std::uint8_t ext_loader_ver;      // 226 (2.02)
  std::uint8_t ext_loader_type;     // 227 (2.02)
  le32 cmd_line_ptr;                // 228 (2.02)
  le32 initrd_addr_max;             // 22C (2.03)
  le32 kernel_alignment;            // 230 (2.05)
  std::uint8_t relocatable_kernel;  // 234 (2.05)
  std::uint8_t min_alignment;       // 235 (2.10)
  le16 xloadflags;                  // 236 (2.12)
  le32 cmdline_size;                // 238 (2.06)
  le32 hardware_subarch;            // 23C (2.07)
  le64 hardware_subarch_data;       // 240 (2.07)
  le32 payload_offset;              // 248 (2.08)
  le32 payload_length;              // 24C (2.08)
  le64 setup_data;                  // 250 (2.09)
  le64 pref_address;                // 258 (2.10)
  le32 init_size;                   // 260 (2.10)
  le32 handover_offset;             // 264 (2.11)
  le32 kernel_info_offset;          // 268 (2.15)
};
static_assert(sizeof(SetupHeader) == 0x7B && Wire<SetupHeader>);
static_assert(offsetof(SetupHeader, header) == 0x202 - kSetupHeaderOffset);
static_assert(offsetof(SetupHeader, type_of_loader) == 0x210 - kSetupHeaderOffset);
static_assert(offsetof(SetupHeader, ramdisk_image) == 0x218 - kSetupHeaderOffset);
static_assert(offsetof(SetupHeader, cmd_line_ptr) == 0x228 - kSetupHeaderOffset);
static_assert(offsetof(SetupHeader, xloadflags) == 0x236 - kSetupHeaderOffset);
static_assert(offsetof(SetupHeader, payload_offset) == 0x248 - kSetupHeaderOffset);
static_assert(offsetof(SetupHeader, kernel_info_offset) == 0x268 - kSetupHeaderOffset);

// What an e820 range is (ACPI 6.5, 15.1, table 15.374 "Address Range Types").
enum class E820Type : std::uint32_t { ram = 1, reserved = 2, acpi = 3, nvs = 4, unusable = 5 };

// zero-page.rst, e820_table: one element.
struct E820Entry {
  le64 addr;  // 00
  le64 size;  // 08
  le32 type;  // 10, an E820Type
};
static_assert(sizeof(E820Entry) == 20 && Wire<E820Entry>);

// Entries that fit boot_params.
inline constexpr std::size_t kMaxE820Entries = 128;

// zero-page.rst. Parts that nothing here fills in are named bytes.
struct BootParams {
  std::array<std::uint8_t, 0x40> screen_info;         // 000
  std::array<std::uint8_t, 0x14> apm_bios_info;       // 040
  std::array<std::uint8_t, 4> _pad2;                  // 054
  le64 tboot_addr;                                    // 058
  std::array<std::uint8_t, 0x10> ist_info;            // 060
  le64 acpi_rsdp_addr;                                // 070
  std::array<std::uint8_t, 8> _pad3;                  // 078
  std::array<std::uint8_t, 0x10> hd0_info;            // 080
  std::array<std::uint8_t, 0x10> hd1_info;            // 090
  std::array<std::uint8_t, 0x10> sys_desc_table;      // 0A0
  std::array<std::uint8_t, 0x10> olpc_ofw_header;     // 0B0
  le32 ext_ramdisk_image;                             // 0C0, bits 63:32 of the address
  le32 ext_ramdisk_size;                              // 0C4, bits 63:32 of the size
  le32 ext_cmd_line_ptr;                              // 0C8, bits 63:32 of the address
  std::array<std::uint8_t, 0x70> _pad4;               // 0CC
  le32 cc_blob_address;                               // 13C
  std::array<std::uint8_t, 0x80> edid_info;           // 140
  std::array<std::uint8_t, 0x20> efi_info;            // 1C0
  le32 alt_mem_k;                                     // 1E0
  le32 scratch;                                       // 1E4
  std::uint8_t e820_entries;                          // 1E8
  std::uint8_t eddbuf_entries;                        // 1E9
  std::uint8_t edd_mbr_sig_buf_entries;               // 1EA
  std::uint8_t kbd_status;                            // 1EB
  std::uint8_t secure_boot;                           // 1EC
  std::array<std::uint8_t, 2> _pad5;                  // 1ED
  std::uint8_t sentinel;                              // 1EF, 0: the rest is meant as it is
  std::uint8_t _pad6;                                 // 1F0
  SetupHeader hdr;                                    // 1F1
  std::array<std::uint8_t, 0x24> _pad7;               // 26C
  std::array<le32, 16> edd_mbr_sig_buffer;            // 290
  std::array<E820Entry, kMaxE820Entries> e820_table;  // 2D0
  std::array<std::uint8_t, 0x30> _pad8;               // CD0
  std::array<std::uint8_t, 0x1EC> eddbuf;             // D00
  std::array<std::uint8_t, 0x114> _pad9;              // EEC
};
static_assert(sizeof(BootParams) == 4096 && Wire<BootParams>);
static_assert(offsetof(BootParams, acpi_rsdp_addr) == 0x070);
static_assert(offsetof(BootParams, ext_ramdisk_image) == 0x0C0);
static_assert(offsetof(BootParams, cc_blob_address) == 0x13C);
static_assert(offsetof(BootParams, e820_entries) == 0x1E8);
static_assert(offsetof(BootParams, sentinel) == 0x1EF);
static_assert(offsetof(BootParams, hdr) == kSetupHeaderOffset);
static_assert(offsetof(BootParams, edd_mbr_sig_buffer) == 0x290);
static_assert(offsetof(BootParams, e820_table) == 0x2D0);
static_assert(offsetof(BootParams, eddbuf) == 0xD00);

// The setup header that a kernel without one (a bare ELF) is started with: protocol 2.15, loaded high,
// command lines up to 2047 bytes, initrds up to 0x7FFFFFFF.
SetupHeader default_setup_header();

// What boot_params says beyond the kernel's own setup header. Addresses are guest-physical and may be above
// 4 GiB.
struct BootParamsInputs {
  std::uint64_t cmdline = 0;     // of the NUL-terminated command line
  GpaRange initrd;               // empty if there is none
  std::uint64_t rsdp = 0;        // 0: the kernel searches for it
  std::uint64_t setup_data = 0;  // of the first of a chain (setup_data.h), 0 if there is none
  bool kaslr = false;            // the kernel was moved from its link address, and shall move its memory too
  std::vector<E820Entry> e820;
};

// Whether `kernel` and `inputs` fit boot_params. Errors: more than kMaxE820Entries, or a setup header that is
// longer than its place.
Result<void> check_boot_params(const Kernel& kernel, const BootParamsInputs& inputs);

// boot_params for the 64-bit entry point: `kernel`'s setup header or default_setup_header(), in a page of
// zeroes, with the fields that boot.rst has a boot loader write. Its errors are check_boot_params()'s.
Result<BootParams> try_make_boot_params(const Kernel& kernel, const BootParamsInputs& inputs);

// The same for callers whose inputs cannot fail that check; ends the program if they do.
BootParams make_boot_params(const Kernel& kernel, const BootParamsInputs& inputs);

}  // namespace tintype
