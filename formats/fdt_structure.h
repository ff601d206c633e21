// Whether bytes are a flattened device tree, looked at token by token: libfdt 1.6.1's own check takes lengths
// of 2 GiB and more for negative ones and steps backwards.
//
// Source: Devicetree Specification 0.4, 5.2 to 5.4.
#pragma once

#include <optional>

#include "formats/wire.h"

namespace tintype {

// 5.2 "Header"
struct FdtHeader {
  be32 magic;              // 0x00
  be32 totalsize;          // 0x04
  be32 off_dt_struct;      // 0x08
  be32 off_dt_strings;     // 0x0C
  be32 off_mem_rsvmap;     // 0x10
  be32 version;            // 0x14
  be32 last_comp_version;  // 0x18
  be32 boot_cpuid_phys;    // 0x1C
  be32 size_dt_strings;    // 0x20
  be32 size_dt_struct;     // 0x24 (version 17)
};
static_assert(sizeof(FdtHeader) == 40 && Wire<FdtHeader>);

inline constexpr std::uint32_t kFdtMagic = 0xD00DFEED;
inline constexpr std::uint32_t kFdtVersion = 17;  // the only one that is read; of 2009

// How many levels of nodes are below the root of a tree whose structure and strings are sound; nothing if
// they are not, or if it does not have exactly `blob.size()` bytes. The memory reservation block is not
// looked at.
std::optional<int> fdt_depth(Bytes blob);

}  // namespace tintype
