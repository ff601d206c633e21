// The bytes that a run is from: the file itself, or a copy in memory that nobody can change.
#pragma once

#include "runner/image.h"

namespace tintype {

// `file` as it is, unless it travels compressed (formats/container.h) or `own` is wanted: then its bytes in
// memory without a name, sealed (memfd_create(2), F_ADD_SEALS in fcntl(2)), so that what is read of it,
// mapped and run is the same for good. Errors: no memory, or a damaged container.
Result<MappedFile> settle_bytes(MappedFile file, bool own);

}  // namespace tintype
