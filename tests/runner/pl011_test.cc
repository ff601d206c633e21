#include "runner/pl011.h"

#include <vector>

#include "support/test_main.h"

using namespace tintype;

namespace {

constexpr std::uint32_t kData = 0x00, kStatus = 0x04, kFlags = 0x18, kLineControl = 0x2C, kControl = 0x30,
                        kLevels = 0x34, kMask = 0x38, kRaw = 0x3C, kMasked = 0x40, kClear = 0x44;
constexpr std::uint32_t kReceive = 0x10, kTransmit = 0x20, kTimeout = 0x40, kOverrun = 0x400;
constexpr std::uint32_t kEmpty = 0x10, kFull = 0x40;

struct Uart {
  std::vector<bool> line;
  std::string sent;
  Pl011 device{[this](bool level) { line.push_back(level); }};

  void write(std::uint32_t offset, std::uint32_t value) { device.write(offset, value, sent); }
  std::uint32_t read(std::uint32_t offset) { return device.read(offset); }
  std::size_t receive(const std::string& text) { return device.receive(bytes_of(text)); }
  bool level() const { return !line.empty() && line.back(); }
};

}  // namespace

TEST_CASE("it is enabled from the start, with FIFOs, for the driver that sets nothing up") {
  Uart uart;
  CHECK((uart.read(kControl) & 0x301) == 0x301);
  CHECK(uart.read(kLineControl) == 0x70);
  CHECK(uart.read(kMask) == 0);
  CHECK(uart.read(kRaw) == 0);
  CHECK(uart.read(kFlags) == 0x97);  // empty both ways, and the peer is there
}

TEST_CASE("transmitted bytes come out at once, enabled or not, and the transmitter is never busy") {
  Uart uart;
  for (const std::uint32_t control : {0x301u, 0u}) {
    uart.write(kControl, control);
    for (const char c : std::string("hello")) {
      CHECK((uart.read(kFlags) & 0x28) == 0);
      uart.write(kData, 0xABCDEF00u | static_cast<std::uint8_t>(c));
    }
  }
  CHECK(uart.sent == "hellohello");
  CHECK(uart.line.empty());
}

TEST_CASE("the transmit interrupt comes of transmitting, and goes when it is cleared") {
  Uart uart;
  uart.write(kMask, kTransmit);
  CHECK_FALSE(uart.level());
  uart.write(kData, 'x');
  CHECK(uart.level());
  CHECK(uart.read(kMasked) == kTransmit);
  uart.write(kClear, kTransmit);
  CHECK_FALSE(uart.level());
  uart.write(kMask, 0);
  uart.write(kData, 'y');
  CHECK(uart.read(kRaw) == kTransmit);
  CHECK(uart.read(kMasked) == 0);
  CHECK_FALSE(uart.level());
  uart.write(kMask, kTransmit);
  CHECK(uart.level());
}

TEST_CASE("registers keep the bits that they have") {
  Uart uart;
  const std::pair<std::uint32_t, std::uint32_t> registers[] = {
      {0x20, 0xFF},       {0x24, 0xFFFF},  {0x28, 0x3F},   {kLineControl, 0xFF},
      {kControl, 0xFF87}, {kLevels, 0x3F}, {kMask, 0x7FF}, {0x48, 0x7}};
  for (const auto& known : registers) {
    const std::uint32_t offset = known.first;
    CAPTURE(offset);
    uart.write(offset, 0xFFFFFFFF);
    CHECK(uart.read(offset) == known.second);
    uart.write(offset, 0);
    CHECK(uart.read(offset) == 0);
  }
}

TEST_CASE("every register takes any value, and those that are none read zero") {
  Uart uart;
  for (std::uint32_t offset = 0; offset < 0x1000; offset += 4)
    for (const std::uint32_t value : {0u, 0x55555555u, 0xFFFFFFFFu}) {
      uart.write(offset, value);
      uart.read(offset);
    }
  CHECK(uart.read(0x4C) == 0);
  CHECK(uart.read(0xFDC) == 0);
}

TEST_CASE("its identity is that of an r1p4, whose FIFOs have 16 characters") {
  Uart uart;
  const std::uint32_t kExpected[] = {0x11, 0x10, 0x14, 0x00, 0x0D, 0xF0, 0x05, 0xB1};
  for (std::uint32_t i = 0; i < 8; ++i) CHECK(uart.read(0xFE0 + 4 * i) == kExpected[i]);
}

TEST_CASE("input waits until the guest listens by interrupt") {
  Uart uart;
  CHECK(uart.receive("x") == 0);
  uart.write(kMask, kTransmit);
  CHECK(uart.receive("x") == 0);
  uart.write(kMask, kReceive);
  CHECK(uart.device.accepts_input());
  uart.write(kControl, 0x101);  // no receiver
  CHECK(uart.receive("x") == 0);
  uart.write(kControl, 0x300);  // not enabled
  CHECK(uart.receive("x") == 0);
  uart.write(kControl, 0x301);
  CHECK(uart.receive("x") == 1);
  CHECK(uart.read(kData) == 'x');
}

