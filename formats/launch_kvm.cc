#include "formats/launch_kvm.h"

#include <algorithm>
#include <map>

namespace tintype {

namespace {

using Kind = LaunchStep::Kind;

Result<VmsaPage> page_of(const LaunchStep& vmsa) {
  return read_at<VmsaPage>(vmsa.data, 0, "a VMSA");
}

// A save area that KVM would change has another digest than the file's, and nobody could say why.
Result<void> check(const LaunchStep& vmsa) {
  struct Bits {
    std::string_view name, flag;
    le64 VmsaPage::*field;
    std::uint64_t bits;
  };
  static constexpr Bits kForced[] = {{"EFER", "SVME", &VmsaPage::efer, kEferSvme},
                                     {"CR0", "ET", &VmsaPage::cr0, kCr0Et},
                                     {"CR4", "MCE", &VmsaPage::cr4, kCr4Mce},
                                     {"SEV_FEATURES", "SNPActive", &VmsaPage::sev_features, kSevFeatureSnp}};
  const VmsaPage page = TRY(page_of(vmsa));
  for (const Bits& forced : kForced)
    if (const std::uint64_t value = page.*forced.field; (value & forced.bits) == 0)
      return fail(
          "has {} {:#x} in the VMSA of vCPU {}, and KVM adds {} ({:#x}) to every one: add it to the file "
          "too, "
          "or measure the file as another host launches it, with --snp-launch file",
          forced.name, value, vmsa.vp_index, forced.flag, forced.bits);
  if (page.vmpl != 0)
    return fail("has a VMSA of VMPL {} for vCPU {}, and KVM launches at VMPL 0 only", page.vmpl,
                vmsa.vp_index);
  return {};
}

using Vmsas = std::map<std::uint16_t, const LaunchStep*>;

Result<Vmsas> vmsas_of(const std::vector<LaunchStep>& steps, std::uint32_t count) {
  Vmsas vmsas;
  for (const LaunchStep& step : steps) {
    if (step.kind != Kind::vmsa) continue;
    if (step.vp_index >= count)
      return fail("has a VMSA for vCPU {}, and KVM is to launch {}: give --cpus {} or more", step.vp_index,
                  count, step.vp_index + 1);
    TRY(check(step));
    if (!vmsas.emplace(step.vp_index, &step).second)
      return fail("has two VMSAs for vCPU {}, and KVM launches each once", step.vp_index);
  }
  if (!vmsas.contains(0)) return fail("has no VMSA for vCPU 0, which is the one that starts");
  return vmsas;
}

}  // namespace

std::uint32_t vmsa_count(const std::vector<LaunchStep>& steps) {
  std::uint32_t count = 0;
  for (const LaunchStep& step : steps)
    if (step.kind == Kind::vmsa) count = std::max(count, std::uint32_t{step.vp_index} + 1);
  return count;
}

Result<KvmLaunch> kvm_launch(const std::vector<LaunchStep>& steps, const KvmVcpus& vcpus) {
  if (vcpus.count == 0 || vcpus.count > kMaxKvmVcpus)
    return fail("cannot be launched with {} vCPUs: KVM launches 1 to {}", vcpus.count, kMaxKvmVcpus);
  const Vmsas vmsas = TRY(vmsas_of(steps, vcpus.count));
  KvmLaunch launch;
  for (const LaunchStep& step : steps)
    if (step.kind != Kind::vmsa) launch.steps.push_back(step);
  if (vmsas.size() < vcpus.count) {
    const VmsaPage boot = TRY(page_of(*vmsas.at(0)));
    launch.without_vmsa = vcpus.count - static_cast<std::uint32_t>(vmsas.size());
    launch.reset.push_back(reset_vmsa(boot.sev_features, vcpus.processor));
  }
  for (std::uint32_t index = 0; index < vcpus.count; ++index) {
    const auto own = vmsas.find(static_cast<std::uint16_t>(index));
    launch.steps.push_back({.kind = Kind::vmsa,
                            .gpa = kKvmVmsaGpa,
                            .data = own != vmsas.end() ? own->second->data : bytes_of(launch.reset[0]),
                            .vp_index = static_cast<std::uint16_t>(index)});
  }
  return launch;
}

}  // namespace tintype
