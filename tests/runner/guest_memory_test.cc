#include "runner/guest_memory.h"

#include <fcntl.h>
#include <unistd.h>

#include "runner/guests.h"
#include "runner/load.h"
#include "support/test_main.h"

using namespace tintype;

TEST_CASE("ranges in any order become sorted, disjoint and maximal") {
  CHECK(normalised({}).empty());
  CHECK(normalised({{0x3000, 0x4000}, {0x1000, 0x2000}, {0x5000, 0x5000}}) ==
        std::vector<GpaRange>{{0x1000, 0x2000}, {0x3000, 0x4000}});
  CHECK(normalised({{0x2000, 0x3000}, {0x1000, 0x2000}}) == std::vector<GpaRange>{{0x1000, 0x3000}});
  CHECK(normalised({{0x1000, 0x9000}, {0x2000, 0x3000}}) == std::vector<GpaRange>{{0x1000, 0x9000}});
}

TEST_CASE("an address has a host pointer only if all of its bytes are memory") {
  const auto memory = GuestMemory::reserve({{0, 0x4000}, {4 * kGiB, 4 * kGiB + 0x1000}});
  REQUIRE_OK(memory);
  CHECK(memory->blocks().size() == 2);
  REQUIRE(memory->at(0, 0x4000));
  CHECK(memory->at(0, 0x4000)->size() == 0x4000);
  CHECK(memory->at(0x3FFF, 1)->data() == memory->at(0, 1)->data() + 0x3FFF);
  CHECK(memory->at(4 * kGiB + 0xFFF, 1));
  CHECK_FALSE(memory->at(0, 0));
  CHECK_FALSE(memory->at(0, 0x4001));
  CHECK_FALSE(memory->at(0x3FFF, 2));
  CHECK_FALSE(memory->at(0x4000, 1));
  CHECK_FALSE(memory->at(4 * kGiB - 1, 1));
  CHECK_FALSE(memory->at(4 * kGiB - 1, 2));
  CHECK_FALSE(memory->at(4 * kGiB + 0x1000, 1));
  CHECK_FALSE(memory->at(~std::uint64_t{0}, 1));
  CHECK_FALSE(memory->at(~std::uint64_t{0}, 2));
  CHECK_FALSE(memory->at(1, ~std::uint64_t{0}));
}

TEST_CASE("memory that touches is one block, and reads as zero") {
  const auto memory = GuestMemory::reserve({{0x1000, 0x2000}, {0, 0x1000}});
  REQUIRE_OK(memory);
  CHECK(memory->blocks().size() == 1);
  const auto all = *memory->at(0, 0x2000);
  for (const std::uint8_t byte : all) REQUIRE(byte == 0);
}

TEST_CASE("a terabyte costs nothing until it is touched") {
  const auto memory = GuestMemory::reserve({{0, kTiB}});
  REQUIRE_OK(memory);
  (*memory->at(kTiB - 1, 1))[0] = 1;
}

TEST_CASE("a file is mapped privately or copied, and a short one is an error") {
  guests::Octets bytes(3 * kPageSize);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i / 7);
  const guests::TemporaryFile file(bytes);
  const int fd = ::open(file.path().c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(fd >= 0);
  const auto memory = GuestMemory::reserve({{0, 0x10000}});
  REQUIRE_OK(memory);

  REQUIRE_OK(memory->map_file(fd, kPageSize, 0x4000, 2 * kPageSize));
  const auto mapped = *memory->at(0x4000, 2 * kPageSize);
  CHECK(std::equal(mapped.begin(), mapped.end(), bytes.begin() + kPageSize));
  mapped[0] ^= 0xFF;
  std::uint8_t original = 0;
  CHECK(::pread(fd, &original, 1, kPageSize) == 1);
  CHECK(original == bytes[kPageSize]);

  REQUIRE_OK(memory->copy_file(fd, 5, 0x8003, 100));
  const auto copied = *memory->at(0x8003, 100);
  CHECK(std::equal(copied.begin(), copied.end(), bytes.begin() + 5));

  const auto past = memory->copy_file(fd, 2 * kPageSize + 1, 0x8000, kPageSize);
  REQUIRE_FALSE(past);
  CHECK(past.error().message().find("truncated") != std::string::npos);
  CHECK_FALSE(memory->map_file(fd, 0, 0xF000, 2 * kPageSize));
  CHECK_FALSE(memory->copy_file(fd, 0, 0xF001, kPageSize));
  ::close(fd);
}

TEST_CASE("of too many pieces the shorter are copied") {
  std::vector<GuestPlan::FilePiece> pieces;
  for (std::uint64_t i = 0; i < 100; ++i)
    pieces.push_back({.gpa = i * kMiB, .offset = kPageSize, .size = i < 10 ? 16 * kPageSize : kPageSize});
  CHECK(shortest_mapped(pieces, 100) == kPageSize);
  CHECK(shortest_mapped(pieces, 99) == 2 * kPageSize);
  CHECK(shortest_mapped(pieces, 10) == 2 * kPageSize);
  CHECK(shortest_mapped(pieces, 9) == 32 * kPageSize);
  pieces[0].offset = 24;  // never mapped, so not counted
  CHECK(shortest_mapped(pieces, 99) == kPageSize);
}
