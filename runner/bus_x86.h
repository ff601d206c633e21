// The devices of the x86_64 machine.
#pragma once

#include "runner/bus.h"
#include "runner/serial.h"

namespace tintype {

class BusX86 final : public Bus {
 public:
  // `drive` is called with the bus locked.
  BusX86(DriveLine drive, std::function<void()> wants_input)
      : Bus(std::move(wants_input)),
        drive_(std::move(drive)),
        serial_([this](bool level) { drive_(x86::kSerialGsi, level); }) {}

 private:
  std::uint8_t read_byte(std::uint32_t port) override;
  std::optional<Outcome> write_byte(std::uint32_t port, std::uint8_t value, std::string& console) override;
  void load(std::uint64_t gpa, std::span<std::uint8_t> data) override;
  std::optional<Outcome> store(std::uint64_t gpa, Bytes data, std::string& console) override;
  std::size_t take_input(Bytes bytes) override { return serial_.receive(bytes); }
  bool accepts_input() const override { return serial_.accepts_input(); }
  void move_power_button(bool pressed) override;

  DriveLine drive_;
  Serial serial_;
};

}  // namespace tintype
