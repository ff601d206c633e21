// The devices of the AArch64 machine, but for those that KVM has itself.
#pragma once

#include "runner/bus.h"
#include "runner/pl011.h"
#include "runner/pl031.h"
#include "runner/pl061.h"

namespace tintype {

class BusArm64 final : public Bus {
 public:
  // `drive` is called with the bus locked. `clock` is the wall clock's, in seconds since 1970.
  BusArm64(DriveLine drive, std::function<void()> wants_input, std::function<std::uint64_t()> clock);

 private:
  // This machine has no ports, so that nobody calls these two.
  std::uint8_t read_byte(std::uint32_t port) override;
  std::optional<Outcome> write_byte(std::uint32_t port, std::uint8_t value, std::string& console) override;
  void load(std::uint64_t gpa, std::span<std::uint8_t> data) override;
  std::optional<Outcome> store(std::uint64_t gpa, Bytes data, std::string& console) override;
  std::size_t take_input(Bytes bytes) override { return uart_.receive(bytes); }
  bool accepts_input() const override { return uart_.accepts_input(); }
  void move_power_button(bool pressed) override { gpio_.set_pin(arm64::kPowerPin, pressed); }

  std::uint32_t read_register(std::uint64_t gpa);
  std::optional<Outcome> write_register(std::uint64_t gpa, std::uint32_t value, std::string& console);

  Pl011 uart_;
  Pl031 rtc_;
  Pl061 gpio_;
};

}  // namespace tintype
