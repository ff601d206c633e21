// The command line of compose-snapshot, as values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "formats/result.h"

namespace tintype {

struct BuildOptions {
  std::string output;
  std::string kernel;
  std::optional<std::string> initrd;
  std::string cmdline;
  std::uint64_t memory = 512ull << 20;  // bytes
  std::uint32_t cpus = 1;
  std::optional<std::string> protocol;  // none: the kernel's default
  bool timings = false;
  bool quiet = false;
};

struct InspectOptions {
  std::string file;
  bool json = false;
};

// Text to print and leave with status 0: help or version.
struct PrintOptions {
  std::string text;
};

using Options = std::variant<BuildOptions, InspectOptions, PrintOptions>;

// Errors are usage errors: exit status 2.
Result<Options> parse_options(int argc, const char* const* argv);

}  // namespace tintype
