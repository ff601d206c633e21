#include "runner/kvm.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/stat.h>

#include "runner/image.h"
#include "runner/kvm_call.h"

namespace tintype {

namespace {

// On AArch64 KVM is a part of the kernel (Linux Documentation/arm64/booting.rst: EL2).
constexpr std::string_view kWayToKvm =
    kHostArch == Arch::x86_64
        ? "load the module (modprobe kvm_intel or kvm_amd), turn virtualization on in the firmware"
        : "have the firmware start the kernel in EL2, and use a kernel with KVM";

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
      return fail("/dev/kvm does not exist: {}, or, inside a virtual machine, turn nested virtualization on",
                  kWayToKvm);
    if (errno == EACCES || errno == EPERM) return forbidden();
    return fail("/dev/kvm cannot be opened: {}", std::strerror(errno));
  }
  const int version = TRY(kvm_call(fd.get(), KVM_GET_API_VERSION, 0, "tell its version"));
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

Result<std::size_t> Kvm::vcpu_mapping_size() const {
  const int size = TRY(kvm_call(fd_.get(), KVM_GET_VCPU_MMAP_SIZE, 0, "tell the size of a vCPU's page"));
  if (static_cast<std::size_t>(size) < sizeof(kvm_run))
    return fail("a vCPU's page has {} bytes, less than the {} of its structure", size, sizeof(kvm_run));
  return static_cast<std::size_t>(size);
}

Result<Vm> Kvm::create_vm(unsigned long type) const {
  return Vm(Fd(TRY(kvm_call(fd_.get(), KVM_CREATE_VM, type, "create a virtual machine"))));
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

Result<Fd> Vm::create_vcpu(std::uint32_t index) const {
  const int fd = ::ioctl(fd_.get(), KVM_CREATE_VCPU, static_cast<unsigned long>(index));
  if (fd < 0 && errno == EMFILE)
    return fail(
        "vCPU {} needs a file descriptor, and this process may have no more: raise the limit (ulimit -n)",
        index);
  if (fd < 0) return fail("KVM refused to create vCPU {}: {}", index, std::strerror(errno));
  return Fd(fd);
}

}  // namespace tintype
