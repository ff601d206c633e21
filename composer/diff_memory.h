// Guest memory as two files give it to a guest, compared byte by byte.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/igvm.h"

namespace tintype {

// Pages of one kind that follow each other.
struct MemoryExtent {
  std::uint64_t page = 0;   // the first, as a number
  std::uint64_t pages = 1;  // of 4096 bytes
  std::string_view kind;    // one of igvm::page_kind_name(), "parameter" or "error range"
  Bytes data = {};          // pages * 4096 bytes, or empty: zeroes; "parameter": before it is filled in
  std::uint64_t end() const { return page + pages; }
};

// The memory that a file gives to the platforms of a mask.
class MemoryView {
 public:
  // Borrows from the file's bytes. Where a file has two things for one page, the first counts.
  MemoryView(const igvm::File& file, std::uint32_t mask);

  // Ascending and disjoint.
  const std::vector<MemoryExtent>& extents() const { return extents_; }
  // What the guest finds at [gpa, gpa + size): zeroes where the file says nothing. `size` is small.
  std::vector<std::uint8_t> read(std::uint64_t gpa, std::uint64_t size) const;
  // The kind of the first page that the range touches; empty if there is none.
  std::string_view kind_in(GpaRange range) const;

 private:
  std::vector<MemoryExtent> extents_;
};

// Pages that are of one kind in one file and of another in the other.
struct KindChange {
  std::string_view a, b;    // "absent" if there is none
  std::uint64_t pages = 0;  // how many there are
  std::uint64_t first = 0;  // where the first of them is
};

// How two pieces of memory of one size differ. Offsets are from their starts.
struct MemoryDifference {
  std::uint64_t compared = 0;          // bytes of each
  std::uint64_t bytes = 0;             // of them that the guest finds different
  std::uint64_t pages = 0;             // in which they are
  std::optional<std::uint64_t> first;  // the first of them
  std::uint64_t
      only_a = 0,
      only_b = 0;  // pages of zeroes that only one file has; where it has RAM, the guest finds zeroes in both
  std::optional<std::uint64_t> first_only;  // the first of those
  std::vector<KindChange> kinds;            // a pair of kinds once, by where it is first

  bool any() const { return bytes > 0 || only_a > 0 || only_b > 0 || !kinds.empty(); }
};

// Compares [a_start, a_start + size) of `a` with [b_start, b_start + size) of `b`. Takes time by what the
// files hold, however large `size` is.
MemoryDifference compare_memory(const MemoryView& a, std::uint64_t a_start, const MemoryView& b,
                                std::uint64_t b_start, std::uint64_t size);

// A difference as people read it: words where both sides are text, bytes in hexadecimal otherwise. The two
// sides are never equal.
struct Excerpt {
  std::string a, b;  // "\"quiet\"", "3a 01"
  bool text = false;
};

// Of two pieces of memory, around `at`, the first byte in which they differ. Both have it.
Excerpt excerpt_of(Bytes a, Bytes b, std::size_t at);

}  // namespace tintype