TEST_CASE("input waits until the guest listens by polling, and a guest that prints does not") {
  Uart uart;
  for (int i = 0; i < 20; ++i) {
    uart.read(kFlags);
    uart.read(kFlags);
    uart.write(kData, 'p');
  }
  CHECK_FALSE(uart.device.accepts_input());
  for (int i = 0; i < 8; ++i) uart.read(kFlags);
  CHECK(uart.receive("ab") == 2);
  CHECK((uart.read(kFlags) & kEmpty) == 0);
  CHECK(uart.read(kData) == 'a');
  CHECK(uart.read(kData) == 'b');
  CHECK((uart.read(kFlags) & kEmpty) != 0);
  CHECK(uart.read(kData) == 0);
}

TEST_CASE("a single character raises the timeout interrupt, which its reading clears") {
  Uart uart;
  uart.write(kMask, kReceive | kTimeout);
  CHECK(uart.receive("x") == 1);
  CHECK(uart.read(kMasked) == kTimeout);
  CHECK(uart.level());
  CHECK(uart.read(kData) == 'x');
  CHECK_FALSE(uart.level());
  CHECK(uart.read(kRaw) == 0);
}

TEST_CASE("the receive interrupt follows the FIFO's level, whichever is chosen") {
  const std::size_t kTriggers[] = {2, 4, 8, 12, 14};
  for (std::uint32_t choice = 0; choice < 5; ++choice) {
    CAPTURE(choice);
    Uart uart;
    uart.write(kLevels, choice << 3);
    uart.write(kMask, kReceive);
    CHECK(uart.receive(std::string(kTriggers[choice] - 1, 'x')) == kTriggers[choice] - 1);
    CHECK_FALSE(uart.level());
    CHECK(uart.receive("y") == 1);
    CHECK(uart.level());
    uart.read(kData);
    CHECK_FALSE(uart.level());
  }
}

TEST_CASE("the FIFO holds sixteen, in order, and round its end") {
  Uart uart;
  uart.write(kMask, kReceive);
  for (int round = 0; round < 3; ++round) {
    CHECK(uart.receive("0123456789abcdefgh") == 16);
    CHECK((uart.read(kFlags) & kFull) != 0);
    CHECK_FALSE(uart.device.accepts_input());
    for (const char c : std::string("0123456789")) CHECK(uart.read(kData) == static_cast<std::uint32_t>(c));
    CHECK(uart.receive("gh") == 2);
    for (const char c : std::string("abcdefgh")) CHECK(uart.read(kData) == static_cast<std::uint32_t>(c));
  }
}

TEST_CASE("without FIFO there is room for one, and switching it empties it") {
  Uart uart;
  uart.write(kMask, kReceive);
  CHECK(uart.receive("abc") == 3);
  uart.write(kLineControl, 0x60);
  CHECK((uart.read(kFlags) & kEmpty) != 0);
  CHECK(uart.read(kRaw) == 0);
  CHECK(uart.receive("abc") == 1);
  CHECK(uart.read(kRaw) == (kReceive | kTimeout));
  CHECK((uart.read(kFlags) & kFull) != 0);
  CHECK(uart.read(kData) == 'a');
  CHECK(uart.read(kRaw) == 0);
}

TEST_CASE("an interrupt that was cleared comes again with the next character") {
  Uart uart;
  uart.write(kMask, kTimeout);
  uart.receive("a");
  uart.write(kClear, 0x7FF);
  CHECK_FALSE(uart.level());
  uart.receive("b");
  CHECK(uart.level());
  CHECK(uart.read(kData) == 'a');
  CHECK(uart.level());
  CHECK(uart.read(kData) == 'b');
  CHECK_FALSE(uart.level());
}

TEST_CASE("the loop brings what is sent back, with the modem lines, and too much of it is an overrun") {
  Uart uart;
  uart.write(kControl, 0x381);
  CHECK((uart.read(kFlags) & 0x107) == 0);
  uart.write(kControl, 0x3F81);
  CHECK((uart.read(kFlags) & 0x107) == 0x107);
  uart.write(kMask, kReceive);
  CHECK(uart.receive("x") == 0);
  for (int i = 0; i < 17; ++i) uart.write(kData, static_cast<std::uint32_t>('a' + i));
  CHECK(uart.sent.empty());
  CHECK((uart.read(kRaw) & kOverrun) != 0);
  CHECK(uart.read(kStatus) == 8);
  CHECK(uart.read(kData) == (0x800 | 'a'));
  uart.write(kStatus, 0);
  CHECK(uart.read(kStatus) == 0);
  CHECK(uart.read(kData) == 'b');
}
