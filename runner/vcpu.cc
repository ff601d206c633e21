#include "runner/vcpu.h"

#include <sys/ioctl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "runner/vcpu_shared.h"

namespace tintype {

namespace {

// KVM_EXIT_MEMORY_FAULT, newer than the headers of the oldest supported system.
constexpr std::uint32_t kExitMemoryFault = 39;

std::string internal_error(const kvm_run& run) {
  std::string text = fmt::format("KVM cannot run it further (internal error {}", run.internal.suberror);
  const std::size_t count = std::min<std::size_t>(run.internal.ndata, std::size(run.internal.data));
  for (std::size_t i = 0; i < count; ++i) text += fmt::format(" {:#x}", run.internal.data[i]);
  return text + ")";
}

}  // namespace

tl::unexpected<Error> vcpu_refused(std::string_view what, std::uint32_t index) {
  return fail("KVM refused to {} of vCPU {}: {}", what, index, std::strerror(errno));
}

Result<Vcpu> Vcpu::create(Fd fd, std::uint32_t index, std::size_t mapping_size) {
  void* shared = ::mmap(nullptr, mapping_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (shared == MAP_FAILED) return vcpu_refused("map the page", index);
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

void Vcpu::interrupt() const {
  __atomic_store_n(&static_cast<Shared*>(shared_)->immediate_exit, std::uint8_t{1}, __ATOMIC_RELEASE);
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
    case KVM_EXIT_MMIO:
      return memory_exit();
    case KVM_EXIT_INTR:
      return {};
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
      return decode_own_exit();
  }
}

VcpuExit Vcpu::run() {
  if (::ioctl(fd_.get(), KVM_RUN, 0) >= 0) return decode_exit();
  const int error = errno;
  if (error == EINTR || error == EAGAIN) return {};
  if (error == EFAULT) return {.kind = VcpuExit::Kind::memory_fault};
  return {.kind = VcpuExit::Kind::failure, .what = fmt::format("KVM stopped it: {}", std::strerror(error))};
}

}  // namespace tintype
