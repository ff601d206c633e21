#include "formats/acpi_file.h"

#include <algorithm>

#include "support/temporary_folder.h"
#include "support/test_main.h"

namespace tintype {
namespace {

using File = std::vector<std::uint8_t>;

File specimen() {
  const std::string text = text_of(TINTYPE_TESTS_DIR "/vectors/acpi/ssdt.aml");
  REQUIRE(text.size() == 82);
  return {text.begin(), text.end()};
}

// The specimen with other characters for a signature, sealed.
File with_signature(const char (&signature)[5]) {
  File file = specimen();
  std::ranges::copy(acpi::text(signature), file.begin());
  acpi::seal(file);
  return file;
}

File bytes(std::string_view text) {
  return {text.begin(), text.end()};
}

std::string refusal(const File& file) {
  const auto table = read_acpi_table(file);
  return table ? "" : table.error().message();
}

void check_refused(const File& file, std::string_view part) {
  const std::string message = refusal(file);
  CAPTURE(message);
  CAPTURE(part);
  CHECK(message.find(part) != std::string::npos);
}

TEST_CASE("a table that iasl made is read as it is") {
  const File file = specimen();
  const auto table = read_acpi_table(file);
  REQUIRE_OK(table);
  CHECK(table->signature == acpi::text("SSDT"));
  CHECK(table->bytes.data() == file.data());
  CHECK(table->bytes.size() == file.size());
  for (const File& other : {with_signature("OEM9"), with_signature("ASF!"), with_signature("A_B0")})
    CHECK(refusal(other).empty());
}

TEST_CASE("a table is what its header says, whatever its bytes look like to others") {
  // The magic number of ext4 at its place, and that of a kernel Image for AArch64.
  File file(2048, 0);
  std::ranges::copy(specimen(), file.begin());
  file[1024 + 0x38] = 0x53;
  file[1024 + 0x39] = 0xEF;
  std::ranges::copy(bytes("ARM\x64"), file.begin() + 0x38);
  acpi::seal(file);
  CHECK(refusal(file).empty());
}

TEST_CASE("length and size are compared, and both are named") {
  File file = specimen();
  file.pop_back();
  CHECK(refusal(file) ==
        "table SSDT says that it has 82 bytes, and the file has 81: it is cut short (at file offset 0x4)");
  file = specimen();
  file.push_back(0);
  CHECK(refusal(file) ==
        "table SSDT says that it has 82 bytes, and the file has 83: cut off what follows (at file offset "
        "0x4)");
  file = specimen();
  const File second = with_signature("OEM1");
  file.insert(file.end(), second.begin(), second.end());
  CHECK(refusal(file) ==
        "table SSDT has 82 bytes, and the file has 164, with another table after it: give each table a file "
        "of its own (at file offset 0x4)");
  file = specimen();
  file[4] = 35;
  check_refused(file, "says that it has 35 bytes, and a header alone has 36");
}

TEST_CASE("a wrong checksum is named with the right one") {
  File file = specimen();
  REQUIRE(file[9] == 0x91);
  file[81] = static_cast<std::uint8_t>(file[81] + 1);
  CHECK(refusal(file) ==
        "the checksum of table SSDT is 0x91 and should be 0x90: the file is damaged, or was edited without "
        "setting it (at file offset 0x9)");
  file[9] = 0x90;
  CHECK(refusal(file).empty());
}

TEST_CASE("structures that are composed, or that the machine has not, are refused by name") {
  check_refused(bytes("RSD PTR 1234567890123456789012345678"), "this is the RSDP");
  check_refused(with_signature("RSDT"), "this is the RSDT, which lists the tables");
  check_refused(with_signature("XSDT"), "this is the XSDT, which lists the tables");
  check_refused(with_signature("FACS"), "this is a FACS, and a hardware-reduced machine");
  check_refused(with_signature("FADT"), "that of the FADT is FACP");
  check_refused(with_signature("MADT"), "that of the MADT is APIC");
  check_refused(with_signature("RSDP"), "the RSDP is composed");
  // A FACS has no checksum: it is recognised all the same.
  File facs(64, 0);
  std::ranges::copy(acpi::text("FACS"), facs.begin());
  facs[4] = 64;
  check_refused(facs, "this is a FACS");
}

TEST_CASE("a file of another kind is called what it is") {
  check_refused({}, "this is an empty file, and not an ACPI table");
  check_refused(bytes("SSDT"), "this is a text file, and not an ACPI table");
  check_refused(File{'S', 'S', 'D', 'T', 0, 0}, "6 bytes are no ACPI table, whose header alone has 36");
  const std::string source = text_of(TINTYPE_TESTS_DIR "/vectors/acpi/ssdt.dsl");
  REQUIRE(!source.empty());
  check_refused(bytes(source), "compile it with 'iasl FILE'");
  const std::string data = text_of(TINTYPE_TESTS_DIR "/golden/acpi/madt.dsl");
  REQUIRE(!data.empty());
  check_refused(bytes(data), "compile it with 'iasl FILE'");
  check_refused(bytes("DSDT @ 0x00000000000E0340\n    0000: 44 53 44 54  DSDT\n"), "acpixtract -a FILE");
  check_refused(bytes("070701000000000000000000000000000000000000000000000000"), "this is a cpio archive");
  check_refused(
      bytes(std::string("IGVM\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 37)),
      "this is an IGVM file");
  check_refused(bytes("#!/bin/sh\necho this is a script, and it is long enough\n"), "this is a shell script");
  File gzip(64, 0);
  gzip[0] = 0x1F;
  gzip[1] = 0x8B;
  check_refused(gzip, "this is a gzip-compressed file, and not an ACPI table");
  File lower = with_signature("OEM1");
  lower[0] = 'o';
  check_refused(lower, "the first bytes 6f 45 4d 31 are no ACPI table's signature");
}

TEST_CASE("every prefix of a table is refused, and every flipped bit that the checksum sees") {
  const File file = specimen();
  for (std::size_t size = 0; size < file.size(); ++size) {
    CAPTURE(size);
    // A copy of the exact size, for the sanitizer.
    CHECK_FALSE(refusal(File(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size))).empty());
  }
  for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
    CAPTURE(bit);
    File flipped = file;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1u << bit % 8));
    CHECK_FALSE(refusal(flipped).empty());
  }
}

TEST_CASE("every flipped bit of a sealed table leaves an error, or a table whose header is right") {
  const File file = specimen();
  std::size_t accepted = 0;
  for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
    CAPTURE(bit);
    File flipped = file;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1u << bit % 8));
    flipped[9] = 0;
    flipped[9] = acpi::checksum(flipped);
    const auto table = read_acpi_table(flipped);
    if (!table) {
      CHECK_FALSE(table.error().what.empty());
      CHECK(bit / 8 < 8);  // nothing but signature and length can be wrong
      continue;
    }
    ++accepted;
    CHECK(table->bytes.size() == flipped.size());
  }
  CHECK(accepted > 8 * (file.size() - 8));
}

}  // namespace
}  // namespace tintype
