#include "runner/pl011.h"

#include "runner/primecell.h"

namespace tintype {

namespace {

// DDI 0183, table 3-1: offsets, and bits by register.
enum Register : std::uint32_t {
  kData = 0x000,
  kStatus = 0x004,  // error clear when written
  kFlags = 0x018,
  kInfrared = 0x020,
  kDivisor = 0x024,
  kFraction = 0x028,
  kLineControl = 0x02C,
  kControl = 0x030,
  kFifoLevels = 0x034,
  kInterruptMask = 0x038,
  kRawInterrupts = 0x03C,
  kMaskedInterrupts = 0x040,
  kInterruptClear = 0x044,
  kDmaControl = 0x048,
};

constexpr std::uint32_t kCts = 0x001, kDsr = 0x002, kDcd = 0x004, kReceiveEmpty = 0x010, kReceiveFull = 0x040,
                        kTransmitEmpty = 0x080, kRi = 0x100;
constexpr std::uint32_t kEnable = 0x0001, kLoopBack = 0x0080, kReceiveEnable = 0x0200, kDtr = 0x0400,
                        kRts = 0x0800, kOut1 = 0x1000, kOut2 = 0x2000, kControlMask = 0xFF87;
constexpr std::uint32_t kFifoEnable = 0x10;
constexpr std::uint32_t kReceive = 0x010, kTransmit = 0x020, kReceiveTimeout = 0x040, kOverrun = 0x400,
                        kInterruptsMask = 0x7FF;
constexpr std::uint32_t kStatusOverrun = 0x8;  // in the status register
constexpr std::uint32_t kDataOverrun = 0x800;  // in the data register

// Revision r1p4, the last with FIFOs of 16.
constexpr PrimeCellId kId = {0x11, 0x10, 0x14, 0x00};

// A transmitting guest reads the flags once or twice a byte, since the transmitter is always ready; one that
// reads them this often in a row is waiting for input.
constexpr unsigned kPollsOfAListener = 8;

}  // namespace

bool Pl011::loops_back() const {
  return (control_ & kLoopBack) != 0;
}

std::size_t Pl011::capacity() const {
  return (line_control_ & kFifoEnable) != 0 ? kFifoSize : 1;
}

// 3.3.9: the FIFO's level at which the receive interrupt is raised. Without FIFO it is a character.
std::size_t Pl011::trigger_level() const {
  if (capacity() == 1) return 1;
  constexpr std::size_t kLevels[] = {2, 4, 8, 12, 14, 14, 14, 14};  // the last three are reserved
  return kLevels[levels_ >> 3 & 7];
}

bool Pl011::listening() const {
  if (loops_back() || (control_ & kEnable) == 0 || (control_ & kReceiveEnable) == 0) return false;
  return (mask_ & (kReceive | kReceiveTimeout)) != 0 || polls_ >= kPollsOfAListener;
}

// 3.3.3, and 3.3.8 on the loop: it connects RTS to CTS, DTR to DSR, OUT1 to DCD and OUT2 to RI. Without it
// the peer is always there.
std::uint32_t Pl011::flags() const {
  std::uint32_t flags = kTransmitEmpty;
  if (count_ == 0) flags |= kReceiveEmpty;
  if (count_ >= capacity()) flags |= kReceiveFull;
  if (!loops_back()) return flags | kCts | kDsr | kDcd;
  if ((control_ & kRts) != 0) flags |= kCts;
  if ((control_ & kDtr) != 0) flags |= kDsr;
  if ((control_ & kOut1) != 0) flags |= kDcd;
  if ((control_ & kOut2) != 0) flags |= kRi;
  return flags;
}

void Pl011::update_line() {
  const bool line = (raw_ & mask_) != 0;
  if (line == line_) return;
  line_ = line;
  set_line_(line);
}

// 2.8: what stays below the trigger level waits for a time-out of 32 bits; here that is over at once.
void Pl011::push(std::uint8_t byte) {
  if (count_ >= capacity()) {
    overrun_ = true;
    raw_ |= kOverrun;
    return;
  }
  fifo_[(first_ + count_) % kFifoSize] = byte;
  ++count_;
  raw_ |= kReceiveTimeout;
  if (count_ >= trigger_level()) raw_ |= kReceive;
}

std::uint32_t Pl011::pop() {
  if (count_ == 0) return 0;
  const std::uint32_t value = fifo_[first_] | (overrun_ ? kDataOverrun : 0);
  first_ = (first_ + 1) % kFifoSize;
  --count_;
  if (count_ < trigger_level()) raw_ &= ~kReceive;
  if (count_ == 0) raw_ &= ~kReceiveTimeout;
  return value;
}

std::size_t Pl011::receive(Bytes bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && accepts_input()) push(bytes[taken++]);
  update_line();
  return taken;
}

std::uint32_t Pl011::read(std::uint32_t offset) {
  polls_ = offset == kFlags || offset == kRawInterrupts ? polls_ + 1 : 0;
  switch (offset) {
    case kData: {
      const std::uint32_t value = pop();
      update_line();
      return value;
    }
    case kStatus:
      return overrun_ ? kStatusOverrun : 0;
    case kFlags:
      return flags();
    case kInfrared:
      return infrared_;
    case kDivisor:
      return divisor_;
    case kFraction:
      return fraction_;
    case kLineControl:
      return line_control_;
    case kControl:
      return control_;
    case kFifoLevels:
      return levels_;
    case kInterruptMask:
      return mask_;
    case kRawInterrupts:
      return raw_;
    case kMaskedInterrupts:
      return raw_ & mask_;
    case kDmaControl:
      return dma_;
    default:
      return primecell_register(kId, offset);
  }
}

// The FIFO fills and is empty again at once, through its trigger level: that raises the transmit interrupt.
// Whether the UART is enabled is not looked at: early code that leaves that to firmware is heard anyway.
void Pl011::transmit(std::uint8_t value, std::string& sent) {
  if (loops_back()) {
    push(value);
  } else {
    sent.push_back(static_cast<char>(value));
  }
  raw_ |= kTransmit;
}

// 3.3.7: without FIFOs what they held is gone.
void Pl011::write_line_control(std::uint32_t value) {
  if (((value ^ line_control_) & kFifoEnable) != 0) {
    count_ = 0;
    raw_ &= ~(kReceive | kReceiveTimeout);
  }
  line_control_ = value & 0xFF;
}

void Pl011::write(std::uint32_t offset, std::uint32_t value, std::string& sent) {
  polls_ = 0;
  switch (offset) {
    case kData:
      transmit(static_cast<std::uint8_t>(value), sent);
      break;
    case kStatus:
      overrun_ = false;
      break;
    case kInfrared:
      infrared_ = value & 0xFF;
      break;
    case kDivisor:
      divisor_ = value & 0xFFFF;
      break;
    case kFraction:
      fraction_ = value & 0x3F;
      break;
    case kLineControl:
      write_line_control(value);
      break;
    case kControl:
      control_ = value & kControlMask;
      break;
    case kFifoLevels:
      levels_ = value & 0x3F;
      break;
    case kInterruptMask:
      mask_ = value & kInterruptsMask;
      break;
    case kInterruptClear:
      raw_ &= ~value;
      break;
    case kDmaControl:
      dma_ = value & 0x7;
      break;
    default:
      break;  // read-only, or nothing
  }
  update_line();
}

}  // namespace tintype
