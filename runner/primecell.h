// How Arm's PrimeCell peripherals tell what they are: four registers of a part's own, and four that are the
// same in all.
//
// Source: Arm DDI 0183, 3.3.14 and 3.3.15.
#pragma once

#include <array>
#include <cstdint>

namespace tintype {

// Part number and designer in the first two and a half bytes, then revision and configuration.
using PrimeCellId = std::array<std::uint8_t, 4>;

// The register at `offset`, which is none of the peripheral's other ones: zero if it is none of these either.
constexpr std::uint32_t primecell_register(const PrimeCellId& id, std::uint32_t offset) {
  constexpr std::array<std::uint8_t, 4> kCell = {0x0D, 0xF0, 0x05, 0xB1};
  if (offset >= 0xFF0 && offset <= 0xFFC) return kCell[(offset - 0xFF0) / 4];
  if (offset >= 0xFE0 && offset <= 0xFEC) return id[(offset - 0xFE0) / 4];
  return 0;
}

}  // namespace tintype
