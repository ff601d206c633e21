// Linux, entered at its 64-bit entry point (Linux Documentation/arch/x86/boot.rst, "64-bit Boot Protocol").
//
//   0x001000  gdt            0x020000  cmdline        kernel   where it was linked
//   0x002000  boot_params    0x0E0000  ACPI tables    initrd   next 2 MiB boundary
//                            0x0FFFF0  reset_vector
//   0x003000  page_tables, stack: the first free pages
#include "formats/linux_boot.h"
#include "formats/x86.h"
#include "layouts/acpi_table.h"
#include "layouts/protocol.h"

namespace tintype {

namespace {

constexpr std::uint64_t kGdt = 0x1000;
constexpr std::uint64_t kBootParams = 0x2000;
constexpr std::uint64_t kCmdline = 0x20000;
constexpr std::uint64_t kStackSize = kPageSize;
constexpr std::uint64_t kInitrdAlignment = 2 * kMiB;
// Segments this far apart are regions of their own; nearer ones are one, with zeroes between.
constexpr std::uint64_t kSegmentGap = 4 * kMiB;
// What a bare ELF promises by default, when there is no setup header to say otherwise.
constexpr std::uint32_t kDefaultCmdlineSize = 2047;
constexpr std::uint32_t kDefaultInitrdMax = 0x7FFFFFFF;

Result<void> accepts(const Kernel& kernel) {
  if (kernel.arch != Arch::x86_64)
    return fail("protocol linux-x86_64 needs an x86_64 kernel, and this one is for {}",
                arch_name(kernel.arch));
  return {};
}

// Segments [first, last) as one piece of memory.
void emit_segments(const std::vector<KernelSegment>& segments, std::size_t first, std::size_t last,
                   ByteSink& sink) {
  std::uint64_t gpa = segments[first].gpa;
  for (std::size_t i = first; i < last; ++i) {
    sink.zeros(segments[i].gpa - gpa);
    sink.borrow(segments[i].data);
    gpa = segments[i].gpa + segments[i].data.size();
  }
}

void add_kernel(const Kernel& kernel, LayoutPlan& plan) {
  const auto& segments = kernel.segments;
  std::size_t first = 0;
  for (std::size_t next = 1; next <= segments.size(); ++next) {
    const KernelSegment& last = segments[next - 1];
    const std::uint64_t end = last.gpa + last.memory_size;
    // What a segment only claims in memory is never emitted, unless it is less than the gap.
    if (next < segments.size() && segments[next].gpa - (last.gpa + last.data.size()) < kSegmentGap) continue;
    plan.add({.name = first == 0 ? "kernel" : fmt::format("kernel.{}", first),
              .fixed = segments[first].gpa,
              .reserve = end - segments[first].gpa,
              .emit = [&segments, first, next](const Addresses&, ByteSink& sink) {
                emit_segments(segments, first, next, sink);
              }});
    first = next;
  }
}

std::uint64_t end_of(const Kernel& kernel) {
  const KernelSegment& last = kernel.segments.back();
  return last.gpa + last.memory_size;
}

Result<void> add_initrd(const Inputs& inputs, LayoutPlan& plan) {
  if (inputs.initrd->empty()) return fail("the initrd is empty: leave --initrd out");
  const std::uint64_t highest =
      inputs.kernel->setup ? inputs.kernel->setup->initrd_addr_max : kDefaultInitrdMax;
  const std::uint64_t limit = std::min<std::uint64_t>(highest + 1, x86::kHoleStart);
  const std::uint64_t start = align_up(end_of(*inputs.kernel), kInitrdAlignment).value_or(limit);
  if (start >= limit || inputs.initrd->size() > limit - start)
    return fail(
        "region 'initrd' of {} bytes does not fit between the kernel, which ends at {:#x}, and {:#x}, the "
        "highest address this kernel takes an initrd at: use a smaller initrd",
        inputs.initrd->size(), end_of(*inputs.kernel) - 1, limit - 1);
  plan.add({.name = "initrd",
            .windows = {{start, limit}},
            .alignment = kInitrdAlignment,
            .emit = [bytes = *inputs.initrd](const Addresses&, ByteSink& sink) { sink.borrow(bytes); },
            .remedy = "use a smaller initrd"});
  return {};
}

Result<void> add_cmdline(const Inputs& inputs, LayoutPlan& plan) {
  const std::uint32_t limit = inputs.kernel->setup ? inputs.kernel->setup->cmdline_size : kDefaultCmdlineSize;
  if (inputs.cmdline.size() > limit)
    return fail("the command line has {} bytes, and this kernel reads at most {}: shorten it",
                inputs.cmdline.size(), limit);
  if (inputs.cmdline.find('\0') != std::string::npos)
    return fail("the command line contains a NUL byte: remove it");
  plan.add({.name = "cmdline", .fixed = kCmdline, .emit = [&inputs](const Addresses&, ByteSink& sink) {
              sink.write(bytes_of(inputs.cmdline));
              sink.zeros(1);
            }});
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

void emit_boot_params(const Inputs& inputs, const Addresses& addresses, ByteSink& sink) {
  BootParamsInputs values;
  values.cmdline = addresses.of("cmdline");
  values.initrd = inputs.initrd ? addresses.range("initrd") : GpaRange{};
  values.rsdp = addresses.of("acpi.rsdp");
  values.e820 = e820_of(addresses.memory());
  sink.put(make_boot_params(*inputs.kernel, values));
}

Result<void> plan(const Inputs& inputs, LayoutPlan& plan) {
  plan.add({.name = "gdt", .fixed = kGdt, .emit = [](const Addresses&, ByteSink& sink) {
              x86::emit_gdt(x86::kFlatCode64, sink);
            }});
  plan.add({.name = "boot_params",
            .fixed = kBootParams,
            .emit = [&inputs](const Addresses& addresses, ByteSink& sink) {
              emit_boot_params(inputs, addresses, sink);
            }});
  TRY(add_cmdline(inputs, plan));
  add_kernel(*inputs.kernel, plan);
  const GpaRange low = {kBootParams, x86::kLowRamEnd};
  plan.add({.name = "page_tables", .windows = {low}, .emit = [](const Addresses& addresses, ByteSink& sink) {
              x86::emit_identity_page_tables(addresses.of("page_tables"), sink);
            }});
  plan.add(
      {.name = "stack", .windows = {low}, .reserve = kStackSize, .emit = [](const Addresses&, ByteSink&) {}});
  if (inputs.initrd) TRY(add_initrd(inputs, plan));
  plan.add({.name = "reset_vector",
            .memory = MemoryType::reserved,
            .fixed = x86::kResetVector,
            .emit = [](const Addresses&, ByteSink& sink) { x86::emit_reset_vector(sink); }});
  TRY(add_acpi({.machine = inputs.machine}, x86::kRsdp, {{x86::kBiosStart, x86::kSmbiosStart}, low}, plan));
  return {};
}

// boot.rst, "64-bit Boot Protocol": paging on, flat segments, interrupts off, RSI at boot_params.
VcpuX86 entry(const Inputs& inputs, const Addresses& addresses) {
  VcpuX86 vcpu;
  vcpu.rip = inputs.kernel->entry;
  vcpu.rsi = addresses.of("boot_params");
  vcpu.rsp = addresses.of("stack") + kStackSize;
  vcpu.cr0 = x86::kCr0Pe | x86::kCr0Et | x86::kCr0Pg;
  vcpu.cr3 = addresses.of("page_tables");
  vcpu.cr4 = x86::kCr4Pae;
  vcpu.efer = x86::kEferLme | x86::kEferLma | x86::kEferNxe;
  vcpu.gdtr = {addresses.of("gdt"), x86::kGdtLimit};
  vcpu.code = x86::kFlatCode64;
  vcpu.data = x86::kFlatData;
  return vcpu;
}

}  // namespace

extern const BootProtocol protocol_linux_x86_64;
const BootProtocol protocol_linux_x86_64 = {
    .name = "linux-x86_64",
    .summary = "Linux at its 64-bit entry point, boot_params in RSI (also any ELF64 that is entered like it)",
    .arch = Arch::x86_64,
    .accepts = accepts,
    .plan = plan,
    .entry = entry,
};

}  // namespace tintype
