// A KVM host on x86_64.
//
// Source: Linux Documentation/virt/kvm/api.rst, 4.24, 4.46, 4.71 and 7.19.
#include <sys/ioctl.h>

#include <algorithm>

#include "runner/bus_x86.h"
#include "runner/host.h"
#include "runner/kvm_call.h"
#include "runner/kvm_lists_x86.h"
#include "runner/redirection.h"

namespace tintype {

namespace {

// One page for the identity map and three for the task state segment of Intel's virtual 8086 mode.
constexpr std::uint64_t kIdentityMap = kKvmReservedStart;
constexpr std::uint64_t kTaskState = kKvmReservedStart + 0x1000;
static_assert(kTaskState + 0x3000 == kKvmReservedEnd);

// Above this many vCPUs APIC IDs no longer fit the eight bits of the original APIC (0xFF is a broadcast).
constexpr std::uint32_t kMaxNarrowCpus = 255;

// IA32_MISC_ENABLE (Intel SDM volume 4, table 2-2), bit 0.
constexpr std::uint32_t kMsrMiscEnable = 0x1A0;
constexpr std::uint64_t kFastStrings = 1;

bool is_wide(const GuestPlan& plan) {
  return plan.cpus > kMaxNarrowCpus;
}

// KVM_CAP_X2APIC_API: APIC IDs above 254 in interrupts.
bool has_wide_apic_ids(const Kvm& kvm) {
  const auto api = static_cast<std::uint64_t>(kvm.capability(KVM_CAP_X2APIC_API));
  return (api & KVM_X2APIC_API_USE_32BIT_IDS) != 0;
}

Result<std::vector<CpuidEntry>> supported_cpuid(const Kvm& kvm) {
  auto list = std::make_unique<kvm::CpuidList>();
  list->nent = kvm::kMaxCpuidEntries;
  TRY(kvm_call(kvm.fd(), kvm::kGetSupportedCpuid, list.get(), "tell what CPUID it supports"));
  std::vector<CpuidEntry> entries;
  for (std::size_t i = 0; i < std::min<std::size_t>(list->nent, kvm::kMaxCpuidEntries); ++i) {
    const kvm_cpuid_entry2& entry = list->entries[i];
    entries.push_back({entry.function, entry.index, entry.flags, entry.eax, entry.ebx, entry.ecx, entry.edx});
  }
  return entries;
}

Result<void> set_cpuid(const Vcpu& vcpu, const std::vector<CpuidEntry>& entries) {
  if (entries.size() > kvm::kMaxCpuidEntries)
    return fail("the CPUID of vCPU {} has {} leaves, more than KVM's {}", vcpu.index(), entries.size(),
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
  if (::ioctl(vcpu.fd(), kvm::kSetCpuid2, list.get()) < 0) return vcpu_refused("set the CPUID", vcpu.index());
  return {};
}

// As firmware does on Intel processors; elsewhere this has no effect.
void enable_fast_strings(const Vcpu& vcpu) {
  kvm::OneMsr msr;
  msr.entry.index = kMsrMiscEnable;
  msr.entry.data = kFastStrings;
  ::ioctl(vcpu.fd(), kvm::kSetMsrs, &msr);
}

// Local APICs, IOAPIC, PIC and PIT.
Result<void> add_interrupt_controllers(const Vm& vm, bool wide) {
  TRY(kvm_call(vm.fd(), KVM_CREATE_IRQCHIP, 0, "create interrupt controllers"));
  kvm_pit_config pit = {};
  pit.flags = KVM_PIT_SPEAKER_DUMMY;
  TRY(kvm_call(vm.fd(), KVM_CREATE_PIT2, &pit, "create a timer"));
  if (!wide) return {};
  kvm_enable_cap enable = {};
  enable.cap = KVM_CAP_X2APIC_API;
  enable.args[0] = KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK;
  TRY(kvm_call(vm.fd(), KVM_ENABLE_CAP, &enable, "use APIC IDs above 254"));
  return {};
}

// Whether the interrupt of input `gsi` was sent as a message.
bool send_wide(const Vm& vm, std::uint32_t gsi) {
  kvm_irqchip chip = {};
  chip.chip_id = KVM_IRQCHIP_IOAPIC;
  if (gsi >= std::size(chip.chip.ioapic.redirtbl) || ::ioctl(vm.fd(), KVM_GET_IRQCHIP, &chip) < 0)
    return false;
  const auto message = wide_message(chip.chip.ioapic.redirtbl[gsi].bits);
  if (!message) return false;
  kvm_msi msi = {};
  msi.address_lo = message->address_low;
  msi.address_hi = message->address_high;
  msi.data = message->data;
  ::ioctl(vm.fd(), KVM_SIGNAL_MSI, &msi);
  return true;
}

}  // namespace

Result<HostFacts> examine_host(const Kvm& kvm) {
  HostFacts facts;
  facts.cpuid = TRY(supported_cpuid(kvm));
  facts.address_bits = physical_address_bits(facts.cpuid);
  facts.max_cpus = std::min(kvm.max_vcpus(), kvm.max_vcpu_ids());
  if (!has_wide_apic_ids(kvm)) facts.max_cpus = std::min(facts.max_cpus, kMaxNarrowCpus);
  return facts;
}

Result<Vm> make_vm(const Kvm& kvm, const GuestPlan&, const GuestMemory& memory) {
  Vm vm = TRY(kvm.create_vm());
  std::uint64_t identity_map = kIdentityMap;
  TRY(kvm_call(vm.fd(), KVM_SET_IDENTITY_MAP_ADDR, &identity_map, "place its identity map"));
  TRY(kvm_call(vm.fd(), KVM_SET_TSS_ADDR, kTaskState, "place its task state segment"));
  return with_memory(std::move(vm), memory);
}

Result<void> check_vm(const GuestPlan&, const Vm&) {
  return {};  // a PC's interrupt controllers are on every host
}

Result<std::vector<Vcpu>> make_vcpus(const Kvm& kvm, const Vm& vm, const GuestPlan& plan, HostFacts facts) {
  TRY(add_interrupt_controllers(vm, is_wide(plan)));
  std::vector<CpuidEntry> cpuid =
      machine_cpuid(std::move(facts.cpuid), {.cpus = plan.cpus,
                                             .tsc_deadline = kvm.capability(KVM_CAP_TSC_DEADLINE_TIMER) > 0,
                                             .private_caches = plan.numa_nodes > 1,
                                             .extended_destination = is_wide(plan)});
  const std::size_t mapping_size = TRY(kvm.vcpu_mapping_size());
  allow_descriptors(plan.cpus);
  std::vector<Vcpu> vcpus;
  vcpus.reserve(plan.cpus);
  for (std::uint32_t index = 0; index < plan.cpus; ++index) {
    vcpus.push_back(TRY(Vcpu::create(TRY(vm.create_vcpu(index)), index, mapping_size)));
    set_apic_id(cpuid, index);
    TRY(set_cpuid(vcpus.back(), cpuid));
    enable_fast_strings(vcpus.back());
  }
  return vcpus;
}

std::unique_ptr<Bus> make_bus(const Vm& vm, const GuestPlan& plan, std::function<void()> wants_input) {
  const bool wide = is_wide(plan);
  return std::make_unique<BusX86>(
      [&vm, wide](std::uint32_t gsi, bool level) {
        if (wide && level && send_wide(vm, gsi)) return;
        kvm_irq_level line = {};
        line.irq = gsi;
        line.level = level ? 1 : 0;
        ::ioctl(vm.fd(), KVM_IRQ_LINE, &line);
      },
      std::move(wants_input));
}

std::span<const unsigned long> running_requests() {
  static constexpr unsigned long kRequests[] = {KVM_RUN,      KVM_IRQ_LINE,  KVM_GET_IRQCHIP, KVM_SIGNAL_MSI,
                                                KVM_GET_REGS, KVM_GET_SREGS, KVM_TRANSLATE};
  return kRequests;
}

}  // namespace tintype
