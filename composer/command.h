// One command a file in commands/: a const descriptor that the build collects into a registry.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "composer/text_output.h"
#include "formats/result.h"

namespace tintype {

// How a command ended: what to print on standard output, a sentence for standard error, and the exit status.
struct Done {
  std::string text = {};
  TextSource long_text = {};  // what follows `text`, if there is any
  std::string note = {};      // without a line feed at its end; may be empty
  int status = 0;
  int trouble = 1;  // the status if the text cannot be written
};

// What is to be done. An error of it is exit status 1.
using Action = std::function<Result<Done>()>;

struct Command {
  std::string_view name;     // "build"
  std::string_view summary;  // for the program's help; lines of 67 characters at most
  std::string_view usage;    // "FILE [--json]"
  unsigned rank;             // its place in that help
  // Takes argv[0], the command's name, and what follows. An error is a usage error: exit status 2.
  Result<Action> (*parse)(int argc, const char* const* argv);
};

// All commands, in the order of their file names.
std::span<const Command* const> commands();

// The action that a whole command line asks for. Errors are usage errors.
Result<Action> parse_program(int argc, const char* const* argv);

// An action that prints `text`.
Action print(std::string text);

}  // namespace tintype
