#include "runner/kvm.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "runner/kvm_lists.h"
#include "runner/redirection.h"

namespace tintype {

namespace {

// One page for the identity map and three for the task state segment of Intel's virtual 8086 mode.
constexpr std::uint64_t kIdentityMap = kKvmReservedStart;
constexpr std::uint64_t kTaskState = kKvmReservedStart + 0x1000;
static_assert(kTaskState + 0x3000 == kKvmReservedEnd);

tl::unexpected<Error> refused(std::string_view what) {
  return fail("KVM refused to {}: {}", what, std::strerror(errno));
}

template <typename Argument>
Result<int> call(int fd, unsigned long request, Argument argument, std::string_view what) {
  const int value = ::ioctl(fd, request, argument);
  if (value < 0) return refused(what);
  return value;
}

// The way in is the device's group, where it has one that may.
tl::unexpected<Error> forbidden() {
  struct stat status = {};
  const mode_t group = S_IRGRP | S_IWGRP;
  if (::stat("/dev/kvm", &status) == 0 && (status.st_gid == 0 || (status.st_mode & group) != group))
    return fail(
        "/dev/kvm may not be opened by this user, nor by any group (its mode is {:04o}, its group {}): run "
        "as root, or give it to a group (sudo chgrp kvm /dev/kvm; sudo chmod 660 /dev/kvm) and join that "
        "(sudo usermod -aG kvm $USER, then log in again)",
        status.st_mode & 07777, status.st_gid);
  return fail(
      "/dev/kvm may not be opened by this user: join its group (sudo usermod -aG kvm $USER, then log in "
      "again)");
}

}  // namespace

Result<Kvm> Kvm::open() {
  Fd fd(::open("/dev/kvm", O_RDWR | O_CLOEXEC));
  if (!fd) {
    if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
      return fail(
          "/dev/kvm does not exist: load the module (modprobe kvm_intel or kvm_amd), turn virtualization on "
          "in the firmware, or, inside a virtual machine, turn nested virtualization on");
    if (errno == EACCES || errno == EPERM) return forbidden();
    return fail("/dev/kvm cannot be opened: {}", std::strerror(errno));
  }
  const int version = TRY(call(fd.get(), KVM_GET_API_VERSION, 0, "tell its version"));
  if (version != KVM_API_VERSION)
    return fail("/dev/kvm speaks version {} of its interface and this program version {}", version,
                KVM_API_VERSION);
  return Kvm(std::move(fd));
}

int Kvm::capability(int name) const {
  const int value = ::ioctl(fd_.get(), KVM_CHECK_EXTENSION, name);
  return value < 0 ? 0 : value;
}

// api.rst, 4.7: without KVM_CAP_MAX_VCPUS the recommended number is the limit; 4 if there is neither.
std::uint32_t Kvm::max_vcpus() const {
  for (const int name : {KVM_CAP_MAX_VCPUS, KVM_CAP_NR_VCPUS})
    if (const int value = capability(name); value > 0) return static_cast<std::uint32_t>(value);
  return 4;
}

std::uint32_t Kvm::max_vcpu_ids() const {
  const int value = capability(KVM_CAP_MAX_VCPU_ID);
  return value > 0 ? static_cast<std::uint32_t>(value) : max_vcpus();
}

std::uint32_t Kvm::max_memory_slots() const {
  const int value = capability(KVM_CAP_NR_MEMSLOTS);
  return value > 0 ? static_cast<std::uint32_t>(value) : 32;
}

bool Kvm::has_tsc_deadline() const {
  return capability(KVM_CAP_TSC_DEADLINE_TIMER) > 0;
}

bool Kvm::has_wide_apic_ids() const {
  return (static_cast<std::uint64_t>(capability(KVM_CAP_X2APIC_API)) & KVM_X2APIC_API_USE_32BIT_IDS) != 0;
}

Result<std::vector<CpuidEntry>> Kvm::supported_cpuid() const {
  auto list = std::make_unique<kvm::CpuidList>();
  list->nent = kvm::kMaxCpuidEntries;
  TRY(call(fd_.get(), kvm::kGetSupportedCpuid, list.get(), "tell what CPUID it supports"));
  std::vector<CpuidEntry> entries;
  for (std::size_t i = 0; i < std::min<std::size_t>(list->nent, kvm::kMaxCpuidEntries); ++i) {
    const kvm_cpuid_entry2& entry = list->entries[i];
    entries.push_back({entry.function, entry.index, entry.flags, entry.eax, entry.ebx, entry.ecx, entry.edx});
  }
  return entries;
}

Result<std::size_t> Kvm::vcpu_mapping_size() const {
  const int size = TRY(call(fd_.get(), KVM_GET_VCPU_MMAP_SIZE, 0, "tell the size of a vCPU's page"));
  if (static_cast<std::size_t>(size) < sizeof(kvm_run))
    return fail("a vCPU's page has {} bytes, less than the {} of its structure", size, sizeof(kvm_run));
  return static_cast<std::size_t>(size);
}

Result<Vm> Kvm::create_vm() const {
  Fd fd(TRY(call(fd_.get(), KVM_CREATE_VM, 0, "create a virtual machine")));
  std::uint64_t identity_map = kIdentityMap;
  TRY(call(fd.get(), KVM_SET_IDENTITY_MAP_ADDR, &identity_map, "place its identity map"));
  TRY(call(fd.get(), KVM_SET_TSS_ADDR, kTaskState, "place its task state segment"));
  return Vm(std::move(fd));
}

Result<void> Vm::add_memory(std::uint32_t slot, std::uint64_t gpa, std::uint64_t size, void* host) const {
  const kvm_userspace_memory_region region = {.slot = slot,
                                              .flags = 0,
                                              .guest_phys_addr = gpa,
                                              .memory_size = size,
                                              .userspace_addr = reinterpret_cast<std::uintptr_t>(host)};
  if (::ioctl(fd_.get(), KVM_SET_USER_MEMORY_REGION, &region) < 0)
    return fail("KVM refused guest memory {:#x}-{:#x}: {}", gpa, gpa + size - 1, std::strerror(errno));
  return {};
}

Result<void> Vm::add_interrupt_controllers() const {
  TRY(call(fd_.get(), KVM_CREATE_IRQCHIP, 0, "create interrupt controllers"));
  kvm_pit_config pit = {};
  pit.flags = KVM_PIT_SPEAKER_DUMMY;
  TRY(call(fd_.get(), KVM_CREATE_PIT2, &pit, "create a timer"));
  return {};
}

Result<void> Vm::enable_wide_apic_ids() {
  kvm_enable_cap enable = {};
  enable.cap = KVM_CAP_X2APIC_API;
  enable.args[0] = KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK;
  TRY(call(fd_.get(), KVM_ENABLE_CAP, &enable, "use APIC IDs above 254"));
  wide_ = true;
  return {};
}

Result<Fd> Vm::create_vcpu(std::uint32_t index) const {
  const int fd = ::ioctl(fd_.get(), KVM_CREATE_VCPU, static_cast<unsigned long>(index));
  if (fd < 0 && errno == EMFILE)
    return fail(
        "vCPU {} needs a file descriptor, and this process may have no more: raise the limit (ulimit -n)",
        index);
  if (fd < 0) return fail("KVM refused to create vCPU {}: {}", index, std::strerror(errno));
  return Fd(fd);
}

// Sends the interrupt of pin `gsi` if KVM's IOAPIC cannot. False if it can.
bool Vm::send_wide(std::uint32_t gsi) const {
  kvm_irqchip chip = {};
  chip.chip_id = KVM_IRQCHIP_IOAPIC;
  if (gsi >= std::size(chip.chip.ioapic.redirtbl) || ::ioctl(fd_.get(), KVM_GET_IRQCHIP, &chip) < 0)
    return false;
  const auto message = wide_message(chip.chip.ioapic.redirtbl[gsi].bits);
  if (!message) return false;
  kvm_msi msi = {};
  msi.address_lo = message->address_low;
  msi.address_hi = message->address_high;
  msi.data = message->data;
  ::ioctl(fd_.get(), KVM_SIGNAL_MSI, &msi);
  return true;
}

void Vm::set_line(std::uint32_t gsi, bool level) const {
  if (wide_ && level && send_wide(gsi)) return;
  kvm_irq_level line = {};
  line.irq = gsi;
  line.level = level ? 1 : 0;
  ::ioctl(fd_.get(), KVM_IRQ_LINE, &line);
}

}  // namespace tintype
