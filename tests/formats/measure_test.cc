#include "formats/measure.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "formats/digest.h"
#include "igvm_files.h"
#include "support/test_main.h"

namespace tintype {
namespace {

using namespace igvm_files;

LaunchPlatform platform_named(const std::string& name) {
  for (const LaunchPlatform platform :
       {LaunchPlatform::native, LaunchPlatform::vbs, LaunchPlatform::snp, LaunchPlatform::tdx})
    if (launch_platform_name(platform) == name) return platform;
  FAIL("no platform '" << name << "'");
  std::abort();
}

LaunchDigest measure(const std::vector<LaunchStep>& steps, LaunchPlatform platform,
                     MeasureOptions options = {}) {
  if (platform == LaunchPlatform::snp) return measure_snp(steps, options);
  return platform == LaunchPlatform::tdx ? measure_tdx(steps, options) : measure_vbs(steps, options);
}

}  // namespace

TEST_CASE("digests are those that independent tools give") {
  std::ifstream table(folder() / "digest" / "DIGESTS.tsv");
  std::string line;
  std::getline(table, line);
  std::size_t compared = 0;
  while (std::getline(table, line)) {
    std::istringstream fields(line);
    std::string name, platform, digest;
    fields >> name >> platform >> digest;
    CAPTURE(name);
    const Octets bytes = load(folder() / "digest" / name);
    const auto file = igvm::read(bytes);
    REQUIRE_OK(file);
    const auto steps = launch_steps(*file, platform_named(platform));
    REQUIRE_OK(steps);
    for (const unsigned threads : {1u, 2u, 7u})
      CHECK(to_hex(measure(*steps, platform_named(platform), {.threads = threads}).value) == digest);
    ++compared;
  }
  CHECK(compared == 4);
}

}  // namespace tintype
