// A vCPU: its descriptor, the page it shares with KVM, and its registers.
//
// Source: Linux Documentation/virt/kvm/api.rst, 4.3, 4.11 to 4.13, 4.38 and 5.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "formats/result.h"
#include "formats/vcpu.h"
#include "runner/cpuid.h"
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
  Result<void> set_cpuid(const std::vector<CpuidEntry>& entries) const;
  // Enables fast string instructions, as firmware does on Intel processors; elsewhere this has no effect.
  void enable_fast_strings() const;
  // What `registers` does not have keeps its reset value. Errors: a state that no processor can have.
  Result<void> set_registers(const VcpuX86& registers) const;
  // Starts it without waiting for INIT and SIPI.
  Result<void> make_runnable() const;

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
  VcpuExit port_exit() const;
  VcpuExit memory_exit() const;
  VcpuExit decode_exit() const;
  std::optional<std::uint64_t> translate(std::uint64_t address) const;
  std::string code_at(std::uint64_t address, const GuestMemory& memory) const;

  Fd fd_;
  std::uint32_t index_ = 0;
  void* shared_ = nullptr;
  std::size_t shared_size_ = 0;
};

}  // namespace tintype
