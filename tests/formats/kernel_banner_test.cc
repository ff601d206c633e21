#include "formats/kernel_banner.h"

#include "support/test_main.h"

using namespace tintype;

namespace {

std::string banner_in(std::string_view text) {
  return find_banner(bytes_of(text)).value_or("(none)");
}

}  // namespace

TEST_CASE("a banner is what follows its first words, up to the end of the line") {
  CHECK(banner_in("\x01Linux version 6.1.0 (a@b) #1 SMP\nmore") == "6.1.0 (a@b) #1 SMP");
  CHECK(banner_in("Linux version 7") == "7");
  CHECK(banner_in("Linux version 7.1\x1B[31m") == "7.1");
  CHECK(banner_in("Linux version " + std::string(1000, '9')) == std::string(512, '9'));
}

TEST_CASE("a mention of Linux is no banner") {
  CHECK(banner_in("") == "(none)");
  CHECK(banner_in("Linux version ") == "(none)");
  CHECK(banner_in("Linux version %s (%s)") == "(none)");
  CHECK(banner_in("Linux 6.1") == "(none)");
  CHECK(banner_in("Linux version %s; Linux version Linux version 5.4") == "5.4");
}

TEST_CASE("of several banners the one with a build number counts") {
  CHECK(banner_in("Linux version 6.1 (a) # SMP\nLinux version 6.1 (a) #1 SMP\nLinux version 6.2 #7") ==
        "6.1 (a) #1 SMP");
  CHECK(banner_in("Linux version 6.1 # SMP\nLinux version 6.2 #\n") == "6.1 # SMP");
}
