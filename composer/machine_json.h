// What inspect and manifests say alike of a machine.
#pragma once

#include "composer/json.h"
#include "formats/machine.h"

namespace tintype {

// Who chose the kernel's addresses, and which; null if it is not known where it runs.
Json kernel_place_json(const Machine& machine);
// An object for each component.
Json components_json(const Machine& machine);

}  // namespace tintype
