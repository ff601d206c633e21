// Whether a snapshot is the one that somebody expects.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "composer/host_launch.h"
#include "composer/inspect.h"

namespace tintype {

struct VerifyOptions {
  std::string file;
  std::optional<std::string> manifest;  // a file: formats/MANIFEST.md
  std::vector<LaunchDigest> digests;    // expected ones, at most one a platform
  // What `host` is about, if it says anything: a digest of that must be expected.
  std::optional<LaunchPlatform> about = std::nullopt;
  HostOptions host = {};
};

// A line that says what was found to be as expected. Errors: what is not, with what is expected and what is
// there; a file that cannot be read.
Result<std::string> verify(const VerifyOptions& options);

// Errors: options about a platform of which no digest is among these.
Result<void> check_about(std::optional<LaunchPlatform> about, const std::vector<LaunchDigest>& digests);

// Errors: the first difference that a manifest would tell of: not of labels.
Result<void> check_machine(const Machine& found, const Machine& expected);

// The same of regions, by name, place, kind and contents.
Result<void> check_regions(const std::vector<RegionReport>& found, const std::vector<RegionReport>& expected);

}  // namespace tintype
