// The recipe that says what a command line says, as TOML 1.0.
#include <algorithm>

#include "composer/recipe.h"

namespace tintype {

namespace {

constexpr char kHead[] =
    "# A recipe for compose-snapshot build --recipe. Paths are relative to the folder this file is in.\n";
constexpr std::size_t kLine = 100;  // the longest list on one line

// Whether `text` is well-formed UTF-8 (Unicode 15.0, table 3-7), as TOML wants it.
bool is_utf8(std::string_view text) {
  const auto byte = [&](std::size_t at) {
    return at < text.size() ? static_cast<std::uint8_t>(text[at]) : 0u;
  };
  for (std::size_t i = 0; i < text.size();) {
    const unsigned lead = byte(i);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xC2 ? 0
                               : lead < 0xE0 ? 2
                               : lead < 0xF0 ? 3
                               : lead < 0xF5 ? 4
                                             : 0;
    if (length == 0) return false;
    // The second byte excludes what is longer than need be, surrogates, and what is past U+10FFFF.
    const unsigned lowest = lead == 0xE0 ? 0xA0u : lead == 0xF0 ? 0x90u : 0x80u;
    const unsigned highest = lead == 0xED ? 0x9Fu : lead == 0xF4 ? 0x8Fu : 0xBFu;
    if (length > 1 && (byte(i + 1) < lowest || byte(i + 1) > highest)) return false;
    for (std::size_t k = 2; k < length; ++k)
      if ((byte(i + k) & 0xC0) != 0x80) return false;
    i += length;
  }
  return true;
}

// A basic string (TOML 1.0, "String").
std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    const auto code = static_cast<std::uint8_t>(c);
    if (c == '"' || c == '\\')
      result += fmt::format("\\{}", c);
    else if (c == '\n' || c == '\t')
      result += c == '\n' ? "\\n" : "\\t";
    else if (code < 0x20 || code == 0x7F)
      result += fmt::format("\\u{:04X}", code);
    else
      result += c;
  }
  return result + "\"";
}

std::string toml(const Json& value);

std::string toml_list(const Json::Array& elements) {
  std::string line, lines;
  for (const Json& element : elements) {
    line += fmt::format("{}{}", line.empty() ? "" : ", ", toml(element));
    lines += fmt::format("  {},\n", toml(element));
  }
  return line.size() <= kLine ? fmt::format("[{}]", line) : fmt::format("[\n{}]", lines);
}

std::string toml(const Json& value) {
  if (value.text()) return quoted(*value.text());
  if (value.elements()) return toml_list(*value.elements());
  if (const Json* directory = value.find("dir")) return fmt::format("{{ dir = {} }}", toml(*directory));
  return json_line(value);  // booleans and numbers are written alike
}

}  // namespace

Result<std::string> recipe_text(const CommandSpec& spec, const Settings& settings) {
  for (const Setting& setting : settings)
    if (!is_utf8(*setting.value))
      return fail(
          "--{} has bytes that are not UTF-8, and a recipe is UTF-8: leave it out, and give it beside "
          "--recipe",
          setting.option);
  std::string text = kHead;
  std::string tables;
  const Json recipe = recipe_json(spec, settings);
  for (const auto& [key, value] : *recipe.members()) {
    if (!value.members()) {
      text += fmt::format("{} = {}\n", key, toml(value));
      continue;
    }
    tables += fmt::format("\n[{}]\n", key);
    for (const auto& [name, field] : *value.members()) tables += fmt::format("{} = {}\n", name, toml(field));
  }
  return text + tables;
}

}  // namespace tintype
