#include "runner/bus_arm64.h"

#include <vector>

#include "support/test_main.h"

using namespace tintype;

namespace {

using Octets = std::vector<std::uint8_t>;
using Lines = std::vector<std::pair<std::uint32_t, bool>>;

struct TestBus {
  int wanted = 0;
  std::uint64_t now = 1'700'000'000;
  std::string console;
  Lines lines;
  BusArm64 bus{[this](std::uint32_t line, bool level) { lines.emplace_back(line, level); },
               [this] { ++wanted; }, [this] { return now; }};

  std::optional<Outcome> write(std::uint64_t gpa, Octets data) {
    return bus.write_memory(gpa, data, console);
  }
  std::optional<Outcome> write32(std::uint64_t gpa, std::uint32_t value) {
    Octets data;
    for (int i = 0; i < 4; ++i) data.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    return write(gpa, data);
  }
  Octets read(std::uint64_t gpa, std::size_t bytes) {
    Octets data(bytes, 0x5A);
    bus.read_memory(gpa, data);
    return data;
  }
  std::uint32_t read32(std::uint64_t gpa) {
    const Octets data = read(gpa, 4);
    return data[0] | std::uint32_t{data[1]} << 8 | std::uint32_t{data[2]} << 16 |
           std::uint32_t{data[3]} << 24;
  }
};

constexpr std::uint64_t kIdentity = 0xFE0;

}  // namespace

TEST_CASE("the exit-code register passes on 0 to 119, and any width that starts there will do") {
  TestBus bus;
  CHECK(bus.write32(arm64::kExitCode, 0) == Outcome{0});
  CHECK(bus.write32(arm64::kExitCode, 119) == Outcome{119});
  CHECK(bus.write(arm64::kExitCode, {7}) == Outcome{7});
  CHECK(bus.write(arm64::kExitCode, {8, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}) == Outcome{8});
  for (const std::uint32_t code : {120u, 256u, 0xFFFFFFFFu}) {
    const auto outcome = bus.write32(arm64::kExitCode, code);
    REQUIRE(outcome);
    CHECK(outcome->status == kStatusCrash);
    CHECK(outcome->message.find(std::to_string(code)) != std::string::npos);
  }
  CHECK_FALSE(bus.write(arm64::kExitCode + 1, {7}));
  CHECK_FALSE(bus.write32(arm64::kExitCode + 4, 7));
  CHECK(bus.read32(arm64::kExitCode) == 0xFFFFFFFF);
}

TEST_CASE("each device is where the machine has it and nowhere else") {
  TestBus bus;
  CHECK(bus.read32(arm64::kUart + kIdentity) == 0x11);
  CHECK(bus.read32(arm64::kRtc + kIdentity) == 0x31);
  CHECK(bus.read32(arm64::kGpio + kIdentity) == 0x61);
  for (const std::uint64_t base : {arm64::kUart, arm64::kRtc, arm64::kGpio}) {
    CHECK(bus.read32(base + 0xFF0) == 0x0D);
    CHECK(bus.read32(base + 0xFF4) == 0xF0);
    CHECK(bus.read32(base + 0xFF8) == 0x05);
    CHECK(bus.read32(base + 0xFFC) == 0xB1);
    CHECK(bus.read32(base + 0x1000) == 0xFFFFFFFF);
    CHECK(bus.read32(base - 4) == 0xFFFFFFFF);
  }
  CHECK(bus.read32(arm64::kRtc) == 1'700'000'000);
  CHECK_FALSE(bus.write(arm64::kUart, {'h'}));
  CHECK_FALSE(bus.write32(arm64::kUart, 'i'));
  CHECK(bus.console == "hi");
}

TEST_CASE("an empty virtio slot reads as one, at every width and every offset") {
  TestBus bus;
  for (std::uint32_t slot = 0; slot < arm64::kVirtioSlots; ++slot) {
    const std::uint64_t base = arm64::kVirtioBase + slot * arm64::kVirtioStride;
    CHECK(bus.read32(base) == 0x74726976);
    CHECK(bus.read32(base + 4) == 2);
    CHECK(bus.read32(base + 8) == 0);
    CHECK(bus.read(base + 1, 1) == Octets{'i'});
    CHECK(bus.read(base + 2, 4) == Octets{'r', 't', 2, 0});
    CHECK(bus.read(base, 8) == Octets{'v', 'i', 'r', 't', 2, 0, 0, 0});
    CHECK_FALSE(bus.write32(base + 0x50, 0));
  }
  const std::uint64_t end = arm64::kVirtioBase + arm64::kVirtioSlots * arm64::kVirtioStride;
  CHECK(bus.read32(end) == 0xFFFFFFFF);
  CHECK(bus.read(end - 2, 4) == Octets{0, 0, 0xFF, 0xFF});
}

TEST_CASE("unclaimed addresses read all ones and ignore writes, at any width, up to the last") {
  TestBus bus;
  for (const std::size_t size : {1u, 2u, 4u, 8u})
    for (const std::uint64_t gpa :
         {std::uint64_t{0}, arm64::kGicc + 0x8000, std::uint64_t{0x3FFFFFFC}, ~std::uint64_t{0}}) {
      CHECK(bus.read(gpa, size) == Octets(size, 0xFF));
      CHECK_FALSE(bus.write(gpa, Octets(size, 1)));
    }
  CHECK(bus.read(0, 0).empty());
  CHECK_FALSE(bus.write(arm64::kExitCode, {}) == Outcome{1});
  CHECK(bus.lines.empty());
  CHECK(bus.console.empty());
}

TEST_CASE("who has no ports reads all ones from them") {
  TestBus bus;
  Octets data(4, 0);
  bus.bus.read_port(0x3F8, 1, data);
  CHECK(data == Octets(4, 0xFF));
  CHECK_FALSE(bus.bus.write_port(0x501, 1, data, bus.console));
}

TEST_CASE("every device drives its own line") {
  TestBus bus;
  bus.write32(arm64::kUart + 0x38, 0x20);  // transmit interrupt
  bus.write32(arm64::kUart, 'x');
  CHECK(bus.lines == Lines{{arm64::kUartSpi, true}});
  bus.lines.clear();
  bus.write32(arm64::kRtc + 0x10, 1);
  bus.write32(arm64::kRtc + 0x04, 1'700'000'000);
  CHECK(bus.lines == Lines{{arm64::kRtcSpi, true}});
  bus.lines.clear();
  bus.bus.set_power_button(true);
  CHECK(bus.lines == Lines{{arm64::kGpioSpi, true}, {arm64::kGpioSpi, false}});
  bus.bus.set_power_button(false);
  CHECK(bus.lines.size() == 2);
}

TEST_CASE("who offers input in vain is told when it is wanted, once") {
  TestBus bus;
  const std::string text = "0123456789abcdefghij";
  CHECK(bus.bus.receive(bytes_of(text)) == 0);
  bus.read32(arm64::kUart + 0x18);
  CHECK(bus.wanted == 0);
  bus.write32(arm64::kUart + 0x38, 0x10);
  CHECK(bus.wanted == 1);
  CHECK(bus.bus.receive(bytes_of(text)) == 16);
  CHECK(bus.wanted == 1);
  CHECK(bus.read32(arm64::kUart) == '0');
  CHECK(bus.wanted == 2);
  CHECK(bus.read32(arm64::kUart) == '1');
  CHECK(bus.wanted == 2);
}
