// The whole run of one image: from file to outcome.
#pragma once

#include "runner/options.h"
#include "runner/outcome.h"

namespace tintype {

// Descriptors 0, 1 and 2 are open, so that none of ours becomes one of them.
void ensure_standard_descriptors();

// Runs `options.image` until the guest or the user ends it.
Outcome run_machine(const RunOptions& options);

}  // namespace tintype
