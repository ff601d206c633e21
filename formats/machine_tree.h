// The machine description that travels in a snapshot: a flattened device tree at the end of the file data,
// found through a footer. No IGVM header refers to it, so other loaders do not see it. Format: SNAPSHOT.md.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "formats/machine.h"
#include "formats/wire.h"

namespace tintype {

// SNAPSHOT.md, "Footer". The last 64 bytes of the file; the tree ends where it begins.
struct SnapshotFooter {
  std::array<std::uint8_t, 8> magic;      // 0x00: "TINTYPE" and a NUL
  le32 version;                           // 0x08: 1
  le32 tree_size;                         // 0x0C: bytes
  Sha256 tree_sha256;                     // 0x10: of the tree
  std::array<std::uint8_t, 16> reserved;  // 0x30: zero
};
static_assert(sizeof(SnapshotFooter) == 64 && Wire<SnapshotFooter>);

inline constexpr std::uint32_t kSnapshotVersion = 1;
// A tree is some kilobytes; one that claims more than this is refused.
inline constexpr std::uint32_t kMaxTreeSize = 1 << 20;

// The tree and its footer, as the end of a file.
std::vector<std::uint8_t> machine_trailer(const Machine& machine);

// The machine of a snapshot, or nothing when `file` has no footer (an IGVM file of someone else's). Errors: a
// footer of an unknown version, a damaged tree, values out of range, devices that are not those of this
// version's machine.
Result<std::optional<Machine>> read_machine(Bytes file);

}  // namespace tintype
