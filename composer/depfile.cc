#include "composer/depfile.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>

namespace tintype {

namespace {

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// What both take as it is. Not what Make takes for patterns, or ';', which begins a command for it.
bool is_plain(char c) {
  return is_alphanumeric(c) || static_cast<unsigned char>(c) >= 0x80 ||
         std::string_view("+,/_.~()}{%=@[]!-").find(c) != std::string_view::npos;
}

// How both read `name` in a rule; nothing if they differ, or one of them cannot. At an end, Ninja takes ':'
// for the rule's, and Make drops a space and runs `ar` for "a(b)". A backslash is one of the name's before a
// letter or digit only, as in systemd's "\x2d".
std::optional<std::string> escaped(std::string_view name) {
  const bool member = name.ends_with(')') && name.find('(') != name.npos;
  if (name.starts_with('~') || name.ends_with(' ') || name.ends_with(':') || name.ends_with('\\') || member)
    return std::nullopt;
  std::string text;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (c == ' ' || c == '#' || c == ':')
      text += '\\';
    else if (c == '$')
      text += '$';
    else if (c == '\\' ? !is_alphanumeric(name[i + 1]) : !is_plain(c))
      return std::nullopt;
    text += c;
  }
  return text;
}

// Whether Make reads "NAME:" as a rule, and as one for a file: no variable, pattern or special target.
bool is_plain_target(std::string_view name) {
  while (name.starts_with("./")) name.remove_prefix(2);
  const bool special = name.starts_with('.') && name.find('/') == name.npos;
  return !special && name.find_first_of("=%") == name.npos;
}

Result<std::string> name_in_rule(const std::string& name) {
  const auto text = escaped(name);
  if (text) return *text;
  return fail(
      "{}: --depfile cannot name it: it has a character that Make and Ninja do not both read, or one at its "
      "start or end: rename it",
      name);
}

}  // namespace

Result<std::string> depfile_text(const std::string& output, const std::vector<std::string>& inputs) {
  const bool absolute = output.starts_with('/');
  const std::string target = TRY(name_in_rule(output));
  if (!is_plain_target(output))
    return fail(
        "{}: --depfile cannot name it: '=', '%' and a first '.' have a meaning to Make there: "
        "give another output",
        output);
  std::set<std::string> seen;
  std::vector<std::string> names;
  for (const std::string& input : inputs) {
    std::error_code error;
    const std::string path = absolute ? std::filesystem::absolute(input, error).string() : input;
    if (error) return fail("{}: --depfile cannot name it: {}", input, error.message());
    if (seen.insert(path).second) names.push_back(path);
  }
  // "output: a=b" sets a variable for Make, but not after another name.
  std::stable_partition(names.begin(), names.end(),
                        [](const std::string& name) { return name.find('=') == name.npos; });
  if (!names.empty() && names.front().find('=') != std::string::npos)
    return fail("{}: --depfile cannot name it: to Make the first '=' of a rule sets a variable: rename it",
                names.front());

  std::string rule = target + ":", others;
  for (const std::string& name : names) {
    const std::string text = TRY(name_in_rule(name));
    rule += " \\\n  " + text;
    if (is_plain_target(name)) others += "\n" + text + ":\n";
  }
  return rule + "\n" + others;
}

}  // namespace tintype
