#include "formats/machine.h"

#include <algorithm>

namespace tintype {

std::string_view arch_name(Arch arch) {
  return arch == Arch::x86_64 ? "x86_64" : "aarch64";
}

std::string_view kernel_place_name(KernelPlace::By by) {
  for (const KernelPlaceName& known : kKernelPlaceNames)
    if (known.by == by) return known.name;
  return "unknown";
}

namespace {

std::vector<Device> x86_devices() {
  using Space = Device::Space;
  using namespace x86;
  return {
      {"i8042-reset", "tintype,i8042-reset", Space::port, kI8042Port, 1, 1, {}},
      {"serial", "ns16550a", Space::port, kSerialPort, 8, 1, kSerialGsi},
      {"exit-code", "tintype,exit-code", Space::port, kExitPort, 1, 1, {}},
      {"pvpanic", "qemu,pvpanic", Space::port, kPvpanicPort, 1, 1, {}},
      {"sleep-control", "tintype,acpi-sleep", Space::port, kSleepControlPort, 2, 1, {}},
      {"reset", "tintype,acpi-reset", Space::port, kResetPort, 1, 1, {}},
      {"virtio-mmio", "virtio,mmio", Space::mmio, kVirtioBase, kVirtioStride, kVirtioSlots, kVirtioGsi},
      {"ioapic", "intel,ioapic", Space::mmio, kIoapicBase, 0x1000, 1, {}},
      {"lapic", "intel,lapic", Space::mmio, kLapicBase, 0x1000, 1, {}},
  };
}

}  // namespace

const std::vector<Device>& devices_of(Arch arch) {
  static const std::vector<Device> x86 = x86_devices();
  static const std::vector<Device> none;
  return arch == Arch::x86_64 ? x86 : none;
}

std::vector<GpaRange> ram_ranges(Arch, std::uint64_t memory) {
  std::vector<GpaRange> ranges = {{0, std::min(memory, x86::kHoleStart)}};
  if (memory > x86::kHoleStart) ranges.push_back({x86::kHoleEnd, x86::kHoleEnd + (memory - x86::kHoleStart)});
  return ranges;
}

}  // namespace tintype
