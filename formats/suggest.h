// "Did you mean": the nearest of a few names.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tintype {

// The name in `names` that is fewest edits (insert, delete, replace, swap) from `word`, if that is at most a
// third of the word's length (rounded up). Ties go to the first.
std::optional<std::string_view> nearest_name(std::string_view word, std::span<const std::string_view> names);

// " (did you mean 'X'?)", or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> names);

}  // namespace tintype
