// Headers, registers, parameters and the machine's description: lists of named values on both sides.
#include <algorithm>
#include <map>

#include "composer/diff.h"

namespace tintype {

namespace {

// Something with named values, found again in the other file by its name.
struct Entry {
  std::string name;
  Fields fields;
};

// "sha256" values and the like are for machines; a few of their digits tell people that they differ.
const std::string* value_of(const Fields& fields, const std::string& name) {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const auto& field) { return field.first == name; });
  return found == fields.end() ? nullptr : &found->second;
}

std::vector<ValueChange> changes_of(const Fields& a, const Fields& b) {
  std::vector<ValueChange> changes;
  for (const auto& [name, value] : a) {
    const std::string* other = value_of(b, name);
    if (!other || *other != value) changes.push_back({name, value, other ? *other : "none"});
  }
  for (const auto& [name, value] : b)
    if (!value_of(a, name)) changes.push_back({name, "none", value});
  return changes;
}

// Matches entries by name, and those of one name in their order.
void compare_entries(const std::string& category, const std::vector<Entry>& a, const std::vector<Entry>& b,
                     DiffReport& report) {
  std::multimap<std::string_view, const Entry*> left;
  for (const Entry& entry : b) left.emplace(entry.name, &entry);
  for (const Entry& entry : a) {
    const auto other = left.lower_bound(entry.name);
    if (other == left.end() || other->first != entry.name) {
      add_difference({.category = category,
                      .name = entry.name,
                      .kind = Difference::Kind::only_a,
                      .values = changes_of(entry.fields, {})},
                     "", report);
      continue;
    }
    std::vector<ValueChange> changes = changes_of(entry.fields, other->second->fields);
    left.erase(other);
    if (!changes.empty())
      add_difference({.category = category, .name = entry.name, .values = std::move(changes)}, "", report);
  }
  for (const Entry& entry : b) {
    const auto [first, last] = left.equal_range(entry.name);
    const auto mine = std::find_if(first, last, [&](const auto& other) { return other.second == &entry; });
    if (mine == last) continue;
    add_difference({.category = category,
                    .name = entry.name,
                    .kind = Difference::Kind::only_b,
                    .values = changes_of({}, entry.fields)},
                   "", report);
  }
}

// Whether what has a mask is for a platform that is compared.
bool is_compared(const DiffSide& side, std::uint32_t mask) {
  return !side.only || (mask & *side.only) != 0;
}

// The platforms of a mask by name: which bit a file gives to which is its own business.
std::string platforms_of(const DiffSide& side, std::uint32_t mask) {
  std::string names;
  for (std::size_t i = 0; i < side.file.platforms.size(); ++i) {
    const std::uint32_t platform = side.file.platforms[i].compatibility_mask;
    if ((platform & mask) != 0 && is_compared(side, platform))
      names += (names.empty() ? "" : ", ") + side.headers.platforms[i].what;
  }
  return names.empty() ? "none" : names;
}

std::optional<std::uint32_t> mask_of(const Fields& fields) {
  const std::string* value = value_of(fields, "mask");
  if (!value) return std::nullopt;
  std::uint32_t mask = 0;
  for (const char digit : std::string_view(*value).substr(2))
    mask = mask << 4 | static_cast<std::uint32_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
  return mask;
}

bool is_compared(const DiffSide& side, const HeaderReport& header) {
  const auto mask = mask_of(header.fields);
  return !mask || is_compared(side, *mask);
}

Fields without_masks(const DiffSide& side, const Fields& fields) {
  Fields result;
  for (const auto& [name, value] : fields) {
    if (name == "mask")
      result.emplace_back("platforms", platforms_of(side, *mask_of(fields)));
    else
      result.emplace_back(name, value);
  }
  return result;
}

std::vector<Entry> entries_of(const DiffSide& side, const std::vector<HeaderReport>& headers,
                              std::string_view prefix, std::string_view key = "") {
  std::vector<Entry> entries;
  for (const HeaderReport& header : headers) {
    if (!is_compared(side, header)) continue;
    std::string name = fmt::format("{}{}", prefix, header.what);
    if (const std::string* value = key.empty() ? nullptr : value_of(header.fields, std::string(key)))
      name += " " + *value;
    entries.push_back({std::move(name), without_masks(side, header.fields)});
  }
  return entries;
}

// Registers under "vCPU 0 native". What no register's name stands for still shows as another hash.
std::vector<Entry> contexts_of(const DiffSide& side) {
  std::vector<Entry> entries;
  std::size_t index = 0;
  for (const igvm::Directive& directive : side.file.directives) {
    const auto* context = std::get_if<igvm::VpContext>(&directive);
    if (!context || index >= side.headers.contexts.size()) continue;
    const HeaderReport& header = side.headers.contexts[index++];
    if (!is_compared(side, header)) continue;
    Entry entry{fmt::format("vCPU {} {}", context->vp_index, header.what),
                without_masks(side, header.fields)};
    entry.fields.emplace_back("sha256 of the context", to_hex(sha256(context->data)));
    entries.push_back(std::move(entry));
  }
  return entries;
}

