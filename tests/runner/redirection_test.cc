#include "runner/redirection.h"

#include "support/test_main.h"

using tintype::InterruptMessage;
using tintype::wide_message;

namespace {

// Destination 0x102: low bits in 63:56, the others in 54:48.
constexpr std::uint64_t kTo258 = std::uint64_t{0x02} << 56 | std::uint64_t{0x01} << 48;

}  // namespace

TEST_CASE("an edge to an APIC ID above 255 is a message with the whole ID") {
  CHECK(wide_message(kTo258 | 0x40) == InterruptMessage{0xFEE02000, 0x100, 0x40});
  const std::uint64_t last = std::uint64_t{0xFF} << 56 | std::uint64_t{0x7F} << 48;
  CHECK(wide_message(last | 0xEF) == InterruptMessage{0xFEEFF000, 0x7F00, 0xEF});
}

TEST_CASE("the message keeps the delivery and destination modes") {
  CHECK(wide_message(kTo258 | 0x40 | 1 << 11) == InterruptMessage{0xFEE02004, 0x100, 0x40});
  CHECK(wide_message(kTo258 | 0x40 | 1 << 8) == InterruptMessage{0xFEE02008, 0x100, 0x140});
  CHECK(wide_message(kTo258 | 4 << 8) == InterruptMessage{0xFEE02000, 0x100, 0x400});
}

TEST_CASE("what KVM's IOAPIC can do is left to it") {
  CHECK_FALSE(wide_message(std::uint64_t{0xFE} << 56 | 0x40));
  CHECK_FALSE(wide_message(kTo258 | 0x40 | 1 << 16));  // masked
  CHECK_FALSE(wide_message(kTo258 | 0x40 | 1 << 15));  // level-triggered
  CHECK_FALSE(wide_message(0));
  // Bit 55 is no destination bit.
  CHECK_FALSE(wide_message(std::uint64_t{1} << 55 | 0x40));
}
