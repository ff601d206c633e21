// VP contexts: the native x64 one to and from registers, and all of them in words.
#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "formats/hex.h"
#include "formats/igvm_read_rules.h"

namespace tintype::igvm {

namespace {

using Lines = std::vector<std::pair<std::string, std::string>>;

std::string segment(std::uint64_t selector, std::uint64_t attributes, std::uint64_t limit,
                    std::uint64_t base) {
  return fmt::format("{{sel={:#x},attr={:#x},limit={:#x},base={:#x}}}", selector, attributes, limit, base);
}

std::string table(std::uint64_t base, std::uint64_t limit) {
  return fmt::format("{{base={:#x},limit={:#x}}}", base, limit);
}

// The registers that both forms have as one 64-bit value, for the table of vcpu.h.
struct NativeField {
  std::uint64_t VcpuX86::*member;
  le64 IgvmNativeVpContextX64::*field;
};
constexpr NativeField kNativeFields[] = {
    {&VcpuX86::rax, &IgvmNativeVpContextX64::rax},
    {&VcpuX86::rcx, &IgvmNativeVpContextX64::rcx},
    {&VcpuX86::rdx, &IgvmNativeVpContextX64::rdx},
    {&VcpuX86::rbx, &IgvmNativeVpContextX64::rbx},
    {&VcpuX86::rsp, &IgvmNativeVpContextX64::rsp},
    {&VcpuX86::rbp, &IgvmNativeVpContextX64::rbp},
    {&VcpuX86::rsi, &IgvmNativeVpContextX64::rsi},
    {&VcpuX86::rdi, &IgvmNativeVpContextX64::rdi},
    {&VcpuX86::r8, &IgvmNativeVpContextX64::r8},
    {&VcpuX86::r9, &IgvmNativeVpContextX64::r9},
    {&VcpuX86::r10, &IgvmNativeVpContextX64::r10},
    {&VcpuX86::r11, &IgvmNativeVpContextX64::r11},
    {&VcpuX86::r12, &IgvmNativeVpContextX64::r12},
    {&VcpuX86::r13, &IgvmNativeVpContextX64::r13},
    {&VcpuX86::r14, &IgvmNativeVpContextX64::r14},
    {&VcpuX86::r15, &IgvmNativeVpContextX64::r15},
    {&VcpuX86::rip, &IgvmNativeVpContextX64::rip},
    {&VcpuX86::rflags, &IgvmNativeVpContextX64::rflags},
    {&VcpuX86::gs_base, &IgvmNativeVpContextX64::gs_base},
    {&VcpuX86::cr0, &IgvmNativeVpContextX64::cr0},
    {&VcpuX86::cr3, &IgvmNativeVpContextX64::cr3},
    {&VcpuX86::cr4, &IgvmNativeVpContextX64::cr4},
    {&VcpuX86::efer, &IgvmNativeVpContextX64::efer},
};
static_assert(std::size(kNativeFields) == std::size(kX86Registers));

VcpuX86 registers_of(const IgvmNativeVpContextX64& context) {
  VcpuX86 vcpu;
  for (const NativeField& field : kNativeFields) vcpu.*field.member = context.*field.field;
  vcpu.idtr = {.base = context.idtr_base, .limit = context.idtr_limit};
  vcpu.gdtr = {.base = context.gdtr_base, .limit = context.gdtr_limit};
  vcpu.code = {.selector = context.code_selector,
               .attributes = context.code_attributes,
               .base = context.code_base,
               .limit = context.code_limit};
  vcpu.data = {.selector = context.data_selector,
               .attributes = context.data_attributes,
               .base = context.data_base,
               .limit = context.data_limit};
  return vcpu;
}

Lines describe_native(const IgvmNativeVpContextX64& context) {
  const VcpuX86 vcpu = registers_of(context);
  Lines lines;
  for (const X86RegisterName& entry : kX86Registers) lines.emplace_back(entry.name, hex(vcpu.*entry.member));
  lines.emplace_back("idtr", table(vcpu.idtr.base, vcpu.idtr.limit));
  lines.emplace_back("gdtr", table(vcpu.gdtr.base, vcpu.gdtr.limit));
  lines.emplace_back("cs",
                     segment(vcpu.code.selector, vcpu.code.attributes, vcpu.code.limit, vcpu.code.base));
  lines.emplace_back("ds",
                     segment(vcpu.data.selector, vcpu.data.attributes, vcpu.data.limit, vcpu.data.base));
  return lines;
}

// HV_X64_SEGMENT_REGISTER and HV_X64_TABLE_REGISTER (Hypervisor Top Level Functional Specification, 7.6)
struct HvSegment {
  le64 base;        // 0
  le32 limit;       // 8
  le16 selector;    // 12
  le16 attributes;  // 14
};
static_assert(sizeof(HvSegment) == 16 && Wire<HvSegment>);
struct HvTable {
  std::array<le16, 3> pad;  // 0
  le16 limit;               // 6
  le64 base;                // 8
};
static_assert(sizeof(HvTable) == 16 && Wire<HvTable>);

Result<std::string> vbs_value(VbsRegister::Form form, Bytes value) {
  switch (form) {
    case VbsRegister::Form::segment: {
      const HvSegment hv = TRY(read_at<HvSegment>(value, 0, "a segment register"));
      return segment(hv.selector, hv.attributes, hv.limit, hv.base);
    }
    case VbsRegister::Form::table: {
      const HvTable hv = TRY(read_at<HvTable>(value, 0, "a table register"));
      return table(hv.base, hv.limit);
    }
    case VbsRegister::Form::value:
      break;
  }
  return hex(TRY(read_at<le64>(value, 0, "a register")));
}

Result<Lines> describe_vbs(Bytes data, Arch arch) {
  ByteReader reader(data);
  Lines lines;
  const std::uint32_t count = TRY(reader.read<VbsVpContextHeader>("a VBS register list")).register_count;
  for (std::uint32_t i = 0; i < count; ++i) {
    const VbsVpContextRegister entry = TRY(reader.read<VbsVpContextRegister>("a VBS register"));
    const VbsRegister* known = find_vbs_register(arch, entry.register_name);
    std::string name = known != nullptr ? std::string(known->name) : hex(entry.register_name);
    const VbsRegister::Form form = known != nullptr ? known->form : VbsRegister::Form::value;
    lines.emplace_back(std::move(name), TRY(vbs_value(form, entry.register_value)));
  }
  return lines;
}

// The save area of an SEV-ES or SEV-SNP guest (AMD64 Architecture Programmer's Manual volume 2, table B-4):
// what a report wants of it.
struct VmsaSegment {
  le16 selector;  // 0
  le16 attrib;    // 2
  le32 limit;     // 4
  le64 base;      // 8
};
static_assert(sizeof(VmsaSegment) == 16 && Wire<VmsaSegment>);

// In the order of the save area.
constexpr std::string_view kVmsaSegments[] = {"es", "cs",   "ss",   "ds",   "fs",
                                              "gs", "gdtr", "ldtr", "idtr", "tr"};

struct VmsaField {
  std::string_view name;
  std::uint16_t offset;
  std::uint8_t size;
};
constexpr VmsaField kVmsaFields[] = {
    {"vmpl", 0x0CA, 1},         {"cpl", 0x0CB, 1},
    {"efer", 0x0D0, 8},         {"xss", 0x140, 8},
    {"cr4", 0x148, 8},          {"cr3", 0x150, 8},
    {"cr0", 0x158, 8},          {"dr7", 0x160, 8},
    {"dr6", 0x168, 8},          {"rflags", 0x170, 8},
    {"rip", 0x178, 8},          {"rsp", 0x1D8, 8},
    {"rax", 0x1F8, 8},          {"rcx", 0x308, 8},
    {"rdx", 0x310, 8},          {"rbx", 0x318, 8},
    {"rbp", 0x328, 8},          {"rsi", 0x330, 8},
    {"rdi", 0x338, 8},          {"r8", 0x340, 8},
    {"r9", 0x348, 8},           {"r10", 0x350, 8},
    {"r11", 0x358, 8},          {"r12", 0x360, 8},
    {"r13", 0x368, 8},          {"r14", 0x370, 8},
    {"r15", 0x378, 8},          {"cr2", 0x240, 8},
    {"pat", 0x268, 8},          {"star", 0x200, 8},
    {"lstar", 0x208, 8},        {"cstar", 0x210, 8},
    {"sfmask", 0x218, 8},       {"kernel_gs_base", 0x220, 8},
    {"sev_features", 0x3B0, 8}, {"v_intr_cntrl", 0x3B8, 8},
    {"virtual_tom", 0x3C8, 8},  {"xcr0", 0x3E8, 8},
    {"mxcsr", 0x408, 4},        {"x87_fcw", 0x410, 2},
    {"x87_fsw", 0x40E, 2},      {"x87_ftw", 0x40C, 2},
};

Result<Lines> describe_vmsa(Bytes data) {
  ByteReader reader(data);
  Lines lines;
  for (const std::string_view name : kVmsaSegments) {
    const VmsaSegment entry = TRY(reader.read<VmsaSegment>("a segment of a VMSA"));
    lines.emplace_back(name, segment(entry.selector, entry.attrib, entry.limit, entry.base));
  }
  for (const VmsaField& field : kVmsaFields) {
    const Bytes bytes = TRY(slice(data, field.offset, field.size, field.name));
    std::uint64_t value = 0;
    for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | bytes[i];
    lines.emplace_back(field.name, hex(value));
  }
  return lines;
}

Lines describe_cca(const IgvmVpContextAArch64Cca& context) {
  Lines lines;
  for (std::size_t i = 0; i < context.x.size(); ++i)
    lines.emplace_back(fmt::format("x{}", i), hex(context.x[i]));
  lines.emplace_back("pc", hex(context.pc));
  lines.emplace_back("flags", hex(context.flags));
  return lines;
}

Result<Lines> describe(const VpContext& context) {
  switch (context.kind) {
    case VpContext::Kind::native_x64:
      return describe_native(TRY(read_at<IgvmNativeVpContextX64>(context.data, 0, "a native VP context")));
    case VpContext::Kind::vbs_x64:
      return describe_vbs(context.data, Arch::x86_64);
    case VpContext::Kind::vbs_aarch64:
      return describe_vbs(context.data, Arch::aarch64);
    case VpContext::Kind::snp_vmsa:
      return describe_vmsa(context.data);
    case VpContext::Kind::cca:
      break;
  }
  return describe_cca(TRY(read_at<IgvmVpContextAArch64Cca>(context.data, 0, "a CCA VP context")));
}

}  // namespace

Result<VcpuX86> native_registers(const VpContext& context) {
  if (context.kind != VpContext::Kind::native_x64)
    return fail("the context of vCPU {} is not a native x64 one", context.vp_index);
  TRY(one_page_of_context(context.data, sizeof(IgvmNativeVpContextX64)));
  return registers_of(TRY(read_at<IgvmNativeVpContextX64>(context.data, 0, "a native VP context")));
}

std::vector<std::uint8_t> native_context(const VcpuX86& registers) {
  IgvmNativeVpContextX64 context{};
  for (const NativeField& field : kNativeFields) context.*field.field = registers.*field.member;
  context.idtr_base = registers.idtr.base;
  context.idtr_limit = registers.idtr.limit;
  context.gdtr_limit = registers.gdtr.limit;
  context.gdtr_base = registers.gdtr.base;
  context.code_selector = registers.code.selector;
  context.code_attributes = registers.code.attributes;
  context.code_base = registers.code.base;
  context.code_limit = registers.code.limit;
  context.data_selector = registers.data.selector;
  context.data_attributes = registers.data.attributes;
  context.data_base = registers.data.base;
  context.data_limit = registers.data.limit;
  std::vector<std::uint8_t> page(kPageSize, 0);
  std::memcpy(page.data(), &context, sizeof(context));
  return page;
}

Result<VcpuArm64> vbs_registers(const VpContext& context) {
  if (context.kind != VpContext::Kind::vbs_aarch64)
    return fail("the context of vCPU {} is not a VBS register list of AArch64", context.vp_index);
  ByteReader reader(context.data);
  const std::uint32_t count = TRY(reader.read<VbsVpContextHeader>("a VBS register list")).register_count;
  VcpuArm64 vcpu;
  std::array<bool, std::size(kArm64Registers)> given{};
  for (std::uint32_t i = 0; i < count; ++i) {
    const VbsVpContextRegister entry = TRY(reader.read<VbsVpContextRegister>("a VBS register"));
    if (entry.vtl != 0)
      return fail("vCPU {} has registers of VTL {}, and there is only VTL 0", context.vp_index, entry.vtl);
    const VbsRegister* known = find_vbs_register(Arch::aarch64, entry.register_name);
    const auto place = std::find_if(std::begin(kArm64Registers), std::end(kArm64Registers),
                                    [&](const auto& name) { return known && name.name == known->name; });
    if (place == std::end(kArm64Registers))
      return fail("vCPU {} has a register {:#x} that this program does not know", context.vp_index,
                  entry.register_name.value());
    if (std::exchange(given[static_cast<std::size_t>(place - std::begin(kArm64Registers))], true))
      return fail("vCPU {} has register {} twice", context.vp_index, place->name);
    vcpu.*place->member = TRY(read_at<le64>(entry.register_value, 0, "a register"));
  }
  return vcpu;
}

std::vector<std::uint8_t> vbs_context(const VcpuArm64& registers) {
  Buffer list;
  list.put(VbsVpContextHeader{.register_count = std::size(kArm64Registers)});
  for (const Arm64RegisterName& name : kArm64Registers) {
    const std::span<const VbsRegister> known = vbs_registers(Arch::aarch64);
    const auto entry = std::find_if(known.begin(), known.end(), [&](const VbsRegister& candidate) {
      return candidate.name == name.name;
    });
    assert(entry != known.end());
    VbsVpContextRegister value{.vtl = 0, .register_name = entry->id, .mbz = {}, .register_value = {}};
    const le64 number = registers.*name.member;
    std::memcpy(value.register_value.data(), &number, sizeof(number));
    list.put(value);
  }
  return std::move(list.bytes());
}

std::vector<std::pair<std::string, std::string>> describe_context(const VpContext& context) {
  return describe(context).value_or(Lines{});
}

}  // namespace tintype::igvm
