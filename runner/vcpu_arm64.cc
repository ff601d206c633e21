// A vCPU's registers on AArch64: each is read and written by its number.
//
// Source: Linux Documentation/virt/kvm/api.rst, 4.68; encodings of system registers: Arm DDI 0487, C5.3 and
// D17.2.
#include <sys/ioctl.h>

#include <cerrno>

#include "runner/vcpu_shared.h"

namespace tintype {

namespace {

// Code bytes that a crash report shows: four instructions.
constexpr std::uint64_t kCodeBytes = 16;

// KVM_REG_ARM_CORE_REG, which takes the address of a member of a null structure, as a constant.
constexpr std::uint64_t core_register(std::size_t offset) {
  return KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | offset / sizeof(std::uint32_t);
}

constexpr std::uint64_t general_register(unsigned index) {
  return core_register(offsetof(kvm_regs, regs) + offsetof(user_pt_regs, regs) + 8 * index);
}

constexpr std::uint64_t system_register(std::uint64_t op0, std::uint64_t op1, std::uint64_t crn,
                                        std::uint64_t crm, std::uint64_t op2) {
  return KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG | op0 << KVM_REG_ARM64_SYSREG_OP0_SHIFT |
         op1 << KVM_REG_ARM64_SYSREG_OP1_SHIFT | crn << KVM_REG_ARM64_SYSREG_CRN_SHIFT |
         crm << KVM_REG_ARM64_SYSREG_CRM_SHIFT | op2 << KVM_REG_ARM64_SYSREG_OP2_SHIFT;
}

constexpr std::uint64_t kPc = core_register(offsetof(kvm_regs, regs) + offsetof(user_pt_regs, pc));
constexpr std::uint64_t kPstate = core_register(offsetof(kvm_regs, regs) + offsetof(user_pt_regs, pstate));
constexpr std::uint64_t kSpEl0 = core_register(offsetof(kvm_regs, regs) + offsetof(user_pt_regs, sp));
constexpr std::uint64_t kSpEl1 = core_register(offsetof(kvm_regs, sp_el1));
constexpr std::uint64_t kElrEl1 = core_register(offsetof(kvm_regs, elr_el1));
constexpr std::uint64_t kSpsrEl1 = core_register(offsetof(kvm_regs, spsr));
constexpr std::uint64_t kSctlr = system_register(3, 0, 1, 0, 0);
constexpr std::uint64_t kTtbr0 = system_register(3, 0, 2, 0, 0);
constexpr std::uint64_t kTtbr1 = system_register(3, 0, 2, 0, 1);
constexpr std::uint64_t kTcr = system_register(3, 0, 2, 0, 2);
constexpr std::uint64_t kEsr = system_register(3, 0, 5, 2, 0);
constexpr std::uint64_t kFar = system_register(3, 0, 6, 0, 0);
constexpr std::uint64_t kMair = system_register(3, 0, 10, 2, 0);
constexpr std::uint64_t kVbar = system_register(3, 0, 12, 0, 0);

// The numbers of kArm64Registers, in its order.
constexpr std::uint64_t kNumbers[] = {
    general_register(0),
    general_register(1),
    general_register(2),
    general_register(3),
    general_register(4),
    general_register(5),
    general_register(6),
    general_register(7),
    kPc,
    kPstate,
    kSctlr,
    kTtbr0,
    kTtbr1,
    kTcr,
    kMair,
    kVbar,
};
static_assert(std::size(kNumbers) == std::size(kArm64Registers));
static_assert(kArm64Registers[8].member == &VcpuArm64::pc &&
              kArm64Registers[15].member == &VcpuArm64::vbar_el1);

std::optional<std::uint64_t> get(int vcpu, std::uint64_t number) {
  std::uint64_t value = 0;
  const kvm_one_reg reg = {.id = number, .addr = reinterpret_cast<std::uintptr_t>(&value)};
  if (::ioctl(vcpu, KVM_GET_ONE_REG, &reg) < 0) return std::nullopt;
  return value;
}

struct Shown {
  std::string_view name;
  std::uint64_t number;
};

// The rows of a crash report after the general registers.
constexpr Shown kShown[] = {
    {"sp_el0", kSpEl0},    {"sp_el1", kSpEl1},    {"elr_el1", kElrEl1},  {"spsr_el1", kSpsrEl1},
    {"esr_el1", kEsr},     {"far_el1", kFar},     {"sctlr_el1", kSctlr}, {"vbar_el1", kVbar},
    {"ttbr0_el1", kTtbr0}, {"ttbr1_el1", kTtbr1}, {"tcr_el1", kTcr},
};

// Where the code is, if its address is a physical one: KVM on AArch64 translates none, and with the MMU on
// it would have to be walked for.
std::string code_at(std::uint64_t pc, std::uint64_t sctlr, const GuestMemory& memory) {
  constexpr std::uint64_t kMmu = 1;
  if ((sctlr & kMmu) != 0) return "";
  const auto code = memory.at(pc, kCodeBytes);
  std::string text = fmt::format("  code at {:x}:{}", pc, code ? "" : " not in memory");
  if (code)
    for (const std::uint8_t byte : *code) text += fmt::format(" {:02x}", byte);
  return text + "\n";
}

}  // namespace

Result<void> Vcpu::set_registers(const VcpuState& state) const {
  const VcpuArm64& registers = std::get<VcpuArm64>(state);
  for (std::size_t i = 0; i < std::size(kNumbers); ++i) {
    const Arm64RegisterName& known = kArm64Registers[i];
    const std::uint64_t value = registers.*known.member;
    const kvm_one_reg reg = {.id = kNumbers[i], .addr = reinterpret_cast<std::uintptr_t>(&value)};
    if (::ioctl(fd_.get(), KVM_SET_ONE_REG, &reg) >= 0) continue;
    if (errno == EINVAL)
      return fail("has {} {:#x} for vCPU {}, which no processor of this host can have", known.name, value,
                  index_);
    return vcpu_refused(fmt::format("set {}", known.name), index_);
  }
  return {};
}

// Of an access that its syndrome does not describe: Arm DDI 0487, D17.2.37, "ISV".
VcpuExit Vcpu::decode_own_exit() const {
  const kvm_run& run = *static_cast<const Shared*>(shared_);
  if (run.exit_reason == KVM_EXIT_ARM_NISV)
    return {.kind = VcpuExit::Kind::crash,
            .what = fmt::format("an access to {:#x}, where there is no memory, by an instruction that cannot "
                                "be emulated: devices take loads and stores of one general register",
                                std::uint64_t{run.arm_nisv.fault_ipa})};
  return unknown_exit(run);
}

std::string Vcpu::describe(const GuestMemory& memory) const {
  const auto pc = get(fd_.get(), kPc), pstate = get(fd_.get(), kPstate), sctlr = get(fd_.get(), kSctlr);
  if (!pc || !pstate || !sctlr) return "  its registers cannot be read\n";
  std::string text = fmt::format("  pc  {:016x}  pstate {:08x}", *pc, *pstate);
  for (unsigned i = 0; i < 31; ++i)
    text += fmt::format("{}{:<3} {:016x}", i % 4 == 0 ? "\n  " : "  ", fmt::format("x{}", i),
                        get(fd_.get(), general_register(i)).value_or(0));
  for (std::size_t i = 0; i < std::size(kShown); ++i)
    text += fmt::format("{}{} {:x}", i % 4 == 0 ? "\n  " : "  ", kShown[i].name,
                        get(fd_.get(), kShown[i].number).value_or(0));
  return text + "\n" + code_at(*pc, *sctlr, memory);
}

}  // namespace tintype
