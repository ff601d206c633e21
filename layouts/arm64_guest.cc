#include "layouts/arm64_guest.h"

#include <algorithm>

namespace tintype {

namespace {

// Linux include/uapi/asm-generic/setup.h, COMMAND_LINE_SIZE, with its NUL.
constexpr std::size_t kCmdlineSize = 2048;

// booting.rst, 4: an initrd and the Image lie in one window of 32 GiB that starts at a multiple of 1 GiB.
constexpr std::uint64_t kInitrdWindow = 32 * kGiB;

// booting.rst, 4: text_offset counts from a multiple of this.
constexpr std::uint64_t kBaseAlignment = 2 * kMiB;

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
  TRY(check_arm64_cmdline(inputs.cmdline));
  if (!inputs.kaslr_seed.empty() && has_word(inputs.cmdline, "nokaslr"))
    return fail(
        "the command line says nokaslr, and --kaslr-seed is for a kernel that moves: leave one of them out");
  if (inputs.cmdline.find('\0') != std::string::npos)
    return fail("the command line contains a NUL byte: remove it");
  return {};
}

Result<void> check_arm64_cmdline(std::string_view cmdline) {
  if (cmdline.size() < kCmdlineSize) return {};
  return fail("the command line has {} bytes, and this kernel reads at most {}: shorten it", cmdline.size(),
              kCmdlineSize - 1);
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

Result<std::uint64_t> kernel_base_outside(const Kernel& kernel, const std::vector<GpaRange>& reserved) {
  std::uint64_t base = kernel_base(kernel);
  for (const GpaRange& range : reserved) {
    const GpaRange pages = range.to_pages();
    if (kernel.arm64 && kernel.arm64->anywhere) {
      // Ranges ascend, so one that was passed is never met again.
      if (GpaRange{base, base + end_of(kernel)}.overlaps(pages))
        base = *align_up(pages.end, kBaseAlignment) + kernel.arm64->text_offset;
      continue;
    }
    for (const KernelSegment& segment : kernel.segments) {
      const GpaRange memory = {base + segment.gpa, base + segment.gpa + segment.memory_size};
      if (memory.overlaps(pages))
        return fail(
            "the kernel has to lie at {:#x}-{:#x}, and the device tree reserves {:#x}-{:#x}: reserve other "
            "memory, or {}",
            memory.start, memory.last(), range.start, range.last(),
            kernel.arm64 ? "give a kernel that may lie anywhere (bit 3 of the flags in its Image header)"
                         : "link the kernel at another address");
    }
  }
  if (base != kernel_base(kernel) && base + end_of(kernel) > kArm64Ram.end)
    return fail(
        "the device tree reserves all memory that region 'kernel' of {} bytes could lie in: reserve less",
        end_of(kernel));
  return base;
}

Result<std::vector<GpaRange>> windows_outside(GpaRange window, const std::vector<GpaRange>& reserved,
                                              std::string_view name) {
  std::vector<GpaRange> windows;
  std::uint64_t start = align_up(window.start, kBaseAlignment).value_or(window.end);
  for (const GpaRange& range : reserved) {
    const std::uint64_t end = align_down(range.start, kBaseAlignment);
    if (start < std::min(end, window.end)) windows.push_back({start, std::min(end, window.end)});
    start = std::max(start, *align_up(range.end, kBaseAlignment));
  }
  if (start < window.end) windows.push_back({start, window.end});
  if (windows.empty())
    return fail("the device tree reserves all memory from {:#x} on, and region '{}' lies there: reserve less",
                window.start, name);
  return windows;
}

Result<void> add_arm64_kernel(const Inputs& inputs, LayoutPlan& plan) {
  add_kernel(*inputs.kernel, kernel_base(*inputs.kernel), plan);
  return {};
}

Result<void> add_arm64_initrd(const Inputs& inputs, LayoutPlan& plan) {
  return add_arm64_initrd(inputs, kernel_base(*inputs.kernel), {}, plan);
}

Result<void> add_arm64_initrd(const Inputs& inputs, std::uint64_t base, const std::vector<GpaRange>& reserved,
                              LayoutPlan& plan) {
  if (inputs.initrd.empty()) return {};
  const std::uint64_t window = align_down(base + inputs.kernel->segments.front().gpa, kGiB);
  const std::uint64_t start = base + end_of(*inputs.kernel);
  const GpaRange after = {start, std::min(window + kInitrdWindow, kArm64Ram.end)};
  std::vector<GpaRange> windows = {after};
  if (!reserved.empty()) windows = TRY(windows_outside(after, reserved, "initrd"));
  add_initrd_region(inputs, std::move(windows), plan);
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
  vcpu.pc = addresses.of("kernel") - inputs.kernel->segments.front().gpa + *inputs.kernel->entry;
  vcpu.x0 = addresses.of("fdt");
  return vcpu;
}

}  // namespace tintype
