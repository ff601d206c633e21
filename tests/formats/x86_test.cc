#include "formats/x86.h"

#include <optional>

#include "support/test_main.h"

using namespace tintype;

namespace {

struct Translation {
  std::uint64_t physical;
  std::uint64_t entries;  // the bits that all entries on the way have
};

// Walks four-level page tables (Intel SDM volume 3, 4.5) that lie in `tables`, whose first byte is at `base`.
std::optional<Translation> translate(Bytes tables, std::uint64_t base, std::uint64_t address) {
  std::uint64_t table = base;
  std::uint64_t bits = ~std::uint64_t{0};
  for (unsigned shift = 39; shift >= 12; shift -= 9) {
    const std::uint64_t index = address >> shift & 511;
    const auto entry = read_at<le64>(tables, table - base + index * 8, "page table entry");
    REQUIRE_OK(entry);
    const std::uint64_t value = *entry;
    if ((value & x86::kPtePresent) == 0) return std::nullopt;
    bits &= value;
    const std::uint64_t target = value & 0x000FFFFFFFFFF000;
    if (shift < 39 && (value & x86::kPteLargePage) != 0) {
      const std::uint64_t size = std::uint64_t{1} << shift;
      CHECK(target % size == 0);
      return Translation{target + address % size, bits};
    }
    table = target;
  }
  return Translation{table + address % kPageSize, bits};
}

std::vector<std::uint8_t> tables_at(std::uint64_t base) {
  Buffer buffer;
  x86::emit_identity_page_tables(base, buffer);
  return buffer.bytes();
}

}  // namespace

TEST_CASE("page tables map every page of 4 GiB to itself, wherever they lie") {
  for (const std::uint64_t base : {std::uint64_t{0x9000}, std::uint64_t{0x1000000}, 5 * kGiB}) {
    const std::vector<std::uint8_t> tables = tables_at(base);
    REQUIRE(tables.size() == x86::kIdentityTablesSize);
    for (std::uint64_t page = 0; page < 4 * kGiB; page += 2 * kMiB) {
      for (const std::uint64_t address : {page, page + 0x1FFFFF}) {
        const auto translation = translate(tables, base, address);
        REQUIRE(translation.has_value());
        CHECK(translation->physical == address);
        CHECK((translation->entries & x86::kPteWritable) != 0);
        CHECK((translation->entries & x86::kPteAccessed) != 0);
        CHECK((translation->entries >> 63) == 0);  // executable
      }
    }
    CHECK_FALSE(translate(tables, base, 4 * kGiB).has_value());
    CHECK_FALSE(translate(tables, base, 512 * kGiB).has_value());
    CHECK_FALSE(translate(tables, base, 0xFFFFFFFF80000000).has_value());
  }
}

TEST_CASE("large pages are dirty already, so the processor has nothing to write to its tables") {
  const std::vector<std::uint8_t> tables = tables_at(0x9000);
  for (std::uint64_t i = 0; i < 4 * 512; ++i) {
    const std::uint64_t entry = *read_at<le64>(tables, 2 * kPageSize + 8 * i, "entry");
    CHECK((entry & 0xFFF) == 0xE3);
  }
}

TEST_CASE("page tables have one length") {
  Counter counter;
  x86::emit_identity_page_tables(0, counter);
  CHECK(counter.size() == tables_at(0x9000).size());
  CHECK(counter.size() == 24 * kKiB);
}

TEST_CASE("the GDT has the descriptors that the flat segments say") {
  Buffer buffer;
  x86::emit_gdt(x86::kFlatCode64, buffer);
  REQUIRE(buffer.size() == x86::kGdtLimit + 1u);
  // Intel SDM volume 3, 3.4.5, figure 3-8, by hand.
  CHECK(*read_at<le64>(buffer.bytes(), 0x00, "null") == 0);
  CHECK(*read_at<le64>(buffer.bytes(), 0x08, "unused") == 0);
  CHECK(*read_at<le64>(buffer.bytes(), x86::kCodeSelector, "code") == 0x00AF9B000000FFFF);
  CHECK(*read_at<le64>(buffer.bytes(), x86::kDataSelector, "data") == 0x00CF93000000FFFF);

  Buffer protected_mode;
  x86::emit_gdt(x86::kFlatCode32, protected_mode);
  CHECK(*read_at<le64>(protected_mode.bytes(), x86::kCodeSelector, "code") == 0x00CF9B000000FFFF);
}

TEST_CASE("a descriptor spreads base and limit as the processor reads them") {
  // A 104-byte busy TSS: limits below 1 MiB in bytes have no G.
  CHECK(x86::descriptor({0x20, 0x008B, 0x12345678, 0x67}) == 0x12008B3456780067);
  CHECK(x86::descriptor({0x20, 0x8093, 0xFFFFFFFF, 0xABCDEFFF}) == 0xFF8A93FFFFFFBCDE);
}

TEST_CASE("the reset vector writes the reset port and stops") {
  Buffer buffer;
  x86::emit_reset_vector(buffer);
  // As GNU as assembles it in 16-bit mode.
  const std::vector<std::uint8_t> expected = {0xBA, 0x02, 0x06, 0xB0, 0x01, 0xEE, 0xF4, 0xEB,
                                              0xFD, 0,    0,    0,    0,    0,    0,    0};
  CHECK(buffer.bytes() == expected);
}

TEST_CASE("flat segments are what a VP context wants") {
  CHECK(x86::kFlatCode64 == X86Segment{0x10, 0xA09B, 0, 0xFFFFFFFF});
  CHECK(x86::kFlatCode32 == X86Segment{0x10, 0xC09B, 0, 0xFFFFFFFF});
  CHECK(x86::kFlatData == X86Segment{0x18, 0xC093, 0, 0xFFFFFFFF});
  CHECK(x86::kCr0Pg == 0x80000000);
  CHECK((x86::kEferLme | x86::kEferLma | x86::kEferNxe) == 0xD00);
}
