// Guest-physical memory in this process: reservations that cost nothing until they are touched, with files
// mapped over them, and the one way from a guest address to a host pointer.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "formats/gpa.h"
#include "formats/result.h"

namespace tintype {

// Sorted, disjoint, maximal: what `ranges`, in any order and overlapping or touching, cover together. Empty
// ones are dropped.
std::vector<GpaRange> normalised(std::vector<GpaRange> ranges);

class GuestMemory {
 public:
  struct Block {
    GpaRange range;
    std::uint8_t* host = nullptr;
  };

  // Reserves memory for `ranges`, whose ends are multiples of 4 KiB. It reads as zero.
  static Result<GuestMemory> reserve(std::vector<GpaRange> ranges);
  GuestMemory(GuestMemory&& other) noexcept : blocks_(std::move(other.blocks_)) { other.blocks_.clear(); }
  GuestMemory& operator=(GuestMemory&&) = delete;
  ~GuestMemory();

  const std::vector<Block>& blocks() const { return blocks_; }

  // The host bytes of guest [gpa, gpa + size), or nothing if not all of it is memory.
  std::optional<std::span<std::uint8_t>> at(std::uint64_t gpa, std::uint64_t size) const;

  // Maps `size` bytes of `fd` from `offset` on at `gpa`, privately: the guest's writes stay its own. All
  // three are multiples of 4 KiB.
  Result<void> map_file(int fd, std::uint64_t offset, std::uint64_t gpa, std::uint64_t size) const;
  // Copies them instead; any alignment.
  Result<void> copy_file(int fd, std::uint64_t offset, std::uint64_t gpa, std::uint64_t size) const;

 private:
  GuestMemory() = default;
  std::vector<Block> blocks_;  // ascending, disjoint, never touching
};

}  // namespace tintype
