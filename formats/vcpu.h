// A vCPU's initial registers, as values, and the one table that names them.
#pragma once

#include <cstdint>
#include <string_view>
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

}  // namespace tintype
