// What an overlay has to be before libfdt may merge it. libfdt takes the offsets in __local_fixups__ and
// __fixups__ on trust, and follows what they change, so all of that is checked here first.
//
// Source: dtc Documentation/dt-object-internal.txt.
#pragma once

#include "formats/fdt.h"

namespace tintype {

// Errors: no fragment, a target-path that is no path of the tree, fixups outside what they fix, labels that
// `base` does not have.
Result<void> check_overlay(const FdtReader& overlay, const FdtReader& base);

// Why merging an overlay that check_overlay() found right ended at a target that `base` does not have.
tl::unexpected<Error> missing_target(const FdtReader& overlay, const FdtReader& base);

}  // namespace tintype
