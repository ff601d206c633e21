#include "composer/recipe.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "composer/files.h"
#include "formats/size.h"

namespace tintype {

namespace {

// The depfile is for whoever calls, and names the recipe.
constexpr std::string_view kNoKeys[] = {"recipe", "variant", "print-recipe", "depfile"};

// What an option replaces beside itself: another way to say the same, or what is a part of it.
struct Replacement {
  std::string_view given;
  std::string_view replaced;
  bool part = false;  // goes when the option is taken back, too
};
constexpr Replacement kReplacements[] = {
    {"initrd", "initrd-dir"},
    {"initrd-dir", "initrd"},
    {"module", "module-cmdline", true},
    {"fdt", "dtb"},
    {"dtb", "fdt"},
    {"protocol", "device-tree"},
    {"device-tree", "protocol"},
    {"numa", "numa-distance", true},
    {"acpi-table", "no-acpi"},
    {"no-acpi", "acpi-table"},
};

// Of a setting that has a value.
std::string_view smbios_key(const Setting& setting) {
  const std::string_view text = *setting.value;
  return text.substr(0, text.find('='));
}

// What settings replace, to be asked of every other setting: a recipe may have a hundred thousand.
class Replacing {
 public:
  // Borrows from the settings.
  explicit Replacing(const Settings& settings) {
    for (const Setting& setting : settings) {
      if (setting.option == "smbios" && setting.value)
        smbios_keys_.insert(smbios_key(setting));
      else
        replaced_.insert(setting.option);
      for (const Replacement& rule : kReplacements)
        if (rule.given == setting.option && (setting.value || rule.part)) replaced_.insert(rule.replaced);
    }
  }

  bool replaces(const Setting& base) const {
    if (replaced_.contains(base.option)) return true;
    return base.option == "smbios" && base.value && smbios_keys_.contains(smbios_key(base));
  }

 private:
  std::set<std::string_view> replaced_;     // options
  std::set<std::string_view> smbios_keys_;  // each of which is by itself
};

bool sets(const Settings& settings, std::string_view option) {
  return std::any_of(settings.begin(), settings.end(),
                     [&](const Setting& setting) { return setting.option == option && setting.value; });
}

std::vector<std::string> values_of(const Settings& settings, std::string_view option) {
  std::vector<std::string> values;
  for (const Setting& setting : settings)
    if (setting.option == option) values.push_back(*setting.value);
  return values;
}

// Files and directories in the order given. Where a file follows a directory the order is in one list.
void put_initrds(const Settings& settings, Json& recipe) {
  std::vector<const Setting*> initrds;
  for (const Setting& setting : settings)
    if (setting.option == "initrd" || setting.option == "initrd-dir") initrds.push_back(&setting);
  const bool sorted = std::is_sorted(initrds.begin(), initrds.end(), [](const Setting* a, const Setting* b) {
    return a->option == "initrd" && b->option == "initrd-dir";
  });
  for (const Setting* setting : initrds) {
    Json& list = recipe[sorted ? setting->option : "initrd"];
    if (list.is_null()) list = Json::array();
    const bool in_list = !sorted && setting->option == "initrd-dir";
    list.push_back(in_list ? Json({{"dir", *setting->value}}) : Json(*setting->value));
  }
}

// A member for each key; of a key that has several values a list.
Json smbios_json(const Settings& settings) {
  Json json = Json::object();
  std::map<std::string, std::vector<std::string>, std::less<>> values;
  for (const Setting& setting : settings) {
    if (setting.option != "smbios") continue;
    const std::string key(smbios_key(setting));
    values[key].push_back(setting.value->substr(std::min(key.size() + 1, setting.value->size())));
  }
  for (const auto& [key, texts] : values) json[key] = texts.size() == 1 ? Json(texts[0]) : Json(texts);
  return json;
}

// The options that are files of the compose, with the role of what becomes of them.
std::string_view role_of(std::string_view option) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kRoles = {
      {{"initrd", "initrd"},
       {"initrd-dir", "initrd"},
       {"module", "module"},
       {"fdt", "dtb"},
       {"dtb", "dtb"},
       {"fdt-overlay", "fdt-overlay"},
       {"acpi-table", "acpi-table"}}};
  for (const auto& [name, role] : kRoles)
    if (name == option) return role;
  return "";
}

// The components of one role: "initrd", "initrd.2", ...
std::vector<std::string> names_of(const std::vector<Component>& components, std::string_view role) {
  std::vector<std::string> names;
  for (const Component& component : components)
    if (component.role == role || component.role.starts_with(fmt::format("{}.", role)))
      names.push_back(component.role);
  return names;
}

}  // namespace

