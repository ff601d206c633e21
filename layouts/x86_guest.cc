#include "layouts/x86_guest.h"

#include <algorithm>

#include "formats/x86.h"

namespace tintype {

namespace {

constexpr std::uint64_t kGdt = 0x1000;
// What a bare ELF promises by default, when there is no setup header to say otherwise.
constexpr std::uint32_t kDefaultCmdlineSize = 2047;
constexpr std::uint32_t kDefaultInitrdMax = 0x7FFFFFFF;

}  // namespace

void add_gdt(const X86Segment& code, LayoutPlan& plan) {
  plan.add({.name = "gdt", .fixed = kGdt, .emit = [code](const Addresses&, ByteSink& sink) {
              x86::emit_gdt(code, sink);
            }});
}

std::uint64_t initrd_limit(const Kernel& kernel) {
  const std::uint64_t highest = kernel.setup ? kernel.setup->initrd_addr_max : kDefaultInitrdMax;
  return std::min<std::uint64_t>(highest + 1, x86::kHoleStart);
}

Result<void> add_initrd(const Inputs& inputs, LayoutPlan& plan) {
  if (inputs.initrd.empty()) return {};
  const std::uint64_t size = inputs.initrd_size();
  const std::uint64_t limit = initrd_limit(*inputs.kernel);
  const std::uint64_t start = align_up(end_of(*inputs.kernel), kInitrdAlignment).value_or(limit);
  if (start >= limit)
    return fail(
        "the kernel ends at {:#x}, which leaves region 'initrd' no room up to {:#x}, the highest address "
        "this "
        "kernel takes an initrd at: link the kernel lower, or leave the initrd out",
        end_of(*inputs.kernel) - 1, limit - 1);
  if (size > limit - start)
    return fail(
        "region 'initrd' of {} bytes does not fit between the kernel, which ends at {:#x}, and {:#x}, the "
        "highest address this kernel takes an initrd at: use a smaller initrd",
        size, end_of(*inputs.kernel) - 1, limit - 1);
  add_initrd_region(inputs, {{start, limit}}, plan);
  return {};
}

Result<void> add_cmdline(const Inputs& inputs, std::optional<std::uint64_t> fixed, LayoutPlan& plan) {
  const std::uint32_t limit = inputs.kernel->setup ? inputs.kernel->setup->cmdline_size : kDefaultCmdlineSize;
  if (inputs.cmdline.size() > limit)
    return fail("the command line has {} bytes, and this kernel reads at most {}: shorten it",
                inputs.cmdline.size(), limit);
  if (inputs.cmdline.find('\0') != std::string::npos)
    return fail("the command line contains a NUL byte: remove it");
  plan.add({.name = "cmdline",
            .fixed = fixed,
            .windows = {kX86LowRam},
            .emit = [&inputs](const Addresses&, ByteSink& sink) {
              sink.write(bytes_of(inputs.cmdline));
              sink.zeros(1);
            }});
  return {};
}

Result<void> add_firmware(const Inputs& inputs, LayoutPlan& plan) {
  if (!inputs.acpi && inputs.kernel->is_linux && inputs.machine.cpus > 1)
    return fail(
        "Linux finds its processors in ACPI tables: with --no-acpi it would use one of {}: leave --cpus out",
        inputs.machine.cpus);
  plan.add({.name = "reset_vector",
            .memory = MemoryType::reserved,
            .fixed = x86::kResetVector,
            .emit = [](const Addresses&, ByteSink& sink) { x86::emit_reset_vector(sink); }});
  // Imported tables may be bigger than the area a BIOS has, and than what is left of low RAM.
  if (inputs.acpi)
    TRY(add_acpi(*inputs.acpi, x86::kRsdp, {{x86::kBiosStart, x86::kSmbiosStart}, kX86LowRam, kX86HighRam},
                 plan));
  add_smbios(inputs.machine, inputs.smbios, plan);
  return {};
}

std::vector<E820Entry> e820_of(const MemoryMap& map) {
  std::vector<E820Entry> table;
  for (const MemoryMapEntry& entry : map.entries()) {
    E820Type type = E820Type::reserved;
    if (entry.type == MemoryType::ram) type = E820Type::ram;
    if (entry.type == MemoryType::acpi_data) type = E820Type::acpi;
    table.push_back(
        {.addr = entry.range.start, .size = entry.range.size(), .type = static_cast<std::uint32_t>(type)});
  }
  return table;
}

}  // namespace tintype
