// What a digest covers of one file: the platform's rules, and what follows from the file's own pages,
// registers and parameters.
#include <algorithm>
#include <map>
#include <set>

#include "composer/explain_rules.h"

namespace tintype {

namespace {

using StepKind = LaunchStep::Kind;

// What the digest has of pages of one kind.
FieldReport page_rule(LaunchPlatform platform, StepKind kind) {
  const bool tdx = platform == LaunchPlatform::tdx;
  const std::string seen = tdx ? "only the address is measured" : "only address and type are measured";
  switch (kind) {
    case StepKind::page:
      return {{}, Coverage::measured, "address and contents", {}};
    case StepKind::vmsa:
    case StepKind::registers:
      return {{}, Coverage::measured, "every register that the file has", {}};
    case StepKind::unmeasured:
      return {{}, Coverage::unmeasured, seen, {}};
    case StepKind::shared:
      return {{},
              Coverage::host,
              "shared with the host, which may change it at any time" +
                  std::string(platform == LaunchPlatform::native ? "; " + seen : ""),
              {}};
    case StepKind::secrets:
      return {{}, Coverage::unmeasured, "filled by the firmware; " + seen, {}};
    case StepKind::cpuid:
      return {{}, Coverage::host, "filled by the host and checked by the firmware; " + seen, {}};
    case StepKind::parameter:
      return {{}, Coverage::host, "filled by the loader; " + seen, {}};
    case StepKind::error_range:
      return {{},
              Coverage::unmeasured,
              platform == LaunchPlatform::vbs ? seen : "the guest has it when it asks; no part of the digest",
              {}};
  }
  return {};
}

std::string source_of(LaunchPlatform platform) {
  switch (platform) {
    case LaunchPlatform::native:
      return "NATIVE-DIGEST.md";
    case LaunchPlatform::vbs:
      return "igvm vbs.rs";
    case LaunchPlatform::snp:
      return "AMD 56860, 8.17.2";
    case LaunchPlatform::tdx:
      break;
  }
  return "Intel 348549, MRTD";
}

// Guest memory of one kind, ascending.
struct Extent {
  GpaRange range;
  StepKind kind;
};

std::vector<Extent> extents_of(const std::vector<LaunchStep>& steps) {
  std::vector<Extent> extents;
  for (const LaunchStep& step : steps) {
    const auto size = checked_mul(step.pages, kPageSize);
    const auto end = size ? checked_add(step.gpa, *size) : std::nullopt;
    if (step.pages > 0 && step.kind != StepKind::vmsa && step.kind != StepKind::registers)
      extents.push_back({{step.gpa, end.value_or(~std::uint64_t{0})}, step.kind});
  }
  std::stable_sort(extents.begin(), extents.end(),
                   [](const Extent& a, const Extent& b) { return a.range.start < b.range.start; });
  return extents;
}

class Fields {
 public:
  Fields(const Launch& launch, const igvm::File& file, const std::optional<Machine>& machine)
      : launch_(launch),
        file_(file),
        machine_(machine),
        mask_(launch_mask(file, launch.platform).value_or(0)),
        extents_(extents_of(launch.steps())) {}

  std::vector<FieldReport> gather() {
    fields_ = host_fields(launch_);
    add_ram();
    for (const FieldRule& rule : field_rules(launch_.platform))
      fields_.push_back(
          {std::string(rule.field), rule.coverage, std::string(rule.why), std::string(rule.source)});
    if (launch_.platform == LaunchPlatform::native) add_machine();
    if (launch_.platform == LaunchPlatform::snp) add_snp();
    add_registers();
    add_parameters();
    add_topic("command line", {"cmdline", "fdt"}, {IGVM_VHT_COMMAND_LINE});
    add_topic("initrd", {"initrd"}, {});
    add_topic("ACPI tables", {"acpi."}, {IGVM_VHT_MADT, IGVM_VHT_SRAT, IGVM_VHT_SLIT, IGVM_VHT_PPTT});
    add_topic("device tree", {"fdt", "setup_data.dtb"}, {IGVM_VHT_DEVICE_TREE});
    add_topic("memory map", {"boot_params", "start_info.memory_map", "efi.memory_map", "fdt"},
              {IGVM_VHT_MEMORY_MAP});
    add_regions();
    return std::move(fields_);
  }

