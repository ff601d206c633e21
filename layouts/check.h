// One rule about a finished image a file in checks/. Checks collect: a user sees every violation at once.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "layouts/image.h"

namespace tintype {

struct Check {
  std::string_view name;
  // Appends one sentence for each violation.
  void (*run)(const GuestImage& image, std::vector<std::string>& violations);
};

// All checks, in the order of their file names.
std::span<const Check* const> checks();

// Every violation of every check as one error, or success.
Result<void> run_checks(const GuestImage& image);

// The bytes [gpa, gpa + size) of `image` as its regions emit them; empty if no single region emits them all.
std::vector<std::uint8_t> bytes_at(const GuestImage& image, std::uint64_t gpa, std::uint64_t size);
// The region that contains `gpa`, or null.
const PlacedRegion* region_at(const GuestImage& image, std::uint64_t gpa);
const PlacedRegion* region_named(const GuestImage& image, std::string_view name);

}  // namespace tintype
