#include "composer/command_line.h"

#include <algorithm>
#include <cxxopts.hpp>

#include "formats/suggest.h"

namespace tintype {

namespace {

constexpr char kOperands[] = "operands";
constexpr char kHidden[] = "hidden";

std::string names_of(const OptionSpec& option) {
  return option.letter == 0 ? option.name : fmt::format("{},{}", option.letter, option.name);
}

std::vector<std::string> titles_of(const CommandSpec& command) {
  std::vector<std::string> titles;
  for (const OptionGroup& group : command.groups) titles.push_back(group.title);
  return titles;
}

cxxopts::Options make_parser(const CommandSpec& command) {
  cxxopts::Options parser("compose-snapshot " + command.name, command.summary + "\n");
  parser.custom_help(command.usage);
  parser.positional_help("");
  parser.set_width(79);
  for (const OptionGroup& group : command.groups)
    for (const OptionSpec& option : group.options) {
      if (option.value.empty())
        parser.add_options(group.title)(names_of(option), option.help);
      else
        parser.add_options(group.title)(names_of(option), option.help, cxxopts::value<std::string>(),
                                        option.value);
    }
  parser.add_options(command.groups.front().title)("h,help", "print this help");
  parser.add_options(kHidden)(kOperands, "", cxxopts::value<std::vector<std::string>>());
  if (!command.operands.empty()) parser.parse_positional({kOperands});
  return parser;
}

// cxxopts quotes an option's bare name: "Option 'x' does not exist". People type it with its dashes.
std::string with_dashes(std::string text) {
  for (const std::string_view quote : {"\u2018", "\u2019"})
    for (std::size_t at = text.find(quote); at != std::string::npos; at = text.find(quote))
      text.replace(at, quote.size(), "'");
  constexpr std::string_view kStart = "Option '";
  if (!text.starts_with(kStart)) return text;
  const std::size_t name = text.find('\'', kStart.size()) - kStart.size();
  return fmt::format("option '{}{}", name == 1 ? "-" : "--", text.substr(kStart.size()));
}

std::string flag_with_value(std::string_view option) {
  return fmt::format("option '{}' takes no value: give it alone, or leave it out", option);
}

// cxxopts says only that an option does not exist; people want to know which one they meant.
std::string usage_error(const std::exception& error, const CommandSpec& command, int argc,
                        const char* const* argv) {
  std::vector<std::string> names = {"--help"};
  for (const OptionGroup& group : command.groups)
    for (const OptionSpec& option : group.options) names.push_back("--" + option.name);
  const std::vector<std::string_view> known(names.begin(), names.end());
  const std::string text = with_dashes(error.what());
  const std::string see = fmt::format("see compose-snapshot {} --help", command.name);
  for (int i = 1; i < argc; ++i) {
    const std::string_view whole = argv[i];
    const std::string_view word = whole.substr(0, whole.find('='));
    // Every value is text, so only that of a flag can fail to parse.
    if (word.size() < whole.size() &&
        text == fmt::format("Argument '{}' failed to parse", whole.substr(word.size() + 1)))
      return flag_with_value(word);
    // "-kernel" is read as -k, -e and so on.
    if (word.size() > 2 && word[0] == '-' && text.find(fmt::format("'{}'", word.substr(0, 2))) != text.npos)
      if (const std::string meant = fmt::format("-{}", word);
          std::find(known.begin(), known.end(), meant) != known.end())
        return fmt::format("unknown option '{}' (did you mean '{}'?): {}", word, meant, see);
    if (text.find(fmt::format("'{}'", word)) == std::string::npos) continue;
    if (std::find(known.begin(), known.end(), word) == known.end() && word.starts_with("--"))
      return fmt::format("unknown option '{}'{}: {}", word, did_you_mean(word, known), see);
  }
  return fmt::format("{}: {}", text, see);
}

Result<void> check_option(const OptionSpec& spec, const std::string& value, std::size_t count) {
  if (spec.file && value.empty())
    return fail("option '--{}' has an empty name: name a file, or leave it out", spec.name);
  if (spec.value.empty() && value != "true") return fail("{}", flag_with_value("--" + spec.name));
  if (!spec.repeatable && count > 1)
    return fail("option '--{}' is given {} times: give it once", spec.name, count);
  return {};
}

Result<void> check_operands(const CommandSpec& command, const std::vector<std::string>& operands) {
  const std::size_t wanted = command.operands.size();
  if (operands.size() != wanted) {
    constexpr std::string_view kNumbers[] = {"no", "one", "two"};
    const std::string given = operands.empty() ? "none are" : operands.size() == 1 ? "one is" : "several are";
    return fail("{} takes {} file{}, and {} given", command.name, kNumbers[wanted], wanted == 1 ? "" : "s",
                given);
  }
  for (std::size_t i = 0; i < wanted; ++i)
    if (operands[i].empty()) return fail("the {} has an empty name: give another", command.operands[i]);
  return {};
}

}  // namespace

std::optional<std::string> CommandLine::find(std::string_view name) const {
  const auto found = std::find_if(options_.begin(), options_.end(),
                                  [&](const Option& option) { return option.first == name; });
  if (found == options_.end()) return std::nullopt;
  return found->second;
}

std::vector<std::string> CommandLine::values(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [option, value] : options_)
    if (option == name) values.push_back(value);
  return values;
}

Result<std::variant<CommandLine, PrintOptions>> parse_command_line(const CommandSpec& command, int argc,
                                                                   const char* const* argv) {
  cxxopts::Options parser = make_parser(command);
  try {
    const cxxopts::ParseResult result = parser.parse(argc, argv);
    if (result.count("help")) return PrintOptions{parser.help(titles_of(command)) + command.epilogue};
    std::vector<CommandLine::Option> options;
    std::vector<std::string> operands;
    for (const auto& given : result.arguments()) {
      if (given.key() == kOperands) {
        operands.push_back(given.value());
        continue;
      }
      for (const OptionGroup& group : command.groups)
        for (const OptionSpec& spec : group.options)
          if (spec.name == given.key()) TRY(check_option(spec, given.value(), result.count(given.key())));
      options.emplace_back(given.key(), given.value());
    }
    if (!result.unmatched().empty())
      return fail("'{}' is one argument too many: options start with '--'", result.unmatched().front());
    TRY(check_operands(command, operands));
    return CommandLine(std::move(options), std::move(operands));
  } catch (const std::exception& error) {
    return fail("{}", usage_error(error, command, argc, argv));
  }
}

}  // namespace tintype
