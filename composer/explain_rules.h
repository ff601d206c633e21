// What each platform's specification says of the fields that are the same for every file.
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

}  // namespace tintype