 private:
  void add(std::string field, Coverage coverage, std::string why, std::string source = {}) {
    fields_.push_back({std::move(field), coverage, std::move(why),
                       source.empty() ? source_of(launch_.platform) : std::move(source)});
  }

  void add_ram() {
    if (launch_.platform != LaunchPlatform::native) return;
    if (machine_)
      add("RAM size", Coverage::measured, "the ranges of RAM are a record");
    else
      add("RAM size", Coverage::host,
          "the file does not describe its machine: what it requires is a record, and the host may give "
          "more");
  }

  void add_machine() {
    const auto described = [&](std::string field, const std::string& value) {
      if (machine_)
        add(std::move(field), Coverage::measured, value);
      else
        add(std::move(field), Coverage::host, "the file does not describe its machine");
    };
    const bool arm = machine_ && machine_->arch == Arch::aarch64;
    described("vCPU count", machine_ ? fmt::format("{}, in the machine record", machine_->cpus) : "");
    described("devices", machine_
                             ? fmt::format("{}: names, addresses and interrupts are in the machine record",
                                           devices_of(*machine_).size())
                             : "");
    described("NUMA nodes", machine_ ? fmt::format("{}, in the machine record", machine_->numa_nodes) : "");
    if (arm)
      described("interrupt controller",
                fmt::format("GIC {}{}", gic_name(machine_->gic), machine_->its ? " with ITS" : ""));
  }

  void add_snp() {
    const bool block =
        std::any_of(file_.directives.begin(), file_.directives.end(), [&](const auto& directive) {
          const auto* boxed = std::get_if<igvm::Boxed<IGVM_VHS_SNP_ID_BLOCK>>(&directive);
          return boxed != nullptr && ((*boxed)->compatibility_mask & mask_) != 0;
        });
    add("ID block", block ? Coverage::unmeasured : Coverage::host,
        block ? "holds the digest that the firmware demands; the report has its FAMILY_ID, IMAGE_ID and "
                "GUEST_SVN"
              : "the file has none, and the host may give any whose digest is this one",
        "AMD 56860, SNP_LAUNCH_FINISH");
    // AMD 24593, table B-4: SEV_FEATURES of the save area, and its bit for Secure TSC
    constexpr std::uint64_t kSevFeatures = 0x3B0, kSecureTsc = 1 << 9;
    bool secure = false, secrets = false;
    for (const LaunchStep& step : launch_.steps()) {
      secrets = secrets || step.kind == StepKind::secrets;
      const auto features = read_at<le64>(step.data, kSevFeatures, "SEV_FEATURES");
      secure = secure || (step.kind == StepKind::vmsa && features && (*features & kSecureTsc) != 0);
    }
    add("time", secure ? Coverage::unmeasured : Coverage::host,
        secure ? "the VMSA turns on Secure TSC, whose frequency the host states and the firmware keeps"
               : "SEV_FEATURES of no VMSA turns on Secure TSC, so even the TSC is the host's",
        "AMD 24593, 15.36");
    add("secrets", secrets ? Coverage::unmeasured : Coverage::absent,
        secrets ? "a secrets page is filled by the firmware; only its address and type are measured"
                : "the file has no secrets page",
        "AMD 56860, PAGE_TYPE_SECRETS");
  }

  void add_registers() {
    std::map<std::uint16_t, std::string> vcpus;
    for (const LaunchStep& step : launch_.steps()) {
      if (step.kind == StepKind::registers)
        vcpus[step.vp_index] = "those that the file has; the others start as reset leaves them";
      if (step.kind == StepKind::vmsa)
        vcpus[step.vp_index] = is_reset(step)
                                   ? "its VMSA, which the file does not have, is a page of the launch"
                                   : "its VMSA is a page of the launch";
    }
    for (const auto& [vcpu, why] : vcpus)
      add(fmt::format("registers of vCPU {}", vcpu), Coverage::measured, why);
    if (vcpus.empty() && launch_.platform != LaunchPlatform::tdx)
      add("registers", Coverage::host, "the file has none");
    if (launch_.host.snp_launch == SnpLaunch::kvm_bsp) add_left_out(vcpus);
  }

