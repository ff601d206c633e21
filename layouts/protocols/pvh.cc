// A kernel entered by PVH: 32-bit protected mode, paging off, EBX at the start info (Xen docs/misc/pvh, "PVH
// guest ABI"). FreeBSD, NetBSD, Unikraft, rust-hypervisor-firmware and Linux with CONFIG_PVH can be.
//
//   0x001000  gdt           the first free pages below 0xA0000: start_info, modules, memory_map, cmdline
//   0x0E0000  ACPI tables   kernel    where it was linked
//   0x0F0000  SMBIOS tables initrd    next 2 MiB boundary, then the other modules
#include "formats/pvh.h"

#include <cstdlib>

#include "formats/x86.h"
#include "layouts/x86_guest.h"

namespace tintype {

namespace {

// The table's size may not depend on the map, which is not known before everything has its place.
constexpr std::size_t kMemoryMapRoom = 64;

Result<void> accepts(const Kernel& kernel) {
  if (kernel.arch != Arch::x86_64)
    return fail("protocol pvh needs an x86 kernel, and this one is for {}", arch_name(kernel.arch));
  if (kernel.unpacks_itself)
    return fail("a bzImage as it is has no PVH entry point: leave --keep-compressed out");
  if (!kernel.pvh_entry)
    return fail(
        "the kernel has no ELF note XEN_ELFNOTE_PHYS32_ENTRY, which says where PVH enters: build it with "
        "CONFIG_PVH=y, or leave --protocol out");
  return {};
}

bool suits(const Kernel& kernel) {
  return kernel.pvh_entry && !kernel.is_linux;
}

// The initrd is the first module; its region and its command line's have names of their own.
std::string module_region(const Inputs& inputs, std::size_t index) {
  if (inputs.initrd.empty()) return fmt::format("module.{}", index);
  return index == 0 ? "initrd" : fmt::format("module.{}", index);
}

std::string cmdline_region(const Inputs& inputs, std::size_t index) {
  return module_region(inputs, index) + ".cmdline";
}

// The command line of each module, the initrd's first.
std::vector<std::string_view> module_cmdlines(const Inputs& inputs) {
  std::vector<std::string_view> cmdlines;
  if (!inputs.initrd.empty()) cmdlines.push_back(inputs.initrd_cmdline);
  for (const Module& module : inputs.modules) cmdlines.push_back(module.cmdline);
  return cmdlines;
}

void emit_modules(const Inputs& inputs, const Addresses& addresses, ByteSink& sink) {
  const std::vector<std::string_view> cmdlines = module_cmdlines(inputs);
  for (std::size_t i = 0; i < cmdlines.size(); ++i) {
    const GpaRange range = addresses.range(module_region(inputs, i));
    sink.put(pvh::ModuleEntry{
        .paddr = range.start,
        .size = range.size(),
        .cmdline_paddr = cmdlines[i].empty() ? std::uint64_t{0} : addresses.of(cmdline_region(inputs, i)),
        .reserved = std::uint64_t{0}});
  }
}

void emit_memory_map(const Addresses& addresses, ByteSink& sink) {
  const std::vector<E820Entry> map = e820_of(addresses.memory());
  // A dozen at most: the machine's own ranges, and a few that tables take out of RAM.
  if (map.size() > kMemoryMapRoom) std::abort();
  for (const E820Entry& entry : map)
    sink.put(pvh::MemoryMapEntry{.addr = entry.addr, .size = entry.size, .type = entry.type, .reserved = 0u});
  sink.zeros((kMemoryMapRoom - map.size()) * sizeof(pvh::MemoryMapEntry));
}

void emit_start_info(const Inputs& inputs, const Addresses& addresses, ByteSink& sink) {
  const std::size_t modules = module_cmdlines(inputs).size();
  sink.put(
      pvh::StartInfo{.magic = pvh::kStartMagic,
                     .version = pvh::kStartVersion,
                     .flags = 0u,
                     .nr_modules = static_cast<std::uint32_t>(modules),
                     .modlist_paddr = modules == 0 ? std::uint64_t{0} : addresses.of("start_info.modules"),
                     .cmdline_paddr = addresses.of("cmdline"),
                     .rsdp_paddr = inputs.acpi ? addresses.of("acpi.rsdp") : std::uint64_t{0},
                     .memmap_paddr = addresses.of("start_info.memory_map"),
                     .memmap_entries = static_cast<std::uint32_t>(addresses.memory().entries().size()),
                     .reserved = 0u});
}

void add_modules(const Inputs& inputs, LayoutPlan& plan) {
  const std::vector<std::string_view> cmdlines = module_cmdlines(inputs);
  if (cmdlines.empty()) return;
  plan.add({.name = "start_info.modules",
            .windows = {kX86LowRam},
            .alignment = alignof(std::uint64_t),
            .emit = [&inputs](const Addresses& addresses, ByteSink& sink) {
              emit_modules(inputs, addresses, sink);
            }});
  for (std::size_t i = 0; i < cmdlines.size(); ++i) {
    if (cmdlines[i].empty()) continue;
    plan.add({.name = cmdline_region(inputs, i),
              .windows = {kX86LowRam},
              .alignment = alignof(std::uint64_t),
              .emit = [text = cmdlines[i]](const Addresses&, ByteSink& sink) {
                sink.write(bytes_of(text));
                sink.zeros(1);
              }});
  }
  const std::size_t first = inputs.initrd.empty() ? 0 : 1;
  for (std::size_t i = 0; i < inputs.modules.size(); ++i)
    plan.add(
        {.name = module_region(inputs, first + i),
         .windows = {{end_of(*inputs.kernel), x86::kHoleStart}},
         .emit = [bytes = inputs.modules[i].bytes](const Addresses&, ByteSink& sink) { sink.borrow(bytes); },
         .remedy = "use smaller modules"});
}

Result<void> check_inputs(const Inputs& inputs) {
  if (inputs.moved)
    return fail(
        "Linux's PVH entry point counts on the address that the kernel is linked at: leave --kaslr-seed or "
        "--protocol pvh out");
  if (!inputs.rng_seed.empty() || inputs.dtb)
    return fail(
        "--rng-seed and --dtb are handed to Linux at its 64-bit entry point: leave --protocol pvh out");
  if (!inputs.initrd_cmdline.empty() && inputs.initrd.empty())
    return fail("there is no initrd that --initrd-cmdline could belong to: add --initrd FILE");
  return {};
}

Result<void> plan(const Inputs& inputs, LayoutPlan& plan) {
  TRY(check_inputs(inputs));
  add_gdt(x86::kFlatCode32, plan);
  plan.add({.name = "start_info",
            .windows = {kX86LowRam},
            .emit = [&inputs](const Addresses& addresses, ByteSink& sink) {
              emit_start_info(inputs, addresses, sink);
            }});
  plan.add({.name = "start_info.memory_map",
            .windows = {kX86LowRam},
            .alignment = alignof(std::uint64_t),
            .emit = emit_memory_map});
  TRY(add_cmdline(inputs, std::nullopt, plan));
  add_kernel(*inputs.kernel, 0, plan);
  TRY(add_initrd(inputs, plan));
  add_modules(inputs, plan);
  return add_firmware(inputs, plan);
}

// "PVH guest ABI": CR0 has PE alone, CR4 nothing, segments are flat, EBX is at the start info. The task
// register that it asks for is what every vCPU has after reset.
VcpuState entry(const Inputs& inputs, const Addresses& addresses) {
  VcpuX86 vcpu;
  vcpu.rip = *inputs.kernel->pvh_entry;
  vcpu.rbx = addresses.of("start_info");
  vcpu.cr0 = x86::kCr0Pe | x86::kCr0Et;
  vcpu.gdtr = {addresses.of("gdt"), x86::kGdtLimit};
  vcpu.code = x86::kFlatCode32;
  vcpu.data = x86::kFlatData;
  return vcpu;
}

}  // namespace

extern const BootProtocol protocol_pvh;
const BootProtocol protocol_pvh = {
    .name = "pvh",
    .summary = "any ELF with a PVH note, in 32-bit protected mode, start info in EBX",
    .arch = Arch::x86_64,
    .accepts = accepts,
    .suits = suits,
    .plan = plan,
    .entry = entry,
};

}  // namespace tintype
