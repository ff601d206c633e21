// Linux on AArch64 as EFI firmware would have left it to it, without the firmware: it takes the machine from
// ACPI tables, which it finds through the EFI system table, and memory from the EFI memory map. The tree in
// X0 has nothing but /chosen, by which Linux knows that ACPI is meant (arch/arm64/kernel/acpi.c, dt_is_stub).
//
// Sources: Linux Documentation/arch/arm64/booting.rst, Documentation/arch/arm/uefi.rst.
#include <algorithm>

#include "formats/fdt.h"
#include "layouts/efi.h"

namespace tintype {

namespace {

constexpr std::string_view kName = "linux-arm64-acpi";

// booting.rst, 2: a tree lies at a multiple of 8 and crosses no multiple of 2 MiB, if its size is at most
// that.
constexpr std::uint64_t kTreeAlignment = 2 * kMiB;
// The largest page of a kernel, to which it rounds what the memory map says (include/linux/efi.h,
// memrange_efi_to_native): no table shares one with the kernel.
constexpr std::uint64_t kLargestPage = 64 * kKiB;

bool is_old(const Kernel& kernel) {
  return kernel.arm64 && kernel.arm64->old;
}

Result<void> accepts(const Kernel& kernel) {
  TRY(accepts_arm64(kernel, kName));
  if (is_old(kernel))
    return fail(
        "its Image header has an image_size of 0, so it is from before Linux 3.17, and for AArch64 there is "
        "ACPI since 4.1: give --device-tree instead of protocol {}",
        kName);
  return {};
}

bool suits(const Kernel& kernel) {
  return kernel.arch == Arch::aarch64 && kernel.is_linux && kernel.entry && !is_old(kernel);
}

// Linux rounds a piece of RAM outwards to its pages (drivers/firmware/efi/efi-init.c, reserve_regions), and
// would take what is behind the end for RAM.
Result<void> check_ram(const Inputs& inputs) {
  const auto& image = inputs.kernel->arm64;
  const std::uint64_t page = image && image->page_size != 0 ? image->page_size : kLargestPage;
  if (is_aligned(inputs.machine.memory, page)) return {};
  return fail(
      "--memory {} bytes is no multiple of {} KiB, which a page of this kernel may have: round it, or give "
      "--device-tree",
      inputs.machine.memory, page / kKiB);
}

Result<void> check_inputs(const Inputs& inputs) {
  TRY(check_arm64_inputs(inputs));
  TRY(check_ram(inputs));
  if (!inputs.acpi)
    return fail(
        "protocol {} tells the kernel of its machine by ACPI tables, and --no-acpi leaves them out: give "
        "--device-tree, or leave --no-acpi out",
        kName);
  if (inputs.dtb)
    return fail(
        "--fdt is a tree that tells of the whole machine, and protocol {} does that by ACPI tables: give "
        "--device-tree, or leave --fdt out",
        kName);
  if (!inputs.overlays.empty())
    return fail(
        "--fdt-overlay changes the tree that tells of the machine, and protocol {} does that by ACPI tables: "
        "give --device-tree, or leave --fdt-overlay out",
        kName);
  return {};
}

// Without rng-seed: Linux takes one from here and one from EFI's tables, and would count the entropy of the
// same bytes twice (drivers/of/fdt.c, early_init_dt_scan_chosen; drivers/firmware/efi/efi.c).
std::vector<DeviceTreeProperty> chosen(const Inputs& inputs, const Addresses& addresses) {
  std::vector<DeviceTreeProperty> properties = chosen_properties(inputs, addresses);
  std::erase_if(properties, [](const DeviceTreeProperty& property) { return property.name == "rng-seed"; });
  for (DeviceTreeProperty& property : efi_chosen_properties(addresses))
    properties.push_back(std::move(property));
  return properties;
}

void emit_tree(const Inputs& inputs, const Addresses& addresses, ByteSink& sink) {
  FdtWriter tree;
  tree.begin("");
  tree.cell("#address-cells", 2);
  tree.cell("#size-cells", 2);
  tree.begin("chosen");
  for (const DeviceTreeProperty& property : chosen(inputs, addresses))
    tree.bytes(property.name, property.value);
  tree.end();
  tree.end();
  sink.write(tree.finish());
}

// RAM from the kernel's end on.
GpaRange after(const Kernel& kernel) {
  const auto end = checked_add(kernel_base(kernel), end_of(kernel));
  const auto start = end ? align_up(*end, kLargestPage) : std::nullopt;
  return {start ? std::min(*start, kArm64Ram.end) : kArm64Ram.end, kArm64Ram.end};
}

Result<void> plan(const Inputs& inputs, LayoutPlan& plan) {
  TRY(check_inputs(inputs));
  TRY(add_arm64_kernel(inputs, plan));
  const std::vector<GpaRange> windows = {after(*inputs.kernel)};
  plan.add({.name = "fdt",
            .windows = windows,
            .alignment = kTreeAlignment,
            .emit = [&inputs](const Addresses& addresses, ByteSink& sink) {
              emit_tree(inputs, addresses, sink);
            }});
  add_efi(inputs, windows, plan);
  add_smbios(inputs.machine, inputs.smbios, windows, plan);
  TRY(add_acpi(*inputs.acpi, std::nullopt, windows, plan));
  return add_arm64_initrd(inputs, plan);
}

}  // namespace

extern const BootProtocol protocol_linux_arm64_acpi;
const BootProtocol protocol_linux_arm64_acpi = {
    .name = kName,
    .summary =
        "Linux on AArch64 as EFI would have left it, with ACPI tables (also any Image entered like it)",
    .arch = Arch::aarch64,
    .accepts = accepts,
    .suits = suits,
    .plan = plan,
    .entry = arm64_entry,
};

}  // namespace tintype
