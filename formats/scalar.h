// Integers with a fixed byte order, alignment 1 and no padding, for structures that mirror a specification
// page.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace tintype {

enum class ByteOrder { little, big };

// An unsigned integer stored as bytes. Reads and assigns like a native integer; the byte order is part of the
// type, so no code outside this file mentions swapping.
template <std::unsigned_integral T, ByteOrder kOrder>
class Scalar {
 public:
  constexpr Scalar() = default;
  constexpr Scalar(T value)  // NOLINT(google-explicit-constructor): must read like a native integer
      : bytes_(std::bit_cast<std::array<std::uint8_t, sizeof(T)>>(ordered(value))) {}
  constexpr operator T() const {  // NOLINT(google-explicit-constructor)
    return ordered(std::bit_cast<T>(bytes_));
  }
  constexpr T value() const { return *this; }
  friend constexpr bool operator==(const Scalar&, const Scalar&) = default;
  template <std::integral U>
  friend constexpr bool operator==(const Scalar& a, U b) {
    return a.value() == static_cast<T>(b);
  }

 private:
  // To the stored order from the machine's, or back. One load or store where the two agree: reading a header
  // of an IGVM file byte by byte would be half of the time that walking the file takes.
  static constexpr T ordered(T value) {
    if constexpr ((kOrder == ByteOrder::little) == (std::endian::native == std::endian::little)) return value;
    T swapped = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      swapped = static_cast<T>(
          swapped | static_cast<T>(static_cast<T>(value >> (8 * i) & 0xFF) << (8 * (sizeof(T) - 1 - i))));
    return swapped;
  }
  std::array<std::uint8_t, sizeof(T)> bytes_;
};

using le16 = Scalar<std::uint16_t, ByteOrder::little>;
using le32 = Scalar<std::uint32_t, ByteOrder::little>;
using le64 = Scalar<std::uint64_t, ByteOrder::little>;
using be32 = Scalar<std::uint32_t, ByteOrder::big>;
using be64 = Scalar<std::uint64_t, ByteOrder::big>;

}  // namespace tintype
