// A KVM host on AArch64.
//
// Source: Linux Documentation/virt/kvm/api.rst, 4.2, 4.25, 4.79, 4.82 and 4.83, and
// Documentation/virt/kvm/devices/arm-vgic.rst, arm-vgic-v3.rst and arm-vgic-its.rst.
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <bit>
#include <ctime>

#include "runner/bus_arm64.h"
#include "runner/host.h"
#include "runner/kvm_call.h"

namespace tintype {

namespace {

// Address bits of a virtual machine: what every host can, and what one has that does not say.
constexpr unsigned kLeastAddressBits = 32, kUsualAddressBits = 40;

// With the private ones.
constexpr std::uint32_t kInterrupts = arm64::kFirstSpi + arm64::kSpis;

std::uint32_t gic_type(Gic gic) {
  return gic == Gic::v2 ? KVM_DEV_TYPE_ARM_VGIC_V2 : KVM_DEV_TYPE_ARM_VGIC_V3;
}

bool offers(const Vm& vm, std::uint32_t type) {
  kvm_create_device device = {.type = type, .fd = 0, .flags = KVM_CREATE_DEVICE_TEST};
  return ::ioctl(vm.fd(), KVM_CREATE_DEVICE, &device) == 0;
}

Result<Fd> create_device(const Vm& vm, std::uint32_t type, std::string_view what) {
  kvm_create_device device = {.type = type, .fd = 0, .flags = 0};
  TRY(kvm_call(vm.fd(), KVM_CREATE_DEVICE, &device, what));
  return Fd(static_cast<int>(device.fd));
}

template <typename Value>
Result<void> set_attribute(const Fd& device, std::uint32_t group, std::uint64_t attribute, Value value,
                           std::string_view what) {
  const kvm_device_attr attr = {
      .flags = 0, .group = group, .attr = attribute, .addr = reinterpret_cast<std::uintptr_t>(&value)};
  TRY(kvm_call(device.get(), KVM_SET_DEVICE_ATTR, &attr, what));
  return {};
}

Result<void> place(const Fd& device, std::uint64_t part, std::uint64_t gpa) {
  return set_attribute(device, KVM_DEV_ARM_VGIC_GRP_ADDR, part, gpa, "place the interrupt controller");
}

Result<void> start(const Fd& device) {
  const kvm_device_attr attr = {
      .flags = 0, .group = KVM_DEV_ARM_VGIC_GRP_CTRL, .attr = KVM_DEV_ARM_VGIC_CTRL_INIT, .addr = 0};
  TRY(kvm_call(device.get(), KVM_SET_DEVICE_ATTR, &attr, "start the interrupt controller"));
  return {};
}

Result<Fd> create_gic(const Vm& vm, Gic gic) {
  Fd device = TRY(create_device(vm, gic_type(gic), "create an interrupt controller"));
  if (gic == Gic::v2) {
    TRY(place(device, KVM_VGIC_V2_ADDR_TYPE_DIST, arm64::kGicd));
    TRY(place(device, KVM_VGIC_V2_ADDR_TYPE_CPU, arm64::kGicc));
  } else {
    TRY(place(device, KVM_VGIC_V3_ADDR_TYPE_DIST, arm64::kGicd));
    TRY(place(device, KVM_VGIC_V3_ADDR_TYPE_REDIST, arm64::kGicr));
  }
  TRY(set_attribute(device, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, kInterrupts, "number its interrupts"));
  return device;
}

Result<void> create_its(const Vm& vm) {
  const Fd device =
      TRY(create_device(vm, KVM_DEV_TYPE_ARM_VGIC_ITS, "create an interrupt translation service"));
  TRY(place(device, KVM_VGIC_ITS_ADDR_TYPE, arm64::kIts));
  return start(device);
}

// An instruction whose access KVM cannot describe, such as a load of two registers, is reported instead of
// failing KVM_RUN. Older hosts do not have that.
void enable_undescribed_exits(const Kvm& kvm, const Vm& vm) {
  if (kvm.capability(KVM_CAP_ARM_NISV_TO_USER) <= 0) return;
  kvm_enable_cap enable = {};
  enable.cap = KVM_CAP_ARM_NISV_TO_USER;
  ::ioctl(vm.fd(), KVM_ENABLE_CAP, &enable);
}

Result<void> initialise(const Vcpu& vcpu, kvm_vcpu_init init) {
  init.features[0] |= 1u << KVM_ARM_VCPU_PSCI_0_2;
  if (vcpu.index() != 0) init.features[0] |= 1u << KVM_ARM_VCPU_POWER_OFF;
  if (::ioctl(vcpu.fd(), KVM_ARM_VCPU_INIT, &init) < 0)
    return vcpu_refused("initialise the registers", vcpu.index());
  return {};
}

std::uint64_t wall_clock() {
  timespec now = {};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec);
}

}  // namespace

