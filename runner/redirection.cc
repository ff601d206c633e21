#include "runner/redirection.h"

#include "formats/machine.h"

namespace tintype {

namespace {

std::uint32_t bits(std::uint64_t entry, unsigned first, unsigned width) {
  return static_cast<std::uint32_t>((entry >> first) & ((std::uint64_t{1} << width) - 1));
}

constexpr std::uint32_t kLowestPriority = 1;  // delivery mode; the message then carries a redirection hint

}  // namespace

std::optional<InterruptMessage> wide_message(std::uint64_t entry) {
  const std::uint32_t vector = bits(entry, 0, 8), delivery = bits(entry, 8, 3), logical = bits(entry, 11, 1);
  const std::uint32_t level = bits(entry, 15, 1), masked = bits(entry, 16, 1);
  const std::uint32_t more = bits(entry, 48, 7), destination = bits(entry, 56, 8);
  if (more == 0 || level != 0 || masked != 0) return std::nullopt;
  const std::uint32_t hint = delivery == kLowestPriority ? 1 : 0;
  // Intel SDM volume 3, 11.11: the address has the destination in bits 19:12; what is beyond eight bits is in
  // the upper half, in place.
  return InterruptMessage{
      static_cast<std::uint32_t>(x86::kLapicBase) | destination << 12 | hint << 3 | logical << 2, more << 8,
      delivery << 8 | vector};
}

}  // namespace tintype
