#include "formats/launch.h"

#include <algorithm>
#include <array>
#include <map>

namespace tintype {

namespace {

using Kind = LaunchStep::Kind;

struct PlatformName {
  LaunchPlatform platform;
  std::string_view name;
  std::uint8_t igvm;
};
constexpr PlatformName kPlatforms[] = {
    {LaunchPlatform::native, "native", IGVM_PLATFORM_NATIVE},
    {LaunchPlatform::vbs, "vbs", IGVM_PLATFORM_VSM_ISOLATION},
    {LaunchPlatform::snp, "snp", IGVM_PLATFORM_SEV_SNP},
    {LaunchPlatform::tdx, "tdx", IGVM_PLATFORM_TDX},
};

const PlatformName& named(LaunchPlatform platform) {
  return *std::find_if(std::begin(kPlatforms), std::end(kPlatforms),
                       [&](const PlatformName& known) { return known.platform == platform; });
}

// What a user calls the platforms of the file: "native, vbs".
std::string user_names(const igvm::File& file) {
  std::string names;
  const auto add = [&](std::string_view name) { names += (names.empty() ? "" : ", ") + std::string(name); };
  for (const LaunchPlatform platform : declared_platforms(file)) add(named(platform).name);
  for (const IGVM_VHS_SUPPORTED_PLATFORM& header : file.platforms)
    if (std::none_of(std::begin(kPlatforms), std::end(kPlatforms),
                     [&](const PlatformName& known) { return known.igvm == header.platform_type; }))
      add(igvm::platform_name(header.platform_type));
  return names;
}

bool declares(const igvm::File& file, const IGVM_VHS_SUPPORTED_PLATFORM& header, LaunchPlatform platform) {
  if (platform == LaunchPlatform::native && file.arch == Arch::aarch64)
    return header.platform_type == IGVM_PLATFORM_VSM_ISOLATION && header.highest_vtl == 0;
  return header.platform_type == named(platform).igvm;
}

std::optional<std::uint32_t> mask_of(const igvm::File& file, LaunchPlatform platform) {
  for (const IGVM_VHS_SUPPORTED_PLATFORM& header : file.platforms)
    if (declares(file, header, platform)) return header.compatibility_mask.value();
  return std::nullopt;
}

// Whether there are pages of `kind` for the platform to launch.
bool launches(LaunchPlatform platform, Kind kind) {
  return platform == LaunchPlatform::snp || (kind != Kind::secrets && kind != Kind::cpuid);
}

class Steps {
 public:
  Steps(LaunchPlatform platform, std::uint32_t mask) : platform_(platform), mask_(mask) {}

  Result<void> add(const igvm::Directive& directive) {
    return std::visit([this](const auto& known) { return take(known); }, directive);
  }
  std::vector<LaunchStep> finish() { return std::move(steps_); }

 private:
  bool ours(std::uint32_t mask) const { return (mask & mask_) != 0; }

  Result<void> take(const igvm::PageRun& run) {
    if (!ours(run.compatibility_mask)) return {};
    if (run.step() != kPageSize)
      return fail(
          "has a page of 2 MiB at {:#x}: loaders differ in how they measure one; split it into pages of 4 "
          "KiB",
          run.gpa);
    const Kind kind = kind_of(run);
    if (!launches(platform_, kind))
      return fail("has a {} at {:#x}, and only SEV-SNP has such: leave it out for {}", launch_step_name(kind),
                  run.gpa, named(platform_).name);
    const bool measured = kind == Kind::page;
    push({.kind = kind, .gpa = run.gpa, .pages = run.pages, .data = measured ? run.data : Bytes{}});
    return {};
  }

  static Kind kind_of(const igvm::PageRun& run) {
    if ((run.flags & IGVM_PAGE_DATA_SHARED) != 0) return Kind::shared;
    switch (run.data_type) {
      case IGVM_PAGE_DATA_TYPE_SECRETS:
        return Kind::secrets;
      case IGVM_PAGE_DATA_TYPE_CPUID_DATA:
      case IGVM_PAGE_DATA_TYPE_CPUID_XF:
        return Kind::cpuid;
      default:
        return (run.flags & IGVM_PAGE_DATA_UNMEASURED) != 0 ? Kind::unmeasured : Kind::page;
    }
  }

  Result<void> take(const igvm::ParameterArea& area) {
    area_sizes_[area.parameter_area_index] = area.number_of_bytes;
    return {};
  }

  Result<void> take(const IGVM_VHS_PARAMETER_INSERT& insert) {
    if (!ours(insert.compatibility_mask)) return {};
    const auto area = area_sizes_.find(insert.parameter_area_index);
    if (area == area_sizes_.end())
      return fail("inserts parameter area {} at {:#x}, which it does not declare before",
                  insert.parameter_area_index.value(), insert.gpa.value());
    return push_claimed({.kind = Kind::parameter, .gpa = insert.gpa, .pages = area->second / kPageSize});
  }

