#include "formats/launch_kvm.h"

#include <string>

#include "formats/gpa.h"
#include "support/test_main.h"

namespace tintype {
namespace {

using Kind = LaunchStep::Kind;

LaunchStep vmsa_step(const VmsaPage& page, std::uint16_t index, std::uint64_t gpa = kKvmVmsaGpa) {
  return {.kind = Kind::vmsa, .gpa = gpa, .data = bytes_of(page), .vp_index = index};
}

VmsaPage boot_page() {
  VmsaPage page = reset_vmsa(0x21, 0);
  page.rip = std::uint64_t{0x1234};
  return page;
}

std::string refusal(const VmsaPage& page, const KvmVcpus& vcpus = {}) {
  const auto launch = kvm_launch({vmsa_step(page, 0)}, vcpus);
  return launch ? "" : launch.error().message();
}

}  // namespace

TEST_CASE("KVM takes pages first and then a VMSA for each vCPU, all at one address") {
  const VmsaPage boot = boot_page();
  const std::vector<LaunchStep> steps = {{.kind = Kind::page, .gpa = 0x1000},
                                         vmsa_step(boot, 0, 0x5000),
                                         {.kind = Kind::unmeasured, .gpa = 0x2000}};
  const auto launch = kvm_launch(steps, {.count = 3, .processor = 0x00A00F11});
  REQUIRE_OK(launch);
  REQUIRE(launch->steps.size() == 5);
  CHECK(launch->steps[0].gpa == 0x1000);
  CHECK(launch->steps[1].gpa == 0x2000);
  for (std::uint16_t index = 0; index < 3; ++index) {
    const LaunchStep& vmsa = launch->steps[2 + index];
    CHECK(vmsa.kind == Kind::vmsa);
    CHECK(vmsa.gpa == 0xFFFFFFFFF000);
    CHECK(vmsa.vp_index == index);
    CHECK(vmsa.pages == 1);
    REQUIRE(vmsa.data.size() == 4096);
  }
  CHECK(launch->steps[2].data.data() == bytes_of(boot).data());
  const VmsaPage reset = reset_vmsa(0x21, 0x00A00F11);
  for (const std::size_t other : {3u, 4u})
    CHECK(std::equal(launch->steps[other].data.begin(), launch->steps[other].data.end(),
                     bytes_of(reset).begin()));
  CHECK(launch->without_vmsa == 2);
}

TEST_CASE("a launch may be moved, and its steps still find the pages that KVM made") {
  const VmsaPage boot = boot_page();
  auto launch = kvm_launch({vmsa_step(boot, 0)}, {.count = 2, .processor = 1});
  REQUIRE_OK(launch);
  const KvmLaunch moved = std::move(*launch);
  CHECK(moved.steps[1].data.data() == bytes_of(moved.reset[0]).data());
}

TEST_CASE("vCPUs that the file has VMSAs for have those, in the order of vCPUs") {
  const VmsaPage boot = boot_page();
  VmsaPage second = boot;
  second.rip = std::uint64_t{0x5678};
  const std::vector<LaunchStep> steps = {vmsa_step(second, 1), vmsa_step(boot, 0)};
  CHECK(vmsa_count(steps) == 2);
  CHECK(vmsa_count({}) == 0);
  const auto launch = kvm_launch(steps, {.count = 2});
  REQUIRE_OK(launch);
  CHECK(launch->reset.empty());
  CHECK(launch->steps[0].data.data() == bytes_of(boot).data());
  CHECK(launch->steps[1].data.data() == bytes_of(second).data());
}

TEST_CASE("what KVM cannot launch, or would launch otherwise, is refused") {
  const auto says = [](const std::string& text, const char* part) {
    CHECK_MESSAGE(text.find(part) != std::string::npos, text);
  };
  CHECK(refusal(boot_page()) == "");
  says(refusal(boot_page(), {.count = 0}), "0 vCPUs: KVM launches 1 to 4096");
  says(refusal(boot_page(), {.count = 5000}), "5000 vCPUs: KVM launches 1 to 4096");
  says(kvm_launch({}, {}).error().message(), "has no VMSA for vCPU 0");
  const VmsaPage boot = boot_page();
  says(kvm_launch({vmsa_step(boot, 0), vmsa_step(boot, 2)}, {.count = 2}).error().message(),
       "has a VMSA for vCPU 2, and KVM is to launch 2: give --cpus 3 or more");
  says(kvm_launch({vmsa_step(boot, 0), vmsa_step(boot, 0)}, {}).error().message(), "two VMSAs for vCPU 0");

  VmsaPage page = boot_page();
  page.efer = std::uint64_t{0x500};
  says(refusal(page), "has EFER 0x500 in the VMSA of vCPU 0, and KVM adds SVME (0x1000)");
  page = boot_page();
  page.cr0 = std::uint64_t{0x1};
  says(refusal(page), "has CR0 0x1 in the VMSA of vCPU 0, and KVM adds ET (0x10)");
  page = boot_page();
  page.cr4 = std::uint64_t{0x20};
  says(refusal(page), "has CR4 0x20 in the VMSA of vCPU 0, and KVM adds MCE (0x40)");
  page = boot_page();
  page.sev_features = std::uint64_t{0x20};
  says(refusal(page), "and KVM adds SNPActive (0x1)");
  page = boot_page();
  page.vmpl = 2;
  says(refusal(page), "a VMSA of VMPL 2 for vCPU 0");
}

}  // namespace tintype
