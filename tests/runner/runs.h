// Guests in the real run-snapshot under real KVM, in a line each.
#pragma once

#include "runner/guests.h"
#include "runner/process.h"

namespace runs {

// What is to keep a test that went wrong from running on; no test that goes right waits for it, on whatever
// machine.
inline const std::vector<std::string> kLimit = {"--timeout", "60"};

inline process::Ended run(const guests::Octets& image, std::vector<std::string> options = kLimit,
                          process::Input input = {}) {
  const guests::TemporaryFile file(image);
  options.push_back(file.path());
  return process::run(options, std::move(input));
}

inline process::Ended run(const guests::Code& code, std::vector<std::string> options = kLimit,
                          process::Input input = {}) {
  return run(guests::image_of(code), std::move(options), std::move(input));
}

inline bool has(const std::string& text, std::string_view part) {
  const bool found = text.find(part) != std::string::npos;
  if (!found) MESSAGE(text);
  return found;
}

inline std::string vector(const std::string& name) {
  return std::string(TINTYPE_TESTS_DIR) + "/vectors/igvm/" + name;
}

}  // namespace runs

#define NEED_KVM()                             \
  if (const auto reason = process::no_kvm()) { \
    skip_test(*reason);                        \
    return;                                    \
  }
