// Guest-physical addresses: ranges, page rounding, and arithmetic that cannot wrap unnoticed.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>

namespace tintype {

inline constexpr std::uint64_t kPageSize = 4096;
// Where guest-physical addresses end at the latest, on x86_64 (AMD64 manual volume 2, 5.3) and on AArch64
// (Arm ARM, D8.1.6).
inline constexpr std::uint64_t kPhysicalEnd = std::uint64_t{1} << 52;
inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;
inline constexpr std::uint64_t kGiB = 1024 * kMiB;
inline constexpr std::uint64_t kTiB = 1024 * kGiB;

constexpr std::optional<std::uint64_t> checked_add(std::uint64_t a, std::uint64_t b) {
  std::uint64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

constexpr std::optional<std::uint64_t> checked_mul(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

// `alignment` is a power of two.
constexpr bool is_aligned(std::uint64_t value, std::uint64_t alignment) {
  return (value & (alignment - 1)) == 0;
}
constexpr std::uint64_t align_down(std::uint64_t value, std::uint64_t alignment) {
  return value & ~(alignment - 1);
}
// The next multiple of `alignment`, or nothing if that is past 2^64 - 1.
constexpr std::optional<std::uint64_t> align_up(std::uint64_t value, std::uint64_t alignment) {
  const auto sum = checked_add(value, alignment - 1);
  if (!sum) return std::nullopt;
  return align_down(*sum, alignment);
}
// Number of 4 KiB pages that `bytes` bytes need.
constexpr std::uint64_t pages_of(std::uint64_t bytes) {
  return bytes / kPageSize + (bytes % kPageSize != 0);
}

// Guest-physical bytes [start, end). Half open; start <= end always.
struct GpaRange {
  std::uint64_t start = 0;
  std::uint64_t end = 0;

  static constexpr std::optional<GpaRange> of_size(std::uint64_t start, std::uint64_t size) {
    const auto end = checked_add(start, size);
    if (!end) return std::nullopt;
    return GpaRange{start, *end};
  }
  constexpr std::uint64_t size() const { return end - start; }
  constexpr bool empty() const { return start == end; }
  constexpr std::uint64_t last() const { return end - 1; }  // only if not empty
  constexpr bool contains(std::uint64_t gpa) const { return gpa >= start && gpa < end; }
  constexpr bool contains(GpaRange other) const { return other.start >= start && other.end <= end; }
  constexpr bool overlaps(GpaRange other) const {
    return start < other.end && other.start < end && !empty() && !other.empty();
  }
  // The whole pages that the range touches. The range ends below 2^64 - 4096.
  constexpr GpaRange to_pages() const {
    return {align_down(start, kPageSize), align_down(end + kPageSize - 1, kPageSize)};
  }
  constexpr auto operator<=>(const GpaRange&) const = default;
};

}  // namespace tintype
