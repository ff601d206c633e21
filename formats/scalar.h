// Integers with a fixed byte order, alignment 1 and no padding, for structures that mirror a specification
// page.
#pragma once

#include <array>
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
  constexpr Scalar(T value) {  // NOLINT(google-explicit-constructor): must read like a native integer
    for (std::size_t i = 0; i < sizeof(T); ++i)
      bytes_[index(i)] = static_cast<std::uint8_t>(value >> (8 * i));
  }
  constexpr operator T() const {  // NOLINT(google-explicit-constructor)
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      value = static_cast<T>(value | static_cast<T>(static_cast<T>(bytes_[index(i)]) << (8 * i)));
    return value;
  }
  constexpr T value() const { return *this; }
  friend constexpr bool operator==(const Scalar&, const Scalar&) = default;
  template <std::integral U>
  friend constexpr bool operator==(const Scalar& a, U b) {
    return a.value() == static_cast<T>(b);
  }

 private:
  static constexpr std::size_t index(std::size_t i) {
    return kOrder == ByteOrder::little ? i : sizeof(T) - 1 - i;
  }
  std::array<std::uint8_t, sizeof(T)> bytes_;
};

using le16 = Scalar<std::uint16_t, ByteOrder::little>;
using le32 = Scalar<std::uint32_t, ByteOrder::little>;
using le64 = Scalar<std::uint64_t, ByteOrder::little>;
using be32 = Scalar<std::uint32_t, ByteOrder::big>;
using be64 = Scalar<std::uint64_t, ByteOrder::big>;

}  // namespace tintype
