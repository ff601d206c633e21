#include "formats/gpa.h"

#include "support/test_main.h"

namespace tintype {
namespace {

constexpr std::uint64_t kTop = ~std::uint64_t{0};

TEST_CASE("arithmetic that would wrap has no value") {
  CHECK_FALSE(checked_add(kTop, 1));
  CHECK(checked_add(kTop, 0) == kTop);
  CHECK_FALSE(checked_mul(kTop, 2));
  CHECK_FALSE(align_up(kTop, kPageSize));
  CHECK(align_up(1, kPageSize) == kPageSize);
  CHECK(align_up(kPageSize, kPageSize) == kPageSize);
  CHECK_FALSE(GpaRange::of_size(kTop, 2));
  CHECK(pages_of(0) == 0);
  CHECK(pages_of(1) == 1);
  CHECK(pages_of(kTop) == (kTop >> 12) + 1);
}

TEST_CASE("empty ranges overlap nothing and neighbours do not overlap") {
  const GpaRange page = {0x1000, 0x2000};
  CHECK(page.overlaps({0x1fff, 0x2000}));
  CHECK_FALSE(page.overlaps({0x2000, 0x3000}));
  CHECK_FALSE(page.overlaps({0x1800, 0x1800}));
  CHECK(page.contains(GpaRange{0x1000, 0x2000}));
  CHECK_FALSE(page.contains(0x2000));
  CHECK(GpaRange{0x1001, 0x1002}.to_pages() == page);
}

}  // namespace
}  // namespace tintype
