#include "runner/bus_arm64.h"

#include <algorithm>

namespace tintype {

namespace {

constexpr std::uint32_t kAllOnes = 0xFFFFFFFF;

constexpr GpaRange kVirtioSlots{arm64::kVirtioBase,
                                arm64::kVirtioBase + arm64::kVirtioSlots* arm64::kVirtioStride};

constexpr bool in_device(std::uint64_t gpa, std::uint64_t base) {
  return gpa >= base && gpa - base < arm64::kDeviceSize;
}

std::function<void(bool)> line_of(const DriveLine& drive, std::uint32_t spi) {
  return [drive, spi](bool level) { drive(spi, level); };
}

}  // namespace

BusArm64::BusArm64(DriveLine drive, std::function<void()> wants_input, std::function<std::uint64_t()> clock)
    : Bus(std::move(wants_input)),
      uart_(line_of(drive, arm64::kUartSpi)),
      rtc_(line_of(drive, arm64::kRtcSpi), std::move(clock)),
      gpio_(line_of(drive, arm64::kGpioSpi)) {}

std::uint8_t BusArm64::read_byte(std::uint32_t) {
  return 0xFF;
}
std::optional<Outcome> BusArm64::write_byte(std::uint32_t, std::uint8_t, std::string&) {
  return std::nullopt;
}

// `gpa` is a multiple of 4.
std::uint32_t BusArm64::read_register(std::uint64_t gpa) {
  if (in_device(gpa, arm64::kUart)) return uart_.read(static_cast<std::uint32_t>(gpa - arm64::kUart));
  if (in_device(gpa, arm64::kRtc)) return rtc_.read(static_cast<std::uint32_t>(gpa - arm64::kRtc));
  if (in_device(gpa, arm64::kGpio)) return gpio_.read(static_cast<std::uint32_t>(gpa - arm64::kGpio));
  if (kVirtioSlots.contains(gpa))
    return empty_slot_register((gpa - kVirtioSlots.start) % arm64::kVirtioStride);
  return kAllOnes;
}

std::optional<Outcome> BusArm64::write_register(std::uint64_t gpa, std::uint32_t value,
                                                std::string& console) {
  if (gpa == arm64::kExitCode) return exit_code(value);
  if (in_device(gpa, arm64::kUart)) {
    uart_.write(static_cast<std::uint32_t>(gpa - arm64::kUart), value, console);
  } else if (in_device(gpa, arm64::kRtc)) {
    rtc_.write(static_cast<std::uint32_t>(gpa - arm64::kRtc), value);
  } else if (in_device(gpa, arm64::kGpio)) {
    gpio_.write(static_cast<std::uint32_t>(gpa - arm64::kGpio), value);
  }
  return std::nullopt;
}

// Registers have 32 bits; a narrower access gets its part of one, a wider one those that it covers.
void BusArm64::load(std::uint64_t gpa, std::span<std::uint8_t> data) {
  for (std::size_t done = 0; done < data.size();) {
    const std::uint64_t address = gpa + done;  // may wrap, to where no device is
    const std::size_t first = address % 4;
    const std::size_t count = std::min(4 - first, data.size() - done);
    const std::uint32_t value = read_register(align_down(address, 4));
    for (std::size_t i = 0; i < count; ++i)
      data[done + i] = static_cast<std::uint8_t>(value >> (8 * (first + i)));
    done += count;
  }
}

// A narrower write is one of a number without its upper bits; one into the middle of a register is nothing.
std::optional<Outcome> BusArm64::store(std::uint64_t gpa, Bytes data, std::string& console) {
  if (gpa % 4 != 0) return std::nullopt;
  for (std::size_t done = 0; done < data.size(); done += 4) {
    const std::size_t count = std::min<std::size_t>(4, data.size() - done);
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count; ++i) value |= std::uint32_t{data[done + i]} << (8 * i);
    if (auto outcome = write_register(gpa + done, value, console)) return outcome;
  }
  return std::nullopt;
}

}  // namespace tintype