  Result<void> take(const IGVM_VHS_ERROR_RANGE& range) {
    if (!ours(range.compatibility_mask)) return {};
    return push_claimed(
        {.kind = Kind::error_range, .gpa = range.gpa, .pages = range.size_bytes.value() / kPageSize});
  }

  Result<void> take(const igvm::VpContext& context) {
    if (!ours(context.compatibility_mask)) return {};
    const bool page = context.kind == igvm::VpContext::Kind::snp_vmsa;
    push({.kind = page ? Kind::vmsa : Kind::registers,
          .gpa = context.gpa,
          .pages = page ? 1u : 0u,
          .data = context.data,
          .vp_index = context.vp_index});
    return {};
  }

  // The rest says nothing of memory contents or registers.
  template <typename T>
  Result<void> take(const T&) {
    return {};
  }

  void push(const LaunchStep& step) { steps_.push_back(step); }

  Result<void> push_claimed(const LaunchStep& step) {
    if (step.pages > kMaxPagesWithoutHeader - claimed_)
      return fail(
          "has {} at {:#x} of {} pages, and parameters and error ranges of more than {} pages together are "
          "not measured: make it smaller",
          step.kind == Kind::parameter ? "a parameter area" : "an error range", step.gpa, step.pages,
          kMaxPagesWithoutHeader);
    claimed_ += step.pages;
    push(step);
    return {};
  }

  LaunchPlatform platform_;
  std::uint32_t mask_;
  std::map<std::uint32_t, std::uint64_t> area_sizes_;
  std::uint64_t claimed_ = 0;  // pages that no header of their own vouches for
  std::vector<LaunchStep> steps_;
};

bool has_policy(const igvm::File& file, std::uint32_t mask) {
  return std::any_of(file.initializations.begin(), file.initializations.end(), [&](const auto& header) {
    const auto* policy = std::get_if<IGVM_VHS_GUEST_POLICY>(&header);
    return policy != nullptr && (policy->compatibility_mask & mask) != 0;
  });
}

}  // namespace

std::string_view launch_platform_name(LaunchPlatform platform) {
  return named(platform).name;
}

std::optional<LaunchPlatform> launch_platform_named(std::string_view name) {
  for (const PlatformName& known : kPlatforms)
    if (known.name == name) return known.platform;
  return std::nullopt;
}

std::vector<LaunchPlatform> declared_platforms(const igvm::File& file) {
  std::vector<LaunchPlatform> declared;
  for (const PlatformName& known : kPlatforms)
    if (mask_of(file, known.platform)) declared.push_back(known.platform);
  return declared;
}

Result<std::uint32_t> launch_mask(const igvm::File& file, LaunchPlatform platform) {
  if (const auto mask = mask_of(file, platform)) return *mask;
  return fail("declares {} only", user_names(file));
}

Result<void> check_arch(const igvm::File& file, const std::optional<Machine>& machine) {
  if (!machine || machine->arch == file.arch) return {};
  return fail("says {} in its header and {} in its machine description: one of them is damaged",
              arch_name(file.arch), arch_name(machine->arch));
}

std::string_view launch_step_name(Kind kind) {
  switch (kind) {
    case Kind::page:
      return "page";
    case Kind::unmeasured:
      return "unmeasured page";
    case Kind::shared:
      return "shared page";
    case Kind::secrets:
      return "secrets page";
    case Kind::cpuid:
      return "CPUID page";
    case Kind::parameter:
      return "parameter page";
    case Kind::error_range:
      return "error range";
    case Kind::vmsa:
      return "VMSA";
    case Kind::registers:
      return "registers";
  }
  return "unknown";
}

Bytes LaunchStep::contents(std::uint64_t page) const {
  static constexpr std::array<std::uint8_t, kPageSize> kZeroes{};
  return data.empty() ? Bytes(kZeroes) : data.subspan(page * kPageSize, kPageSize);
}

Result<std::vector<LaunchStep>> launch_steps(const igvm::File& file, LaunchPlatform platform) {
  const std::uint32_t mask = TRY(launch_mask(file, platform));
  if (const std::vector<std::string> odd = igvm::oddities(file, mask); !odd.empty())
    return fail("is not measured because {}", odd[0]);
  if (platform == LaunchPlatform::snp && !has_policy(file, mask))
    return fail("has no guest policy for snp, which SEV-SNP wants to launch it");
  Steps steps(platform, mask);
  for (const igvm::Directive& directive : file.directives) TRY(steps.add(directive));
  return steps.finish();
}

}  // namespace tintype
