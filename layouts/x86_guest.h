// What x86_64 guests have in common, however they are entered: where kernel, initrd and firmware tables go.
#pragma once

#include "formats/linux_boot.h"
#include "layouts/guest.h"
#include "layouts/protocol.h"

namespace tintype {

// Low RAM that everything small may be placed in.
inline constexpr GpaRange kX86LowRam = {0x1000, x86::kLowRamEnd};
// RAM below 4 GiB for what may be too big for that.
inline constexpr GpaRange kX86HighRam = {x86::kHighRamStart, x86::kHoleStart};

// Region "gdt", with `code` (x86::kFlatCode64, x86::kFlatCode32) and flat data.
void add_gdt(const X86Segment& code, LayoutPlan& plan);

// The highest address that the kernel takes a byte of an initrd at, and where RAM below 4 GiB ends at most.
std::uint64_t initrd_limit(const Kernel& kernel);

// Region "initrd", at a 2 MiB boundary after the kernel. Errors: no room there.
Result<void> add_initrd(const Inputs& inputs, LayoutPlan& plan);

// Region "cmdline", with its NUL. Errors: longer than the kernel reads, or with a NUL in it.
Result<void> add_cmdline(const Inputs& inputs, std::optional<std::uint64_t> fixed, LayoutPlan& plan);

// ACPI and SMBIOS tables and the code at the reset vector. Errors: those of add_acpi(), and a Linux that
// would not find its processors.
Result<void> add_firmware(const Inputs& inputs, LayoutPlan& plan);

// The memory map as the BIOS call of that name would tell it.
std::vector<E820Entry> e820_of(const MemoryMap& map);

}  // namespace tintype
