#include "runner/serial.h"

namespace tintype {

namespace {

// PC16550D data sheet, 8.0 "Registers": offsets, and bits by register.
enum Register : std::uint16_t {
  kData = 0,               // receiver buffer, transmitter holding; divisor low with DLAB
  kInterruptEnable = 1,    // divisor high with DLAB
  kInterruptIdentity = 2,  // FIFO control when written
  kLineControl = 3,
  kModemControl = 4,
  kLineStatus = 5,
  kModemStatus = 6,
  kScratch = 7,
};

constexpr std::uint8_t kEnableReceive = 0x01, kEnableTransmit = 0x02, kEnableLineStatus = 0x04,
                       kEnableMask = 0x0F;
constexpr std::uint8_t kCauseNone = 0x01, kCauseTransmit = 0x02, kCauseReceive = 0x04,
                       kCauseLineStatus = 0x06, kCauseTimeout = 0x0C, kIdentityFifo = 0xC0;
constexpr std::uint8_t kFifoEnable = 0x01, kFifoResetReceive = 0x02;
constexpr std::uint8_t kDivisorLatch = 0x80;
constexpr std::uint8_t kDtr = 0x01, kRts = 0x02, kOut1 = 0x04, kOut2 = 0x08, kLoop = 0x10, kModemMask = 0x1F;
constexpr std::uint8_t kDataReady = 0x01, kOverrun = 0x02, kTransmitterEmpty = 0x60;
constexpr std::uint8_t kCts = 0x10, kDsr = 0x20, kRi = 0x40, kDcd = 0x80;

// A transmitting guest reads the line status once a byte, since the transmitter is always empty; one that
// reads it this often in a row is waiting for input.
constexpr unsigned kPollsOfAListener = 8;

// FIFO control bits 7:6 (8.4): bytes in the FIFO at which the receive interrupt is raised.
std::size_t trigger_level(std::uint8_t fifo_control) {
  constexpr std::size_t kLevels[] = {1, 4, 8, 14};
  return kLevels[fifo_control >> 6];
}

}  // namespace

bool Serial::fifo_enabled() const {
  return (fifo_control_ & kFifoEnable) != 0;
}
bool Serial::loops_back() const {
  return (modem_control_ & kLoop) != 0;
}

// Receive interrupts on, and a modem line that says that a driver is there, not one that probes; or polling.
bool Serial::listening() const {
  if (loops_back()) return false;
  const bool by_interrupt =
      (interrupt_enable_ & kEnableReceive) != 0 && (modem_control_ & (kDtr | kRts | kOut2)) != 0;
  return by_interrupt || line_status_polls_ >= kPollsOfAListener;
}

// 8.6, table V: by priority.
std::uint8_t Serial::interrupt_cause() const {
  if (overrun_ && (interrupt_enable_ & kEnableLineStatus) != 0) return kCauseLineStatus;
  if (count_ > 0 && (interrupt_enable_ & kEnableReceive) != 0) {
    // What is below the trigger level waits for the time-out of four characters; here it is over at once.
    return !fifo_enabled() || count_ >= trigger_level(fifo_control_) ? kCauseReceive : kCauseTimeout;
  }
  if (transmit_interrupt_ && (interrupt_enable_ & kEnableTransmit) != 0) return kCauseTransmit;
  return kCauseNone;
}

// 8.7 and 8.8: the loop connects RTS to CTS, DTR to DSR, OUT1 to RI and OUT2 to DCD. Without it the peer is
// always there. Changes are not latched: nothing outside ever changes them.
std::uint8_t Serial::modem_status() const {
  if (!loops_back()) return kCts | kDsr | kDcd;
  std::uint8_t status = 0;
  if ((modem_control_ & kRts) != 0) status |= kCts;
  if ((modem_control_ & kDtr) != 0) status |= kDsr;
  if ((modem_control_ & kOut1) != 0) status |= kRi;
  if ((modem_control_ & kOut2) != 0) status |= kDcd;
  return status;
}

void Serial::update_line() {
  const bool line = interrupt_cause() != kCauseNone;
  if (line == line_) return;
  line_ = line;
  set_line_(line);
}

void Serial::push(std::uint8_t byte) {
  if (count_ >= capacity()) {
    overrun_ = true;
    return;
  }
  fifo_[(first_ + count_) % kFifoSize] = byte;
  ++count_;
}

std::uint8_t Serial::pop() {
  if (count_ == 0) return 0;
  const std::uint8_t byte = fifo_[first_];
  first_ = (first_ + 1) % kFifoSize;
  --count_;
  return byte;
}

std::size_t Serial::receive(Bytes bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && accepts_input()) push(bytes[taken++]);
  update_line();
  return taken;
}

