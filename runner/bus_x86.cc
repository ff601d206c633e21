#include "runner/bus_x86.h"

namespace tintype {

namespace {

// QEMU docs/specs/pvpanic.rst: a read gives the events that are supported, a write reports them.
constexpr std::uint8_t kPanicked = 0x01;
constexpr std::uint8_t kCrashLoaded = 0x02;

// Keyboard controller status: output buffer full (so that a driver's flush never ends and it sees that there
// is no controller), input buffer not full (so that whoever resets through it need not wait).
constexpr std::uint8_t kI8042Status = 0xFD;

constexpr bool in_serial(std::uint32_t port) {
  return port >= x86::kSerialPort && port < x86::kSerialPort + Serial::kPorts;
}

// ACPI 6.5, 4.8.3.7 "Sleep Control Register": SLP_TYPx in bits 4:2.
std::optional<Outcome> sleep(std::uint8_t value) {
  if ((value & kSleepEnable) == 0 || ((value >> 2) & 7) != kSleepTypeOff) return std::nullopt;
  return Outcome{kStatusPowerOff};
}

}  // namespace

std::uint8_t BusX86::read_byte(std::uint32_t port) {
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

std::optional<Outcome> BusX86::write_byte(std::uint32_t port, std::uint8_t value, std::string& console) {
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

void BusX86::load(std::uint64_t gpa, std::span<std::uint8_t> data) {
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

// Nothing that this machine has outside its ports can be written to.
std::optional<Outcome> BusX86::store(std::uint64_t, Bytes, std::string&) {
  return std::nullopt;
}

// One edge: the line of ACPI's generic event device.
void BusX86::move_power_button(bool pressed) {
  if (!pressed) return;
  drive_(x86::kGedGsi, true);
  drive_(x86::kGedGsi, false);
}

}  // namespace tintype
