// A 16550A UART with its FIFOs, as far as software can see one: it transmits at once and never has line
// errors.
//
// Source: National Semiconductor PC16550D data sheet, section 8. Not thread-safe; bus.h holds the lock.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>

#include "formats/wire.h"

namespace tintype {

class Serial {
 public:
  static constexpr std::uint16_t kPorts = 8;
  static constexpr std::size_t kFifoSize = 16;

  // `set_line` is told each change of the interrupt output.
  explicit Serial(std::function<void(bool)> set_line) : set_line_(std::move(set_line)) {}

  // Register `offset`, 0-7. Any value may be written to any register in any order.
  std::uint8_t read(std::uint16_t offset);
  // What the write transmits is appended to `sent`.
  void write(std::uint16_t offset, std::uint8_t value, std::string& sent);

  // Puts received bytes into the FIFO and says how many it took: none before the guest shows that it listens
  // (by enabling the receive interrupt, or by polling the line status), so that what was piped in early is
  // not lost when a driver probes the UART and resets its FIFOs.
  std::size_t receive(Bytes bytes);
  bool accepts_input() const { return listening() && count_ < capacity(); }

 private:
  bool listening() const;
  std::size_t capacity() const { return fifo_enabled() ? kFifoSize : 1; }
  bool fifo_enabled() const;
  bool loops_back() const;
  std::uint8_t interrupt_cause() const;
  std::uint8_t modem_status() const;
  void push(std::uint8_t byte);
  std::uint8_t pop();
  std::uint8_t read_interrupt_identification();
  std::uint8_t read_line_status();
  void write_fifo_control(std::uint8_t value);
  void transmit(std::uint8_t value, std::string& sent);
  void update_line();

  std::function<void(bool)> set_line_;
  bool line_ = false;
  bool transmit_interrupt_ = false;  // the holding register became empty and nobody was told yet
  bool overrun_ = false;
  std::uint8_t interrupt_enable_ = 0, fifo_control_ = 0, line_control_ = 0, modem_control_ = 0, scratch_ = 0;
  std::uint8_t divisor_low_ = 12, divisor_high_ = 0;  // 9600 baud; speed has no effect
  unsigned line_status_polls_ = 0;                    // reads of the line status since any other access
  std::array<std::uint8_t, kFifoSize> fifo_{};
  std::size_t first_ = 0, count_ = 0;
};

}  // namespace tintype
