#include "composer/inspect.h"

#include <algorithm>

#include "composer/files.h"
#include "formats/efi.h"
#include "formats/hex.h"
#include "formats/launch.h"
#include "formats/linux_boot.h"
#include "formats/machine_tree.h"
#include "formats/pvh.h"

namespace tintype {

namespace {

// The reference accepts the very last page of 2^64 bytes too; the range of that one is a byte short.
GpaRange range_of(const igvm::PageRun& run) {
  constexpr std::uint64_t kLast = ~std::uint64_t{0};
  return {run.gpa, checked_add(run.gpa, run.pages * run.step()).value_or(kLast)};
}

// Adds the part of `run` inside `region.range` to the region's digest and sizes.
void account(const igvm::PageRun& run, RegionReport& region, Sha256Stream& digest) {
  const bool whole = region.range.contains(range_of(run));
  const std::uint64_t start = whole ? 0 : std::max(run.gpa, region.range.start) - run.gpa;
  const std::uint64_t end =
      whole ? run.pages * run.step() : std::min(range_of(run).end, region.range.end) - run.gpa;
  if (run.step() != kPageSize) {  // a 2 MiB page whose first 4096 bytes are in the file
    digest.update(run.data);
  } else if (run.data.empty()) {
    static constexpr std::array<std::uint8_t, 65536> kZeros{};
    for (std::uint64_t left = end - start; left > 0;) {
      const std::uint64_t count = std::min<std::uint64_t>(left, kZeros.size());
      digest.update(Bytes(kZeros).first(count));
      left -= count;
    }
  } else {
    digest.update(run.data.subspan(start, end - start));
  }
  if (run.data.empty()) return;
  if (!region.file_offset) region.file_offset = run.file_offset + (run.step() == kPageSize ? start : 0);
  region.file_bytes += run.step() == kPageSize ? end - start : run.data.size();
}

using Runs = std::vector<const igvm::PageRun*>;

// Regions as the machine description names them. `runs` are sorted by address.
std::vector<RegionReport> labelled_regions(const Machine& machine, const Runs& runs) {
  std::vector<RegionReport> regions;
  auto run = runs.begin();
  for (const RegionLabel& label : machine.labels) {
    RegionReport region{.name = label.name, .range = label.range, .kind = "normal"};
    Sha256Stream digest;
    while (run != runs.end() && range_of(**run).end <= label.range.start) ++run;
    bool first = true;
    for (auto inside = run; inside != runs.end() && (*inside)->gpa < label.range.end; ++inside) {
      if (first) {
        region.kind = igvm::page_kind_name(**inside);
        region.compatibility_mask = (*inside)->compatibility_mask;
        first = false;
      }
      account(**inside, region, digest);
    }
    if (!first) region.sha256 = digest.finish();
    regions.push_back(std::move(region));
  }
  return regions;
}

// What `run` fills outside the pages that labels touch, ascending.
std::vector<GpaRange> unnamed_parts(GpaRange run, const std::vector<RegionLabel>& labels) {
  std::vector<GpaRange> parts;
  while (!run.empty()) {
    const auto label = std::lower_bound(
        labels.begin(), labels.end(), run.start,
        [](const RegionLabel& named, std::uint64_t gpa) { return named.range.to_pages().end <= gpa; });
    const GpaRange named = label == labels.end() ? GpaRange{run.end, run.end} : label->range.to_pages();
    const GpaRange part = {run.start, std::clamp(named.start, run.start, run.end)};
    if (!part.empty()) parts.push_back(part);
    run.start = std::min(run.end, std::max(named.end, part.end));
  }
  return parts;
}

// Regions of pages that nobody named: as much as is contiguous and of one kind.
std::vector<RegionReport> anonymous_regions(const Runs& runs, const std::vector<RegionLabel>& labels) {
  std::vector<RegionReport> regions;
  regions.reserve(runs.size());  // nearly all, in a file of scattered pages
  Sha256Stream digest;
  const auto finish = [&] {
    if (!regions.empty()) regions.back().sha256 = digest.finish();
  };
  for (const igvm::PageRun* run : runs) {
    for (const GpaRange part : unnamed_parts(range_of(*run), labels)) {
      const bool continues = !regions.empty() && regions.back().range.end == part.start &&
                             regions.back().kind == igvm::page_kind_name(*run) &&
                             regions.back().compatibility_mask == run->compatibility_mask;
      if (!continues) {
        finish();
        digest = {};
        regions.push_back({.name = {},
                           .range = {part.start, part.start},
                           .kind = std::string(igvm::page_kind_name(*run)),
                           .compatibility_mask = run->compatibility_mask});
      }
      const GpaRange whole = {regions.back().range.start, part.end};
      regions.back().range = part;  // what account() adds
      account(*run, regions.back(), digest);
      regions.back().range = whole;
    }
  }
  finish();
  return regions;
}

// Every page of the file, under the names that the machine description gives.
std::vector<RegionReport> regions_of(const std::optional<Machine>& machine, const Runs& runs) {
  std::vector<RegionReport> regions =
      anonymous_regions(runs, machine ? machine->labels : std::vector<RegionLabel>());
  if (!machine) return regions;
  const std::vector<RegionReport> labelled = labelled_regions(*machine, runs);
  regions.insert(regions.begin(), labelled.begin(), labelled.end());
  std::stable_sort(regions.begin(), regions.end(), [](const RegionReport& a, const RegionReport& b) {
    return a.range.start < b.range.start;
  });
  return regions;
}

// The first bytes of the region labelled `name`, as far as one run of pages holds them.
Bytes labelled_bytes(const Machine& machine, const Runs& runs, std::string_view name) {
  const auto label = std::find_if(machine.labels.begin(), machine.labels.end(),
                                  [&](const RegionLabel& region) { return region.name == name; });
  if (label == machine.labels.end()) return {};
  for (const igvm::PageRun* run : runs)
    if (range_of(*run).contains(label->range.start) && !run->data.empty() && run->step() == kPageSize)
      return run->data.subspan(label->range.start - run->gpa);
  return {};
}

MemoryType type_of(std::uint32_t e820_type) {
  if (e820_type == static_cast<std::uint32_t>(E820Type::ram)) return MemoryType::ram;
  if (e820_type == static_cast<std::uint32_t>(E820Type::acpi)) return MemoryType::acpi_data;
  return MemoryType::reserved;
}

// Descriptors up to the first without pages: the region has room for more than there are.
std::vector<MemoryMapEntry> efi_memory_map(Bytes table) {
  std::vector<MemoryMapEntry> entries;
  for (std::uint64_t offset = 0;; offset += sizeof(efi::MemoryDescriptor)) {
    const auto entry = read_at<efi::MemoryDescriptor>(table, offset, "");
    if (!entry || entry->NumberOfPages == 0) return entries;
    const auto size = checked_mul(entry->NumberOfPages, kPageSize);
    const auto range = size ? GpaRange::of_size(entry->PhysicalStart, *size) : std::nullopt;
    if (!range) return entries;
    MemoryType type = MemoryType::reserved;
    if (entry->Type == efi::kConventionalMemory) type = MemoryType::ram;
    if (entry->Type == efi::kAcpiReclaimMemory) type = MemoryType::acpi_data;
    entries.push_back({*range, type});
  }
}

// The map that the guest is told: by EFI, by boot_params, or by the table that PVH's start info points at.
std::vector<MemoryMapEntry> memory_map_in(const Machine& machine, const Runs& runs) {
  std::vector<MemoryMapEntry> entries;
  const auto add = [&](std::uint64_t start, std::uint64_t size, std::uint32_t type) {
    const auto range = GpaRange::of_size(start, size);
    if (range) entries.push_back({*range, type_of(type)});
  };
  if (machine.arch == Arch::aarch64) return efi_memory_map(labelled_bytes(machine, runs, "efi.memory_map"));
  if (const auto params = read_at<BootParams>(labelled_bytes(machine, runs, "boot_params"), 0, "")) {
    const std::size_t count = std::min<std::size_t>(params->e820_entries, params->e820_table.size());
    for (std::size_t i = 0; i < count; ++i)
      add(params->e820_table[i].addr, params->e820_table[i].size, params->e820_table[i].type);
    return entries;
  }
  const auto info = read_at<pvh::StartInfo>(labelled_bytes(machine, runs, "start_info"), 0, "");
  const Bytes table = labelled_bytes(machine, runs, "start_info.memory_map");
  for (std::uint64_t i = 0; info && i < info->memmap_entries; ++i) {
    const auto entry = read_at<pvh::MemoryMapEntry>(table, i * sizeof(pvh::MemoryMapEntry), "");
    if (!entry) break;
    add(entry->addr, entry->size, entry->type);
  }
  return entries;
}

std::string platform_name(std::uint8_t type) {
  switch (type) {
    case IGVM_PLATFORM_NATIVE:
      return "native";
    case IGVM_PLATFORM_VSM_ISOLATION:
      return "vbs";
    case IGVM_PLATFORM_SEV_SNP:
      return "snp";
    case IGVM_PLATFORM_TDX:
      return "tdx";
    case IGVM_PLATFORM_SEV:
      return "sev";
    case IGVM_PLATFORM_SEV_ES:
      return "sev-es";
    case IGVM_PLATFORM_CCA:
      return "cca";
    default:
      return fmt::format("type {}", type);
  }
}

std::string context_kind(igvm::VpContext::Kind kind) {
  switch (kind) {
    case igvm::VpContext::Kind::native_x64:
      return "native";
    case igvm::VpContext::Kind::vbs_x64:
    case igvm::VpContext::Kind::vbs_aarch64:
      return "vbs";
    case igvm::VpContext::Kind::snp_vmsa:
      return "snp";
    case igvm::VpContext::Kind::cca:
      return "cca";
  }
  return "unknown";
}

// The file's page data in the order of addresses.
Runs runs_of(const igvm::File& file) {
  Runs runs;
  for (const igvm::Directive& directive : file.directives)
    if (const auto* run = std::get_if<igvm::PageRun>(&directive)) runs.push_back(run);
  std::stable_sort(runs.begin(), runs.end(),
                   [](const igvm::PageRun* a, const igvm::PageRun* b) { return a->gpa < b->gpa; });
  return runs;
}

// Adds each directive that is not page data to the list it belongs to.
struct DirectiveVisitor {
  InspectReport& report;

