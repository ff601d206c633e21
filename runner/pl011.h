// A PL011 UART with its FIFOs, as far as software can see one: it transmits at once and never has line
// errors.
//
// It starts as firmware leaves it, enabled and with its FIFOs on: the driver that Linux takes for one that
// ACPI describes sets nothing of that up (Arm DEN0094, B.1 "Generic UART").
//
// Source: Arm DDI 0183, PrimeCell UART (PL011) Technical Reference Manual, chapter 3. Not thread-safe; bus.h
// holds the lock.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>

#include "formats/wire.h"

namespace tintype {

class Pl011 {
 public:
  static constexpr std::size_t kFifoSize = 16;

  // `set_line` is told each change of the interrupt output.
  explicit Pl011(std::function<void(bool)> set_line) : set_line_(std::move(set_line)) {}

  // The register at `offset`, a multiple of 4 below 0x1000. Any value may be written to any register in any
  // order.
  std::uint32_t read(std::uint32_t offset);
  // What the write transmits is appended to `sent`.
  void write(std::uint32_t offset, std::uint32_t value, std::string& sent);

  // Puts received bytes into the FIFO and says how many it took: none before the guest shows that it listens
  // (by enabling a receive interrupt, or by polling the flags), so that what was piped in early is not lost
  // when a driver drains the FIFO.
  std::size_t receive(Bytes bytes);
  bool accepts_input() const { return listening() && count_ < capacity(); }

 private:
  bool listening() const;
  bool loops_back() const;
  std::size_t capacity() const;
  std::size_t trigger_level() const;
  std::uint32_t flags() const;
  void push(std::uint8_t byte);
  std::uint32_t pop();
  void transmit(std::uint8_t value, std::string& sent);
  void write_line_control(std::uint32_t value);
  void update_line();

  std::function<void(bool)> set_line_;
  bool line_ = false;
  bool overrun_ = false;
  std::uint32_t raw_ = 0, mask_ = 0;           // interrupts
  std::uint32_t control_ = 0x301;              // enabled, transmitter and receiver too
  std::uint32_t line_control_ = 0x70;          // 8 bits, FIFOs
  std::uint32_t divisor_ = 13, fraction_ = 1;  // 115200 baud of kUartClock; speed has no effect
  std::uint32_t levels_ = 0x12, dma_ = 0, infrared_ = 0;
  unsigned polls_ = 0;  // reads of the flags since any other access
  std::array<std::uint8_t, kFifoSize> fifo_{};
  std::size_t first_ = 0, count_ = 0;
};

}  // namespace tintype
