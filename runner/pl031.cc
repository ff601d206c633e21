#include "runner/pl031.h"

#include "runner/primecell.h"

namespace tintype {

namespace {

// DDI 0224, table 3-1.
enum Register : std::uint32_t {
  kData = 0x000,
  kMatch = 0x004,
  kLoad = 0x008,
  kControl = 0x00C,
  kInterruptMask = 0x010,
  kRawInterrupt = 0x014,
  kMaskedInterrupt = 0x018,
  kInterruptClear = 0x01C,
};

// Once started the clock cannot be stopped (3.3.4), and it has been.
constexpr std::uint32_t kStarted = 1;

constexpr PrimeCellId kId = {0x31, 0x10, 0x04, 0x00};

}  // namespace

// The counter has 32 bits and wraps: a match that is less than half of that ago is past.
void Pl031::look() {
  if (armed_ && static_cast<std::int32_t>(counter() - match_) >= 0) {
    armed_ = false;
    raw_ = true;
  }
  const bool line = raw_ && enabled_;
  if (line == line_) return;
  line_ = line;
  set_line_(line);
}

std::uint32_t Pl031::read(std::uint32_t offset) {
  look();
  switch (offset) {
    case kData:
      return counter();
    case kMatch:
      return match_;
    case kLoad:
      return load_;
    case kControl:
      return kStarted;
    case kInterruptMask:
      return enabled_ ? 1 : 0;
    case kRawInterrupt:
      return raw_ ? 1 : 0;
    case kMaskedInterrupt:
      return raw_ && enabled_ ? 1 : 0;
    default:
      return primecell_register(kId, offset);
  }
}

void Pl031::write(std::uint32_t offset, std::uint32_t value) {
  look();
  switch (offset) {
    case kMatch:
      match_ = value;
      // A time that is past comes again after 136 years.
      armed_ = static_cast<std::int32_t>(counter() - match_) <= 0;
      break;
    case kLoad:
      load_ = value;
      offset_ = value - static_cast<std::uint32_t>(clock_());
      break;
    case kInterruptMask:
      enabled_ = (value & 1) != 0;
      break;
    case kInterruptClear:
      if ((value & 1) != 0) raw_ = false;
      break;
    default:
      break;  // read-only, or nothing
  }
  look();
}

}  // namespace tintype
