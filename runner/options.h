// The command line of run-snapshot, as values.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "formats/measure.h"
#include "formats/result.h"
#include "runner/image.h"

namespace tintype {

struct RunOptions {
  std::string image;
  MachineWishes wishes;
  std::optional<std::chrono::nanoseconds> timeout;
  bool seccomp = true;
  std::optional<LaunchDigest> expect = std::nullopt;  // what the run has to be of
};

// Text to print and leave with status 0: help or version.
struct PrintOptions {
  std::string text;
};

// Errors are usage errors: exit status 2.
Result<std::variant<RunOptions, PrintOptions>> parse_options(int argc, const char* const* argv);

// "512M", "4G" or bytes, to bytes: a multiple of 4096 from 1 MiB to 1 TiB.
Result<std::uint64_t> parse_memory(std::string_view text);

// "5" or "0.25", in seconds, up to kMaxTimeout.
Result<std::chrono::nanoseconds> parse_timeout(std::string_view text);
inline constexpr std::chrono::seconds kMaxTimeout{100'000'000};

}  // namespace tintype
