#include "runner/pl061.h"

#include <vector>

#include "support/test_main.h"

using namespace tintype;

namespace {

constexpr std::uint32_t kAllData = 0x3FC, kDirection = 0x400, kLevel = 0x404, kBoth = 0x408, kHigh = 0x40C,
                        kEnable = 0x410, kRaw = 0x414, kMasked = 0x418, kClear = 0x41C, kAlternate = 0x420;
constexpr unsigned kPin = 3;
constexpr std::uint32_t kBit = 1u << kPin;

struct Gpio {
  std::vector<bool> line;
  Pl061 device{[this](bool level) { line.push_back(level); }};

  void write(std::uint32_t offset, std::uint32_t value) { device.write(offset, value); }
  std::uint32_t read(std::uint32_t offset) { return device.read(offset); }
  bool level() const { return !line.empty() && line.back(); }
};

}  // namespace

TEST_CASE("a pin reads as it is driven, through the part of the data register that the address names") {
  Gpio gpio;
  CHECK(gpio.read(kAllData) == 0);
  gpio.device.set_pin(kPin, true);
  CHECK(gpio.read(kAllData) == kBit);
  CHECK(gpio.read(kBit << 2) == kBit);
  CHECK(gpio.read(0x3FC & ~(kBit << 2)) == 0);
  CHECK(gpio.read(0) == 0);
  gpio.device.set_pin(kPin, false);
  CHECK(gpio.read(kAllData) == 0);
}

TEST_CASE("outputs read as they were written, bit by bit, and inputs do not") {
  Gpio gpio;
  gpio.write(kAllData, 0xFF);
  CHECK(gpio.read(kAllData) == 0);
  gpio.write(kDirection, 0xF0);
  CHECK(gpio.read(kAllData) == 0xF0);
  gpio.write(0x80 << 2, 0);
  CHECK(gpio.read(kAllData) == 0x70);
  gpio.write(0, 0xFF);
  CHECK(gpio.read(kAllData) == 0x70);
}

TEST_CASE("for a guest that has not enabled the pin the button is one pulse of the line") {
  Gpio gpio;
  gpio.device.set_pin(kPin, true);
  CHECK(gpio.line == std::vector<bool>{true, false});
  gpio.device.set_pin(kPin, false);
  CHECK(gpio.line.size() == 2);
  gpio.write(kEnable, 0xFF & ~kBit);
  gpio.device.set_pin(kPin, true);
  CHECK(gpio.line.size() == 4);
}

TEST_CASE("a rising edge raises the line until it is cleared, and a falling one does not") {
  Gpio gpio;
  gpio.write(kHigh, kBit);
  gpio.write(kEnable, kBit);
  gpio.device.set_pin(kPin, true);
  CHECK(gpio.line == std::vector<bool>{true});
  CHECK(gpio.read(kMasked) == kBit);
  gpio.device.set_pin(kPin, false);
  CHECK(gpio.level());
  gpio.write(kClear, kBit);
  CHECK_FALSE(gpio.level());
  CHECK(gpio.read(kRaw) == 0);
}

TEST_CASE("both edges count where both are wanted, and the falling one where that is") {
  Gpio gpio;
  gpio.write(kBoth, kBit);
  gpio.write(kEnable, kBit);
  for (const bool high : {true, false}) {
    gpio.device.set_pin(kPin, high);
    CHECK(gpio.level());
    gpio.write(kClear, 0xFF);
    CHECK_FALSE(gpio.level());
  }
  gpio.write(kBoth, 0);
  gpio.device.set_pin(kPin, true);
  CHECK_FALSE(gpio.level());
  gpio.device.set_pin(kPin, false);
  CHECK(gpio.level());
}

TEST_CASE("by level the line follows the pin, and clearing does nothing") {
  Gpio gpio;
  gpio.write(kLevel, kBit);
  gpio.write(kHigh, kBit);
  gpio.write(kEnable, kBit);
  CHECK_FALSE(gpio.level());
  gpio.device.set_pin(kPin, true);
  CHECK(gpio.level());
  gpio.write(kClear, 0xFF);
  CHECK(gpio.level());
  gpio.device.set_pin(kPin, false);
  CHECK_FALSE(gpio.level());
  gpio.write(kHigh, 0);
  CHECK(gpio.level());
}

TEST_CASE("an edge that was not enabled waits in the raw register") {
  Gpio gpio;
  gpio.write(kHigh, kBit);
  gpio.device.set_pin(kPin, true);
  CHECK(gpio.read(kRaw) == kBit);
  CHECK(gpio.read(kMasked) == 0);
  gpio.write(kEnable, kBit);
  CHECK(gpio.level());
}

TEST_CASE("every register takes any value and keeps eight bits, and the identity stays") {
  Gpio gpio;
  for (std::uint32_t offset = 0; offset < 0x1000; offset += 4)
    for (const std::uint32_t value : {0u, 0xFFFFFFFFu}) {
      gpio.write(offset, value);
      CHECK(gpio.read(offset) <= 0xFF);
    }
  for (const std::uint32_t offset : {kDirection, kLevel, kBoth, kHigh, kEnable, kAlternate})
    CHECK(gpio.read(offset) == 0xFF);
  const std::uint32_t kExpected[] = {0x61, 0x10, 0x04, 0x00, 0x0D, 0xF0, 0x05, 0xB1};
  for (std::uint32_t i = 0; i < 8; ++i) CHECK(gpio.read(0xFE0 + 4 * i) == kExpected[i]);
}
