// What CPUID tells a guest: what the host supports, made true for this machine's number of vCPUs.
//
// Source: Intel SDM volume 2, CPUID; AMD APM volume 3, appendix E; Linux
// Documentation/virt/kvm/x86/cpuid.rst.
#pragma once

#include <cstdint>
#include <vector>

namespace tintype {

struct CpuidEntry {
  std::uint32_t function = 0, index = 0;
  std::uint32_t flags = 0;  // KVM_CPUID_FLAG_SIGNIFCANT_INDEX
  std::uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
  bool operator==(const CpuidEntry&) const = default;
};

struct CpuidShape {
  std::uint32_t cpus = 1;             // 1 to 1024, all in one package, one thread a core
  bool tsc_deadline = false;          // whether KVM emulates the APIC timer's TSC-deadline mode
  bool private_caches = false;        // no vCPU shares a cache: several NUMA nodes
  bool extended_destination = false;  // 15-bit APIC IDs in MSI addresses: needed above 255 vCPUs
};

// `supported` (from KVM_GET_SUPPORTED_CPUID) for a machine of `shape`, the same for each vCPU but for the
// APIC ID.
std::vector<CpuidEntry> machine_cpuid(std::vector<CpuidEntry> supported, const CpuidShape& shape);

// Puts the APIC ID of one vCPU into every leaf that tells it.
void set_apic_id(std::vector<CpuidEntry>& entries, std::uint32_t apic_id);

// Bits of a guest-physical address on this host (leaf 0x80000008); 36 if it does not say.
unsigned physical_address_bits(const std::vector<CpuidEntry>& supported);

}  // namespace tintype
