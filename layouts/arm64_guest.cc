#include "layouts/arm64_guest.h"

#include <algorithm>

namespace tintype {

namespace {

// Linux include/uapi/asm-generic/setup.h, COMMAND_LINE_SIZE, with its NUL.
constexpr std::size_t kCmdlineSize = 2048;

// booting.rst, 4: an initrd and the Image lie in one window of 32 GiB that starts at a multiple of 1 GiB.
constexpr std::uint64_t kInitrdWindow = 32 * kGiB;

std::vector<std::uint8_t> cells(std::uint64_t value) {
  Buffer buffer;
  buffer.put(be64(value));
  return std::move(buffer.bytes());
}

}  // namespace

Result<void> check_arm64_inputs(const Inputs& inputs) {
  if (!inputs.modules.empty() || !inputs.initrd_cmdline.empty())
    return fail(
        "--module, --module-cmdline and --initrd-cmdline hand modules and their command lines to a PVH "
        "guest, "
        "which is an x86 one: leave them out");
  if (inputs.cmdline.size() >= kCmdlineSize)
    return fail("the command line has {} bytes, and this kernel reads at most {}: shorten it",
                inputs.cmdline.size(), kCmdlineSize - 1);
  if (inputs.cmdline.find('\0') != std::string::npos)
    return fail("the command line contains a NUL byte: remove it");
  return {};
}

Result<void> accepts_arm64(const Kernel& kernel, std::string_view protocol) {
  if (kernel.arch != Arch::aarch64)
    return fail("protocol {} needs an AArch64 kernel, and this one is for {}", protocol,
                arch_name(kernel.arch));
  if (!kernel.entry) return fail("the kernel's ELF entry point is in no segment's bytes: link it anew");
  return {};
}

std::uint64_t kernel_base(const Kernel& kernel) {
  return kernel.arm64 ? arm64::kRamStart + kernel.arm64->text_offset : 0;
}

Result<void> add_arm64_kernel(const Inputs& inputs, LayoutPlan& plan) {
  add_kernel(*inputs.kernel, kernel_base(*inputs.kernel), plan);
  return {};
}

Result<void> add_arm64_initrd(const Inputs& inputs, LayoutPlan& plan) {
  const std::uint64_t base = kernel_base(*inputs.kernel);
  const std::uint64_t window = align_down(base + inputs.kernel->segments.front().gpa, kGiB);
  const std::uint64_t start = base + end_of(*inputs.kernel);
  add_initrd_region(inputs, {{start, std::min(window + kInitrdWindow, kArm64Ram.end)}}, plan);
  return {};
}

std::vector<DeviceTreeProperty> chosen_properties(const Inputs& inputs, const Addresses& addresses) {
  std::vector<std::uint8_t> bootargs(inputs.cmdline.begin(), inputs.cmdline.end());
  bootargs.push_back(0);
  std::vector<DeviceTreeProperty> properties = {{"bootargs", std::move(bootargs)}};
  if (!inputs.initrd.empty()) {
    const GpaRange initrd = addresses.range("initrd");
    properties.push_back({"linux,initrd-start", cells(initrd.start)});
    properties.push_back({"linux,initrd-end", cells(initrd.end)});
  }
  if (!inputs.kaslr_seed.empty()) properties.push_back({"kaslr-seed", inputs.kaslr_seed});
  if (!inputs.rng_seed.empty()) properties.push_back({"rng-seed", inputs.rng_seed});
  return properties;
}

VcpuState arm64_entry(const Inputs& inputs, const Addresses& addresses) {
  VcpuArm64 vcpu;
  vcpu.pc = kernel_base(*inputs.kernel) + *inputs.kernel->entry;
  vcpu.x0 = addresses.of("fdt");
  return vcpu;
}

}  // namespace tintype
