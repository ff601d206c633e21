#include "runner/pl031.h"

#include <vector>

#include "support/test_main.h"

using namespace tintype;

namespace {

constexpr std::uint32_t kData = 0x00, kMatch = 0x04, kLoad = 0x08, kControl = 0x0C, kMask = 0x10, kRaw = 0x14,
                        kMasked = 0x18, kClear = 0x1C;

struct Rtc {
  std::uint64_t now = 1'800'000'000;
  std::vector<bool> line;
  Pl031 device{[this](bool level) { line.push_back(level); }, [this] { return now; }};

  void write(std::uint32_t offset, std::uint32_t value) { device.write(offset, value); }
  std::uint32_t read(std::uint32_t offset) { return device.read(offset); }
  bool level() const { return !line.empty() && line.back(); }
};

}  // namespace

TEST_CASE("it is the host's clock, and runs") {
  Rtc rtc;
  CHECK(rtc.read(kData) == 1'800'000'000);
  rtc.now += 5;
  CHECK(rtc.read(kData) == 1'800'000'005);
  rtc.write(kData, 7);
  CHECK(rtc.read(kData) == 1'800'000'005);
}

TEST_CASE("what is loaded goes on from there") {
  Rtc rtc;
  rtc.write(kLoad, 1000);
  CHECK(rtc.read(kLoad) == 1000);
  CHECK(rtc.read(kData) == 1000);
  rtc.now += 60;
  CHECK(rtc.read(kData) == 1060);
  CHECK(rtc.read(kLoad) == 1000);
}

TEST_CASE("it counts in 32 bits, past 2106 too") {
  Rtc rtc;
  rtc.now = (std::uint64_t{1} << 32) + 3;
  CHECK(rtc.read(kData) == 3);
  rtc.write(kLoad, 0xFFFFFFFF);
  rtc.now += 2;
  CHECK(rtc.read(kData) == 1);
}

TEST_CASE("it is started, and cannot be stopped") {
  Rtc rtc;
  CHECK(rtc.read(kControl) == 1);
  rtc.write(kControl, 0);
  CHECK(rtc.read(kControl) == 1);
}

TEST_CASE("a match is seen when somebody looks, once, and its interrupt is masked and cleared") {
  Rtc rtc;
  rtc.write(kMatch, static_cast<std::uint32_t>(rtc.now) + 10);
  CHECK(rtc.read(kMatch) == static_cast<std::uint32_t>(rtc.now) + 10);
  CHECK(rtc.read(kRaw) == 0);
  rtc.now += 10;
  CHECK(rtc.read(kRaw) == 1);
  CHECK(rtc.read(kMasked) == 0);
  CHECK_FALSE(rtc.level());
  rtc.write(kMask, 1);
  CHECK(rtc.read(kMask) == 1);
  CHECK(rtc.read(kMasked) == 1);
  CHECK(rtc.level());
  rtc.write(kClear, 1);
  CHECK_FALSE(rtc.level());
  CHECK(rtc.read(kRaw) == 0);
  rtc.now += 10;
  CHECK(rtc.read(kRaw) == 0);
}

TEST_CASE("without a match set, or with one that is past, nothing is raised") {
  Rtc rtc;
  rtc.write(kMask, 1);
  CHECK(rtc.read(kRaw) == 0);
  rtc.write(kMatch, static_cast<std::uint32_t>(rtc.now) - 1);
  CHECK(rtc.read(kRaw) == 0);
  CHECK(rtc.line.empty());
}

TEST_CASE("every register takes any value, and its identity stays") {
  Rtc rtc;
  for (std::uint32_t offset = 0; offset < 0x1000; offset += 4)
    for (const std::uint32_t value : {0u, 0xFFFFFFFFu}) {
      rtc.write(offset, value);
      rtc.read(offset);
    }
  const std::uint32_t kExpected[] = {0x31, 0x10, 0x04, 0x00, 0x0D, 0xF0, 0x05, 0xB1};
  for (std::uint32_t i = 0; i < 8; ++i) CHECK(rtc.read(0xFE0 + 4 * i) == kExpected[i]);
}
