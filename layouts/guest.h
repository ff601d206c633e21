// What guests have in common on every architecture: kernel and initrd as regions.
#pragma once

#include "layouts/protocol.h"

namespace tintype {

// An initrd starts at a multiple of this.
inline constexpr std::uint64_t kInitrdAlignment = 2 * kMiB;

// The kernel's segments as regions "kernel", "kernel.1", ..., each `base` above the address it states. The
// kernel outlives the plan. The caller has checked that no sum passes 2^64.
void add_kernel(const Kernel& kernel, std::uint64_t base, LayoutPlan& plan);

// Whether `word` is one of the words of a command line of Linux, which anything up to a space separates
// (arch/x86/boot/cmdline.c).
bool has_word(std::string_view cmdline, std::string_view word);

// The first address past the kernel's memory, as its segments state it.
std::uint64_t end_of(const Kernel& kernel);

// Region "initrd", in `windows`; nothing if there is none. `inputs` outlives the plan.
void add_initrd_region(const Inputs& inputs, std::vector<GpaRange> windows, LayoutPlan& plan);

}  // namespace tintype
