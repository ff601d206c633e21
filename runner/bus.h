// What answers when a guest reads or writes an I/O port or an address without memory: the devices of
// formats/machine.h, and for the rest all ones.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "formats/machine.h"
#include "formats/wire.h"
#include "runner/outcome.h"
#include "runner/serial.h"

namespace tintype {

// Safe to call from every vCPU's thread and the supervisor's.
class Bus {
 public:
  // `serial_line` is told each change of the UART's interrupt; `wants_input` that receive() may be tried
  // again. Both are called with the bus locked.
  Bus(std::function<void(bool)> serial_line, std::function<void()> wants_input)
      : serial_(std::move(serial_line)), wants_input_(std::move(wants_input)) {}

  // `data` is any number of accesses of `size` bytes (1, 2 or 4) to one port, in order. An access wider than
  // a byte is one to each of as many consecutive ports, as on the 8-bit bus of a PC.
  void read_port(std::uint16_t port, std::size_t size, std::span<std::uint8_t> data);
  // Console output is appended to `console`. An outcome ends the machine; what comes after it in `data` is
  // not done.
  std::optional<Outcome> write_port(std::uint16_t port, std::size_t size, Bytes data, std::string& console);

  // One access of up to 8 bytes. Writes have no effect anywhere.
  void read_memory(std::uint64_t gpa, std::span<std::uint8_t> data);

  // Console input: how many of `bytes` the UART took. If not all, wants_input is called when it could take
  // more.
  std::size_t receive(Bytes bytes);

 private:
  std::uint8_t read_byte(std::uint32_t port);
  std::optional<Outcome> write_byte(std::uint32_t port, std::uint8_t value, std::string& console);
  void tell_if_input_is_wanted();

  std::mutex mutex_;
  Serial serial_;
  std::function<void()> wants_input_;
  bool input_waits_ = false;
};

}  // namespace tintype
