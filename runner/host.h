// What a host's architecture decides: whether its KVM can run a plan, and how its virtual machines, vCPUs and
// interrupts are made. host_x86.cc and host_arm64.cc implement it; a runner has the one for its host.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "runner/bus.h"
#include "runner/cpuid.h"
#include "runner/guest_memory.h"
#include "runner/image.h"
#include "runner/kvm.h"
#include "runner/vcpu.h"

namespace tintype {

struct HostFacts {
  std::uint32_t max_cpus = 1;
  unsigned address_bits = 0;      // of guest-physical addresses
  std::vector<CpuidEntry> cpuid;  // that KVM supports; x86_64
};
Result<HostFacts> examine_host(const Kvm& kvm);
// Errors: the plan asks for more than the host has.
Result<void> check_host(const GuestPlan& plan, const Kvm& kvm, const HostFacts& facts);

// A virtual machine with its memory. All of that comes before interrupt controllers: on some hosts a slot
// costs milliseconds afterwards.
Result<Vm> make_vm(const Kvm& kvm, const GuestPlan& plan, const GuestMemory& memory);
// Errors: the plan asks for an interrupt controller that the host does not have.
Result<void> check_vm(const GuestPlan& plan, const Vm& vm);
// Interrupt controllers, and vCPUs as reset leaves them.
Result<std::vector<Vcpu>> make_vcpus(const Kvm& kvm, const Vm& vm, const GuestPlan& plan, HostFacts facts);
// Makes a vCPU that is not the boot processor start without waiting for another to start it.
Result<void> make_runnable(const Vcpu& vcpu);

// The devices of this host's machine. Interrupts go to `vm`, which outlives them; for `wants_input` see
// bus.h.
std::unique_ptr<Bus> make_bus(const Vm& vm, const GuestPlan& plan, std::function<void()> wants_input);

// The requests to KVM's descriptors that a machine makes while it runs, KVM_RUN included.
std::span<const unsigned long> running_requests();

// For implementations of these, in host.cc: a new machine's memory.
Result<Vm> with_memory(Vm vm, const GuestMemory& memory);
// As many descriptors as `cpus` vCPUs need, if the host lets this process have them.
void allow_descriptors(std::uint32_t cpus);

}  // namespace tintype
