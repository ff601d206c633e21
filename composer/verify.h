// Whether a snapshot is the one that somebody expects.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "composer/host_launch.h"

namespace tintype {

struct VerifyOptions {
  std::string file;
  std::optional<std::string> manifest;  // a file: formats/MANIFEST.md
  std::vector<LaunchDigest> digests;    // expected ones, at most one a platform
  HostOptions host = {};
};

// A line that says what was found to be as expected. Errors: what is not, with what is expected and what is
// there; a file that cannot be read.
Result<std::string> verify(const VerifyOptions& options);

// Of one file. Errors: a digest that differs, or that the file does not have.
Result<void> check_digest(const igvm::File& file, const std::optional<Machine>& machine,
                          const LaunchDigest& expected, const HostOptions& host = {});

// Errors: the first difference that a manifest would tell of: not of labels.
Result<void> check_machine(const Machine& found, const Machine& expected);

}  // namespace tintype
