// One compose, from options to a file.
#pragma once

#include <string>

#include "composer/options.h"
#include "composer/progress.h"
#include "formats/result.h"

namespace tintype {

// Composes the snapshot that `options` describe and writes it. The value is one line that says what was
// written. Errors leave no output file, and an existing one as it was.
Result<std::string> compose(const BuildOptions& options, Progress& progress);

}  // namespace tintype
