// Firmware tables as source, by the tools that everybody reads them with.
#pragma once

#include <string>

#include "formats/wire.h"

namespace tintype {

// The source of the ACPI table (iasl) or the device tree (dtc) at the start of `bytes`; what follows it is
// not looked at. The same bytes and version of the tool give the same text. Errors: neither, one that its
// tool does not take, or a tool that is not installed.
Result<std::string> decode(Bytes bytes);

}  // namespace tintype
