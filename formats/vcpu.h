// A vCPU's initial registers, as values, and the one table that names them.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "formats/gpa.h"

namespace tintype {

// A segment as the VMX layout describes it: attributes are the access-rights bytes of the descriptor (Intel
// SDM volume 3, 24.4.1), the limit is in bytes.
struct X86Segment {
  std::uint16_t selector = 0;
  std::uint16_t attributes = 0;
  std::uint32_t base = 0;
  std::uint32_t limit = 0;
  bool operator==(const X86Segment&) const = default;
};

struct X86Table {
  std::uint64_t base = 0;
  std::uint16_t limit = 0;
  bool operator==(const X86Table&) const = default;
};

// The boot processor's registers. Whatever is not here has its architectural reset value. `data` is loaded
// into DS, ES, FS, GS and SS.
struct VcpuX86 {
  std::uint64_t rax = 0, rcx = 0, rdx = 0, rbx = 0, rsp = 0, rbp = 0, rsi = 0, rdi = 0;
  std::uint64_t r8 = 0, r9 = 0, r10 = 0, r11 = 0, r12 = 0, r13 = 0, r14 = 0, r15 = 0;
  std::uint64_t rip = 0, rflags = 2;
  std::uint64_t gs_base = 0;
  std::uint64_t cr0 = 0, cr3 = 0, cr4 = 0, efer = 0;
  X86Table idtr, gdtr;
  X86Segment code, data;
  bool operator==(const VcpuX86&) const = default;
};

// Name and place of each 64-bit register, in the order reports print them.
struct X86RegisterName {
  std::string_view name;
  std::uint64_t VcpuX86::*member;
};
inline constexpr X86RegisterName kX86Registers[] = {
    {"rax", &VcpuX86::rax},         {"rcx", &VcpuX86::rcx},   {"rdx", &VcpuX86::rdx},
    {"rbx", &VcpuX86::rbx},         {"rsp", &VcpuX86::rsp},   {"rbp", &VcpuX86::rbp},
    {"rsi", &VcpuX86::rsi},         {"rdi", &VcpuX86::rdi},   {"r8", &VcpuX86::r8},
    {"r9", &VcpuX86::r9},           {"r10", &VcpuX86::r10},   {"r11", &VcpuX86::r11},
    {"r12", &VcpuX86::r12},         {"r13", &VcpuX86::r13},   {"r14", &VcpuX86::r14},
    {"r15", &VcpuX86::r15},         {"rip", &VcpuX86::rip},   {"rflags", &VcpuX86::rflags},
    {"gs_base", &VcpuX86::gs_base}, {"cr0", &VcpuX86::cr0},   {"cr3", &VcpuX86::cr3},
    {"cr4", &VcpuX86::cr4},         {"efer", &VcpuX86::efer},
};

// The boot processor's registers on AArch64, those that a VBS register list can have. It starts in EL1 on
// SP_EL1 with everything masked and the MMU off, SCTLR_EL1 with just those bits set that Armv8.0 has as one
// (Arm DDI 0487, C5.2.19 and D17.2.118).
struct VcpuArm64 {
  std::uint64_t x0 = 0, x1 = 0, x2 = 0, x3 = 0, x4 = 0, x5 = 0, x6 = 0, x7 = 0;
  std::uint64_t pc = 0, cpsr = 0x3C5;
  std::uint64_t sctlr_el1 = 0x30D00800, ttbr0_el1 = 0, ttbr1_el1 = 0, tcr_el1 = 0, mair_el1 = 0, vbar_el1 = 0;
  bool operator==(const VcpuArm64&) const = default;
};

// Name and place of each, in the order in which a register list of ours has them: that of their numbers in
// the Hypervisor Top Level Functional Specification (HvArm64RegisterName).
struct Arm64RegisterName {
  std::string_view name;
  std::uint64_t VcpuArm64::*member;
};
inline constexpr Arm64RegisterName kArm64Registers[] = {
    {"x0", &VcpuArm64::x0},
    {"x1", &VcpuArm64::x1},
    {"x2", &VcpuArm64::x2},
    {"x3", &VcpuArm64::x3},
    {"x4", &VcpuArm64::x4},
    {"x5", &VcpuArm64::x5},
    {"x6", &VcpuArm64::x6},
    {"x7", &VcpuArm64::x7},
    {"pc", &VcpuArm64::pc},
    {"cpsr", &VcpuArm64::cpsr},
    {"sctlr_el1", &VcpuArm64::sctlr_el1},
    {"ttbr0_el1", &VcpuArm64::ttbr0_el1},
    {"ttbr1_el1", &VcpuArm64::ttbr1_el1},
    {"tcr_el1", &VcpuArm64::tcr_el1},
    {"mair_el1", &VcpuArm64::mair_el1},
    {"vbar_el1", &VcpuArm64::vbar_el1},
};

using VcpuState = std::variant<VcpuX86, VcpuArm64>;

}  // namespace tintype
