// /dev/kvm as owned descriptors and results. The kernel's structures stay in the .cc files.
//
// Source: Linux Documentation/virt/kvm/api.rst.
#pragma once

#include <cstdint>

#include "formats/result.h"
#include "runner/fd.h"

namespace tintype {

// A virtual machine.
class Vm {
 public:
  explicit Vm(Fd fd) : fd_(std::move(fd)) {}
  int fd() const { return fd_.get(); }

  // Guest memory [gpa, gpa + size) is `host`.
  Result<void> add_memory(std::uint32_t slot, std::uint64_t gpa, std::uint64_t size, void* host) const;
  Result<Fd> create_vcpu(std::uint32_t index) const;

 private:
  Fd fd_;
};

class Kvm {
 public:
  // Errors say what to do about a missing or forbidden /dev/kvm.
  static Result<Kvm> open();

  // The value of a KVM_CAP_*; 0 where the host does not have it.
  int capability(int name) const;
  // Of vCPUs: how many there can be, and the first APIC ID that there cannot.
  std::uint32_t max_vcpus() const;
  std::uint32_t max_vcpu_ids() const;
  std::uint32_t max_memory_slots() const;
  // Bytes of a vCPU's shared page, struct kvm_run and what follows it.
  Result<std::size_t> vcpu_mapping_size() const;
  // A machine without memory or vCPUs, of the host's kind `type` (KVM_CREATE_VM).
  Result<Vm> create_vm(unsigned long type = 0) const;
  int fd() const { return fd_.get(); }

 private:
  explicit Kvm(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

// Guest-physical pages that KVM on Intel may use for itself; no memory may lie there on x86_64.
inline constexpr std::uint64_t kKvmReservedStart = 0xFEFFC000;
inline constexpr std::uint64_t kKvmReservedEnd = 0xFF000000;

}  // namespace tintype