  void operator()(const igvm::PageRun& run) { report.header_count += run.pages; }
  void operator()(const igvm::ParameterArea& area) {
    report.parameters.push_back(
        {"area",
         {{"index", std::to_string(area.parameter_area_index)},
          {"bytes", hex(area.number_of_bytes)},
          {"initial", area.initial.empty() ? "zero" : to_hex(sha256(area.initial))}}});
  }
  void operator()(const igvm::Parameter& parameter) {
    report.parameters.push_back({igvm::parameter_name(parameter.type),
                                 {{"index", std::to_string(parameter.header.parameter_area_index.value())},
                                  {"byte_offset", hex(parameter.header.byte_offset)}}});
  }
  void operator()(const IGVM_VHS_PARAMETER_INSERT& insert) {
    report.parameters.push_back({"insert",
                                 {{"index", std::to_string(insert.parameter_area_index.value())},
                                  {"gpa", hex(insert.gpa)},
                                  {"mask", hex(insert.compatibility_mask)}}});
  }
  void operator()(const igvm::VpContext& context) {
    HeaderReport header{context_kind(context.kind),
                        {{"vp_index", std::to_string(context.vp_index)},
                         {"mask", hex(context.compatibility_mask)},
                         {"gpa", hex(context.gpa)}}};
    for (auto& field : igvm::describe_context(context)) header.fields.push_back(std::move(field));
    report.contexts.push_back(std::move(header));
  }
  void operator()(const IGVM_VHS_REQUIRED_MEMORY& memory) {
    report.required_memory.push_back({"required",
                                      {{"start", hex(memory.gpa)},
                                       {"bytes", hex(memory.number_of_bytes)},
                                       {"mask", hex(memory.compatibility_mask)},
                                       {"flags", hex(memory.flags)}}});
  }
  void operator()(const IGVM_VHS_SNP_ID_BLOCK& block) {
    report.others.push_back({"snp-id-block",
                             {{"mask", hex(block.compatibility_mask)},
                              {"launch_digest", to_hex(block.ld)},
                              {"family_id", to_hex(block.family_id)},
                              {"image_id", to_hex(block.image_id)},
                              {"version", std::to_string(block.version.value())},
                              {"guest_svn", std::to_string(block.guest_svn.value())}}});
  }
  void operator()(const IGVM_VHS_VBS_MEASUREMENT& measurement) {
    report.others.push_back({"vbs-measurement",
                             {{"mask", hex(measurement.compatibility_mask)},
                              {"version", std::to_string(measurement.version.value())},
                              {"product_id", hex(measurement.product_id)},
                              {"module_id", hex(measurement.module_id)},
                              {"security_version", std::to_string(measurement.security_version.value())},
                              {"digest", to_hex(measurement.boot_measurement_digest)}}});
  }
  void operator()(const IGVM_VHS_ERROR_RANGE& range) {
    report.others.push_back({"error-range",
                             {{"start", hex(range.gpa)},
                              {"bytes", hex(range.size_bytes)},
                              {"mask", hex(range.compatibility_mask)}}});
  }
};

struct InitializationVisitor {
  HeaderReport operator()(const IGVM_VHS_GUEST_POLICY& policy) const {
    return {"guest-policy", {{"mask", hex(policy.compatibility_mask)}, {"policy", hex(policy.policy)}}};
  }
  HeaderReport operator()(const IGVM_VHS_CCA_POLICY& policy) const {
    return {"cca-policy", {{"mask", hex(policy.compatibility_mask)}, {"data", to_hex(bytes_of(policy))}}};
  }
  HeaderReport operator()(const IGVM_VHS_RELOCATABLE_REGION& region) const {
    return {"relocatable-region",
            {{"mask", hex(region.compatibility_mask)},
             {"start", hex(region.relocation_region_gpa)},
             {"bytes", hex(region.relocation_region_size)},
             {"alignment", hex(region.relocation_alignment)},
             {"minimum", hex(region.minimum_relocation_gpa)},
             {"maximum", hex(region.maximum_relocation_gpa)},
             {"vp_index", std::to_string(region.vp_index.value())},
             {"vtl", std::to_string(region.vtl)},
             {"flags", hex(region.flags)}}};
  }
  HeaderReport operator()(const IGVM_VHS_PAGE_TABLE_RELOCATION& region) const {
    return {"page-table-relocation",
            {{"mask", hex(region.compatibility_mask)},
             {"start", hex(region.gpa)},
             {"bytes", hex(region.size)},
             {"used", hex(region.used_size)},
             {"vp_index", std::to_string(region.vp_index.value())},
             {"vtl", std::to_string(region.vtl)}}};
  }
};

void add_headers(const igvm::File& file, InspectReport& report) {
  report.format_version = file.format_version;
  report.arch = file.arch;
  report.header_count = file.platforms.size() + file.initializations.size();
  for (const IGVM_VHS_SUPPORTED_PLATFORM& platform : file.platforms)
    report.platforms.push_back({platform_name(platform.platform_type),
                                {{"mask", hex(platform.compatibility_mask)},
                                 {"version", std::to_string(platform.platform_version.value())},
                                 {"highest_vtl", std::to_string(platform.highest_vtl)},
                                 {"shared_gpa_boundary", hex(platform.shared_gpa_boundary)}}});
  for (const igvm::Initialization& header : file.initializations)
    report.initializations.push_back(std::visit(InitializationVisitor{}, header));
  for (const igvm::Directive& directive : file.directives) {
    if (!std::holds_alternative<igvm::PageRun>(directive)) ++report.header_count;
    std::visit(DirectiveVisitor{report}, directive);
  }
}

}  // namespace

std::vector<RegionReport> regions_in(const igvm::File& file, const std::optional<Machine>& machine) {
  return regions_of(machine, runs_of(file));
}

Result<InspectReport> gather_headers(const std::string& name, Bytes bytes, igvm::File& file) {
  InspectReport report{.file = name, .size = bytes.size()};
  file = TRY(igvm::read(bytes, &report.layout));
  report.machine = TRY(read_machine(bytes));
  add_headers(file, report);
  return report;
}

Result<InspectReport> gather_report(const std::string& name, Bytes bytes) {
  igvm::File file;
  InspectReport report = TRY(gather_headers(name, bytes, file));
  // First: what it needs on the way is free again before there are regions.
  report.warnings = igvm::oddities(file);
  const Runs runs = runs_of(file);
  report.regions = regions_of(report.machine, runs);
  if (report.machine) report.memory_map = memory_map_in(*report.machine, runs);
  if (const Result<void> arch = check_arch(file, report.machine); !arch)
    report.warnings.push_back("the file " + arch.error().message());
  return report;
}

Result<TextSource> inspect(const InspectOptions& options) {
  const InputFile file = TRY(InputFile::open_snapshot(options.file));
  InspectReport report = TRY(with_context(gather_report(options.file, file.bytes()), options.file));
  return [render = options.json ? render_json : render_text,
          report = std::move(report)](const TextOutput& output) { render(report, output); };
}

}  // namespace tintype
