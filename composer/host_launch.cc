#include "composer/host_launch.h"

#include <algorithm>
#include <charconv>

namespace tintype {

namespace {

struct LaunchName {
  SnpLaunch launch;
  std::string_view name;
};
constexpr LaunchName kLaunchNames[] = {
    {SnpLaunch::file, "file"}, {SnpLaunch::kvm, "kvm"}, {SnpLaunch::kvm_bsp, "kvm-bsp"}};

struct Belongs {
  std::string_view option;
  LaunchPlatform platform;
};
constexpr Belongs kOptions[] = {{"snp-launch", LaunchPlatform::snp},
                                {"cpus", LaunchPlatform::snp},
                                {"snp-processor", LaunchPlatform::snp},
                                {"snp-zero-pages", LaunchPlatform::snp},
                                {"tdx-order", LaunchPlatform::tdx}};

Result<SnpLaunch> parse_snp_launch(const std::string& text) {
  for (const LaunchName& known : kLaunchNames)
    if (known.name == text) return known.launch;
  return fail("--snp-launch {}: give file, kvm or kvm-bsp", text);
}

Result<std::uint32_t> parse_cpus(const std::string& text) {
  std::uint32_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || count == 0 || count > kMaxKvmVcpus)
    return fail("--cpus {}: give a number of vCPUs, 1 to {}", text, kMaxKvmVcpus);
  return count;
}

// Which of two words was given; the first is the default.
Result<bool> is_second(const CommandLine& line, const std::string& option, std::string_view first,
                       std::string_view second) {
  const std::string text = line.find(option).value_or(std::string(first));
  if (text != first && text != second) return fail("--{} {}: give {} or {}", option, text, first, second);
  return text == second;
}

Result<HostOptions> parse_host(const CommandLine& line) {
  HostOptions host;
  if (const auto text = line.find("snp-launch")) host.snp_launch = TRY(parse_snp_launch(*text));
  for (const std::string_view option : {"cpus", "snp-processor"})
    if (line.has(option) && host.snp_launch != SnpLaunch::kvm)
      return fail("--{} is for --snp-launch kvm, where KVM makes VMSAs of its own: give both, or neither",
                  option);
  if (const auto text = line.find("cpus")) host.cpus = TRY(parse_cpus(*text));
  if (const auto text = line.find("snp-processor"))
    host.snp_processor = TRY(with_context(parse_processor(*text), "--snp-processor"));
  host.snp_zero_type = TRY(is_second(line, "snp-zero-pages", "normal", "zero"));
  host.tdx_order =
      TRY(is_second(line, "tdx-order", "per-page", "two-pass")) ? TdxOrder::two_pass : TdxOrder::per_page;
  return host;
}

struct VcpuCount {
  std::uint32_t count;
  std::string_view from;
};
VcpuCount kvm_count(const std::vector<LaunchStep>& steps, const std::optional<Machine>& machine,
                    const HostOptions& host) {
  if (host.cpus) return {*host.cpus, "--cpus"};
  if (machine) return {machine->cpus, "the machine description"};
  return {std::max(vmsa_count(steps), 1u), "the VMSAs in the file"};
}

// Coconut-style hosts know of the boot processor's save area only.
void keep_boot_processor(std::vector<LaunchStep>& steps) {
  std::erase_if(steps, [](const LaunchStep& step) {
    return step.kind == LaunchStep::Kind::vmsa && step.vp_index != 0;
  });
}

Result<void> launch_by_kvm(const std::optional<Machine>& machine, HostLaunch& launch) {
  std::vector<LaunchStep>& steps = launch.native.steps;
  HostOptions& host = launch.host;
  std::uint32_t count = 1;
  if (host.snp_launch == SnpLaunch::kvm_bsp) {
    keep_boot_processor(steps);
  } else {
    const VcpuCount vcpus = kvm_count(steps, machine, host);
    count = vcpus.count;
    host.cpus = count;
    launch.cpus_from = vcpus.from;
  }
  const std::uint32_t processor = host.snp_processor.value_or(kDefaultProcessor.signature);
  KvmLaunch made = TRY(kvm_launch(steps, {.count = count, .processor = processor}));
  steps = std::move(made.steps);
  launch.reset = std::move(made.reset);
  launch.without_vmsa = made.without_vmsa;
  if (made.without_vmsa > 0)
    launch.assumption = fmt::format(
        "{} of {} vCPUs have no VMSA in the file, and are taken to start as after a reset{}",
        made.without_vmsa, count,
        host.snp_processor
            ? ""
            : fmt::format(" on processor model {}: --snp-processor says another", kDefaultProcessor.name));
  host.snp_processor = made.without_vmsa > 0 ? std::optional(processor) : std::nullopt;
  return {};
}

}  // namespace

