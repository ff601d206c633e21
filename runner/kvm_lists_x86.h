// KVM's structures that end in a list, and the requests that take them, for C++.
//
// The kernel's headers of Debian 12 give a flexible array's empty companion a size in C++, which moves the
// list and changes the request's number (it contains the size). Layouts: Linux
// Documentation/virt/kvm/api.rst, 4.18, 4.20, 4.46.
#pragma once

#include <linux/kvm.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace tintype::kvm {

inline constexpr std::size_t kMaxCpuidEntries = 256;  // KVM_MAX_CPUID_ENTRIES, the kernel's own limit

// struct kvm_cpuid2
struct CpuidList {
  std::uint32_t nent = 0;
  std::uint32_t padding = 0;
  std::array<kvm_cpuid_entry2, kMaxCpuidEntries> entries{};
};
static_assert(offsetof(CpuidList, entries) == 8);

// struct kvm_msrs with one entry
struct OneMsr {
  std::uint32_t nmsrs = 1;
  std::uint32_t pad = 0;
  kvm_msr_entry entry{};
};
static_assert(offsetof(OneMsr, entry) == 8);

inline constexpr std::size_t kListHeadSize = 8;
inline constexpr unsigned long kGetSupportedCpuid = _IOC(_IOC_READ | _IOC_WRITE, KVMIO, 0x05, kListHeadSize);
inline constexpr unsigned long kSetMsrs = _IOC(_IOC_WRITE, KVMIO, 0x89, kListHeadSize);
inline constexpr unsigned long kSetCpuid2 = _IOC(_IOC_WRITE, KVMIO, 0x90, kListHeadSize);

}  // namespace tintype::kvm
