#include "formats/smbios.h"

#include <numeric>

#include "support/test_main.h"

namespace tintype {
namespace {

using smbios::StringSet;

std::vector<std::uint8_t> emitted(const StringSet& strings) {
  Buffer buffer;
  strings.emit(buffer);
  return buffer.bytes();
}

std::vector<std::uint8_t> bytes(std::string_view text) {
  return {text.begin(), text.end()};
}

TEST_CASE("strings are numbered from 1 and end with one NUL each, the set with another") {
  StringSet strings;
  CHECK(strings.add("one") == 1);
  CHECK(strings.add("two") == 2);
  CHECK(strings.add("one") == 3);
  CHECK(strings.count() == 3);
  using namespace std::string_view_literals;
  CHECK(emitted(strings) == bytes("one\0two\0one\0\0"sv));
}

TEST_CASE("empty text is no string, and a set without strings is two NULs") {
  StringSet strings;
  CHECK(strings.add("") == 0);
  CHECK(strings.count() == 0);
  CHECK(emitted(strings) == std::vector<std::uint8_t>{0, 0});
  CHECK(strings.add("a") == 1);
  CHECK(strings.add("") == 0);
  CHECK(strings.add("b") == 2);
  CHECK(emitted(strings) == std::vector<std::uint8_t>{'a', 0, 'b', 0, 0});
}

TEST_CASE("a set has numbers for 255 strings") {
  StringSet strings;
  for (std::size_t i = 1; i <= StringSet::kMaxCount; ++i) CHECK(strings.add("x") == i);
  CHECK(emitted(strings).size() == 2 * 255 + 1);
}

TEST_CASE("a structure is its formatted area and then its strings") {
  StringSet strings;
  const std::uint8_t count = strings.add("text");
  const smbios::OemStrings oem = {.header = smbios::header_of<smbios::OemStrings>(0x1234), .Count = count};
  Buffer buffer;
  smbios::emit_structure(oem, strings, buffer);
  CHECK(buffer.bytes() == std::vector<std::uint8_t>{11, 5, 0x34, 0x12, 1, 't', 'e', 'x', 't', 0, 0});

  Buffer end;
  smbios::emit_structure(smbios::EndOfTable{.header = smbios::header_of<smbios::EndOfTable>(0xFEFF)}, {},
                         end);
  CHECK(end.bytes() == std::vector<std::uint8_t>{127, 4, 0xFF, 0xFE, 0, 0});
}

TEST_CASE("the entry point has its fields where the specification has them, and sums to zero") {
  const auto entry = smbios::entry_point(0x123456789ABCDEF0, 0x11223344);
  const Bytes raw = bytes_of(entry);
  const std::vector<std::uint8_t> all(raw.begin(), raw.end());
  REQUIRE(all.size() == 24);
  CHECK(std::accumulate(all.begin(), all.end(), 0u) % 256 == 0);
  CHECK(std::vector<std::uint8_t>(all.begin(), all.begin() + 5) == bytes("_SM3_"));
  CHECK(std::vector<std::uint8_t>(all.begin() + 6, all.end()) ==
        std::vector<std::uint8_t>{24, 3, 3, 0, 1, 0,                                 // 0x06
                                  0x44, 0x33, 0x22, 0x11,                            // 0x0C
                                  0xF0, 0xDE, 0xBC, 0x9A, 0x78, 0x56, 0x34, 0x12});  // 0x10
  CHECK(smbios::entry_point(0, 0).EntryPointStructureChecksum != entry.EntryPointStructureChecksum);
}

// The example of DSP0134 3.3, 7.2.1.
TEST_CASE("the first three fields of a UUID are little-endian") {
  const auto uuid = smbios::uuid_of({0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,  //
                                     0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF});
  const Bytes raw = bytes_of(uuid);
  CHECK(std::vector<std::uint8_t>(raw.begin(), raw.end()) ==
        std::vector<std::uint8_t>{0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66,  //
                                  0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF});
}

}  // namespace
}  // namespace tintype
