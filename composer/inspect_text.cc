#include <algorithm>

#include "composer/inspect.h"

namespace tintype {

namespace {

// 0x1000-0x1fff, the last byte included.
std::string span_text(GpaRange range) {
  return range.empty() ? fmt::format("{:#x} (empty)", range.start)
                       : fmt::format("{:#x}-{:#x}", range.start, range.last());
}

std::string size_text(std::uint64_t bytes) {
  if (bytes >= kGiB && bytes % kGiB == 0) return fmt::format("{} GiB", bytes / kGiB);
  if (bytes >= kMiB && bytes % kMiB == 0) return fmt::format("{} MiB", bytes / kMiB);
  if (bytes >= 10 * kMiB) return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / kMiB);
  if (bytes >= 10 * kKiB) return fmt::format("{:.1f} KiB", static_cast<double>(bytes) / kKiB);
  return fmt::format("{} B", bytes);
}

void put_headers(std::string_view title, const std::vector<HeaderReport>& headers, const TextOutput& output) {
  if (!headers.empty()) output(fmt::format("\n{}\n", title));
  for (const HeaderReport& header : headers) {
    std::string line = "  " + header.what;
    for (const auto& [name, value] : header.fields) {
      const std::string field = fmt::format(" {}={}", name, value);
      if (line.size() + field.size() > 110) {
        output(line + "\n");
        line = "   ";
      }
      line += field;
    }
    output(line + "\n");
  }
}

std::string place_text(const KernelPlace& place) {
  switch (place.by) {
    case KernelPlace::By::link:
      return fmt::format("kernel at {:#x}, virtual {:#x}: where it was linked, not randomised",
                         place.physical, place.virtual_address);
    case KernelPlace::By::seed:
      return fmt::format("kernel at {:#x}, virtual {:#x}: moved there by --kaslr-seed", place.physical,
                         place.virtual_address);
    case KernelPlace::By::boot:
      return fmt::format("kernel at {:#x}: it unpacks itself, and chooses its addresses at boot",
                         place.physical);
  }
  return "";
}

std::string machine_text(const Machine& machine) {
  std::string text = fmt::format(
      "\nmachine\n  {}, {} RAM, {} vCPU{}{}, protocol {}\n", arch_name(machine.arch),
      size_text(machine.memory), machine.cpus, machine.cpus == 1 ? "" : "s",
      machine.numa_nodes > 1 ? fmt::format(" in {} NUMA nodes", machine.numa_nodes) : "", machine.protocol);
  for (const Component& component : machine.components)
    text += fmt::format("  {}: {}{}{}, {} bytes, sha256 {}\n", component.role, component.format,
                        component.version.empty() ? "" : ", ", component.version, component.size,
                        to_hex(component.sha256));
  if (machine.kernel) text += fmt::format("  {}\n", place_text(*machine.kernel));
  for (const Device& device : devices_of(machine))
    text += fmt::format("  {} {} {:#x}{}{}\n", device.name,
                        device.space == Device::Space::port ? "port" : "mmio", device.base,
                        device.count > 1 ? fmt::format(", {} of {:#x} bytes", device.count, device.size) : "",
                        device.interrupt ? fmt::format(", GSI {}", *device.interrupt) : "");
  return text;
}

void put_regions(const std::vector<RegionReport>& regions, const TextOutput& output) {
  std::size_t width = 13;
  for (const RegionReport& region : regions) width = std::max(width, region.name.size());
  output(fmt::format("\nregions\n  {:<25} {:>10} {:<10} {:<{}} {:>10} {:>10}  {}\n", "guest memory", "size",
                     "kind", "name", width, "offset", "stored", "sha256"));
  for (const RegionReport& region : regions)
    output(fmt::format("  {:<25} {:>10} {:<10} {:<{}} {:>10} {:>10}  {}\n", span_text(region.range),
                       size_text(region.range.size()), region.kind, region.name.empty() ? "-" : region.name,
                       width, region.file_offset ? fmt::format("{:#x}", *region.file_offset) : "-",
                       size_text(region.file_bytes), region.sha256 ? to_hex(*region.sha256) : "-"));
}

}  // namespace

void render_text(const InspectReport& report, const TextOutput& output) {
  output(fmt::format("{}: IGVM version {}, {}, {} bytes, {} headers in {} bytes at {:#x}, CRC32 {:#010x}\n",
                     report.file, report.format_version, arch_name(report.arch), report.size,
                     report.header_count, report.layout.variable_header_size,
                     report.layout.variable_header_offset, report.layout.checksum));
  put_headers("platforms", report.platforms, output);
  put_headers("initialization", report.initializations, output);
  if (report.machine) output(machine_text(*report.machine));
  if (!report.memory_map.empty())
    output(fmt::format("\nmemory map ({})\n", report.arch == Arch::x86_64 ? "e820" : "EFI"));
  for (const MemoryMapEntry& entry : report.memory_map)
    output(fmt::format("  {:<25} {}\n", span_text(entry.range), memory_type_name(entry.type)));
  if (!report.regions.empty()) put_regions(report.regions, output);
  put_headers("required memory", report.required_memory, output);
  put_headers("parameters", report.parameters, output);
  put_headers("vp contexts", report.contexts, output);
  put_headers("other directives", report.others, output);
  if (!report.warnings.empty()) output("\nwarnings\n");
  for (const std::string& warning : report.warnings) output(fmt::format("  {}\n", warning));
}

}  // namespace tintype
