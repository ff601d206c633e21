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

Json headers_json(const std::vector<HeaderReport>& headers) {
  Json json = Json::array();
  for (const HeaderReport& header : headers) json.push_back(header_json(header));
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

std::string render_json(const InspectReport& report) {
  Json json = {{"file", report.file},
               {"size", report.size},
               {"igvm",
                {{"version", report.format_version},
                 {"arch", arch_name(report.arch)},
                 {"variable_header_offset", report.layout.variable_header_offset},
                 {"variable_header_size", report.layout.variable_header_size},
                 {"checksum", hex(report.layout.checksum)},
                 {"headers", report.header_count}}}};
  json["platforms"] = headers_json(report.platforms);
  json["initializations"] = headers_json(report.initializations);
  json["machine"] = report.machine ? machine_json(*report.machine) : Json();
  Json& memory_map = json[report.arch == Arch::x86_64 ? "e820" : "efi_memory_map"];
  memory_map = Json::array();
  for (const MemoryMapEntry& entry : report.memory_map)
    memory_map.push_back({{"start", hex(entry.range.start)},
                          {"end", hex(entry.range.end)},
                          {"type", memory_type_name(entry.type)}});
  json["regions"] = Json::array();
  for (const RegionReport& region : report.regions) json["regions"].push_back(region_json(region));
  json["required_memory"] = headers_json(report.required_memory);
  json["parameters"] = headers_json(report.parameters);
  json["vp_contexts"] = headers_json(report.contexts);
  json["other_directives"] = headers_json(report.others);
  json["warnings"] = report.warnings;
  return json_text(json);
}

}  // namespace tintype
