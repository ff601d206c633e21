// What answers when a guest reads or writes an I/O port or an address without memory: the devices of
// formats/machine.h, and for the rest all ones. The two machines' devices are in bus_x86.h and bus_arm64.h.
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

namespace tintype {

// Drives an interrupt line of a machine, by its number as formats/machine.h has it: a GSI or an SPI.
using DriveLine = std::function<void(std::uint32_t line, bool level)>;

// Safe to call from every vCPU's thread and the supervisor's.
class Bus {
 public:
  // `wants_input` is called, with the bus locked, when receive() took less than it was given and could take
  // more now.
  explicit Bus(std::function<void()> wants_input) : wants_input_(std::move(wants_input)) {}
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;
  virtual ~Bus() = default;

  // `data` is any number of accesses of `size` bytes (1, 2 or 4) to one port, in order. An access wider than
  // a byte is one to each of as many consecutive ports, as on the 8-bit bus of a PC.
  void read_port(std::uint16_t port, std::size_t size, std::span<std::uint8_t> data);
  // Console output is appended to `console`. An outcome ends the machine; what comes after it in `data` is
  // not done.
  std::optional<Outcome> write_port(std::uint16_t port, std::size_t size, Bytes data, std::string& console);

  // One access of up to 8 bytes.
  void read_memory(std::uint64_t gpa, std::span<std::uint8_t> data);
  std::optional<Outcome> write_memory(std::uint64_t gpa, Bytes data, std::string& console);

  // Console input: how many of `bytes` the UART took.
  std::size_t receive(Bytes bytes);

  // The power button goes down, and some time later up again.
  void set_power_button(bool pressed);

 private:
  virtual std::uint8_t read_byte(std::uint32_t port) = 0;
  virtual std::optional<Outcome> write_byte(std::uint32_t port, std::uint8_t value, std::string& console) = 0;
  virtual void load(std::uint64_t gpa, std::span<std::uint8_t> data) = 0;
  virtual std::optional<Outcome> store(std::uint64_t gpa, Bytes data, std::string& console) = 0;
  virtual std::size_t take_input(Bytes bytes) = 0;
  virtual bool accepts_input() const = 0;
  virtual void move_power_button(bool pressed) = 0;
  void tell_if_input_is_wanted();

  std::mutex mutex_;
  std::function<void()> wants_input_;
  bool input_waits_ = false;
};

// How the machine ends when its guest writes `code` to the exit port or register.
Outcome exit_code(std::uint32_t code);

// The register at `offset` of an empty virtio-mmio slot.
std::uint32_t empty_slot_register(std::uint64_t offset);

}  // namespace tintype
