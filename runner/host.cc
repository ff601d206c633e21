#include "runner/host.h"

#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include <algorithm>

namespace tintype {

Result<void> check_host(const GuestPlan& plan, const Kvm& kvm, const HostFacts& facts) {
  if (plan.cpus > facts.max_cpus) {
    // The host's limit may be that of its interrupt controller, which then is not the plan's.
    if (const auto vm = kvm.create_vm()) TRY(check_vm(plan, *vm));
    return fail("needs {} vCPUs, and this host's KVM has at most {}", plan.cpus, facts.max_cpus);
  }
  const std::uint64_t slots = kvm.max_memory_slots();
  if (plan.memory.size() > slots)
    return fail("needs {} pieces of memory, and this host's KVM has at most {}", plan.memory.size(), slots);
  const unsigned bits = facts.address_bits;
  const std::uint64_t end = plan.memory.back().end;
  if (bits < 64 && (end - 1) >> bits != 0)
    return fail("needs memory up to {:#x}, and this host reaches {:#x} ({} bits): compose it with less",
                end - 1, (std::uint64_t{1} << bits) - 1, bits);
  return {};
}

Result<Vm> with_memory(Vm vm, const GuestMemory& memory) {
  std::uint32_t slot = 0;
  for (const GuestMemory::Block& block : memory.blocks())
    TRY(vm.add_memory(slot++, block.range.start, block.range.size(), block.host));
  return vm;
}

Result<void> make_runnable(const Vcpu& vcpu) {
  kvm_mp_state state = {.mp_state = KVM_MP_STATE_RUNNABLE};
  if (::ioctl(vcpu.fd(), KVM_SET_MP_STATE, &state) < 0) return vcpu_refused("start the clock", vcpu.index());
  return {};
}

// A vCPU is a descriptor; the usual limit of 1024 is for programs that select(2).
void allow_descriptors(std::uint32_t cpus) {
  constexpr rlim_t kOthers = 64;
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= cpus + kOthers) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, cpus + kOthers);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace tintype
