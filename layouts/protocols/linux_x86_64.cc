// Linux, entered at its 64-bit entry point (Linux Documentation/arch/x86/boot.rst, "64-bit Boot Protocol").
//
//   0x001000  gdt            0x020000  cmdline        kernel   where it was linked
//   0x002000  boot_params    0x0E0000  ACPI tables    initrd   next 2 MiB boundary
//   0x003000  page_tables,   0x0F0000  SMBIOS tables
//             stack          0x0FFFF0  reset_vector
#include "formats/setup_data.h"
#include "formats/x86.h"
#include "layouts/x86_guest.h"

namespace tintype {

namespace {

constexpr std::uint64_t kBootParams = 0x2000;
constexpr std::uint64_t kCmdline = 0x20000;
constexpr std::uint64_t kStackSize = kPageSize;

Result<void> accepts(const Kernel& kernel) {
  if (kernel.arch != Arch::x86_64)
    return fail("protocol linux-x86_64 needs an x86_64 kernel, and this one is for {}",
                arch_name(kernel.arch));
  if (!kernel.is_64bit)
    return fail("protocol linux-x86_64 enters a kernel in 64-bit mode, and this is {}: try --protocol pvh",
                kernel.format);
  if (!kernel.entry) return fail("the kernel's ELF entry point is in no segment's bytes: try --protocol pvh");
  return {};
}

bool suits(const Kernel& kernel) {
  return kernel.is_64bit && kernel.entry && (kernel.is_linux || !kernel.pvh_entry);
}

// What follows a region of the chain of setup_data, by name; the chain's head follows boot_params.
struct ChainLink {
  std::string_view name;
  SetupDataType type;
  Bytes data;
};

std::vector<ChainLink> chain_of(const Inputs& inputs) {
  std::vector<ChainLink> chain;
  if (!inputs.rng_seed.empty())
    chain.push_back({"setup_data.rng_seed", SetupDataType::rng_seed, inputs.rng_seed});
  if (inputs.dtb) chain.push_back({"setup_data.dtb", SetupDataType::dtb, *inputs.dtb});
  return chain;
}

// boot.rst, "setup_data". A device tree may be big, so RAM above the kernel will do for it.
void add_setup_data(const Inputs& inputs, LayoutPlan& plan) {
  const std::vector<ChainLink> chain = chain_of(inputs);
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const std::string_view next = i + 1 < chain.size() ? chain[i + 1].name : "";
    plan.add({.name = std::string(chain[i].name),
              .windows = {kX86LowRam, kX86HighRam},
              .alignment = alignof(std::uint64_t),
              .emit = [link = chain[i], next](const Addresses& addresses, ByteSink& sink) {
                emit_setup_data(next.empty() ? 0 : addresses.of(next), link.type, link.data, sink);
              }});
  }
}

void emit_boot_params(const Inputs& inputs, const Addresses& addresses, ByteSink& sink) {
  const std::vector<ChainLink> chain = chain_of(inputs);
  BootParamsInputs values;
  values.cmdline = addresses.of("cmdline");
  values.initrd = inputs.initrd.empty() ? GpaRange{} : addresses.range("initrd");
  values.rsdp = inputs.acpi ? addresses.of("acpi.rsdp") : 0;
  values.setup_data = chain.empty() ? 0 : addresses.of(chain.front().name);
  values.kaslr = inputs.moved;
  values.e820 = e820_of(addresses.memory());
  sink.put(make_boot_params(*inputs.kernel, values));
}

Result<void> check_inputs(const Inputs& inputs) {
  // Only the kernel's own decompressor reads that word.
  if (inputs.moved && has_word(inputs.cmdline, "nokaslr"))
    return fail("the command line says nokaslr, and --kaslr-seed moves the kernel: leave one of them out");
  if (!inputs.modules.empty() || !inputs.initrd_cmdline.empty())
    return fail(
        "--module, --module-cmdline and --initrd-cmdline hand modules and their command lines to a PVH "
        "guest: "
        "add --protocol pvh, or leave them out");
  return {};
}

Result<void> plan(const Inputs& inputs, LayoutPlan& plan) {
  TRY(check_inputs(inputs));
  add_gdt(x86::kFlatCode64, plan);
  plan.add({.name = "boot_params",
            .fixed = kBootParams,
            .emit = [&inputs](const Addresses& addresses, ByteSink& sink) {
              emit_boot_params(inputs, addresses, sink);
            }});
  TRY(add_cmdline(inputs, kCmdline, plan));
  add_kernel(*inputs.kernel, 0, plan);
  plan.add({.name = "page_tables",
            .windows = {kX86LowRam},
            .emit = [](const Addresses& addresses, ByteSink& sink) {
              x86::emit_identity_page_tables(addresses.of("page_tables"), sink);
            }});
  plan.add({.name = "stack",
            .windows = {kX86LowRam},
            .reserve = kStackSize,
            .emit = [](const Addresses&, ByteSink&) {}});
  TRY(add_initrd(inputs, plan));
  TRY(add_firmware(inputs, plan));
  add_setup_data(inputs, plan);
  return {};
}

// boot.rst, "64-bit Boot Protocol": paging on, flat segments, interrupts off, RSI at boot_params.
VcpuState entry(const Inputs& inputs, const Addresses& addresses) {
  VcpuX86 vcpu;
  vcpu.rip = *inputs.kernel->entry;
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
    .suits = suits,
    .plan = plan,
    .entry = entry,
};

}  // namespace tintype
