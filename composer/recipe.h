// Recipes: the options of compose-snapshot build as a TOML file. RECIPE.md describes them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "composer/command_line.h"
#include "composer/json.h"
#include "formats/machine.h"
#include "formats/result.h"
#include "formats/wire.h"

namespace tintype {

// One option as someone set it.
struct Setting {
  std::string option;                // "kernel"
  std::optional<std::string> value;  // as on a command line, of a flag "true"; none: it is taken back
  std::string origin = {};           // "image.toml:7"; empty: the command line
  bool operator==(const Setting&) const = default;
};

// In the order that repeatable options have.
using Settings = std::vector<Setting>;

// A recipe is written by a person. What is longer than this, in bytes, is not one.
inline constexpr std::uint64_t kMaxRecipe = 1 << 20;

// Whether an option has a key in recipes. Those that name the recipe itself have none, and --depfile.
bool is_recipe_key(std::string_view option);

// What the recipe `text`, a file called `path`, sets: its keys, and over them those of the variant of that
// name. Files are relative to the folder of `path`, or to the current one if that is "-", standard input, or
// below /dev or /proc, as pipes are. Errors name file and line: what is not TOML, an unknown
// key, with the one that was probably meant, a value of another type, an unknown variant.
Result<Settings> read_recipe(const CommandSpec& spec, const std::string& path, Bytes text,
                             const std::optional<std::string>& variant);

// `base` with what `over` sets in its place: an option replaces all values of the same option and of those
// that say the same thing in another way (RECIPE.md lists them); of --smbios each key is by itself.
Settings merged(Settings base, const Settings& over);

// What a command line sets: its recipe, and over it its options. Errors: those of read_recipe(), a recipe
// that cannot be read, or that is the output too.
Result<Settings> settings_of(const CommandSpec& spec, const CommandLine& line);

// The same as if all of it had been given as options.
CommandLine command_line_of(const Settings& settings);

// `result`, its error with the line of the recipe that set the first option which the message names.
template <typename T>
Result<T> with_origin(Result<T> result, const Settings& settings);
// That line, or nothing.
std::string origin_of(std::string_view message, const Settings& settings);

// The recipe as an object: a member for each option that is set, in the order of `spec`.
Json recipe_json(const CommandSpec& spec, const Settings& settings);
// The same with each file called by the role of its component, without what does not concern the guest.
Json recipe_by_roles(const CommandSpec& spec, const Settings& settings,
                     const std::vector<Component>& components);
// The recipe as a file; relative paths are of the folder it will be in. Errors: text that is not UTF-8.
Result<std::string> recipe_text(const CommandSpec& spec, const Settings& settings);

template <typename T>
Result<T> with_origin(Result<T> result, const Settings& settings) {
  if (result) return result;
  const std::string origin = origin_of(result.error().message(), settings);
  return origin.empty() ? result : with_context(std::move(result), origin);
}

}  // namespace tintype
