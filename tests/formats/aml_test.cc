#include "formats/aml.h"

#include <fmt/core.h>

#include "formats/acpi.h"
#include "support/acpica.h"
#include "support/test_main.h"

using namespace tintype;
using namespace tintype::aml;

namespace {

using Raw = std::vector<std::uint8_t>;

// A package length as ACPI 6.5, 20.2.4 defines it: how many bytes encode it, and what it counts.
struct PackageLength {
  std::size_t bytes;
  std::size_t value;
};
PackageLength decode_package_length(Bytes bytes) {
  const std::size_t extra = bytes[0] >> 6;
  if (extra == 0) return {1, bytes[0] & 0x3Fu};
  CHECK((bytes[0] & 0x30) == 0);  // reserved
  std::size_t value = bytes[0] & 0xFu;
  for (std::size_t i = 0; i < extra; ++i) value |= static_cast<std::size_t>(bytes[1 + i]) << (4 + 8 * i);
  return {1 + extra, value};
}

// `terms` as a whole DSDT.
Raw dsdt_of(const Terms& terms) {
  Buffer sink;
  sink.put(acpi::Header{.Signature = acpi::text("DSDT"),
                        .Length = 0u,
                        .Revision = acpi::kDsdtRevision,
                        .Checksum = 0,
                        .OEMID = acpi::text("TESTER"),
                        .OEMTableID = acpi::text("AMLTERMS"),
                        .OEMRevision = 1u,
                        .CreatorID = acpi::text("INTL"),
                        .CreatorRevision = 0x20200925u});
  put(sink, terms);
  acpi::seal(sink.bytes());
  return sink.bytes();
}

Raw definitions(const Raw& table) {
  return {table.begin() + sizeof(acpi::Header), table.end()};
}

}  // namespace

TEST_CASE("integers take the shortest form") {
  CHECK(integer(0).bytes == Raw{0x00});
  CHECK(integer(1).bytes == Raw{0x01});
  CHECK(integer(2).bytes == Raw{0x0A, 2});
  CHECK(integer(0xFF).bytes == Raw{0x0A, 0xFF});
  CHECK(integer(0x100).bytes == Raw{0x0B, 0x00, 0x01});
  CHECK(integer(0xFFFF).bytes == Raw{0x0B, 0xFF, 0xFF});
  CHECK(integer(0x10000).bytes == Raw{0x0C, 0x00, 0x00, 0x01, 0x00});
  CHECK(integer(0xFFFFFFFF).bytes == Raw{0x0C, 0xFF, 0xFF, 0xFF, 0xFF});
  CHECK(integer(0x100000000).bytes == Raw{0x0E, 0, 0, 0, 0, 1, 0, 0, 0});
  CHECK(integer(UINT64_MAX - 1).bytes == Raw{0x0E, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF});
  CHECK(integer(UINT64_MAX).bytes == Raw{0xFF});
}

TEST_CASE("paths") {
  CHECK(path("COM1").bytes == Raw{'C', 'O', 'M', '1'});
  CHECK(path("_SB").bytes == Raw{'_', 'S', 'B', '_'});
  CHECK(path("\\").bytes == Raw{'\\', 0});
  CHECK(path("^^GED").bytes == Raw{'^', '^', 'G', 'E', 'D', '_'});
  CHECK(path("\\_SB.COM1").bytes == Raw{'\\', 0x2E, '_', 'S', 'B', '_', 'C', 'O', 'M', '1'});
  CHECK(path("A.B.C").bytes == Raw{0x2F, 3, 'A', '_', '_', '_', 'B', '_', '_', '_', 'C', '_', '_', '_'});
}

TEST_CASE("EISA identifiers") {
  // ACPI 6.5, 6.1.5 and 19.6.36: bytes in the order of the text, most significant bits first.
  CHECK(eisa_id("PNP0501").bytes == Raw{0x0C, 0x41, 0xD0, 0x05, 0x01});
  CHECK(eisa_id("PNP0C0C").bytes == Raw{0x0C, 0x41, 0xD0, 0x0C, 0x0C});
  CHECK(eisa_id("ZZZFFFF").bytes == Raw{0x0C, 0x6B, 0x5A, 0xFF, 0xFF});
  CHECK(eisa_id("PNP0000").bytes == Raw{0x0B, 0x41, 0xD0});  // as an integer it is short
}

TEST_CASE("strings end in a zero byte") {
  CHECK(string("").bytes == Raw{0x0D, 0});
  CHECK(string("LNRO").bytes == Raw{0x0D, 'L', 'N', 'R', 'O', 0});
}

