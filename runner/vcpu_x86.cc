#include "runner/vcpu_x86.h"

#include <sys/ioctl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "runner/kvm_lists.h"

namespace tintype {

namespace {

// KVM_EXIT_MEMORY_FAULT, newer than the headers of the oldest supported system.
constexpr std::uint32_t kExitMemoryFault = 39;

// IA32_MISC_ENABLE (Intel SDM volume 4, table 2-2), bit 0.
constexpr std::uint32_t kMsrMiscEnable = 0x1A0;
constexpr std::uint64_t kFastStrings = 1;

// Code bytes that a crash report shows.
constexpr std::uint64_t kCodeBytes = 16;

tl::unexpected<Error> refused(std::string_view what, std::uint32_t index) {
  return fail("KVM refused to {} of vCPU {}: {}", what, index, std::strerror(errno));
}

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

std::string internal_error(const kvm_run& run) {
  std::string text = fmt::format("KVM cannot run it further (internal error {}", run.internal.suberror);
  const std::size_t count = std::min<std::size_t>(run.internal.ndata, std::size(run.internal.data));
  for (std::size_t i = 0; i < count; ++i) text += fmt::format(" {:#x}", run.internal.data[i]);
  return text + ")";
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

}  // namespace

struct Vcpu::Shared : kvm_run {};

Result<Vcpu> Vcpu::create(Fd fd, std::uint32_t index, std::size_t mapping_size) {
  void* shared = ::mmap(nullptr, mapping_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (shared == MAP_FAILED) return refused("map the page", index);
  return Vcpu(std::move(fd), index, shared, mapping_size);
}

Vcpu::Vcpu(Vcpu&& other) noexcept
    : fd_(std::move(other.fd_)),
      index_(other.index_),
      shared_(std::exchange(other.shared_, nullptr)),
      shared_size_(other.shared_size_) {}

Vcpu::~Vcpu() {
  if (shared_ != nullptr) ::munmap(shared_, shared_size_);
}

Result<void> Vcpu::set_cpuid(const std::vector<CpuidEntry>& entries) const {
  if (entries.size() > kvm::kMaxCpuidEntries)
    return fail("the CPUID of vCPU {} has {} leaves, more than KVM's {}", index_, entries.size(),
                kvm::kMaxCpuidEntries);
  const auto list = std::make_unique<kvm::CpuidList>();
  list->nent = static_cast<std::uint32_t>(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const CpuidEntry& from = entries[i];
    list->entries[i] = {.function = from.function,
                        .index = from.index,
                        .flags = from.flags,
                        .eax = from.eax,
                        .ebx = from.ebx,
                        .ecx = from.ecx,
                        .edx = from.edx,
                        .padding = {}};
  }
  if (::ioctl(fd_.get(), kvm::kSetCpuid2, list.get()) < 0) return refused("set the CPUID", index_);
  return {};
}

void Vcpu::enable_fast_strings() const {
  kvm::OneMsr msr;
  msr.entry.index = kMsrMiscEnable;
  msr.entry.data = kFastStrings;
  ::ioctl(fd_.get(), kvm::kSetMsrs, &msr);
}

Result<void> Vcpu::set_registers(const VcpuX86& registers) const {
  kvm_sregs sregs = {};
  if (::ioctl(fd_.get(), KVM_GET_SREGS, &sregs) < 0) return refused("read the registers", index_);
  put_special_registers(registers, sregs);
  if (::ioctl(fd_.get(), KVM_SET_SREGS, &sregs) < 0) {
    if (errno != EINVAL) return refused("set the registers", index_);
    return fail(
        "has control registers for vCPU {} that no processor can have (cr0 {:#x}, cr3 {:#x}, cr4 {:#x}, efer "
        "{:#x})",
        index_, registers.cr0, registers.cr3, registers.cr4, registers.efer);
  }
  const kvm_regs regs = general_registers(registers);
  if (::ioctl(fd_.get(), KVM_SET_REGS, &regs) < 0) return refused("set the registers", index_);
  return {};
}

Result<void> Vcpu::make_runnable() const {
  kvm_mp_state state = {.mp_state = KVM_MP_STATE_RUNNABLE};
  if (::ioctl(fd_.get(), KVM_SET_MP_STATE, &state) < 0) return refused("start the clock", index_);
  return {};
}

void Vcpu::interrupt() const {
  __atomic_store_n(&static_cast<Shared*>(shared_)->immediate_exit, std::uint8_t{1}, __ATOMIC_RELEASE);
}

// The kernel wrote these numbers, and still no access goes past the mapping because of them.
VcpuExit Vcpu::port_exit() const {
  const auto& io = static_cast<const Shared*>(shared_)->io;
  const std::uint64_t bytes = std::uint64_t{io.size} * io.count;
  if (io.size == 0 || io.size > 4 || io.data_offset > shared_size_ || bytes > shared_size_ - io.data_offset)
    return {.kind = VcpuExit::Kind::failure, .what = "KVM described a port access outside the vCPU's page"};
  return {.kind = io.direction == KVM_EXIT_IO_IN ? VcpuExit::Kind::port_read : VcpuExit::Kind::port_write,
          .port = io.port,
          .size = io.size,
          .data = {static_cast<std::uint8_t*>(shared_) + io.data_offset, static_cast<std::size_t>(bytes)}};
}

VcpuExit Vcpu::memory_exit() const {
  auto& mmio = static_cast<Shared*>(shared_)->mmio;
  const std::size_t size = std::min<std::size_t>(mmio.len, sizeof(mmio.data));
  return {.kind = mmio.is_write != 0 ? VcpuExit::Kind::memory_write : VcpuExit::Kind::memory_read,
          .gpa = mmio.phys_addr,
          .data = {mmio.data, size}};
}

VcpuExit Vcpu::decode_exit() const {
  using Kind = VcpuExit::Kind;
  const kvm_run& run = *static_cast<const Shared*>(shared_);
  switch (run.exit_reason) {
    case KVM_EXIT_IO:
      return port_exit();
    case KVM_EXIT_MMIO:
      return memory_exit();
    case KVM_EXIT_INTR:
    case KVM_EXIT_HLT:
    case KVM_EXIT_IRQ_WINDOW_OPEN:
      return {};
    case KVM_EXIT_SHUTDOWN:
      return {.kind = Kind::crash, .what = "triple fault"};
    case KVM_EXIT_INTERNAL_ERROR:
      return {.kind = Kind::crash, .what = internal_error(run)};
    case KVM_EXIT_FAIL_ENTRY:
      return {.kind = Kind::crash,
              .what = fmt::format("the processor refused its state (reason {:#x})",
                                  std::uint64_t{run.fail_entry.hardware_entry_failure_reason})};
    case KVM_EXIT_SYSTEM_EVENT:
      if (run.system_event.type == KVM_SYSTEM_EVENT_SHUTDOWN) return {.kind = Kind::power_off};
      if (run.system_event.type == KVM_SYSTEM_EVENT_RESET) return {.kind = Kind::reset};
      return {.kind = Kind::crash, .what = "the guest reported a crash"};
    case kExitMemoryFault:
      return {.kind = Kind::memory_fault};
    default:
      return {.kind = Kind::failure,
              .what = fmt::format("KVM stopped it for a reason that this runner does not know ({})",
                                  run.exit_reason)};
  }
}

VcpuExit Vcpu::run() {
  if (::ioctl(fd_.get(), KVM_RUN, 0) >= 0) return decode_exit();
  const int error = errno;
  if (error == EINTR || error == EAGAIN) return {};
  if (error == EFAULT) return {.kind = VcpuExit::Kind::memory_fault};
  return {.kind = VcpuExit::Kind::failure, .what = fmt::format("KVM stopped it: {}", std::strerror(error))};
}

std::optional<std::uint64_t> Vcpu::translate(std::uint64_t address) const {
  kvm_translation translation = {};
  translation.linear_address = address;
  if (::ioctl(fd_.get(), KVM_TRANSLATE, &translation) < 0 || translation.valid == 0) return std::nullopt;
  return translation.physical_address;
}

// Byte by byte, since the next one may lie in another page or in none.
std::string Vcpu::code_at(std::uint64_t address, const GuestMemory& memory) const {
  std::string text;
  for (std::uint64_t i = 0; i < kCodeBytes; ++i) {
    const auto gpa = translate(address + i);
    const auto byte = gpa ? memory.at(*gpa, 1) : std::nullopt;
    if (!byte) break;
    text += fmt::format(" {:02x}", byte->front());
  }
  return text.empty() ? " not in memory" : text;
}

std::string Vcpu::describe(const GuestMemory& memory) const {
  kvm_regs regs = {};
  kvm_sregs sregs = {};
  if (::ioctl(fd_.get(), KVM_GET_REGS, &regs) < 0 || ::ioctl(fd_.get(), KVM_GET_SREGS, &sregs) < 0)
    return "  its registers cannot be read\n";
  // In 64-bit mode the base of CS counts for nothing (Intel SDM volume 3, 3.2.4).
  const std::uint64_t address = sregs.cs.l != 0 ? regs.rip : sregs.cs.base + regs.rip;
  return format_registers(regs, sregs) +
         fmt::format("  code at {:x}:{}\n", address, code_at(address, memory));
}

}  // namespace tintype
