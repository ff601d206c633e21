// What an IGVM file asks its loader to tell the guest: parameter areas and the values written into them.
//
// Source: igvm_defs, IGVM_VHS_PARAMETER_AREA, IGVM_VHS_PARAMETER and IGVM_VHS_PARAMETER_INSERT.
#pragma once

#include <cstdint>
#include <vector>

#include "formats/igvm.h"
#include "runner/image.h"

namespace tintype {

// Of all values together.
inline constexpr std::uint64_t kMaxParameterBytes = 16 * kMiB;

// The areas of `file` that `mask`'s platform inserts, for a machine of `plan`: initial contents as pieces of
// `bytes` (the whole file), values as writes. Errors: a parameter that does not fit its area, two that
// overlap, one that this runner does not have (SRAT, SLIT, PPTT, device tree, on AArch64 a MADT), or too
// many.
Result<void> add_parameters(const igvm::File& file, Bytes bytes, std::uint32_t mask, GuestPlan& plan);

}  // namespace tintype
