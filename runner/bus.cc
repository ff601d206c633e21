#include "runner/bus.h"

#include <algorithm>

namespace tintype {

namespace {

// QEMU docs/specs/pvpanic.rst: a read gives the events that are supported, a write reports them.
constexpr std::uint8_t kPanicked = 0x01;
constexpr std::uint8_t kCrashLoaded = 0x02;

// Keyboard controller status: output buffer full (so that a driver's flush never ends and it sees that there
// is no controller), input buffer not full (so that whoever resets through it need not wait).
constexpr std::uint8_t kI8042Status = 0xFD;

// Virtual I/O Device 1.2, 4.2.2 and 4.2.3.1.1: of an empty slot only these registers mean anything.
constexpr std::uint32_t kVirtioMagic = 0x74726976, kVirtioVersion = 2, kVirtioNoDevice = 0;

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

constexpr bool in_serial(std::uint32_t port) {
  return port >= x86::kSerialPort && port < x86::kSerialPort + Serial::kPorts;
}

std::optional<Outcome> exit_code(std::uint8_t code) {
  if (code <= kMaxGuestStatus) return Outcome{code};
  return Outcome{kStatusCrash, fmt::format("the guest ended with exit code {}: only 0 to {} can be passed on",
                                           code, kMaxGuestStatus)};
}

// ACPI 6.5, 4.8.3.7 "Sleep Control Register": SLP_TYPx in bits 4:2.
std::optional<Outcome> sleep(std::uint8_t value) {
  if ((value & kSleepEnable) == 0 || ((value >> 2) & 7) != kSleepTypeOff) return std::nullopt;
  return Outcome{kStatusPowerOff};
}

}  // namespace

std::uint8_t Bus::read_byte(std::uint32_t port) {
  if (in_serial(port)) return serial_.read(static_cast<std::uint16_t>(port - x86::kSerialPort));
  switch (port) {
    case x86::kI8042Port:
      return kI8042Status;
    case x86::kPvpanicPort:
      return kPanicked | kCrashLoaded;
    case x86::kSleepControlPort:
    case x86::kSleepStatusPort:
      return 0;
    default:
      return 0xFF;
  }
}

std::optional<Outcome> Bus::write_byte(std::uint32_t port, std::uint8_t value, std::string& console) {
  if (in_serial(port)) {
    serial_.write(static_cast<std::uint16_t>(port - x86::kSerialPort), value, console);
    return std::nullopt;
  }
  switch (port) {
    case x86::kExitPort:
      return exit_code(value);
    case x86::kSleepControlPort:
      return sleep(value);
    case x86::kPvpanicPort:
      if ((value & kPanicked) != 0) return Outcome{kStatusCrash, "the guest panicked (pvpanic)"};
      return std::nullopt;
    case x86::kResetPort:
      if (value == x86::kResetValue) return Outcome{kStatusReset, "the guest reset the machine"};
      return std::nullopt;
    case x86::kI8042Port:
      if (value == x86::kI8042ResetCommand)
        return Outcome{kStatusReset, "the guest reset the machine (i8042)"};
      return std::nullopt;
    default:
      return std::nullopt;
  }
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
  constexpr GpaRange kSlots{x86::kVirtioBase, x86::kVirtioBase + x86::kVirtioSlots * x86::kVirtioStride};
  for (std::size_t i = 0; i < data.size(); ++i) {
    const auto address = checked_add(gpa, i);
    if (!address || !kSlots.contains(*address)) {
      data[i] = 0xFF;
      continue;
    }
    const std::uint64_t offset = (*address - kSlots.start) % x86::kVirtioStride;
    data[i] = static_cast<std::uint8_t>(empty_slot_register(align_down(offset, 4)) >> (8 * (offset & 3)));
  }
}

std::size_t Bus::receive(Bytes bytes) {
  const std::lock_guard lock(mutex_);
  const std::size_t taken = serial_.receive(bytes);
  input_waits_ = taken < bytes.size();
  return taken;
}

void Bus::tell_if_input_is_wanted() {
  if (!input_waits_ || !serial_.accepts_input()) return;
  input_waits_ = false;
  wants_input_();
}

}  // namespace tintype
