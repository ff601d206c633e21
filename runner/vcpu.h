// A vCPU: its descriptor, the page it shares with KVM, and its registers. What every host's KVM has in common
// is in vcpu.cc, the rest in vcpu_x86.cc and vcpu_arm64.cc, of which a runner has the one for its host.
//
// Source: Linux Documentation/virt/kvm/api.rst, 4.3, 4.11 to 4.13, 4.68, 4.69 and 5.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "formats/result.h"
#include "formats/vcpu.h"
#include "runner/fd.h"
#include "runner/guest_memory.h"

namespace tintype {

// Why KVM_RUN returned, with what the runner must do about it.
struct VcpuExit {
  enum class Kind : std::uint8_t {
    resume,       // nothing: a signal, or an event for a vCPU that waits
    port_read,    // fill `data`
    port_write,   // take `data`
    memory_read,  // fill `data`
    memory_write,
    power_off,
    reset,
    crash,         // `what` says why
    memory_fault,  // the host has no page for a guest access
    failure,       // `what`; not the guest's doing
  };
  Kind kind = Kind::resume;
  std::uint16_t port = 0;
  std::size_t size = 1;               // bytes of each port access in `data`
  std::uint64_t gpa = 0;              // of a memory access
  std::span<std::uint8_t> data = {};  // in the page shared with KVM; until the next run()
  std::string what = {};
};

class Vcpu {
 public:
  // `fd` is the vCPU's descriptor, `mapping_size` that of its shared page.
  static Result<Vcpu> create(Fd fd, std::uint32_t index, std::size_t mapping_size);
  Vcpu(Vcpu&& other) noexcept;
  Vcpu& operator=(Vcpu&&) = delete;
  ~Vcpu();

  std::uint32_t index() const { return index_; }
  int fd() const { return fd_.get(); }
  // What `registers`, which are those of the host's architecture, do not have keeps its reset value. Errors:
  // a state that no processor can have.
  Result<void> set_registers(const VcpuState& registers) const;

  // Runs the guest until it needs something. Allocates only for a crash or failure.
  VcpuExit run();
  // Makes run() return at once, now or the next time. Any thread may call it; a running vCPU also needs a
  // signal.
  void interrupt() const;

  // The registers, one line for a few of them, and the bytes at the instruction pointer.
  std::string describe(const GuestMemory& memory) const;

 private:
  struct Shared;  // struct kvm_run
  Vcpu(Fd fd, std::uint32_t index, void* shared, std::size_t size)
      : fd_(std::move(fd)), index_(index), shared_(shared), shared_size_(size) {}
  VcpuExit memory_exit() const;
  VcpuExit decode_exit() const;
  // The exits of this host's architecture alone.
  VcpuExit decode_own_exit() const;

  Fd fd_;
  std::uint32_t index_ = 0;
  void* shared_ = nullptr;
  std::size_t shared_size_ = 0;
};

// KVM did not do what `what` says of that vCPU; errno says why.
tl::unexpected<Error> vcpu_refused(std::string_view what, std::uint32_t index);

}  // namespace tintype
