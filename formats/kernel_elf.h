// The ELF half of load_kernel(): a vmlinux, from a file of its own or out of a bzImage.
#pragma once

#include "formats/kernel.h"

namespace tintype {

// Reads an ELF64 executable for x86_64. Its segments borrow from `file`. Errors name the header, with its
// offset in `file`.
Result<Kernel> load_elf_kernel(Bytes file);

}  // namespace tintype
