// Puts a file's bytes into guest memory: by mapping, so that virtual machines of one file share its page
// cache.
#pragma once

#include "runner/guest_memory.h"
#include "runner/image.h"

namespace tintype {

// The most pieces that are mapped: each may cost two of the host's mappings per process, of which there are
// 65530 by default (vm.max_map_count). Of a file with more, the shorter pieces are copied.
inline constexpr std::size_t kMaxMappedPieces = 16384;

// Pieces that are not page-aligned (other tools' files) are copied too.
Result<void> load_guest(const GuestPlan& plan, const MappedFile& file, const GuestMemory& memory);

// The size from which on pieces are mapped so that at most `most` of them are.
std::uint64_t shortest_mapped(const std::vector<GuestPlan::FilePiece>& pieces, std::size_t most);

}  // namespace tintype