TEST_CASE("resource descriptors") {
  CHECK(port(0x3F8, 8).bytes == Raw{0x47, 1, 0xF8, 0x03, 0xF8, 0x03, 0, 8});
  CHECK(memory32_fixed(0xD0001000, 0x1000).bytes ==
        Raw{0x86, 9, 0, 1, 0x00, 0x10, 0x00, 0xD0, 0x00, 0x10, 0x00, 0x00});
  CHECK(interrupt(0x17, Trigger::edge).bytes == Raw{0x89, 6, 0, 3, 1, 0x17, 0, 0, 0});
  CHECK(interrupt(9, Trigger::level).bytes == Raw{0x89, 6, 0, 1, 1, 9, 0, 0, 0});
  CHECK(resource_template({}).bytes == Raw{0x11, 5, 0x0A, 2, 0x79, 0});
}

TEST_CASE("package lengths count themselves, at every size boundary") {
  // A scope is its opcode, the length, four bytes of name and its terms; one-byte terms give every size.
  const auto check = [](std::size_t total) {
    Term filler;
    filler.bytes.assign(total, 0xA3);  // NoopOp
    const Raw bytes = scope("ABCD", {filler}).bytes;
    CHECK(bytes[0] == 0x10);
    const PackageLength length = decode_package_length(Bytes(bytes).subspan(1));
    CHECK(length.value == bytes.size() - 1);
    CHECK(bytes.size() == 1 + length.bytes + 4 + total);
    // The shortest that can hold it.
    const std::size_t content = 4 + total;
    const std::size_t expected = content + 1 <= 0x3F      ? 1
                                 : content + 2 <= 0xFFF   ? 2
                                 : content + 3 <= 0xFFFFF ? 3
                                                          : 4;
    CHECK(length.bytes == expected);
  };
  for (std::size_t total = 0; total < 200; ++total) check(total);
  for (std::size_t total = 0xFFF - 16; total < 0xFFF + 16; ++total) check(total);
  for (std::size_t total = 0xFFFFF - 16; total < 0xFFFFF + 16; ++total) check(total);
}

TEST_CASE("the compiler makes the same bytes of every term") {
  if (!have_acpica()) return;
  Terms numbers;
  for (unsigned shift = 0; shift < 64; ++shift) {
    numbers.push_back(integer(std::uint64_t{1} << shift));
    numbers.push_back(integer((std::uint64_t{1} << shift) - 1));
  }
  numbers.push_back(integer(UINT64_MAX));
  const Terms terms = {
      name("NUMS", package(numbers)),
      name("TEXT", string("LNRO0005 with spaces")),
      name("EIDS", package({eisa_id("PNP0501"), eisa_id("ABC1234"), eisa_id("PNP0A03")})),
      name("BUFF", buffer(Raw{1, 2, 3})),
      scope("_SB",
            {device("DEV0", {name("_HID", eisa_id("PNP0501")), name("_UID", string("a")),
                             name("_CRS", resource_template({port(0x3F8, 8), interrupt(4, Trigger::edge),
                                                             interrupt(5, Trigger::level),
                                                             memory32_fixed(0xD0000000, 0x1000)}))}),
             device("DEV1", {name("_HID", string("ACPI0013")),
                             method("_EVT", 1,
                                    {if_(equal(arg(0), integer(9)), {notify("DEV0", integer(0x80))}),
                                     if_(equal(arg(0), integer(10)), {notify("DEV1", integer(0x81))})})})}),
      name("_S5", package({integer(5)})),
  };
  const Raw table = dsdt_of(terms);
  const Recompiled again = recompile(table);
  CHECK_MESSAGE(again.log.find("0 Errors, 0 Warnings, 0 Remarks") != std::string::npos, again.log);
  CHECK_MESSAGE(definitions(again.table) == definitions(table), again.source);
  CHECK(execute(table, "evaluate \\_SB.DEV1._EVT 9").find("[DEV0]") != std::string::npos);
  CHECK(execute(table, "evaluate \\_SB.DEV1._EVT 10").find("Value 0x81 ") != std::string::npos);
}

TEST_CASE("the compiler makes the same bytes at the boundaries of package lengths") {
  if (!have_acpica()) return;
  Terms terms;
  std::size_t index = 0;
  for (const std::size_t base : {std::size_t{0x3F}, std::size_t{0xFFF}})
    for (std::size_t size = base - 9; size <= base + 2; ++size)
      terms.push_back(name(fmt::format("B{:03}", index++), buffer(Raw(size, 0x5A))));
  terms.push_back(scope("_SB", terms));  // and one over 0xFFF that holds them all
  const Raw table = dsdt_of(terms);
  const Recompiled again = recompile(table);
  CHECK_MESSAGE(again.log.find("0 Errors, 0 Warnings, 0 Remarks") != std::string::npos, again.log);
  CHECK(definitions(again.table) == definitions(table));
}
