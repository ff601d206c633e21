// Texts that are too long to be held: they are given piece by piece.
#pragma once

#include <functional>
#include <string_view>

namespace tintype {

using TextOutput = std::function<void(std::string_view)>;
// Gives its whole text to an output.
using TextSource = std::function<void(const TextOutput&)>;

}  // namespace tintype
