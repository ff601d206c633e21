#include "runner/serial.h"

#include <vector>

#include "support/test_main.h"

using namespace tintype;

namespace {

constexpr std::uint16_t kData = 0, kIer = 1, kIir = 2, kFcr = 2, kLcr = 3, kMcr = 4, kLsr = 5, kMsr = 6,
                        kScr = 7;

// MCR with the lines that a driver sets, and the receive interrupt.
constexpr int kLines = 0x0B, kReceive = 0x01;

struct Uart {
  std::vector<bool> line;
  std::string sent;
  Serial serial{[this](bool level) { line.push_back(level); }};

  void write(std::uint16_t offset, int value) {
    serial.write(offset, static_cast<std::uint8_t>(value), sent);
  }
  int read(std::uint16_t offset) { return serial.read(offset); }
  std::size_t receive(const std::string& text) { return serial.receive(bytes_of(text)); }
  bool level() const { return !line.empty() && line.back(); }
};

}  // namespace

TEST_CASE("transmitted bytes come out at once and the transmitter is always empty") {
  Uart uart;
  for (const char c : std::string("hello")) {
    CHECK((uart.read(kLsr) & 0x60) == 0x60);
    uart.write(kData, c);
  }
  CHECK(uart.sent == "hello");
  CHECK(uart.line.empty());
}

TEST_CASE("the divisor latch covers the first two registers and transmits nothing") {
  Uart uart;
  uart.write(kLcr, 0x83);
  uart.write(kData, 1);
  uart.write(kIer, 2);
  CHECK(uart.read(kData) == 1);
  CHECK(uart.read(kIer) == 2);
  uart.write(kLcr, 0x03);
  CHECK(uart.read(kIer) == 0);
  CHECK(uart.sent.empty());
}

TEST_CASE("a driver's probes find a 16550A and nothing more") {
  Uart uart;
  uart.write(kScr, 0xA5);
  CHECK(uart.read(kScr) == 0xA5);
  uart.write(kIer, 0xFF);
  CHECK(uart.read(kIer) == 0x0F);  // bit 6 would be an XScale, bits 4 and 5 a 16750
  uart.write(kIer, 0);
  CHECK((uart.read(kIir) & 0xC0) == 0);
  uart.write(kFcr, 0x01);
  CHECK((uart.read(kIir) & 0xC0) == 0xC0);
  uart.write(kFcr, 0x21);
  CHECK((uart.read(kIir) & 0x20) == 0);  // a 16750 has 64-byte FIFOs
  uart.write(kLcr, 0xBF);
  CHECK(uart.read(kIir) != 0);  // a 16650 has its EFR here
}

TEST_CASE("the loop test of Linux's 8250 driver passes") {
  Uart uart;
  CHECK((uart.read(kMsr) & 0xF0) == 0xB0);
  uart.write(kMcr, 0x1A);  // loop, OUT2, RTS
  CHECK((uart.read(kMsr) & 0xF0) == 0x90);
  uart.write(kData, 'x');
  CHECK((uart.read(kLsr) & 1) == 1);
  CHECK(uart.read(kData) == 'x');
  CHECK(uart.sent.empty());
}

TEST_CASE("enabling the transmit interrupt raises it, and reading its identity clears it") {
  Uart uart;
  uart.write(kIer, 0x02);
  CHECK(uart.level());
  CHECK(uart.read(kIir) == 0x02);
  CHECK_FALSE(uart.level());
  CHECK(uart.read(kIir) == 0x01);
  uart.write(kIer, 0x00);
  uart.write(kIer, 0x02);
  CHECK(uart.level());
}

TEST_CASE("each transmitted byte gives an edge, even if the last was not acknowledged") {
  Uart uart;
  uart.write(kIer, 0x02);
  uart.line.clear();
  uart.write(kData, 'a');
  uart.write(kData, 'b');
  CHECK(uart.line == std::vector<bool>{false, true, false, true});
}

TEST_CASE("received bytes interrupt, by priority over the transmitter, until they are read") {
  Uart uart;
  uart.write(kFcr, 0x01);
  uart.write(kMcr, kLines);
  uart.write(kIer, 0x03);
  CHECK(uart.receive("ab") == 2);
  CHECK((uart.read(kIir) & 0x0F) == 0x04);
  CHECK(uart.read(kData) == 'a');
  CHECK(uart.level());
  CHECK(uart.read(kData) == 'b');
  CHECK((uart.read(kIir) & 0x0F) == 0x02);
  CHECK_FALSE(uart.level());
  CHECK(uart.read(kData) == 0);
}

