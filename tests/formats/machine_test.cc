#include "formats/machine.h"

#include <set>

#include "support/test_main.h"

namespace tintype {
namespace {

TEST_CASE("a vCPU's affinity is KVM's: sixteen to a cluster") {
  CHECK(arm64_mpidr(0) == 0);
  CHECK(arm64_mpidr(15) == 0xF);
  CHECK(arm64_mpidr(16) == 0x100);
  CHECK(arm64_mpidr(122) == 0x70A);
  CHECK(arm64_mpidr(0xFFF) == 0xFF0F);
  CHECK(arm64_mpidr(0x1000) == 0x10000);
}

TEST_CASE("no two vCPUs have one affinity, and it needs no more than two levels") {
  std::set<std::uint64_t> seen;
  for (std::uint32_t index = 0; index < arm64::kMaxCpusV3; ++index) {
    CHECK(arm64_mpidr(index) <= 0xFFFF);
    seen.insert(arm64_mpidr(index));
  }
  CHECK(seen.size() == arm64::kMaxCpusV3);
}

}  // namespace
}  // namespace tintype
