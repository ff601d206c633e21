#include "formats/size.h"

#include "formats/gpa.h"
#include "support/test_main.h"

namespace tintype {
namespace {

TEST_CASE("sizes have units of 1024 and are whole pages") {
  CHECK(parse_size("4096").value() == 4096);
  CHECK(parse_size("512M").value() == 512 * kMiB);
  CHECK(parse_size("1g").value() == kGiB);
  CHECK(parse_size("1T").value() == kTiB);
  CHECK(parse_size("1000").error().message() ==
        "1000 bytes is not a multiple of the page size, 4096: write a multiple of it, or a size like 512M");
  for (const char* text :
       {"", "M", "1MB", "1.5G", "-1M", "99999999999999999999", "18014398509481984K", " 1M"})
    CHECK(parse_size(text).error().message().find("is not a size") != std::string::npos);
}

}  // namespace
}  // namespace tintype