TEST_CASE("bytes below the trigger level are reported as timed out") {
  Uart uart;
  uart.write(kFcr, 0xC1);  // 14 bytes
  uart.write(kMcr, kLines);
  uart.write(kIer, 0x01);
  CHECK(uart.receive("0123456789abc") == 13);
  CHECK((uart.read(kIir) & 0x0F) == 0x0C);
  CHECK(uart.receive("d") == 1);
  CHECK((uart.read(kIir) & 0x0F) == 0x04);
}

TEST_CASE("the receiver holds 16 bytes with FIFO and one without, and more waits outside") {
  Uart uart;
  uart.write(kMcr, kLines);
  uart.write(kIer, kReceive);
  CHECK(uart.receive("ab") == 1);
  CHECK_FALSE(uart.serial.accepts_input());
  CHECK(uart.read(kData) == 'a');
  uart.write(kFcr, 0x01);
  CHECK(uart.receive("0123456789abcdefXYZ") == 16);
  for (const char c : std::string("0123456789abcdef")) CHECK(uart.read(kData) == c);
  CHECK((uart.read(kLsr) & 1) == 0);
}

TEST_CASE("input waits until the guest listens") {
  Uart uart;
  CHECK(uart.receive("a") == 0);
  SUBCASE("by interrupt") {
    uart.write(kMcr, 0x0B);
    CHECK(uart.receive("a") == 0);
    uart.write(kIer, 0x01);
  }
  SUBCASE("by polling") {
    for (int i = 0; i < 8; ++i) uart.read(kLsr);
  }
  CHECK(uart.receive("a") == 1);
}

TEST_CASE("a driver that probes does not listen yet") {
  Uart uart;
  uart.write(kIer, 0x0F);
  CHECK(uart.receive("a") == 0);
  uart.write(kIer, 0);
  uart.write(kMcr, 0x13);
  uart.write(kIer, 0x01);
  CHECK(uart.receive("a") == 0);
}

TEST_CASE("waiting for the transmitter is no polling for input") {
  Uart uart;
  for (int i = 0; i < 100; ++i) {
    uart.read(kLsr);
    uart.write(kData, 'x');
  }
  CHECK_FALSE(uart.serial.accepts_input());
}

TEST_CASE("resetting or toggling the FIFO drops what was received") {
  Uart uart;
  uart.write(kMcr, kLines);
  uart.write(kIer, kReceive);
  uart.write(kFcr, 0x01);
  CHECK(uart.receive("abc") == 3);
  uart.write(kFcr, 0x03);
  CHECK((uart.read(kLsr) & 1) == 0);
  CHECK(uart.receive("abc") == 3);
  uart.write(kFcr, 0x00);
  CHECK((uart.read(kLsr) & 1) == 0);
}

TEST_CASE("an overrun in the loop is reported once, and interrupts if that is enabled") {
  Uart uart;
  uart.write(kIer, 0x04);
  uart.write(kMcr, 0x10);
  uart.write(kData, 'a');
  CHECK_FALSE(uart.level());
  uart.write(kData, 'b');
  CHECK(uart.level());
  CHECK((uart.read(kIir) & 0x0F) == 0x06);
  CHECK((uart.read(kLsr) & 0x02) == 0x02);
  CHECK_FALSE(uart.level());
  CHECK((uart.read(kLsr) & 0x02) == 0);
  CHECK(uart.read(kData) == 'a');
}

TEST_CASE("no sequence of accesses leads astray") {
  Uart uart;
  std::uint32_t state = 1;
  for (int i = 0; i < 200000; ++i) {
    state = state * 1664525 + 1013904223;
    const auto offset = static_cast<std::uint16_t>((state >> 24) % 12);
    if ((state >> 20) % 3 == 0) {
      uart.read(offset);
    } else if ((state >> 20) % 3 == 1) {
      uart.write(offset, static_cast<int>((state >> 8) & 0xFF));
    } else {
      CHECK(uart.receive("0123456789abcdefghijklmnop") <= Serial::kFifoSize);
    }
  }
}
