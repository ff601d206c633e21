#include "composer/launch_operations.h"

#include <fmt/format.h>

#include <algorithm>

#include "formats/ordered_work.h"

namespace tintype {

namespace {

using Kind = LaunchOperation::Kind;
using StepKind = LaunchStep::Kind;

// Refuses more operations than are kept, before any is. A page has a header of its own in the file, but a
// parameter area of a terabyte is one header of 16 bytes.
Result<std::uint64_t> count_operations(const std::vector<LaunchStep>& steps) {
  std::uint64_t pages = 0;
  std::uint64_t claimed = 0;
  for (const LaunchStep& step : steps) {
    if (step.kind == StepKind::shared) continue;
    const bool claim = step.kind == StepKind::parameter || step.kind == StepKind::error_range;
    std::uint64_t& sum = claim ? claimed : pages;
    sum = checked_add(sum, step.pages).value_or(~std::uint64_t{0});
  }
  if (pages > kMaxLaunchOperations)
    return fail("launches {} pages, and operations are listed one by one up to {}: measure it instead", pages,
                kMaxLaunchOperations);
  if (claimed > kMaxClaimedPages)
    return fail(
        "has {} pages of parameter areas and error ranges, and operations are listed one by one up to {} of "
        "them: measure it instead",
        claimed, kMaxClaimedPages);
  return pages + claimed;
}

// Keeps what measuring tells of.
class Recorder {
 public:
  explicit Recorder(Launch& launch) : launch_(launch), added_(launch.steps().size()) {}

  void observe(const LaunchStep& step, std::uint64_t index, Bytes digest) {
    const auto rank = static_cast<std::uint32_t>(&step - launch_.steps().data());
    LaunchOperation operation{.kind = kind_of(step, rank, index), .step = rank, .index = index};
    keep(operation, digest);
  }
  void observe_record(std::string_view name, Bytes digest) {
    const std::uint32_t rank = !launch_.operations.empty() && launch_.operations.back().record == name
                                   ? launch_.operations.back().step + 1
                                   : 0;
    keep({.kind = Kind::record, .step = rank, .record = name}, digest);
  }

 private:
  // The TDX module is told of each page once when it is added and once when it is measured.
  Kind kind_of(const LaunchStep& step, std::uint32_t rank, std::uint64_t index) {
    switch (launch_.platform) {
      case LaunchPlatform::native:
        return Kind::page_record;
      case LaunchPlatform::vbs:
        return step.kind == StepKind::registers ? Kind::register_chunk : Kind::page_chunk;
      case LaunchPlatform::snp:
        return Kind::update;
      case LaunchPlatform::tdx:
        break;
    }
    if (index < added_[rank]) return Kind::extend;
    added_[rank] = index + 1;
    return Kind::add;
  }
  void keep(LaunchOperation operation, Bytes digest) {
    std::copy_n(digest.begin(), std::min(digest.size(), operation.digest.size()), operation.digest.begin());
    launch_.operations.push_back(operation);
  }

  Launch& launch_;
  std::vector<std::uint64_t> added_;  // of each step: how many of its pages the TDX module has
};

// A file may name memory page by page.
std::string ram_text(const std::vector<GpaRange>& ranges) {
  constexpr std::size_t kMost = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(ranges.size(), kMost); ++i)
    text += fmt::format("{}{:#x}-{:#x}", text.empty() ? "" : ", ", ranges[i].start, ranges[i].last());
  if (ranges.size() > kMost) text += fmt::format(" and {} more", ranges.size() - kMost);
  return text.empty() ? "none" : text;
}

std::string machine_text(const std::optional<Machine>& machine) {
  if (!machine) return "the file does not describe it";
  return fmt::format("{} vCPU{}, {} NUMA nodes{}, {} devices", machine->cpus, machine->cpus == 1 ? "" : "s",
                     machine->numa_nodes,
                     machine->arch == Arch::aarch64
                         ? fmt::format(", GIC {}{}", gic_name(machine->gic), machine->its ? " with ITS" : "")
                         : "",
                     devices_of(*machine).size());
}

std::string record_text(const Launch& launch, const LaunchOperation& operation) {
  const NativeLaunch& native = launch.native;
  if (operation.record == "version") return "tintype native launch 1";
  if (operation.record == "architecture") return std::string(arch_name(native.arch));
  if (operation.record == "RAM") return ram_text(native.ram);
  if (operation.record == "machine") return machine_text(native.machine);
  if (operation.record == "parameters" && operation.step < native.parameters.size()) {
    const auto& [address, type] = native.parameters[operation.step];
    return fmt::format("{} at {:#x}", igvm::parameter_name(type), address);
  }
  if (operation.record == "registers" && operation.step < native.vcpus.size())
    return fmt::format("vCPU {}", native.vcpus[operation.step].first);
  return "";
}

}  // namespace

const LaunchStep* Launch::step_of(const LaunchOperation& operation) const {
  return operation.kind == Kind::record ? nullptr : &steps()[operation.step];
}

