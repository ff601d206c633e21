// An AArch64 Linux that learns of its machine by a device tree (Linux Documentation/arch/arm64/booting.rst):
// EL1, MMU off, X0 at the tree. There is no firmware behind it: no EFI, no ACPI, no SMBIOS.
#include <cassert>
#include <memory>

#include "layouts/arm64_guest.h"
#include "layouts/device_tree.h"

namespace tintype {

namespace {

// booting.rst, 2: the tree is mapped by blocks of 2 MiB, in which nothing else may need other attributes.
constexpr std::uint64_t kTreeAlignment = 2 * kMiB;

Result<void> accepts(const Kernel& kernel) {
  return accepts_arm64(kernel, "linux-arm64-dt");
}

// Otherwise only if it is asked for: the other way in needs no kernel that knows these devices by their
// bindings. Kernels that old have no other.
bool suits(const Kernel& kernel) {
  return kernel.arch == Arch::aarch64 && kernel.is_linux && kernel.entry && kernel.arm64 && kernel.arm64->old;
}

// What would be lost without a word, since only ACPI and EFI carry it.
Result<void> check_inputs(const Inputs& inputs) {
  if (inputs.acpi && !inputs.acpi->imported.empty())
    return fail(
        "--acpi-table adds to ACPI tables, and a guest with a device tree has none: leave --acpi-table or {} "
        "out",
        inputs.tree_reason);
  if (inputs.machine.numa_nodes != 0 || (inputs.acpi && !inputs.acpi->numa.empty()))
    return fail(
        "--numa is written to ACPI tables only, never to a device tree, and a guest with a device tree gets "
        "no ACPI tables: leave --numa or {} out",
        inputs.tree_reason);
  if (inputs.smbios != SmbiosInputs{})
    return fail(
        "--smbios is told by tables that are found through EFI, and a guest with a device tree has none: "
        "leave --smbios or {} out",
        inputs.tree_reason);
  return {};
}

Result<void> add_tree(const Inputs& inputs, std::vector<std::uint8_t> bytes, std::vector<GpaRange> windows,
                      LayoutPlan& plan) {
  // What can be wrong with it is wrong at any address.
  TRY(filled_in(bytes, inputs, Addresses{}));
  // Shared by the emitter's copies.
  const auto tree = std::make_shared<const std::vector<std::uint8_t>>(std::move(bytes));
  plan.add({.name = "fdt",
            .windows = std::move(windows),
            .alignment = kTreeAlignment,
            .emit = [tree, &inputs](const Addresses& addresses, ByteSink& sink) {
              const auto filled = filled_in(*tree, inputs, addresses);
              assert(filled && "it could be filled in while sizes were counted");
              sink.write(*filled);
            }});
  return {};
}

// Nothing lies in memory that the tree reserves: Linux would map none of it, or a device would write to it.
Result<void> plan(const Inputs& inputs, LayoutPlan& plan) {
  TRY(check_arm64_inputs(inputs));
  TRY(check_inputs(inputs));
  std::vector<std::uint8_t> tree = TRY(guest_device_tree(inputs));
  const std::vector<GpaRange> reserved = TRY(reserved_memory(tree, inputs));
  const std::uint64_t base = TRY(kernel_base_outside(*inputs.kernel, reserved));
  const GpaRange after = {base + end_of(*inputs.kernel), kArm64Ram.end};
  add_kernel(*inputs.kernel, base, plan);
  std::vector<GpaRange> windows = {after};
  if (!reserved.empty()) windows = TRY(windows_outside(after, reserved, "fdt"));
  TRY(add_tree(inputs, std::move(tree), std::move(windows), plan));
  return add_arm64_initrd(inputs, base, reserved, plan);
}

}  // namespace

extern const BootProtocol protocol_linux_arm64_dt;
const BootProtocol protocol_linux_arm64_dt = {
    .name = "linux-arm64-dt",
    .summary = "an AArch64 Linux at its first instruction, device tree in X0",
    .arch = Arch::aarch64,
    .accepts = accepts,
    .suits = suits,
    .plan = plan,
    .entry = arm64_entry,
};

}  // namespace tintype
