// The floor that run-snapshot's start is measured against: a bare C program that makes the same KVM calls
// with no image at all, and ends at the guest's first port write, whose byte it passes on to standard output.
//
//   kvm_floor [MEMORY_MIB]   guest memory, default 128
//
// Same calls in the same order: memory slots before the interrupt controller (a slot added later waits for
// it), then irqchip, PIT, vCPU, CPUID, registers, run. Source: Linux Documentation/virt/kvm/api.rst.
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { kMaxEntries = 256, kLoadAddress = 0x1000 };

// mov dx, 0x3f8; mov al, '.'; out dx, al; hlt   (16-bit)
static const uint8_t kGuest[] = {0xba, 0xf8, 0x03, 0xb0, '.', 0xee, 0xf4};

static struct {
  struct kvm_cpuid2 head;
  struct kvm_cpuid_entry2 entries[kMaxEntries];
} cpuid;

static long check(long value, const char* what) {
  if (value < 0) {
    perror(what);
    exit(125);
  }
  return value;
}

static void* map(size_t size, int flags, int fd, const char* what) {
  void* address = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
  if (address == MAP_FAILED) check(-1, what);
  return address;
}

static int make_vm(int kvm, size_t memory) {
  check(ioctl(kvm, KVM_GET_API_VERSION, 0) == KVM_API_VERSION ? 0 : -1, "KVM_GET_API_VERSION");
  const int vm = (int)check(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
  uint64_t identity_map = 0xFEFFC000;
  check(ioctl(vm, KVM_SET_IDENTITY_MAP_ADDR, &identity_map), "KVM_SET_IDENTITY_MAP_ADDR");
  check(ioctl(vm, KVM_SET_TSS_ADDR, 0xFEFFD000), "KVM_SET_TSS_ADDR");
  uint8_t* ram = map(memory, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, "guest memory");
  memcpy(ram + kLoadAddress, kGuest, sizeof(kGuest));
  const struct kvm_userspace_memory_region region = {.memory_size = memory, .userspace_addr = (uintptr_t)ram};
  check(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
  check(ioctl(vm, KVM_CREATE_IRQCHIP, 0), "KVM_CREATE_IRQCHIP");
  const struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};
  check(ioctl(vm, KVM_CREATE_PIT2, &pit), "KVM_CREATE_PIT2");
  return vm;
}

static int make_vcpu(int kvm, int vm) {
  const int vcpu = (int)check(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
  cpuid.head.nent = kMaxEntries;
  check(ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid), "KVM_GET_SUPPORTED_CPUID");
  check(ioctl(vcpu, KVM_SET_CPUID2, &cpuid), "KVM_SET_CPUID2");
  struct kvm_sregs sregs;
  check(ioctl(vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
  sregs.cs.base = 0;
  sregs.cs.selector = 0;
  check(ioctl(vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
  const struct kvm_regs regs = {.rip = kLoadAddress, .rflags = 2};
  check(ioctl(vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
  return vcpu;
}

int main(int argc, char** argv) {
  const long mib = argc > 1 ? strtol(argv[1], NULL, 10) : 128;
  if (mib < 1 || mib > 1024 * 3) {
    fprintf(stderr, "usage: kvm_floor [MEMORY_MIB]   (1 to 3072)\n");
    return 2;
  }
  const int kvm = (int)check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
  const int vm = make_vm(kvm, (size_t)mib << 20);
  const int vcpu = make_vcpu(kvm, vm);
  const long size = check(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
  struct kvm_run* run = map((size_t)size, MAP_SHARED, vcpu, "vCPU");
  check(ioctl(vcpu, KVM_RUN, 0), "KVM_RUN");
  if (run->exit_reason != KVM_EXIT_IO || run->io.direction != KVM_EXIT_IO_OUT) {
    fprintf(stderr, "the guest stopped with reason %u before its first port write\n", run->exit_reason);
    return 125;
  }
  check(write(STDOUT_FILENO, (const char*)run + run->io.data_offset, 1), "standard output");
  return 0;
}
