// What each platform's specification says of the fields that are the same for every file, and what follows
// from how the host launches.
#pragma once

#include <span>

#include "composer/explain.h"

namespace tintype {

struct FieldRule {
  std::string_view field;
  Coverage coverage;
  std::string_view why;
  std::string_view source;
};

// In the order to print.
std::span<const FieldRule> field_rules(LaunchPlatform platform);

// A field for each choice of the host that moves the digest, or would if the file were another: what was
// assumed, and the option that says otherwise.
std::vector<FieldReport> host_fields(const HostLaunch& launch);

}  // namespace tintype
