// What of a launch the host chooses and the digest takes in: what was assumed, and which option says
// otherwise.
#include <algorithm>

#include "composer/explain_rules.h"

namespace tintype {

namespace {

using StepKind = LaunchStep::Kind;

constexpr std::string_view kKvmSource = "Linux sev.c, snp_launch_update_vmsa";

FieldReport field(std::string_view name, Coverage coverage, std::string why, std::string_view source) {
  return {std::string(name), coverage, std::move(why), std::string(source)};
}

FieldReport vcpu_count(const HostLaunch& launch) {
  constexpr std::string_view kName = "vCPU count";
  switch (launch.host.snp_launch) {
    case SnpLaunch::kvm:
      return field(
          kName, Coverage::measured,
          fmt::format("{}, from {}: the VMSA that KVM builds for each is a page of the launch; --cpus "
                      "says another",
                      launch.host.cpus.value_or(0), launch.cpus_from),
          kKvmSource);
    case SnpLaunch::kvm_bsp:
      return field(
          kName, Coverage::host,
          "no VMSA but that of vCPU 0 is measured, however many run; --snp-launch kvm says one for each",
          kKvmSource);
    case SnpLaunch::file:
      break;
  }
  return field(kName, Coverage::host,
               "every VMSA of the launch is measured, but the host decides which run, and the guest may "
               "start more",
               "AMD 56421, SNP AP Creation");
}

FieldReport vmsa_places(const HostLaunch& launch) {
  constexpr std::string_view kName = "order and address of VMSAs";
  const bool any = std::any_of(launch.steps().begin(), launch.steps().end(),
                               [](const LaunchStep& step) { return step.kind == StepKind::vmsa; });
  if (!any) return field(kName, Coverage::absent, "the file has no VMSA", "");
  if (launch.host.snp_launch == SnpLaunch::file)
    return field(kName, Coverage::measured,
                 "those of the file, as OpenVMM launches; --snp-launch kvm or kvm-bsp says those of KVM",
                 "igvm snp.rs");
  const bool boot_only = launch.host.snp_launch == SnpLaunch::kvm_bsp;
  return field(kName, Coverage::measured,
               fmt::format("KVM's: {}, after all pages, at {:#x}; --snp-launch file says those of the file",
                           boot_only ? "that of vCPU 0 alone" : "one for each vCPU in turn", kKvmVmsaGpa),
               kKvmSource);
}

// A name of kProcessors, or the number itself.
std::string processor_text(std::uint32_t signature) {
  for (const ProcessorName& known : kProcessors)
    if (known.signature == signature) return fmt::format("{} ({:#x})", known.name, signature);
  return fmt::format("{:#x}", signature);
}

FieldReport reset_vcpus(const HostLaunch& launch) {
  constexpr std::string_view kName = "vCPUs without VMSA";
  if (launch.without_vmsa == 0)
    return field(kName, Coverage::absent,
                 "the file has a VMSA for each vCPU of the launch, so --snp-processor makes no difference",
                 "");
  return field(kName, Coverage::measured,
               fmt::format("{} of {}, taken to start as after a reset, on processor model {}; "
                           "--snp-processor says another",
                           launch.without_vmsa, launch.host.cpus.value_or(0),
                           processor_text(launch.host.snp_processor.value_or(0))),
               "Linux sev.c, sev_es_sync_vmsa");
}

FieldReport pages_without_data(const HostLaunch& launch) {
  constexpr std::string_view kName = "pages without data";
  const bool any = std::any_of(launch.steps().begin(), launch.steps().end(), [](const LaunchStep& step) {
    return step.kind == StepKind::page && step.pages > 0 && step.data.empty();
  });
  if (!any)
    return field(kName, Coverage::absent,
                 "the file has data for each page that is measured, so --snp-zero-pages makes no difference",
                 "");
  return field(kName, Coverage::measured,
               launch.host.snp_zero_type
                   ? "launched as PAGE_TYPE_ZERO; --snp-zero-pages normal says as normal pages of zeroes"
                   : "launched as normal pages of zeroes, like QEMU and OpenVMM; --snp-zero-pages zero says "
                     "as PAGE_TYPE_ZERO",
               "AMD 56860, PAGE_TYPE_ZERO");
}

// Whether both orders of --tdx-order differ: measure_tdx() has runs of more than one page.
bool has_run(const std::vector<LaunchStep>& steps) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].kind != StepKind::page) continue;
    if (steps[i].pages > 1) return true;
    if (i + 1 < steps.size() && steps[i + 1].kind == StepKind::page &&
        steps[i + 1].gpa == steps[i].gpa + kPageSize)
      return true;
  }
  return false;
}

FieldReport add_and_extend(const HostLaunch& launch) {
  constexpr std::string_view kName = "order of add and extend";
  if (!has_run(launch.steps()))
    return field(kName, Coverage::absent,
                 "no measured pages follow each other in memory, so --tdx-order makes no difference", "");
  return field(kName, Coverage::measured,
               launch.host.tdx_order == TdxOrder::two_pass
                   ? "all pages of a run are added, then all are extended; --tdx-order per-page says each by "
                     "itself"
                   : "each page is added and then extended, before the next; --tdx-order two-pass says all "
                     "of a run are added first",
               "Intel 348549, MRTD");
}

}  // namespace

std::vector<FieldReport> host_fields(const HostLaunch& launch) {
  if (launch.platform == LaunchPlatform::tdx) return {add_and_extend(launch)};
  if (launch.platform != LaunchPlatform::snp) return {};
  std::vector<FieldReport> fields = {vcpu_count(launch), vmsa_places(launch)};
  if (launch.host.snp_launch == SnpLaunch::kvm) fields.push_back(reset_vcpus(launch));
  fields.push_back(pages_without_data(launch));
  return fields;
}

}  // namespace tintype
