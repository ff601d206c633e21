#include "runner/bus_x86.h"

#include <array>
#include <vector>

#include "support/test_main.h"

using namespace tintype;

namespace {

struct TestBus {
  int wanted = 0;
  std::string console;
  std::vector<std::pair<std::uint32_t, bool>> lines;
  BusX86 bus{[this](std::uint32_t line, bool level) { lines.emplace_back(line, level); },
             [this] { ++wanted; }};

  std::optional<Outcome> write(std::uint16_t port, std::vector<std::uint8_t> data, std::size_t size = 1) {
    return bus.write_port(port, size, data, console);
  }
  std::vector<std::uint8_t> read(std::uint16_t port, std::size_t bytes, std::size_t size = 1) {
    std::vector<std::uint8_t> data(bytes, 0x5A);
    bus.read_port(port, size, data);
    return data;
  }
  std::vector<std::uint8_t> load(std::uint64_t gpa, std::size_t bytes) {
    std::vector<std::uint8_t> data(bytes, 0x5A);
    bus.read_memory(gpa, data);
    return data;
  }
};

using Octets = std::vector<std::uint8_t>;

}  // namespace

TEST_CASE("the exit port passes on 0 to 119") {
  TestBus bus;
  CHECK(bus.write(x86::kExitPort, {0}) == Outcome{0});
  CHECK(bus.write(x86::kExitPort, {119}) == Outcome{119});
  for (const int code : {120, 255}) {
    const auto outcome = bus.write(x86::kExitPort, {static_cast<std::uint8_t>(code)});
    REQUIRE(outcome);
    CHECK(outcome->status == kStatusCrash);
    CHECK(outcome->message.find(std::to_string(code)) != std::string::npos);
  }
}

TEST_CASE("the sleep register powers off for its type and only when enabled") {
  TestBus bus;
  CHECK(bus.write(x86::kSleepControlPort, {kSleepEnable | kSleepTypeOff << 2}) == Outcome{kStatusPowerOff});
  CHECK_FALSE(bus.write(x86::kSleepControlPort, {kSleepTypeOff << 2}));
  CHECK_FALSE(bus.write(x86::kSleepControlPort, {kSleepEnable | 3 << 2}));
  CHECK(bus.read(x86::kSleepControlPort, 1) == Octets{0});
  CHECK(bus.read(x86::kSleepStatusPort, 1) == Octets{0});
  CHECK_FALSE(bus.write(x86::kSleepStatusPort, {0x80}));
}

TEST_CASE("reset by register and by keyboard controller") {
  TestBus bus;
  CHECK(bus.write(x86::kResetPort, {1})->status == kStatusReset);
  CHECK_FALSE(bus.write(x86::kResetPort, {0}));
  CHECK(bus.write(x86::kI8042Port, {0xFE})->status == kStatusReset);
  CHECK_FALSE(bus.write(x86::kI8042Port, {0xD1}));
  // Output full for Linux's flush to give up, input not full for its reset not to wait.
  CHECK((bus.read(x86::kI8042Port, 1)[0] & 3) == 1);
}

TEST_CASE("pvpanic tells its events and reports a panic") {
  TestBus bus;
  CHECK(bus.read(x86::kPvpanicPort, 1) == Octets{3});
  CHECK_FALSE(bus.write(x86::kPvpanicPort, {2}));
  CHECK(bus.write(x86::kPvpanicPort, {1})->status == kStatusCrash);
  CHECK(bus.write(x86::kPvpanicPort, {3})->status == kStatusCrash);
}

TEST_CASE("unclaimed ports and addresses read all ones and ignore writes, at any width") {
  TestBus bus;
  for (const std::size_t size : {1u, 2u, 4u}) {
    CHECK(bus.read(0xCF8, size, size) == Octets(size, 0xFF));
    CHECK_FALSE(bus.write(0xCF8, Octets(size, 0), size));
    CHECK(bus.read(0xFFFF, size, size) == Octets(size, 0xFF));
    CHECK_FALSE(bus.write(0xFFFF, Octets(size, 1), size));
  }
  for (const std::size_t size : {1u, 2u, 4u, 8u}) {
    CHECK(bus.load(0xE0000000, size) == Octets(size, 0xFF));
    CHECK(bus.load(~std::uint64_t{0}, size) == Octets(size, 0xFF));
  }
  CHECK(bus.load(0xE0000000, 0).empty());
}

