// Reads recipes, with toml++, whose exceptions and types stay here.
#include <algorithm>

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include "composer/recipe.h"
#include "formats/suggest.h"

namespace tintype {

namespace {

// Text from a file as a message can show it: on one line, and no longer than that.
std::string shown(std::string_view text, std::size_t most = 64) {
  std::string result;
  for (const char c : text.substr(0, most))
    result += static_cast<std::uint8_t>(c) < 0x20 || c == 0x7F ? '?' : c;
  return text.size() > most ? result + "..." : result;
}

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "a number";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "true or false";
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time:
      return "a date or time";
    default:
      return "nothing";
  }
}

// What toml++ says, without that it is an error and of parsing.
std::string_view complaint(std::string_view description) {
  constexpr std::string_view kStart = "Error while parsing ";
  return description.starts_with(kStart) ? description.substr(kStart.size()) : description;
}

using Entry = std::pair<const toml::key*, const toml::node*>;

// The folder of a recipe, with a slash at its end; empty for the current one, which standard input and pipes
// have too: the folder of /dev/fd/63 is nobody's.
std::string folder_of(const std::string& path) {
  if (path.starts_with("/dev/") || path.starts_with("/proc/")) return "";
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

// The entries of a table from top to bottom, so that the first mistake of a file is the one that is told.
std::vector<Entry> entries_of(const toml::table& table) {
  std::vector<Entry> entries;
  for (const auto& [key, node] : table) entries.emplace_back(&key, &node);
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.first->source().begin < b.first->source().begin;
  });
  return entries;
}

class Reader {
 public:
  Reader(const CommandSpec& spec, const std::string& path) : path_(path), folder_(folder_of(path)) {
    for (const OptionGroup& group : spec.groups)
      for (const OptionSpec& option : group.options)
        if (is_recipe_key(option.name)) options_.push_back(option);
  }

  // The keys of the whole file, or of a variant.
  Result<Settings> read(const toml::table& table, bool variant) const;
  Result<Settings> read_variants(const toml::table& variants, const std::optional<std::string>& chosen,
                                 Settings base) const;
  std::string at(const toml::source_region& source) const {
    return fmt::format("{}:{}", path_, source.begin.line);
  }

 private:
  struct Ranked {
    std::size_t rank;
    Settings settings;
  };
  tl::unexpected<Error> unknown(const toml::key& key, std::span<const std::string_view> known,
                                std::string_view what) const {
    return fail("{}: unknown key '{}'{}: {}", at(key.source()), shown(key.str()),
                did_you_mean(key.str(), known), what);
  }
  tl::unexpected<Error> wrong(const toml::node& node, std::string_view name, std::string_view example) const {
    return fail("{}: '{}' is {}, and wants another type: write {}", at(node.source()), name, type_name(node),
                example);
  }
  // The file that a recipe means by a name. "-" is standard output where that can be, and a file elsewhere.
  std::string located(const OptionSpec& option, const std::string& name) const {
    const bool output = option.name == "output" || option.name == "manifest";
    return name.starts_with('/') || (output && name == "-") ? name : folder_ + name;
  }
  const OptionSpec& option(std::string_view name) const {
    return *std::find_if(options_.begin(), options_.end(),
                         [&](const OptionSpec& option) { return option.name == name; });
  }
  Result<Settings> read_value(const OptionSpec& option, const toml::node& node) const;
  Result<Settings> read_list(const OptionSpec& option, const toml::node& node) const;
  Result<Settings> read_pairs(const OptionSpec& option, const toml::table& table) const;
  Result<Setting> read_element(const OptionSpec& option, const toml::node& node) const;
  Result<Setting> read_directory(const toml::table& table) const;
  Result<Setting> read_node(const toml::table& table) const;
  Result<Setting> read_text(const OptionSpec& option, const toml::node& node, const std::string& text) const;

  std::string path_;
  std::string folder_;
  std::vector<OptionSpec> options_;
};

// "memory = \"512M\"": a line of a recipe that would be right.
std::string example_of(const OptionSpec& option) {
  if (option.value.empty()) return fmt::format("{} = true", option.name);
  if (option.is_number()) return fmt::format("{} = 1", option.name);
  if (option.is_size()) return fmt::format("{} = \"512M\"", option.name);
  return option.repeatable ? fmt::format("{} = [\"{}\"]", option.name, option.value)
                           : fmt::format("{} = \"{}\"", option.name, option.value);
}

