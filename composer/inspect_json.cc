#include "composer/inspect.h"
#include "composer/json.h"
#include "composer/machine_json.h"
#include "formats/hex.h"

namespace tintype {

namespace {

Json header_json(const HeaderReport& header) {
  Json json = {{"type", header.what}};
  for (const auto& [name, value] : header.fields) json[name] = value;
  return json;
}

Json machine_json(const Machine& machine) {
  Json json = {{"arch", arch_name(machine.arch)},
               {"protocol", machine.protocol},
               {"memory", machine.memory},
               {"cpus", machine.cpus},
               {"numa_nodes", machine.numa_nodes}};
  json["kernel"] = kernel_place_json(machine);
  json["ram"] = Json::array();
  for (const GpaRange& range : ram_ranges(machine.arch, machine.memory))
    json["ram"].push_back({{"start", hex(range.start)}, {"end", hex(range.end)}});
  json["devices"] = Json::array();
  for (const Device& device : devices_of(machine)) {
    Json entry = {{"name", device.name},
                  {"compatible", device.compatible},
                  {"space", device.space == Device::Space::port ? "port" : "mmio"},
                  {"base", hex(device.base)},
                  {"size", device.size},
                  {"count", device.count}};
    if (device.interrupt) entry["gsi"] = *device.interrupt;
    json["devices"].push_back(std::move(entry));
  }
  json["components"] = components_json(machine);
  return json;
}

Json entry_json(const MemoryMapEntry& entry) {
  return {{"start", hex(entry.range.start)},
          {"end", hex(entry.range.end)},
          {"type", memory_type_name(entry.type)}};
}

Json region_json(const RegionReport& region) {
  Json json = {{"name", region.name.empty() ? Json() : Json(region.name)},
               {"start", hex(region.range.start)},
               {"end", hex(region.range.end)},
               {"size", region.range.size()},
               {"kind", region.kind},
               {"compatibility_mask", hex(region.compatibility_mask)},
               {"file_offset", region.file_offset ? Json(*region.file_offset) : Json()},
               {"file_bytes", region.file_bytes},
               {"sha256", region.sha256 ? Json(to_hex(*region.sha256)) : Json()}};
  return json;
}

}  // namespace

// A hostile file has millions of regions or headers, so no list of them is ever a value.
void render_json(const InspectReport& report, const TextOutput& output) {
  JsonObjectText json(output);
  json.member("file", report.file);
  json.member("size", report.size);
  json.member("igvm", {{"version", report.format_version},
                       {"arch", arch_name(report.arch)},
                       {"variable_header_offset", report.layout.variable_header_offset},
                       {"variable_header_size", report.layout.variable_header_size},
                       {"checksum", hex(report.layout.checksum)},
                       {"headers", report.header_count}});
  json.list("platforms", report.platforms, header_json);
  json.list("initializations", report.initializations, header_json);
  json.member("machine", report.machine ? machine_json(*report.machine) : Json());
  json.list(report.arch == Arch::x86_64 ? "e820" : "efi_memory_map", report.memory_map, entry_json);
  json.list("regions", report.regions, region_json);
  json.list("required_memory", report.required_memory, header_json);
  json.list("parameters", report.parameters, header_json);
  json.list("vp_contexts", report.contexts, header_json);
  json.list("other_directives", report.others, header_json);
  json.list("warnings", report.warnings, [](const std::string& warning) { return Json(warning); });
  json.finish();
}

}  // namespace tintype
