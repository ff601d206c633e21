// The ELF half of load_kernel(): a vmlinux, from a file of its own or out of a bzImage.
#pragma once

#include "formats/kernel.h"

namespace tintype {

// Reads an ELF executable for x86_64, i386 or AArch64. Its segments borrow from `file`. An AArch64 one whose
// lowest segment begins with an Image header is an Image: its addresses count from there and its last segment
// has the memory that the header asks for; any other lies at its physical addresses. Errors name the header,
// with its offset in `file`.
Result<Kernel> load_elf_kernel(Bytes file);

}  // namespace tintype
