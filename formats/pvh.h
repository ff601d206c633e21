// What a PVH guest is handed: the structures behind EBX. Xen xen/include/public/arch-x86/hvm/start_info.h and
// docs/misc/pvh, "PVH guest ABI".
#pragma once

#include <cstdint>

#include "formats/wire.h"

namespace tintype::pvh {

inline constexpr std::uint32_t kStartMagic = 0x336EC578;  // "xEn3", with bit 7 of the E set
inline constexpr std::uint32_t kStartVersion = 1;         // the first with a memory map

// struct hvm_start_info. An address of 0 means that there is no such thing.
struct StartInfo {
  le32 magic;           // 00
  le32 version;         // 04
  le32 flags;           // 08: SIF_*, none for a guest that is no Xen domain
  le32 nr_modules;      // 0C
  le64 modlist_paddr;   // 10
  le64 cmdline_paddr;   // 18
  le64 rsdp_paddr;      // 20
  le64 memmap_paddr;    // 28 (1)
  le32 memmap_entries;  // 30 (1)
  le32 reserved;        // 34 (1)
};
static_assert(sizeof(StartInfo) == 56 && Wire<StartInfo>);

// struct hvm_modlist_entry
struct ModuleEntry {
  le64 paddr;          // 00
  le64 size;           // 08
  le64 cmdline_paddr;  // 10
  le64 reserved;       // 18
};
static_assert(sizeof(ModuleEntry) == 32 && Wire<ModuleEntry>);

// struct hvm_memmap_table_entry. Types are those of ACPI 6.5, table 15.374, which e820 has too.
struct MemoryMapEntry {
  le64 addr;      // 00
  le64 size;      // 08
  le32 type;      // 10
  le32 reserved;  // 14
};
static_assert(sizeof(MemoryMapEntry) == 24 && Wire<MemoryMapEntry>);

}  // namespace tintype::pvh
