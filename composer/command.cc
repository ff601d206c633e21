#include "composer/command.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "formats/suggest.h"
#include "version.h"

namespace tintype {

namespace {

std::vector<const Command*> in_help_order() {
  std::vector<const Command*> ordered(commands().begin(), commands().end());
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const Command* a, const Command* b) { return a->rank < b->rank; });
  return ordered;
}

// A summary of several lines, all of them in the column of the first.
std::string indented(std::string_view text) {
  std::string lines;
  for (const char c : text) {
    lines += c;
    if (c == '\n') lines += "           ";
  }
  return lines;
}

std::string help() {
  std::string text =
      "compose-snapshot - compose boot snapshots offline, measure them and compare them\n\nUsage:\n";
  for (const Command* command : in_help_order())
    text += fmt::format("  compose-snapshot {} {}\n", command->name, command->usage);
  text += "  compose-snapshot --help | --version\n\nCommands:\n";
  for (const Command* command : in_help_order())
    text += fmt::format("  {:<8} {}\n", command->name, indented(command->summary));
  return text +
         "\n'compose-snapshot COMMAND --help' describes a command.\n\n"
         "Exit status: 0 done, 1 the input was refused, 2 the command line was.\n";
}

}  // namespace

Action print(std::string text) {
  return [text = std::move(text)]() -> Result<Done> { return Done{.text = text}; };
}

Result<Action> parse_program(int argc, const char* const* argv) {
  if (argc < 2) return fail("no command is given: try compose-snapshot --help");
  const std::string_view name = argv[1];
  if (name == "--help" || name == "-h" || name == "help") return print(help());
  if (name == "--version") return print(fmt::format("compose-snapshot {}\n", kVersion));
  std::vector<std::string_view> names;
  for (const Command* command : commands()) {
    if (command->name == name) return command->parse(argc - 1, argv + 1);
    names.push_back(command->name);
  }
  return fail("unknown command '{}'{}: try compose-snapshot --help", name, did_you_mean(name, names));
}

}  // namespace tintype
