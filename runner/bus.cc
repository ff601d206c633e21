#include "runner/bus.h"

#include <algorithm>

namespace tintype {

namespace {

// Virtual I/O Device 1.2, 4.2.2 and 4.2.3.1.1: of an empty slot only these registers mean anything.
constexpr std::uint32_t kVirtioMagic = 0x74726976, kVirtioVersion = 2, kVirtioNoDevice = 0;

}  // namespace

std::uint32_t empty_slot_register(std::uint64_t offset) {
  switch (offset) {
    case 0x000:
      return kVirtioMagic;
    case 0x004:
      return kVirtioVersion;
    default:
      return kVirtioNoDevice;
  }
}

Outcome exit_code(std::uint32_t code) {
  if (code <= kMaxGuestStatus) return Outcome{static_cast<int>(code)};
  return Outcome{kStatusCrash, fmt::format("the guest ended with exit code {}: only 0 to {} can be passed on",
                                           code, kMaxGuestStatus)};
}

void Bus::read_port(std::uint16_t port, std::size_t size, std::span<std::uint8_t> data) {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < data.size(); ++i)
    data[i] = read_byte(static_cast<std::uint32_t>(port + i % std::max<std::size_t>(size, 1)));
  tell_if_input_is_wanted();
}

std::optional<Outcome> Bus::write_port(std::uint16_t port, std::size_t size, Bytes data,
                                       std::string& console) {
  const std::lock_guard lock(mutex_);
  std::optional<Outcome> outcome;
  for (std::size_t i = 0; i < data.size() && !outcome; ++i)
    outcome =
        write_byte(static_cast<std::uint32_t>(port + i % std::max<std::size_t>(size, 1)), data[i], console);
  tell_if_input_is_wanted();
  return outcome;
}

void Bus::read_memory(std::uint64_t gpa, std::span<std::uint8_t> data) {
  const std::lock_guard lock(mutex_);
  load(gpa, data);
  tell_if_input_is_wanted();
}

std::optional<Outcome> Bus::write_memory(std::uint64_t gpa, Bytes data, std::string& console) {
  const std::lock_guard lock(mutex_);
  std::optional<Outcome> outcome = store(gpa, data, console);
  tell_if_input_is_wanted();
  return outcome;
}

std::size_t Bus::receive(Bytes bytes) {
  const std::lock_guard lock(mutex_);
  const std::size_t taken = take_input(bytes);
  input_waits_ = taken < bytes.size();
  return taken;
}

void Bus::set_power_button(bool pressed) {
  const std::lock_guard lock(mutex_);
  move_power_button(pressed);
}

void Bus::tell_if_input_is_wanted() {
  if (!input_waits_ || !accepts_input()) return;
  input_waits_ = false;
  wants_input_();
}

}  // namespace tintype