// Reading the identity of the transmit interrupt is what clears it (8.6).
std::uint8_t Serial::read_interrupt_identification() {
  const std::uint8_t cause = interrupt_cause();
  if (cause == kCauseTransmit) transmit_interrupt_ = false;
  return static_cast<std::uint8_t>(cause | (fifo_enabled() ? kIdentityFifo : 0));
}

std::uint8_t Serial::read_line_status() {
  ++line_status_polls_;
  const std::uint8_t status = static_cast<std::uint8_t>(kTransmitterEmpty | (count_ > 0 ? kDataReady : 0) |
                                                        (overrun_ ? kOverrun : 0));
  overrun_ = false;
  return status;
}

std::uint8_t Serial::read(std::uint16_t offset) {
  if (offset != kLineStatus) line_status_polls_ = 0;
  const bool divisor = (line_control_ & kDivisorLatch) != 0;
  std::uint8_t value = 0xFF;
  switch (offset) {
    case kData:
      value = divisor ? divisor_low_ : pop();
      break;
    case kInterruptEnable:
      value = divisor ? divisor_high_ : interrupt_enable_;
      break;
    case kInterruptIdentity:
      value = read_interrupt_identification();
      break;
    case kLineControl:
      value = line_control_;
      break;
    case kModemControl:
      value = modem_control_;
      break;
    case kLineStatus:
      value = read_line_status();
      break;
    case kModemStatus:
      value = modem_status();
      break;
    case kScratch:
      value = scratch_;
      break;
    default:
      break;
  }
  update_line();
  return value;
}

void Serial::write_fifo_control(std::uint8_t value) {
  const bool toggled = ((value ^ fifo_control_) & kFifoEnable) != 0;
  if (toggled || (value & kFifoResetReceive) != 0) count_ = 0;
  // 8.4: the other bits are only taken together with the enable bit.
  fifo_control_ = (value & kFifoEnable) != 0 ? value : 0;
}

void Serial::transmit(std::uint8_t value, std::string& sent) {
  // The holding register fills, so the line drops, and empties again: an edge for each byte.
  transmit_interrupt_ = false;
  update_line();
  if (loops_back()) {
    push(value);
  } else {
    sent.push_back(static_cast<char>(value));
  }
  transmit_interrupt_ = true;
}

void Serial::write(std::uint16_t offset, std::uint8_t value, std::string& sent) {
  line_status_polls_ = 0;
  const bool divisor = (line_control_ & kDivisorLatch) != 0;
  switch (offset) {
    case kData:
      if (divisor) {
        divisor_low_ = value;
      } else {
        transmit(value, sent);
      }
      break;
    case kInterruptEnable:
      if (divisor) {
        divisor_high_ = value;
        break;
      }
      // Enabling the transmit interrupt while the holding register is empty raises it.
      if ((value & ~interrupt_enable_ & kEnableTransmit) != 0) transmit_interrupt_ = true;
      interrupt_enable_ = value & kEnableMask;
      break;
    case kInterruptIdentity:
      write_fifo_control(value);
      break;
    case kLineControl:
      line_control_ = value;
      break;
    case kModemControl:
      modem_control_ = value & kModemMask;
      break;
    case kScratch:
      scratch_ = value;
      break;
    default:
      break;  // the status registers are read-only
  }
  update_line();
}

}  // namespace tintype
