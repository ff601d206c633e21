#include "runner/load.h"

#include <algorithm>

namespace tintype {

namespace {

bool mappable(const GuestPlan::FilePiece& piece) {
  return is_aligned(piece.gpa, kPageSize) && is_aligned(piece.offset, kPageSize) &&
         is_aligned(piece.size, kPageSize);
}

}  // namespace

std::uint64_t shortest_mapped(const std::vector<GuestPlan::FilePiece>& pieces, std::size_t most) {
  const auto mapped = [&](std::uint64_t shortest) {
    return static_cast<std::size_t>(std::count_if(pieces.begin(), pieces.end(), [&](const auto& piece) {
      return mappable(piece) && piece.size >= shortest;
    }));
  };
  std::uint64_t shortest = kPageSize;
  // A file has less than 4 GiB, so that no more than 2^20 pieces, and none of 4 GiB, can be.
  while (shortest < 4 * kGiB && mapped(shortest) > most) shortest *= 2;
  return shortest;
}

Result<void> load_guest(const GuestPlan& plan, const MappedFile& file, const GuestMemory& memory) {
  const std::uint64_t shortest =
      plan.pieces.size() > kMaxMappedPieces ? shortest_mapped(plan.pieces, kMaxMappedPieces) : kPageSize;
  for (const GuestPlan::FilePiece& piece : plan.pieces) {
    if (mappable(piece) && piece.size >= shortest) {
      TRY(memory.map_file(file.fd(), piece.offset, piece.gpa, piece.size));
    } else {
      TRY(memory.copy_file(file.fd(), piece.offset, piece.gpa, piece.size));
    }
  }
  for (const GuestPlan::Write& write : plan.writes) {
    const auto target = memory.at(write.gpa, write.bytes.size());
    if (!target) return fail("a parameter at {:#x} lies outside memory", write.gpa);
    std::copy(write.bytes.begin(), write.bytes.end(), target->begin());
  }
  return {};
}

}  // namespace tintype
