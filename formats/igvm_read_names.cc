// Names of header types, platforms and VBS registers.
#include <algorithm>

#include "formats/igvm_read_rules.h"

namespace tintype::igvm {

namespace {

using Form = VbsRegister::Form;

// HvX64RegisterName, of which these are what the reference reads. Ascending.
constexpr VbsRegister kX64Registers[] = {
    {"rsp", 0x00020004},
    {"rbp", 0x00020005},
    {"rsi", 0x00020006},
    {"r8", 0x00020008},
    {"r9", 0x00020009},
    {"r10", 0x0002000A},
    {"r11", 0x0002000B},
    {"r12", 0x0002000C},
    {"rip", 0x00020010},
    {"rflags", 0x00020011},
    {"cr0", 0x00040000},
    {"cr3", 0x00040002},
    {"cr4", 0x00040003},
    {"es", 0x00060000, Form::segment},
    {"cs", 0x00060001, Form::segment},
    {"ss", 0x00060002, Form::segment},
    {"ds", 0x00060003, Form::segment},
    {"fs", 0x00060004, Form::segment},
    {"gs", 0x00060005, Form::segment},
    {"tr", 0x00060007, Form::segment},
    {"idtr", 0x00070000, Form::table},
    {"gdtr", 0x00070001, Form::table},
    {"efer", 0x00080001},
    {"pat", 0x00080004},
    {"mtrr_def_type", 0x0008000E},
    {"mtrr_phys_base0", 0x00080010},
    {"mtrr_phys_base1", 0x00080011},
    {"mtrr_phys_base2", 0x00080012},
    {"mtrr_phys_base3", 0x00080013},
    {"mtrr_phys_base4", 0x00080014},
    {"mtrr_phys_mask0", 0x00080040},
    {"mtrr_phys_mask1", 0x00080041},
    {"mtrr_phys_mask2", 0x00080042},
    {"mtrr_phys_mask3", 0x00080043},
    {"mtrr_phys_mask4", 0x00080044},
    {"mtrr_fix64k_00000", 0x00080070},
    {"mtrr_fix16k_80000", 0x00080071},
    {"mtrr_fix4k_e0000", 0x00080077},
    {"mtrr_fix4k_e8000", 0x00080078},
    {"mtrr_fix4k_f0000", 0x00080079},
    {"mtrr_fix4k_f8000", 0x0008007A},
};

// HvArm64RegisterName, likewise.
constexpr VbsRegister kAarch64Registers[] = {
    {"x0", 0x00020000},        {"x1", 0x00020001},      {"x2", 0x00020002},        {"x3", 0x00020003},
    {"x4", 0x00020004},        {"x5", 0x00020005},      {"x6", 0x00020006},        {"x7", 0x00020007},
    {"pc", 0x00020022},        {"cpsr", 0x00020023},    {"sctlr_el1", 0x00040002}, {"ttbr0_el1", 0x00040005},
    {"ttbr1_el1", 0x00040006}, {"tcr_el1", 0x00040007}, {"mair_el1", 0x0004000B},  {"vbar_el1", 0x0004000C},
};

constexpr bool ascending(std::span<const VbsRegister> registers) {
  for (std::size_t i = 1; i < registers.size(); ++i)
    if (registers[i - 1].id >= registers[i].id) return false;
  return true;
}
static_assert(ascending(kX64Registers) && ascending(kAarch64Registers));

}  // namespace

std::span<const VbsRegister> vbs_registers(Arch arch) {
  if (arch == Arch::x86_64) return kX64Registers;
  return kAarch64Registers;
}

const VbsRegister* find_vbs_register(Arch arch, std::uint32_t id) {
  const std::span<const VbsRegister> registers = vbs_registers(arch);
  const auto found =
      std::lower_bound(registers.begin(), registers.end(), id,
                       [](const VbsRegister& r, std::uint32_t wanted) { return r.id < wanted; });
  return found != registers.end() && found->id == id ? &*found : nullptr;
}

std::string_view platform_name(std::uint8_t platform_type) {
  switch (platform_type) {
    case IGVM_PLATFORM_NATIVE:
      return "NATIVE";
    case IGVM_PLATFORM_VSM_ISOLATION:
      return "VSM_ISOLATION";
    case IGVM_PLATFORM_SEV_SNP:
      return "SEV_SNP";
    case IGVM_PLATFORM_TDX:
      return "TDX";
    case IGVM_PLATFORM_SEV:
      return "SEV";
    case IGVM_PLATFORM_SEV_ES:
      return "SEV_ES";
    case IGVM_PLATFORM_CCA:
      return "CCA";
    default:
      return "unknown";
  }
}

std::string_view header_name(std::uint32_t type) {
  switch (type) {
    case IGVM_VHT_SUPPORTED_PLATFORM:
      return "SUPPORTED_PLATFORM";
    case IGVM_VHT_GUEST_POLICY:
      return "GUEST_POLICY";
    case IGVM_VHT_RELOCATABLE_REGION:
      return "RELOCATABLE_REGION";
    case IGVM_VHT_PAGE_TABLE_RELOCATION_REGION:
      return "PAGE_TABLE_RELOCATION_REGION";
    case IGVM_VHT_CCA_POLICY:
      return "CCA_POLICY";
    case IGVM_VHT_PARAMETER_AREA:
      return "PARAMETER_AREA";
    case IGVM_VHT_PAGE_DATA:
      return "PAGE_DATA";
    case IGVM_VHT_PARAMETER_INSERT:
      return "PARAMETER_INSERT";
    case IGVM_VHT_VP_CONTEXT:
      return "VP_CONTEXT";
    case IGVM_VHT_REQUIRED_MEMORY:
      return "REQUIRED_MEMORY";
    case IGVM_VHT_VP_COUNT_PARAMETER:
      return "VP_COUNT_PARAMETER";
    case IGVM_VHT_SRAT:
      return "SRAT";
    case IGVM_VHT_MADT:
      return "MADT";
    case IGVM_VHT_MMIO_RANGES:
      return "MMIO_RANGES";
    case IGVM_VHT_SNP_ID_BLOCK:
      return "SNP_ID_BLOCK";
    case IGVM_VHT_MEMORY_MAP:
      return "MEMORY_MAP";
    case IGVM_VHT_ERROR_RANGE:
      return "ERROR_RANGE";
    case IGVM_VHT_COMMAND_LINE:
      return "COMMAND_LINE";
    case IGVM_VHT_SLIT:
      return "SLIT";
    case IGVM_VHT_PPTT:
      return "PPTT";
    case IGVM_VHT_VBS_MEASUREMENT:
      return "VBS_MEASUREMENT";
    case IGVM_VHT_DEVICE_TREE:
      return "DEVICE_TREE";
    case IGVM_VHT_ENVIRONMENT_INFO_PARAMETER:
      return "ENVIRONMENT_INFO_PARAMETER";
    default:
      return "unknown";
  }
}

std::string parameter_name(std::uint32_t type) {
  if (!is_parameter(type)) return "unknown";
  constexpr std::string_view kSuffix = "_PARAMETER";
  std::string_view name = header_name(type);
  if (name.ends_with(kSuffix)) name.remove_suffix(kSuffix.size());
  return std::string(name);
}

std::string_view page_kind_name(const PageRun& run) {
  if (run.data_type == IGVM_PAGE_DATA_TYPE_SECRETS) return "secrets";
  if (run.data_type == IGVM_PAGE_DATA_TYPE_CPUID_DATA) return "cpuid";
  if (run.data_type == IGVM_PAGE_DATA_TYPE_CPUID_XF) return "cpuid_xf";
  if ((run.flags & IGVM_PAGE_DATA_SHARED) != 0) return "shared";
  return (run.flags & IGVM_PAGE_DATA_UNMEASURED) != 0 ? "unmeasured" : "normal";
}

std::uint32_t type_of(const Directive& directive) {
  constexpr std::uint32_t kTypes[] = {
      IGVM_VHT_PAGE_DATA,        IGVM_VHT_PARAMETER_AREA,  0,
      IGVM_VHT_PARAMETER_INSERT, IGVM_VHT_VP_CONTEXT,      IGVM_VHT_REQUIRED_MEMORY,
      IGVM_VHT_SNP_ID_BLOCK,     IGVM_VHT_VBS_MEASUREMENT, IGVM_VHT_ERROR_RANGE};
  static_assert(std::size(kTypes) == std::variant_size_v<Directive>);
  if (const Parameter* parameter = std::get_if<Parameter>(&directive)) return parameter->type;
  return kTypes[directive.index()];
}

bool is_parameter(std::uint32_t type) {
  switch (type) {
    case IGVM_VHT_VP_COUNT_PARAMETER:
    case IGVM_VHT_SRAT:
    case IGVM_VHT_MADT:
    case IGVM_VHT_MMIO_RANGES:
    case IGVM_VHT_MEMORY_MAP:
    case IGVM_VHT_COMMAND_LINE:
    case IGVM_VHT_SLIT:
    case IGVM_VHT_PPTT:
    case IGVM_VHT_DEVICE_TREE:
    case IGVM_VHT_ENVIRONMENT_INFO_PARAMETER:
      return true;
    default:
      return false;
  }
}

}  // namespace tintype::igvm
