// Linux's own relocation table: how to move an unpacked kernel to another virtual address at compose time.
#pragma once

#include "formats/kernel.h"

namespace tintype {

// Where x86_64 Linux's own mapping starts: virtual address = kKernelMap + link address
// (arch/x86/include/asm/page_64_types.h, __START_KERNEL_map).
inline constexpr std::uint64_t kKernelMap = 0xFFFFFFFF80000000;
// How much of that mapping is the kernel's when it can be moved (the same, KERNEL_IMAGE_SIZE with
// CONFIG_RANDOMIZE_BASE, on which the table depends).
inline constexpr std::uint64_t kKernelImageSize = 1 * kGiB;

// The words of the table that the build appends to the kernel before it compresses it
// (arch/x86/boot/compressed/misc.c, handle_relocations()). Each is the low half of the address, as linked, of
// a place to correct.
struct RelocationTable {
  Bytes add32;  // 32-bit places that grow with the kernel's address
  Bytes
      subtract32;  // 32-bit places that shrink (relative to per-CPU variables); kernels since 6.15 have none
  Bytes add64;     // 64-bit places that grow
};

// Takes the table apart. `after_elf` is what follows the kernel's ELF file. Errors: no table, or one of
// another form.
Result<RelocationTable> read_relocations(Bytes after_elf);

// Moves `loaded` to run `virtual_delta` above where it was linked, and to lie `physical_delta` above (both
// modulo 2^64; multiples of the kernel's alignment). Errors: no table, or an entry that points outside the
// kernel; `loaded` is useless then.
Result<void> relocate_kernel(LoadedKernel& loaded, std::uint64_t virtual_delta, std::uint64_t physical_delta);

}  // namespace tintype
