// What an output depends on, as a rule that Make and Ninja read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/result.h"

namespace tintype {

// The rule `output: inputs` and an empty rule for each input, so that Make composes again, and does not stop,
// when one is gone (GNU Make manual, "Rules without Recipes"; Ninja manual, "depfile"). Names are as given;
// but where `output` is absolute all are, since whoever calls so has a folder of its own. An input that is
// named twice is in it once. Errors: a name that the two do not both read.
Result<std::string> depfile_text(const std::string& output, const std::vector<std::string>& inputs);

}  // namespace tintype