  bool is_reset(const LaunchStep& vmsa) const {
    return !launch_.reset.empty() && vmsa.data.data() == bytes_of(launch_.reset[0]).data();
  }

  // VMSAs that the file has and the host does not launch.
  void add_left_out(const std::map<std::uint16_t, std::string>& launched) {
    std::set<std::uint16_t> left_out;
    for (const igvm::Directive& directive : file_.directives)
      if (const auto* context = std::get_if<igvm::VpContext>(&directive))
        if ((context->compatibility_mask & mask_) != 0 && !launched.contains(context->vp_index))
          left_out.insert(context->vp_index);
    for (const std::uint16_t vcpu : left_out)
      add(fmt::format("registers of vCPU {}", vcpu), Coverage::unmeasured,
          "the file has its VMSA, and KVM measures that of vCPU 0 alone (--snp-launch kvm-bsp)");
  }

  // Where the loader puts which values.
  void add_parameters() {
    std::map<std::uint32_t, std::uint64_t> inserted;
    for (const igvm::Directive& directive : file_.directives)
      if (const auto* insert = std::get_if<IGVM_VHS_PARAMETER_INSERT>(&directive))
        if ((insert->compatibility_mask & mask_) != 0) inserted[insert->parameter_area_index] = insert->gpa;
    for (const igvm::Directive& directive : file_.directives) {
      const auto* parameter = std::get_if<igvm::Parameter>(&directive);
      const auto area = parameter ? inserted.find(parameter->header.parameter_area_index) : inserted.end();
      if (area == inserted.end()) continue;
      parameters_.insert(parameter->type);
      const std::string type = igvm::parameter_name(parameter->type);
      add(fmt::format("parameter {} {:#x}", type, area->second + parameter->header.byte_offset),
          Coverage::host,
          launch_.platform == LaunchPlatform::native
              ? "the loader fills in the value; that it does, and where, is measured"
              : page_rule(launch_.platform, StepKind::parameter).why);
    }
  }

  // Something that several regions or parameters may tell the guest.
  void add_topic(const std::string& topic, const std::vector<std::string_view>& regions,
                 const std::vector<std::uint32_t>& types) {
    bool told = false;
    for (const std::string_view region : regions) {
      Coverage coverage = Coverage::measured;
      std::string why;
      for (const RegionLabel& label : machine_ ? machine_->labels : std::vector<RegionLabel>()) {
        const bool family = region.ends_with('.') && label.name.starts_with(region);
        if (label.name != region && !family) continue;
        const FieldReport rule = coverage_of(label.range);
        if (!why.empty() && rule.coverage == Coverage::measured) continue;
        coverage = rule.coverage;
        why = rule.why;
      }
      if (why.empty()) continue;
      told = true;
      add(topic, coverage,
          fmt::format("in region{} '{}{}': {}", region.ends_with('.') ? "s" : "", region,
                      region.ends_with('.') ? "*" : "", why));
      break;
    }
    for (const std::uint32_t type : types) {
      if (parameters_.count(type) == 0) continue;
      told = true;
      add(topic, Coverage::host, fmt::format("the parameter {} is the loader's", igvm::parameter_name(type)));
    }
    if (told) return;
    if (has_unnamed_pages())
      add(topic, Coverage::unknown,
          "no parameter of the file is one; of what its pages hold the file does not tell");
    else
      add(topic, Coverage::absent, "the file has none");
  }

  // Whether there are pages with contents of the file that no region's label is about.
  bool has_unnamed_pages() const {
    return std::any_of(extents_.begin(), extents_.end(), [&](const Extent& extent) {
      const bool contents = extent.kind == StepKind::page || extent.kind == StepKind::unmeasured ||
                            extent.kind == StepKind::shared;
      return contents && !outside_labels(extent.range, machine_).empty();
    });
  }

