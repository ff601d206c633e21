// SEV-SNP launches by KVM, which builds and measures save areas of vCPUs by itself.
//
// Source: Linux arch/x86/kvm/svm/sev.c (snp_launch_update_vmsa, sev_es_sync_vmsa), QEMU backends/igvm.c and
// target/i386/sev.c (cgs_set_guest_state, sev_apply_cpu_context).
#pragma once

#include <vector>

#include "formats/launch.h"
#include "formats/vmsa.h"

namespace tintype {

// Where KVM puts every save area: the page that ends physical memory of 44 bits and more (sev.c,
// snp_launch_update_vmsa: bits of an address of all ones).
inline constexpr std::uint64_t kKvmVmsaGpa = 0xFFFFFFFFF000;

struct KvmVcpus {
  std::uint32_t count = 1;  // whose save areas are measured; 1 to kMaxKvmVcpus
  // CPUID leaf 1 EAX, which a vCPU without a save area in the file has in RDX.
  std::uint32_t processor = kDefaultProcessor.signature;
};
// KVM_MAX_VCPUS, Linux arch/x86/include/asm/kvm_host.h.
inline constexpr std::uint32_t kMaxKvmVcpus = 4096;

// The steps of a launch by KVM, and what they borrow besides the file's bytes.
struct KvmLaunch {
  std::vector<LaunchStep> steps;
  std::uint32_t without_vmsa = 0;  // vCPUs that the file has no save area for
  std::vector<VmsaPage> reset;     // what they all have: one, or none without such
};

// What KVM makes of `steps`, which are launch_steps() for snp: all pages in their order, then a save area for
// each vCPU, in the order of vCPUs, all at kKvmVmsaGpa. A vCPU has that of the file, and if there is none
// reset_vmsa() with the boot processor's features. Errors: no save area for the boot processor, one for a
// vCPU that there is not, or one that KVM would change.
Result<KvmLaunch> kvm_launch(const std::vector<LaunchStep>& steps, const KvmVcpus& vcpus);

// The number of vCPUs that `steps` have save areas for, as the highest index and one.
std::uint32_t vmsa_count(const std::vector<LaunchStep>& steps);

}  // namespace tintype
