#include <sys/ioctl.h>

#include <cerrno>

#include "runner/vcpu_shared.h"

namespace tintype {

namespace {

// Code bytes that a crash report shows.
constexpr std::uint64_t kCodeBytes = 16;

// Intel SDM volume 3, 24.4.1, as X86Segment holds the attributes.
kvm_segment to_kvm(const X86Segment& segment) {
  const unsigned attributes = segment.attributes;
  const auto bits = [&](unsigned first, unsigned width) {
    return static_cast<std::uint8_t>((attributes >> first) & ((1u << width) - 1));
  };
  kvm_segment result = {};
  result.base = segment.base;
  result.limit = segment.limit;
  result.selector = segment.selector;
  result.type = bits(0, 4);
  result.s = bits(4, 1);
  result.dpl = bits(5, 2);
  result.present = bits(7, 1);
  result.avl = bits(12, 1);
  result.l = bits(13, 1);
  result.db = bits(14, 1);
  result.g = bits(15, 1);
  result.unusable = result.present == 0 ? 1 : 0;
  return result;
}

kvm_regs general_registers(const VcpuX86& from) {
  kvm_regs to = {};
  to.rax = from.rax, to.rcx = from.rcx, to.rdx = from.rdx, to.rbx = from.rbx;
  to.rsp = from.rsp, to.rbp = from.rbp, to.rsi = from.rsi, to.rdi = from.rdi;
  to.r8 = from.r8, to.r9 = from.r9, to.r10 = from.r10, to.r11 = from.r11;
  to.r12 = from.r12, to.r13 = from.r13, to.r14 = from.r14, to.r15 = from.r15;
  to.rip = from.rip, to.rflags = from.rflags;
  return to;
}

void put_special_registers(const VcpuX86& from, kvm_sregs& to) {
  to.cs = to_kvm(from.code);
  to.ds = to.es = to.fs = to.gs = to.ss = to_kvm(from.data);
  // An address that the 32-bit base of `data` cannot hold.
  if (from.gs_base != 0) to.gs.base = from.gs_base;
  to.gdt.base = from.gdtr.base, to.gdt.limit = from.gdtr.limit;
  to.idt.base = from.idtr.base, to.idt.limit = from.idtr.limit;
  to.cr0 = from.cr0, to.cr3 = from.cr3, to.cr4 = from.cr4, to.efer = from.efer;
}

// Rows of a crash report.
std::string format_registers(const kvm_regs& regs, const kvm_sregs& sregs) {
  return fmt::format(
      "  rip {:016x}  rflags {:08x}  rsp {:016x}  rbp {:016x}\n"
      "  rax {:016x}  rbx {:016x}  rcx {:016x}  rdx {:016x}\n"
      "  rsi {:016x}  rdi {:016x}  r8  {:016x}  r9  {:016x}\n"
      "  r10 {:016x}  r11 {:016x}  r12 {:016x}  r13 {:016x}\n"
      "  r14 {:016x}  r15 {:016x}\n"
      "  cr0 {:08x}  cr2 {:016x}  cr3 {:016x}  cr4 {:08x}  efer {:04x}\n"
      "  cs {:04x} base {:x}  ds {:04x}  ss {:04x}  gs base {:x}  gdt {:x}+{:x}  idt {:x}+{:x}\n",
      regs.rip, regs.rflags, regs.rsp, regs.rbp, regs.rax, regs.rbx, regs.rcx, regs.rdx, regs.rsi, regs.rdi,
      regs.r8, regs.r9, regs.r10, regs.r11, regs.r12, regs.r13, regs.r14, regs.r15, sregs.cr0, sregs.cr2,
      sregs.cr3, sregs.cr4, sregs.efer, sregs.cs.selector, sregs.cs.base, sregs.ds.selector,
      sregs.ss.selector, sregs.gs.base, sregs.gdt.base, sregs.gdt.limit, sregs.idt.base, sregs.idt.limit);
}

// The kernel wrote these numbers, and still no access goes past the mapping because of them.
VcpuExit port_exit(kvm_run& run, std::size_t shared_size) {
  const auto& io = run.io;
  const std::uint64_t bytes = std::uint64_t{io.size} * io.count;
  if (io.size == 0 || io.size > 4 || io.data_offset > shared_size || bytes > shared_size - io.data_offset)
    return {.kind = VcpuExit::Kind::failure, .what = "KVM described a port access outside the vCPU's page"};
  return {.kind = io.direction == KVM_EXIT_IO_IN ? VcpuExit::Kind::port_read : VcpuExit::Kind::port_write,
          .port = io.port,
          .size = io.size,
          .data = {reinterpret_cast<std::uint8_t*>(&run) + io.data_offset, static_cast<std::size_t>(bytes)}};
}

std::optional<std::uint64_t> translate(int vcpu, std::uint64_t address) {
  kvm_translation translation = {};
  translation.linear_address = address;
  if (::ioctl(vcpu, KVM_TRANSLATE, &translation) < 0 || translation.valid == 0) return std::nullopt;
  return translation.physical_address;
}

// Byte by byte, since the next one may lie in another page or in none.
std::string code_at(int vcpu, std::uint64_t address, const GuestMemory& memory) {
  std::string text;
  for (std::uint64_t i = 0; i < kCodeBytes; ++i) {
    const auto gpa = translate(vcpu, address + i);
    const auto byte = gpa ? memory.at(*gpa, 1) : std::nullopt;
    if (!byte) break;
    text += fmt::format(" {:02x}", byte->front());
  }
  return text.empty() ? " not in memory" : text;
}

}  // namespace

Result<void> Vcpu::set_registers(const VcpuState& state) const {
  const VcpuX86& registers = std::get<VcpuX86>(state);
  kvm_sregs sregs = {};
  if (::ioctl(fd_.get(), KVM_GET_SREGS, &sregs) < 0) return vcpu_refused("read the registers", index_);
  put_special_registers(registers, sregs);
  if (::ioctl(fd_.get(), KVM_SET_SREGS, &sregs) < 0) {
    if (errno != EINVAL) return vcpu_refused("set the registers", index_);
    return fail(
        "has control registers for vCPU {} that no processor can have (cr0 {:#x}, cr3 {:#x}, cr4 {:#x}, efer "
        "{:#x})",
        index_, registers.cr0, registers.cr3, registers.cr4, registers.efer);
  }
  const kvm_regs regs = general_registers(registers);
  if (::ioctl(fd_.get(), KVM_SET_REGS, &regs) < 0) return vcpu_refused("set the registers", index_);
  return {};
}

VcpuExit Vcpu::decode_own_exit() const {
  using Kind = VcpuExit::Kind;
  auto* shared = static_cast<Shared*>(shared_);
  switch (shared->exit_reason) {
    case KVM_EXIT_IO:
      return port_exit(*shared, shared_size_);
    case KVM_EXIT_HLT:
    case KVM_EXIT_IRQ_WINDOW_OPEN:
      return {};
    case KVM_EXIT_SHUTDOWN:
      return {.kind = Kind::crash, .what = "triple fault"};
    default:
      return unknown_exit(*shared);
  }
}

std::string Vcpu::describe(const GuestMemory& memory) const {
  kvm_regs regs = {};
  kvm_sregs sregs = {};
  if (::ioctl(fd_.get(), KVM_GET_REGS, &regs) < 0 || ::ioctl(fd_.get(), KVM_GET_SREGS, &sregs) < 0)
    return "  its registers cannot be read\n";
  // In 64-bit mode the base of CS counts for nothing (Intel SDM volume 3, 3.2.4).
  const std::uint64_t address = sregs.cs.l != 0 ? regs.rip : sregs.cs.base + regs.rip;
  return format_registers(regs, sregs) +
         fmt::format("  code at {:x}:{}\n", address, code_at(fd_.get(), address, memory));
}

}  // namespace tintype