  // The parts of `range` that no page of the launch fills.
  bool has_gap(GpaRange range) const {
    std::uint64_t next = range.start;
    for (auto extent = first_in(range); extent != extents_.end() && extent->range.start < range.end;
         ++extent) {
      if (extent->range.start > next) return true;
      next = std::max(next, extent->range.end);
    }
    return next < range.end;
  }
  std::vector<Extent>::const_iterator first_in(GpaRange range) const {
    auto extent = std::upper_bound(
        extents_.begin(), extents_.end(), range.start,
        [](std::uint64_t gpa, const Extent& candidate) { return gpa < candidate.range.start; });
    if (extent != extents_.begin()) --extent;
    return extent;
  }

  // The weakest thing that holds for a page in `range`, or nothing if it has no pages.
  std::optional<FieldReport> coverage_of_pages(GpaRange range) const {
    std::optional<FieldReport> rule;
    for (auto extent = first_in(range); extent != extents_.end() && extent->range.start < range.end; ++extent)
      if (extent->range.overlaps(range) && (!rule || extent->kind != StepKind::page))
        rule = page_rule(launch_.platform, extent->kind);
    return rule;
  }

  // The weakest thing that holds for a part of `range`.
  FieldReport coverage_of(GpaRange range) const {
    FieldReport rule = coverage_of_pages(range).value_or(page_rule(launch_.platform, StepKind::page));
    if (rule.coverage == Coverage::measured && has_gap(range)) {
      if (launch_.platform == LaunchPlatform::native) {
        rule.why = "address and contents; memory without pages counts as zeroes";
      } else {
        rule.coverage = Coverage::host;
        rule.why = "not all of it is launched: the guest gets the rest from the host, as zeroes or not";
      }
    }
    return rule;
  }

  // A region that ends with a .bss is mostly pages, and on platforms where memory without pages is the host's
  // both are said.
  void add_region(const RegionLabel& label) {
    const std::string name = fmt::format("region '{}' {:#x}", label.name, label.range.start);
    if (launch_.platform == LaunchPlatform::native || !has_gap(label.range)) {
      const FieldReport rule = coverage_of(label.range);
      return add(name, rule.coverage, rule.why);
    }
    const auto pages = coverage_of_pages(label.range);
    if (pages) add(name + ", its pages", pages->coverage, pages->why);
    add(name + (pages ? ", the rest" : ""), Coverage::host,
        "no page of the launch: the guest gets it from the host, as zeroes or not");
  }

  void add_regions() {
    if (machine_)
      for (const RegionLabel& label : machine_->labels) add_region(label);
    std::optional<Extent> last;
    const auto flush = [&] {
      if (!last) return;
      const FieldReport rule = page_rule(launch_.platform, last->kind);
      add(fmt::format("memory {:#x}-{:#x}", last->range.start, last->range.last()), rule.coverage, rule.why);
    };
    for (const Extent& extent : extents_) {
      for (const GpaRange part : outside_labels(extent.range, machine_)) {
        if (last && last->kind == extent.kind && last->range.end == part.start) {
          last->range.end = part.end;
          continue;
        }
        flush();
        last = Extent{part, extent.kind};
      }
    }
    flush();
  }

  const Launch& launch_;
  const igvm::File& file_;
  const std::optional<Machine>& machine_;
  std::uint32_t mask_;
  std::vector<Extent> extents_;
  std::set<std::uint32_t> parameters_;
  std::vector<FieldReport> fields_;
};

}  // namespace

std::string_view coverage_name(Coverage coverage) {
  switch (coverage) {
    case Coverage::measured:
      return "measured";
    case Coverage::unmeasured:
      return "unmeasured";
    case Coverage::host:
      return "host";
    case Coverage::fixed:
      return "fixed";
    case Coverage::absent:
      return "none";
    case Coverage::unknown:
      break;
  }
  return "unknown";
}

std::vector<FieldReport> fields_of(const Launch& launch, const igvm::File& file,
                                   const std::optional<Machine>& machine) {
  return Fields(launch, file, machine).gather();
}

}  // namespace tintype