// Of an option with values of the form A=B, which can be a table.
bool has_pairs(const OptionSpec& option) {
  return option.value.find('=') != std::string::npos;
}

Result<Setting> Reader::read_text(const OptionSpec& option, const toml::node& node,
                                  const std::string& text) const {
  if (text.find('\0') != std::string::npos)
    return fail("{}: '{}' has a zero byte in it, which ends a text: take it out", at(node.source()),
                option.name);
  if (option.file && text.empty())
    return fail("{}: '{}' has an empty name: name a file, or leave it out", at(node.source()), option.name);
  return Setting{option.name, option.file ? located(option, text) : text, at(node.source())};
}

Result<Setting> Reader::read_directory(const toml::table& table) const {
  constexpr std::string_view kKnown[] = {"dir"};
  for (const auto& [key, node] : entries_of(table)) {
    if (key->str() != kKnown[0]) return unknown(*key, kKnown, "an initrd is a string, or { dir = \"DIR\" }");
    if (!node->is_string()) return wrong(*node, "dir", "{ dir = \"DIR\" }");
    return read_text(option("initrd-dir"), *node, node->as_string()->get());
  }
  return fail("{}: an initrd is an empty table: write a string, or {{ dir = \"DIR\" }}", at(table.source()));
}

Result<Setting> Reader::read_node(const toml::table& table) const {
  constexpr std::string_view kKnown[] = {"cpus", "memory"};
  std::string text;
  for (const auto& [key, node] : entries_of(table)) {
    if (std::find(std::begin(kKnown), std::end(kKnown), key->str()) == std::end(kKnown))
      return unknown(*key, kKnown, "a NUMA node has cpus and memory");
    std::string value;
    if (node->is_string())
      value = node->as_string()->get();
    else if (node->is_integer())
      value = std::to_string(node->as_integer()->get());
    else
      return wrong(*node, key->str(), "{ cpus = \"0-1\", memory = \"1G\" }");
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", key->str(), value);
  }
  return read_text(option("numa"), table, text);
}

Result<Setting> Reader::read_element(const OptionSpec& option, const toml::node& node) const {
  if (node.is_string()) return read_text(option, node, node.as_string()->get());
  if (node.is_table() && option.name == "initrd") return read_directory(*node.as_table());
  if (node.is_table() && option.name == "numa") return read_node(*node.as_table());
  return wrong(node, option.name, example_of(option));
}

// { product = "Turnip", oem-string = ["a", "b"] } as product=Turnip and so on.
Result<Settings> Reader::read_pairs(const OptionSpec& option, const toml::table& table) const {
  Settings settings;
  for (const auto& [key, node] : entries_of(table)) {
    std::vector<const toml::node*> values = {node};
    if (const toml::array* list = node->as_array()) {
      values.clear();
      for (const toml::node& element : *list) values.push_back(&element);
    }
    for (const toml::node* value : values) {
      std::string text;
      if (value->is_string())
        text = value->as_string()->get();
      else if (value->is_integer())
        text = std::to_string(value->as_integer()->get());
      else
        return wrong(*value, shown(key->str()), fmt::format("{} = \"TEXT\"", shown(key->str())));
      settings.push_back(TRY(read_text(option, *value, fmt::format("{}={}", key->str(), text))));
    }
  }
  return settings;
}

Result<Settings> Reader::read_list(const OptionSpec& option, const toml::node& node) const {
  Settings settings;
  if (const toml::table* table = node.as_table(); table && has_pairs(option))
    settings = TRY(read_pairs(option, *table));
  else if (const toml::array* list = node.as_array())
    for (const toml::node& element : *list) settings.push_back(TRY(read_element(option, element)));
  else
    settings.push_back(TRY(read_element(option, node)));
  // An empty list takes back what the recipe has without the variant.
  if (settings.empty()) settings.push_back({option.name, std::nullopt, at(node.source())});
  return settings;
}

Result<Settings> Reader::read_value(const OptionSpec& option, const toml::node& node) const {
  if (option.repeatable) return read_list(option, node);
  if (option.value.empty()) {
    if (!node.is_boolean()) return wrong(node, option.name, example_of(option));
    const bool on = node.as_boolean()->get();
    return Settings{{option.name, on ? std::optional<std::string>("true") : std::nullopt, at(node.source())}};
  }
  if (node.is_integer() && (option.is_number() || option.is_size()))
    return Settings{{option.name, std::to_string(node.as_integer()->get()), at(node.source())}};
  if (!node.is_string() || option.is_number()) return wrong(node, option.name, example_of(option));
  return Settings{TRY(read_text(option, node, node.as_string()->get()))};
}

