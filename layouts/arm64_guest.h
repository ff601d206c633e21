// What AArch64 Linux guests have in common, whether ACPI or a device tree tells them of the machine.
//
//   0x40000000 + text_offset  kernel    then, each at the lowest address that has room:
//                             fdt       the tree in X0, at a multiple of 2 MiB
//                             firmware  EFI, ACPI and SMBIOS tables
//                             initrd    at a multiple of 2 MiB
//
// None of them lies in memory that a device tree of the user's reserves.
//
// Source: Linux Documentation/arch/arm64/booting.rst.
#pragma once

#include <string>
#include <vector>

#include "layouts/guest.h"

namespace tintype {

// All RAM that a machine can have.
inline constexpr GpaRange kArm64Ram = {arm64::kRamStart, arm64::kRamStart + kMaxMemory};

// booting.rst, 2: the most bytes that a device tree may have.
inline constexpr std::uint64_t kMaxDeviceTree = 2 * kMiB;

// The protocol that tells of the machine by a device tree.
inline constexpr std::string_view kDeviceTreeProtocol = "linux-arm64-dt";

// What every AArch64 protocol checks of its inputs: no options of other guests, a command line that Linux
// reads whole.
Result<void> check_arm64_inputs(const Inputs& inputs);

// Whether Linux reads all of `cmdline`.
Result<void> check_arm64_cmdline(std::string_view cmdline);

// Whether `kernel` can be entered as an arm64 Linux: an Image, or an ELF that says where it lies. `protocol`
// is for the message.
Result<void> accepts_arm64(const Kernel& kernel, std::string_view protocol);

// Where the kernel's segments count from: the start of RAM and text_offset for an Image, else 0.
std::uint64_t kernel_base(const Kernel& kernel);

// The same where memory is `reserved`, which is sorted, disjoint and in kArm64Ram: an Image that may lie
// anywhere goes to the next multiple of 2 MiB that has room. Errors: another kernel would lie in reserved
// memory.
Result<std::uint64_t> kernel_base_outside(const Kernel& kernel, const std::vector<GpaRange>& reserved);

// What of `window` lies in no block of 2 MiB that has `reserved` memory: neither a tree, which Linux maps by
// such blocks, nor an initrd shares one. Errors: nothing is left for region `name`.
Result<std::vector<GpaRange>> windows_outside(GpaRange window, const std::vector<GpaRange>& reserved,
                                              std::string_view name);

// Regions "kernel", ... and "initrd".
Result<void> add_arm64_kernel(const Inputs& inputs, LayoutPlan& plan);
Result<void> add_arm64_initrd(const Inputs& inputs, LayoutPlan& plan);
// The initrd of a kernel at `base`, outside of `reserved`.
Result<void> add_arm64_initrd(const Inputs& inputs, std::uint64_t base, const std::vector<GpaRange>& reserved,
                              LayoutPlan& plan);

// A property of a node, its value as the tree has it.
struct DeviceTreeProperty {
  std::string name;
  std::vector<std::uint8_t> value;
};

// What /chosen tells a kernel however it learns of its devices: bootargs, linux,initrd-start and -end (two
// cells each), kaslr-seed and rng-seed if there are any. Lengths do not depend on addresses.
std::vector<DeviceTreeProperty> chosen_properties(const Inputs& inputs, const Addresses& addresses);

// The boot processor as booting.rst wants it: at the kernel's first instruction, X0 at region "fdt".
VcpuState arm64_entry(const Inputs& inputs, const Addresses& addresses);

}  // namespace tintype