Result<HostFacts> examine_host(const Kvm& kvm) {
  HostFacts facts;
  facts.max_cpus = std::min(kvm.max_vcpus(), kvm.max_vcpu_ids());
  const int bits = kvm.capability(KVM_CAP_ARM_VM_IPA_SIZE);
  facts.address_bits = bits > 0 ? static_cast<unsigned>(bits) : kUsualAddressBits;
  return facts;
}

// No more address bits than the plan needs: fewer levels of tables to walk. A host that knows one size alone
// takes no number.
Result<Vm> make_vm(const Kvm& kvm, const GuestPlan& plan, const GuestMemory& memory) {
  const auto needed = static_cast<unsigned>(std::bit_width(plan.memory.back().end - 1));
  const bool sized = kvm.capability(KVM_CAP_ARM_VM_IPA_SIZE) > 0;
  const unsigned long type = sized ? KVM_VM_TYPE_ARM_IPA_SIZE(std::max(needed, kLeastAddressBits)) : 0;
  Vm vm = TRY(kvm.create_vm(type));
  enable_undescribed_exits(kvm, vm);
  return with_memory(std::move(vm), memory);
}

Result<void> check_vm(const GuestPlan& plan, const Vm& vm) {
  if (!offers(vm, gic_type(plan.gic))) {
    const Gic other = plan.gic == Gic::v2 ? Gic::v3 : Gic::v2;
    if (!offers(vm, gic_type(other)))
      return fail("needs an interrupt controller GIC{}, and this host's KVM has none for guests",
                  gic_name(plan.gic));
    return fail(
        "needs an interrupt controller GIC{}, and this host's KVM has GIC{}: compose it with --gic {}",
        gic_name(plan.gic), gic_name(other), gic_name(other));
  }
  if (plan.its && !offers(vm, KVM_DEV_TYPE_ARM_VGIC_ITS))
    return fail(
        "needs an interrupt translation service, which this host's KVM does not have: compose it without "
        "--its");
  return {};
}

Result<std::vector<Vcpu>> make_vcpus(const Kvm& kvm, const Vm& vm, const GuestPlan& plan, HostFacts) {
  const Fd gic = TRY(create_gic(vm, plan.gic));
  kvm_vcpu_init init = {};
  TRY(kvm_call(vm.fd(), KVM_ARM_PREFERRED_TARGET, &init, "tell its processor"));
  const std::size_t mapping_size = TRY(kvm.vcpu_mapping_size());
  allow_descriptors(plan.cpus);
  std::vector<Vcpu> vcpus;
  vcpus.reserve(plan.cpus);
  for (std::uint32_t index = 0; index < plan.cpus; ++index) {
    vcpus.push_back(TRY(Vcpu::create(TRY(vm.create_vcpu(index)), index, mapping_size)));
    TRY(initialise(vcpus.back(), init));
  }
  TRY(start(gic));
  if (plan.its) TRY(create_its(vm));
  return vcpus;
}

std::unique_ptr<Bus> make_bus(const Vm& vm, const GuestPlan&, std::function<void()> wants_input) {
  return std::make_unique<BusArm64>(
      [&vm](std::uint32_t spi, bool level) {
        kvm_irq_level line = {};
        line.irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | (arm64::kFirstSpi + spi);
        line.level = level ? 1 : 0;
        ::ioctl(vm.fd(), KVM_IRQ_LINE, &line);
      },
      std::move(wants_input), wall_clock);
}

std::span<const unsigned long> running_requests() {
  static constexpr unsigned long kRequests[] = {KVM_RUN, KVM_IRQ_LINE, KVM_GET_ONE_REG};
  return kRequests;
}

}  // namespace tintype
