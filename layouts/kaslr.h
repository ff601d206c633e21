// Where a kernel is moved to at compose time, so that it is not stuck at its link address.
#pragma once

#include "formats/kernel.h"
#include "formats/kernel_relocs.h"
#include "formats/machine.h"

namespace tintype {

// Chooses a place for `kernel` as its own decompressor would (arch/x86/boot/compressed/kaslr.c), but from
// `seed` alone: physical and virtual addresses are independent of each other, multiples of the kernel's
// alignment, and each of their slots is equally likely. Physical addresses go from the link address to where
// the kernel with `initrd_size` bytes behind it still ends below `ram_end`; virtual ones from the link
// address to the end of the kernel's mapping. Errors: not a Linux that was unpacked, no relocation table, no
// room.
Result<KernelPlace> choose_kernel_place(const Kernel& kernel, Bytes seed, std::uint64_t initrd_size,
                                        std::uint64_t ram_end);

}  // namespace tintype