std::string_view snp_launch_name(SnpLaunch launch) {
  return std::find_if(std::begin(kLaunchNames), std::end(kLaunchNames),
                      [&](const LaunchName& known) { return known.launch == launch; })
      ->name;
}

std::vector<OptionGroup> host_option_groups() {
  return {{.title = "SEV-SNP",
           .options = {{.name = "snp-launch",
                        .value = "HOW",
                        .help = "who builds VMSAs: file (the default), kvm, or kvm-bsp, which is KVM with "
                                "that of vCPU 0 only"},
                       {.name = "cpus",
                        .value = "N",
                        .help = "vCPUs of --snp-launch kvm; default: those of the machine description, or "
                                "of the file's VMSAs"},
                       {.name = "snp-processor",
                        .value = "MODEL",
                        .help = "of --snp-launch kvm, for vCPUs that have no VMSA in the file: EPYC (the "
                                "default), EPYC-Rome, -Milan, -Genoa, -Turin, or CPUID leaf 1 EAX"},
                       {.name = "snp-zero-pages",
                        .value = "TYPE",
                        .help = "how firmware is told of pages without data: normal (the default: QEMU, "
                                "OpenVMM) or zero (PAGE_TYPE_ZERO)"}}},
          {.title = "TDX",
           .options = {{.name = "tdx-order",
                        .value = "ORDER",
                        .help = "per-page (the default): each page is added and measured; two-pass: all "
                                "pages of a run are added, then all measured"}}}};
}

Result<LaunchChoice> parse_launch_choice(const CommandLine& line) {
  LaunchChoice choice;
  if (const std::string name = line.find("platform").value_or("all"); name != "all") {
    choice.platform = launch_platform_named(name);
    if (!choice.platform) return fail("--platform {}: give native, vbs, snp, tdx or all", name);
  }
  for (const Belongs& known : kOptions) {
    if (!line.has(known.option)) continue;
    if (choice.platform && *choice.platform != known.platform)
      return fail("--{} is about {}, and --platform is {}: leave one of them out", known.option,
                  launch_platform_name(known.platform), launch_platform_name(*choice.platform));
    if (!choice.wanted) choice.wanted = known.platform;
  }
  choice.host = TRY(parse_host(line));
  return choice;
}

Result<HostLaunch> host_launch(const igvm::File& file, const std::optional<Machine>& machine,
                               LaunchPlatform platform, const HostOptions& host) {
  HostLaunch launch{.platform = platform, .native = {}, .reset = {}, .host = host};
  if (platform == LaunchPlatform::native) {
    launch.native = TRY(native_launch(file, machine));
    return launch;
  }
  launch.native.arch = file.arch;
  launch.native.steps = TRY(launch_steps(file, platform));
  if (platform == LaunchPlatform::snp && host.snp_launch != SnpLaunch::file)
    TRY(launch_by_kvm(machine, launch));
  return launch;
}

Json host_json(const HostLaunch& launch) {
  Json json = Json::object();
  const HostOptions& host = launch.host;
  if (launch.platform == LaunchPlatform::snp) {
    json["snp_launch"] = snp_launch_name(host.snp_launch);
    json["snp_zero_pages"] = host.snp_zero_type ? "zero" : "normal";
    if (host.cpus) {
      json["cpus"] = *host.cpus;
      json["cpus_from"] = launch.cpus_from;
    }
    if (host.snp_processor) json["snp_processor"] = fmt::format("{:#x}", *host.snp_processor);
  }
  if (launch.platform == LaunchPlatform::tdx)
    json["tdx_order"] = host.tdx_order == TdxOrder::two_pass ? "two-pass" : "per-page";
  return json;
}

LaunchDigest measure_launch(const HostLaunch& launch, MeasureOptions options) {
  options.snp_zero_type = launch.host.snp_zero_type;
  options.tdx_order = launch.host.tdx_order;
  switch (launch.platform) {
    case LaunchPlatform::native:
      return measure_native(launch.native, options);
    case LaunchPlatform::vbs:
      return measure_vbs(launch.steps(), options);
    case LaunchPlatform::snp:
      return measure_snp(launch.steps(), options);
    case LaunchPlatform::tdx:
      break;
  }
  return measure_tdx(launch.steps(), options);
}

}  // namespace tintype
