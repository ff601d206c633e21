#include "runner/pl061.h"

#include "runner/primecell.h"

namespace tintype {

namespace {

// DDI 0190, table 3-1. The data register is at every offset below 0x400: bits 9:2 of the address say which
// of its bits are meant.
enum Register : std::uint32_t {
  kDataEnd = 0x400,
  kDirection = 0x400,
  kInterruptLevel = 0x404,  // by level, not by edge
  kInterruptBoth = 0x408,   // by both edges
  kInterruptHigh = 0x40C,   // by rising edge or high level
  kInterruptMask = 0x410,   // enables
  kRawInterrupts = 0x414,
  kMaskedInterrupts = 0x418,
  kInterruptClear = 0x41C,
  kAlternate = 0x420,
};

constexpr PrimeCellId kId = {0x61, 0x10, 0x04, 0x00};

std::uint8_t address_mask(std::uint32_t offset) {
  return static_cast<std::uint8_t>(offset >> 2);
}

}  // namespace

std::uint8_t Pl061::pins() const {
  return static_cast<std::uint8_t>((data_ & direction_) | (driven_ & ~direction_));
}

std::uint8_t Pl061::raw() const {
  const auto at_level = static_cast<std::uint8_t>(~(pins() ^ high_) & level_);
  return static_cast<std::uint8_t>(at_level | (edges_ & ~level_));
}

void Pl061::update_line() {
  const bool line = (raw() & enabled_) != 0;
  if (line == line_) return;
  line_ = line;
  set_line_(line);
}

// 3.3.3 to 3.3.5: of the pins that are sensed by edge, which way counts.
void Pl061::see_edges(std::uint8_t before) {
  const std::uint8_t now = pins();
  const int changed = (now ^ before) & ~level_;
  const int wanted = both_ | ~(now ^ high_);
  edges_ = static_cast<std::uint8_t>(edges_ | (changed & wanted));
}

void Pl061::set_pin(unsigned pin, bool high) {
  const auto bit = static_cast<std::uint8_t>(1u << pin);
  const std::uint8_t before = pins();
  driven_ = static_cast<std::uint8_t>(high ? driven_ | bit : driven_ & ~bit);
  see_edges(before);
  update_line();
  if (!high || (enabled_ & bit) != 0 || line_) return;
  set_line_(true);
  set_line_(false);
}

std::uint32_t Pl061::read(std::uint32_t offset) {
  if (offset < kDataEnd) return pins() & address_mask(offset);
  switch (offset) {
    case kDirection:
      return direction_;
    case kInterruptLevel:
      return level_;
    case kInterruptBoth:
      return both_;
    case kInterruptHigh:
      return high_;
    case kInterruptMask:
      return enabled_;
    case kRawInterrupts:
      return raw();
    case kMaskedInterrupts:
      return raw() & enabled_;
    case kAlternate:
      return alternate_;
    default:
      return primecell_register(kId, offset);
  }
}

void Pl061::write(std::uint32_t offset, std::uint32_t value) {
  const auto byte = static_cast<std::uint8_t>(value);
  const std::uint8_t before = pins();
  if (offset < kDataEnd) {
    const std::uint8_t mask = address_mask(offset);
    data_ = static_cast<std::uint8_t>((data_ & ~mask) | (byte & mask));
  }
  switch (offset) {
    case kDirection:
      direction_ = byte;
      break;
    case kInterruptLevel:
      level_ = byte;
      break;
    case kInterruptBoth:
      both_ = byte;
      break;
    case kInterruptHigh:
      high_ = byte;
      break;
    case kInterruptMask:
      enabled_ = byte;
      break;
    case kInterruptClear:
      edges_ = static_cast<std::uint8_t>(edges_ & ~byte);
      break;
    case kAlternate:
      alternate_ = byte;
      break;
    default:
      break;  // data, read-only, or nothing
  }
  see_edges(before);
  update_line();
}

}  // namespace tintype
