#include "formats/suggest.h"

#include "support/test_main.h"

namespace tintype {
namespace {

constexpr std::string_view kNames[] = {"kernel", "initrd", "cmdline", "memory", "cpus", "protocol"};

TEST_CASE("the nearest name is found, and a far one is not") {
  CHECK(nearest_name("kernal", kNames) == "kernel");
  CHECK(nearest_name("intird", kNames) == "initrd");
  CHECK(nearest_name("cpu", kNames) == "cpus");
  CHECK(nearest_name("command-line", kNames) == std::nullopt);
  CHECK(nearest_name("", kNames) == std::nullopt);
  CHECK(nearest_name(std::string(1000, 'k'), kNames) == std::nullopt);
  CHECK(did_you_mean("memroy", kNames) == " (did you mean 'memory'?)");
  CHECK(did_you_mean("xyz", kNames).empty());
}

}  // namespace
}  // namespace tintype