TEST_CASE("a wide access is one to each of consecutive ports") {
  TestBus bus;
  // 0x3FA and 0x3FB: FIFO control and line control.
  CHECK_FALSE(bus.write(x86::kSerialPort + 2, {0x01, 0x83}, 2));
  CHECK(bus.read(x86::kSerialPort + 2, 2, 2) == Octets{0xC1, 0x83});
  CHECK(bus.write(x86::kExitPort, {7, 200}, 2) == Outcome{7});
  CHECK(bus.write(x86::kExitPort - 1, {200, 8, 0, 0}, 4) == Outcome{8});
}

TEST_CASE("string output to one port keeps to that port") {
  TestBus bus;
  CHECK_FALSE(bus.write(x86::kSerialPort, {'a', 'b', 'c'}));
  CHECK(bus.console == "abc");
  CHECK(bus.read(x86::kSerialPort + 7, 3) == Octets{0, 0, 0});
}

TEST_CASE("what comes after the end of the machine in a string is not done") {
  TestBus bus;
  CHECK(bus.write(x86::kExitPort, {1, 2, 3}) == Outcome{1});
}

TEST_CASE("an empty virtio slot reads as one, byte by byte and whole") {
  TestBus bus;
  for (std::uint32_t slot = 0; slot < x86::kVirtioSlots; ++slot) {
    const std::uint64_t base = x86::kVirtioBase + slot * x86::kVirtioStride;
    CHECK(bus.load(base, 4) == Octets{'v', 'i', 'r', 't'});
    CHECK(bus.load(base + 4, 4) == Octets{2, 0, 0, 0});
    CHECK(bus.load(base + 8, 4) == Octets{0, 0, 0, 0});
    CHECK(bus.load(base + 1, 1) == Octets{'i'});
    CHECK(bus.load(base + 2, 4) == Octets{'r', 't', 2, 0});
    CHECK(bus.load(base, 8) == Octets{'v', 'i', 'r', 't', 2, 0, 0, 0});
  }
  const std::uint64_t end = x86::kVirtioBase + x86::kVirtioSlots * x86::kVirtioStride;
  CHECK(bus.load(end, 4) == Octets(4, 0xFF));
  CHECK(bus.load(end - 2, 4) == Octets{0, 0, 0xFF, 0xFF});
}

TEST_CASE("who offers input in vain is told when it is wanted, once") {
  TestBus bus;
  const std::string text = "0123456789abcdefghij";
  CHECK(bus.bus.receive(bytes_of(text)) == 0);
  CHECK(bus.wanted == 0);
  bus.write(x86::kSerialPort + 2, {1});
  CHECK(bus.wanted == 0);
  bus.write(x86::kSerialPort + 4, {3});
  CHECK(bus.wanted == 0);
  bus.write(x86::kSerialPort + 1, {1});
  CHECK(bus.wanted == 1);
  CHECK(bus.bus.receive(bytes_of(text)) == 16);
  CHECK(bus.wanted == 1);
  CHECK(bus.read(x86::kSerialPort, 1) == Octets{'0'});
  CHECK(bus.wanted == 2);
  CHECK(bus.read(x86::kSerialPort, 1) == Octets{'1'});
  CHECK(bus.wanted == 2);
}

TEST_CASE("addresses take writes and nothing comes of it") {
  TestBus bus;
  for (const std::uint64_t gpa : {x86::kVirtioBase, std::uint64_t{0xE0000000}, ~std::uint64_t{0}})
    CHECK_FALSE(bus.bus.write_memory(gpa, Octets(8, 1), bus.console));
  CHECK(bus.load(x86::kVirtioBase, 4) == Octets{'v', 'i', 'r', 't'});
  CHECK(bus.console.empty());
}

TEST_CASE("the power button is one edge of its line when it goes down, the UART's interrupt another line") {
  TestBus bus;
  using Lines = std::vector<std::pair<std::uint32_t, bool>>;
  bus.bus.set_power_button(true);
  CHECK(bus.lines == Lines{{x86::kGedGsi, true}, {x86::kGedGsi, false}});
  bus.bus.set_power_button(false);
  CHECK(bus.lines.size() == 2);
  bus.lines.clear();
  CHECK_FALSE(bus.write(x86::kSerialPort + 1, {2}));
  CHECK(bus.lines == Lines{{x86::kSerialGsi, true}});
}