Result<Settings> Reader::read(const toml::table& table, bool variant) const {
  std::vector<std::string_view> known;
  for (const OptionSpec& option : options_) known.push_back(option.name);
  if (!variant) known.push_back("variant");
  std::vector<Ranked> ranked;
  for (const auto& [key, node] : entries_of(table)) {
    const std::string_view name = key->str();
    const auto found = std::find(known.begin(), known.end(), name);
    if (found == known.end()) {
      if (name == "variant")
        return fail("{}: a variant has no variants of its own: write [variant.NAME] with one name",
                    at(key->source()));
      if (!is_recipe_key(name))
        return fail("{}: '{}' is an option of the command line only: a recipe is a whole by itself",
                    at(key->source()), name);
      return unknown(*key, known, "the keys are the options of compose-snapshot build");
    }
    if (name == "variant" && !variant) continue;
    const auto rank = static_cast<std::size_t>(found - known.begin());
    ranked.push_back({rank, TRY(read_value(options_[rank], *node))});
  }
  // The order of keys means nothing in TOML, and so it does here.
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const Ranked& a, const Ranked& b) { return a.rank < b.rank; });
  Settings settings;
  for (const Ranked& value : ranked)
    settings.insert(settings.end(), value.settings.begin(), value.settings.end());
  return settings;
}

Result<Settings> Reader::read_variants(const toml::table& variants, const std::optional<std::string>& chosen,
                                       Settings base) const {
  std::vector<std::string> names;
  std::optional<Settings> over;
  for (const auto& [key, node] : entries_of(variants)) {
    if (!node->is_table())
      return fail("{}: variant '{}' is {}, and wants to be a table: write [variant.{}] above its keys",
                  at(key->source()), shown(key->str()), type_name(*node), shown(key->str()));
    // Every variant is read: a mistake in one shows at the first use of the recipe.
    Settings settings = TRY(read(*node->as_table(), true));
    if (chosen && key->str() == *chosen) over = std::move(settings);
    names.emplace_back(key->str());
  }
  if (!chosen) return merged(std::move(base), {});
  if (over) return merged(std::move(base), *over);
  if (names.empty())
    return fail("{}: it has no variants, and --variant names '{}': leave it out", path_, *chosen);
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + shown(name);
  const std::vector<std::string_view> views(names.begin(), names.end());
  return fail("{}: unknown variant '{}'{}: choose from {}", path_, *chosen, did_you_mean(*chosen, views),
              all);
}

}  // namespace

Result<Settings> read_recipe(const CommandSpec& spec, const std::string& given, Bytes text,
                             const std::optional<std::string>& variant) {
  const std::string path = given == "-" ? "standard input" : given;
  if (text.size() > kMaxRecipe)
    return fail("{}: {} bytes are too many for a recipe, which has {} at most: give a recipe", path,
                text.size(), kMaxRecipe);
  // A dot nests a table, without a bound of toml++'s own, and what is nested deeply ends deep in the stack.
  constexpr auto kMaxDots = 4096;
  if (const auto dots = std::count(text.begin(), text.end(), '.'); dots > kMaxDots)
    return fail("{}: it has {} dots, and a recipe has {} at most: give a recipe", path, dots, kMaxDots);
  try {
    const std::string_view view(reinterpret_cast<const char*>(text.data()), text.size());
    const toml::parse_result parsed = toml::parse(view, path);
    const Reader reader(spec, path);
    if (!parsed)
      return fail("{}: this is no TOML: {}", reader.at(parsed.error().source()),
                  shown(complaint(parsed.error().description()), 200));
    const toml::table& table = parsed.table();
    Settings settings = TRY(reader.read(table, false));
    const toml::table none;
    const toml::node* variants = table.get("variant");
    if (variants && !variants->is_table())
      return fail("{}: 'variant' is {}, and wants to be tables: write [variant.NAME] above the keys of each",
                  reader.at(variants->source()), type_name(*variants));
    return reader.read_variants(variants ? *variants->as_table() : none, variant, std::move(settings));
  } catch (const std::exception& error) {
    return fail("{}: {}", path, error.what());  // out of memory
  }
}

}  // namespace tintype