// Parameters by where the loader puts them: the numbers of areas are the file's own.
std::vector<Entry> parameters_of(const DiffSide& side) {
  struct Area {
    Fields fields;
    std::vector<std::pair<std::uint64_t, std::string>> values;
  };
  std::map<std::uint32_t, Area> areas;
  std::vector<Entry> entries;
  for (const igvm::Directive& directive : side.file.directives) {
    if (const auto* area = std::get_if<igvm::ParameterArea>(&directive)) {
      areas[area->parameter_area_index].fields = {
          {"bytes", fmt::format("{:#x}", area->number_of_bytes)},
          {"initial", area->initial.empty() ? "zero" : to_hex(sha256(area->initial))}};
    } else if (const auto* parameter = std::get_if<igvm::Parameter>(&directive)) {
      areas[parameter->header.parameter_area_index].values.emplace_back(
          parameter->header.byte_offset, igvm::parameter_name(parameter->type));
    } else if (const auto* insert = std::get_if<IGVM_VHS_PARAMETER_INSERT>(&directive)) {
      if (!is_compared(side, insert->compatibility_mask)) continue;
      const Area& inserted = areas[insert->parameter_area_index];
      const std::string platforms = platforms_of(side, insert->compatibility_mask);
      entries.push_back({fmt::format("parameter area {:#x}", insert->gpa.value()), inserted.fields});
      entries.back().fields.emplace_back("platforms", platforms);
      for (const auto& [offset, name] : inserted.values)
        entries.push_back(
            {fmt::format("parameter {} {:#x}", name, insert->gpa + offset), {{"platforms", platforms}}});
    }
  }
  return entries;
}

std::string memory_text(std::uint64_t bytes) {
  return bytes % kMiB == 0 ? fmt::format("{} MiB", bytes / kMiB) : fmt::format("{} bytes", bytes);
}

Entry machine_entry(const Machine& machine) {
  Entry entry{"machine",
              {{"arch", std::string(arch_name(machine.arch))},
               {"memory", memory_text(machine.memory)},
               {"cpus", std::to_string(machine.cpus)},
               {"numa nodes", std::to_string(machine.numa_nodes)},
               {"protocol", machine.protocol}}};
  if (machine.arch == Arch::aarch64) {
    entry.fields.emplace_back("gic", gic_name(machine.gic));
    entry.fields.emplace_back("its", machine.its ? "yes" : "no");
  }
  if (machine.kernel) {
    entry.fields.emplace_back("kernel placed by", kernel_place_name(machine.kernel->by));
    entry.fields.emplace_back("kernel physical address", fmt::format("{:#x}", machine.kernel->physical));
    entry.fields.emplace_back("kernel virtual address",
                              fmt::format("{:#x}", machine.kernel->virtual_address));
  }
  return entry;
}

std::vector<Entry> components_of(const Machine& machine) {
  std::vector<Entry> entries;
  for (const Component& component : machine.components)
    entries.push_back({"component " + component.role,
                       {{"format", component.format},
                        {"version", component.version},
                        {"size", std::to_string(component.size)},
                        {"sha256", to_hex(component.sha256)}}});
  return entries;
}

std::vector<Entry> device_entries(const Machine& machine) {
  std::vector<Entry> entries;
  for (const Device& device : devices_of(machine)) {
    entries.push_back({fmt::format("device {}", device.name),
                       {{"compatible", std::string(device.compatible)},
                        {"space", device.space == Device::Space::port ? "port" : "mmio"},
                        {"base", fmt::format("{:#x}", device.base)},
                        {"size", fmt::format("{:#x}", device.size)},
                        {"count", std::to_string(device.count)}}});
    if (device.interrupt) entries.back().fields.emplace_back("interrupt", std::to_string(*device.interrupt));
  }
  return entries;
}

}  // namespace

void compare_headers(const DiffSide& a, const DiffSide& b, DiffReport& report) {
  const auto file_entry = [](const DiffSide& side) {
    return Entry{"file",
                 {{"IGVM version", std::to_string(side.headers.format_version)},
                  {"architecture", std::string(arch_name(side.headers.arch))}}};
  };
  compare_entries("header", {file_entry(a)}, {file_entry(b)}, report);
  const auto compare = [&](const char* category, std::vector<HeaderReport> InspectReport::*list,
                           const char* prefix, const char* key) {
    compare_entries(category, entries_of(a, a.headers.*list, prefix, key),
                    entries_of(b, b.headers.*list, prefix, key), report);
  };
  const auto platforms = [](const DiffSide& side) {
    std::vector<Entry> entries;
    for (const HeaderReport& header : side.headers.platforms) {
      if (!is_compared(side, header)) continue;
      Entry entry{"platform " + header.what, {}};
      for (const auto& field : header.fields)
        if (field.first != "mask") entry.fields.push_back(field);
      entries.push_back(std::move(entry));
    }
    return entries;
  };
  compare_entries("header", platforms(a), platforms(b), report);
  compare("header", &InspectReport::initializations, "", "");
  compare("header", &InspectReport::required_memory, "memory ", "start");
  compare("header", &InspectReport::others, "", "");
  compare_entries("parameter", parameters_of(a), parameters_of(b), report);
  compare_entries("registers", contexts_of(a), contexts_of(b), report);
}

void compare_machines(const DiffSide& a, const DiffSide& b, DiffReport& report) {
  if (!a.machine() && !b.machine()) return;
  const auto list = [](const DiffSide& side, auto make) {
    return side.machine() ? make(*side.machine()) : std::vector<Entry>();
  };
  const auto machines = [](const Machine& machine) { return std::vector{machine_entry(machine)}; };
  compare_entries("machine", list(a, machines), list(b, machines), report);
  if (!a.machine() || !b.machine()) return;
  compare_entries("component", components_of(*a.machine()), components_of(*b.machine()), report);
  compare_entries("device", device_entries(*a.machine()), device_entries(*b.machine()), report);
}

}  // namespace tintype