bool is_recipe_key(std::string_view option) {
  return std::find(std::begin(kNoKeys), std::end(kNoKeys), option) == std::end(kNoKeys);
}

Settings merged(Settings base, const Settings& over) {
  const Replacing replacing(over);
  std::erase_if(base, [&](const Setting& setting) { return replacing.replaces(setting); });
  // It is about directories, and with the list of initrds they are gone too.
  if (sets(over, "initrd") && !sets(over, "initrd-dir"))
    std::erase_if(base, [](const Setting& setting) { return setting.option == "initrd-compress"; });
  base.insert(base.end(), over.begin(), over.end());
  std::erase_if(base, [](const Setting& setting) { return !setting.value; });
  return base;
}

Result<Settings> settings_of(const CommandSpec& spec, const CommandLine& line) {
  Settings given;
  for (const auto& [option, value] : line.options())
    if (is_recipe_key(option)) given.push_back({option, value});
  const auto path = line.find("recipe");
  if (!path) return given;
  const InputFile file = TRY(InputFile::open(*path == "-" ? "/dev/stdin" : *path, {kMaxRecipe, "a recipe"}));
  Settings settings = merged(TRY(read_recipe(spec, *path, file.bytes(), line.find("variant"))), given);
  for (const Setting& setting : settings)
    if ((setting.option == "output" || setting.option == "manifest") && file.is_replaced_by(*setting.value))
      return fail("{}: is the recipe too, and would be replaced: give another {}", *setting.value,
                  setting.option);
  if (const auto depfile = line.find("depfile"); depfile && file.is_replaced_by(*depfile))
    return fail("{}: is the recipe too, and would be replaced: give another depfile", *depfile);
  return settings;
}

CommandLine command_line_of(const Settings& settings) {
  std::vector<CommandLine::Option> options;
  for (const Setting& setting : settings) options.emplace_back(setting.option, *setting.value);
  return {std::move(options), {}};
}

std::string origin_of(std::string_view message, const Settings& settings) {
  std::size_t first = message.npos;
  std::string origin;
  for (const Setting& setting : settings) {
    const std::string name = "--" + setting.option;
    const std::size_t at = message.find(name);
    if (at >= first) continue;
    const char after = at + name.size() < message.size() ? message[at + name.size()] : ' ';
    if (after == '-' || (after >= 'a' && after <= 'z')) continue;  // a longer name
    first = at;
    origin = setting.origin;
  }
  return origin;
}

Json recipe_json(const CommandSpec& spec, const Settings& settings) {
  Json recipe = Json::object();
  for (const OptionGroup& group : spec.groups)
    for (const OptionSpec& option : group.options) {
      const std::vector<std::string> values = values_of(settings, option.name);
      if (values.empty() || !is_recipe_key(option.name)) continue;
      if (option.name == "initrd" || option.name == "initrd-dir") {
        if (!recipe.find("initrd") && !recipe.find("initrd-dir")) put_initrds(settings, recipe);
      } else if (option.name == "smbios") {
        recipe[option.name] = smbios_json(settings);
      } else if (option.repeatable) {
        recipe[option.name] = values;
      } else if (option.value.empty()) {
        recipe[option.name] = true;
      } else {
        const auto number = option.is_number() ? parse_decimal(values[0]) : std::nullopt;
        recipe[option.name] = number ? Json(*number) : Json(values[0]);
      }
    }
  return recipe;
}

Json recipe_by_roles(const CommandSpec& spec, const Settings& settings,
                     const std::vector<Component>& components) {
  constexpr std::string_view kNotOfTheGuest[] = {"output", "manifest", "timings", "quiet"};
  Settings named;
  for (Setting setting : settings) {
    if (std::find(std::begin(kNotOfTheGuest), std::end(kNotOfTheGuest), setting.option) !=
        std::end(kNotOfTheGuest))
      continue;
    if (setting.option == "kernel") setting.value = names_of(components, "uki").empty() ? "kernel" : "uki";
    named.push_back(std::move(setting));
  }
  // What a unified kernel image brings comes first, so the last ones are those that were named.
  std::map<std::string, std::vector<std::string>, std::less<>> left;
  for (auto setting = named.rbegin(); setting != named.rend(); ++setting) {
    const std::string role(role_of(setting->option));
    if (role.empty()) continue;
    if (!left.contains(role)) left[role] = names_of(components, role);
    std::vector<std::string>& names = left[role];
    setting->value = names.empty() ? role : names.back();
    if (!names.empty()) names.pop_back();
  }
  return recipe_json(spec, named);
}

}  // namespace tintype