std::optional<GpaRange> Launch::page_of(const LaunchOperation& operation) const {
  if (operation.kind == Kind::record || operation.kind == Kind::register_chunk) return std::nullopt;
  const std::uint64_t gpa = steps()[operation.step].gpa + operation.index * kPageSize;
  // The last page of 2^64 bytes is a byte short as a range.
  return GpaRange{gpa, checked_add(gpa, kPageSize).value_or(~std::uint64_t{0})};
}

std::string_view Launch::kind_of(const LaunchOperation& operation) const {
  const LaunchStep* step = step_of(operation);
  return step ? launch_step_name(step->kind) : operation.record;
}

std::string_view Launch::name_of(const LaunchOperation& operation) const {
  switch (operation.kind) {
    case Kind::update:
      return "SNP_LAUNCH_UPDATE";
    case Kind::add:
      return "TDH.MEM.PAGE.ADD";
    case Kind::extend:
      return "TDH.MR.EXTEND";
    case Kind::page_chunk:
      return "page chunk";
    case Kind::register_chunk:
      return "register chunk";
    case Kind::page_record:
    case Kind::record:
      break;
  }
  return "record";
}

Bytes Launch::contents_of(const LaunchOperation& operation) const {
  const LaunchStep* step = step_of(operation);
  if (!step || operation.kind == Kind::add || operation.kind == Kind::register_chunk) return {};
  const bool measured =
      step->kind == StepKind::page || (step->kind == StepKind::vmsa && operation.kind == Kind::update);
  return measured ? step->contents(operation.index) : Bytes();
}

std::string Launch::detail_of(const LaunchOperation& operation) const {
  if (operation.kind == Kind::record) return record_text(*this, operation);
  const LaunchStep& step = steps()[operation.step];
  if (step.kind == StepKind::vmsa) return fmt::format("vCPU {}", step.vp_index);
  if (operation.kind != Kind::register_chunk) return "";
  const auto registers = registers_of(step, native.arch);
  if (operation.index >= registers.size()) return fmt::format("vCPU {}", step.vp_index);
  const auto& [name, value] = registers[operation.index];
  return fmt::format("vCPU {} {}={}", step.vp_index, name, value);
}

Bytes Launch::digest_after(const LaunchOperation& operation) const {
  return Bytes(operation.digest).first(digest.value.size());
}

Result<Launch> observe_launch(const igvm::File& file, const std::optional<Machine>& machine,
                              LaunchPlatform platform, const HostOptions& host) {
  Launch launch{TRY(host_launch(file, machine, platform, host)), {}, {}};
  launch.operations.reserve(static_cast<std::size_t>(TRY(count_operations(launch.steps()))));
  Recorder recorder(launch);
  launch.digest = measure_launch(
      launch, {.threads = usable_threads(),
               .observe = [&](const LaunchStep& step, std::uint64_t index,
                              Bytes digest) { recorder.observe(step, index, digest); },
               .observe_record = [&](std::string_view name,
                                     Bytes digest) { recorder.observe_record(name, digest); }});
  return launch;
}

std::vector<std::string_view> region_names(const std::optional<Machine>& machine, GpaRange range) {
  std::vector<std::string_view> names;
  if (!machine) return names;
  auto label =
      std::lower_bound(machine->labels.begin(), machine->labels.end(), range.start,
                       [](const RegionLabel& region, std::uint64_t gpa) { return region.range.end <= gpa; });
  for (; label != machine->labels.end() && label->range.start < range.end; ++label)
    names.push_back(label->name);
  return names;
}

std::string joined(const std::vector<std::string_view>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

std::vector<GpaRange> outside_labels(GpaRange range, const std::optional<Machine>& machine, Labels labels) {
  if (!machine) return {range};
  const auto extent = [&](const RegionLabel& region) {
    return labels == Labels::pages ? region.range.to_pages() : region.range;
  };
  std::vector<GpaRange> parts;
  auto label = std::lower_bound(
      machine->labels.begin(), machine->labels.end(), range.start,
      [&](const RegionLabel& region, std::uint64_t gpa) { return extent(region).end <= gpa; });
  for (; label != machine->labels.end() && !range.empty(); ++label) {
    const GpaRange named = extent(*label);
    if (named.start >= range.end) break;
    if (range.start < named.start) parts.push_back({range.start, named.start});
    range.start = std::min(range.end, std::max(range.start, named.end));
  }
  if (!range.empty()) parts.push_back(range);
  return parts;
}

std::vector<std::pair<std::string, std::string>> registers_of(const LaunchStep& step, Arch arch) {
  using Context = igvm::VpContext::Kind;
  igvm::VpContext context;
  context.data = step.data;
  if (step.kind == StepKind::vmsa)
    context.kind = Context::snp_vmsa;
  else if (step.data.size() == kPageSize && arch == Arch::x86_64)
    context.kind = Context::native_x64;
  else
    context.kind = arch == Arch::x86_64 ? Context::vbs_x64 : Context::vbs_aarch64;
  return igvm::describe_context(context);
}

}  // namespace tintype
