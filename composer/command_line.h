// The words after a command's name, as options and operands: one table says what a command takes, and help,
// parsing and messages follow from it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "formats/result.h"

namespace tintype {

struct OptionSpec {
  std::string name;         // "output"
  char letter = 0;          // 'o'; 0 if it has none
  std::string value;        // what help calls its value: "FILE"; empty: it takes none
  std::string help;         // one line
  bool repeatable = false;  // may be given several times
  bool file = false;        // names what is opened: a shell's unset variable makes an empty name
  bool is_number() const { return value == "N"; }
  bool is_size() const { return value == "SIZE"; }
};

struct OptionGroup {
  std::string title;  // "Kernel"; may be empty
  std::vector<OptionSpec> options;
};

struct CommandSpec {
  std::string name;                        // "inspect"
  std::string summary;                     // "Say what is in a snapshot or an IGVM file."
  std::string usage;                       // "FILE [--json]"
  std::vector<OptionGroup> groups;         // in the order of the help; --help is added to the first
  std::vector<std::string> operands = {};  // what messages call each: {"file"}; all must be given
  std::string epilogue = {};               // the end of the help
};

// Text to print and leave with status 0: help or version.
struct PrintOptions {
  std::string text;
};

// What was given, in its order. Options have no dashes; of one that takes no value it is "true".
class CommandLine {
 public:
  using Option = std::pair<std::string, std::string>;

  CommandLine() = default;
  CommandLine(std::vector<Option> options, std::vector<std::string> operands)
      : options_(std::move(options)), operands_(std::move(operands)) {}

  const std::vector<Option>& options() const { return options_; }
  const std::vector<std::string>& operands() const { return operands_; }
  bool has(std::string_view name) const { return find(name).has_value(); }
  // The value of an option that is not repeatable.
  std::optional<std::string> find(std::string_view name) const;
  // Every value of an option, in the order given.
  std::vector<std::string> values(std::string_view name) const;

 private:
  std::vector<Option> options_;
  std::vector<std::string> operands_;
};

// Reads argv[1] and up; argv[0] is the command's name. Errors: an unknown option, with the one that was
// probably meant; one that lacks its value, has one too many or is given twice; an empty file name; too few
// operands or too many.
Result<std::variant<CommandLine, PrintOptions>> parse_command_line(const CommandSpec& command, int argc,
                                                                   const char* const* argv);

}  // namespace tintype
