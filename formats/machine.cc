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

std::vector<Device> arm64_devices(const Machine& machine) {
  using namespace arm64;
  const auto mmio = [](std::string_view name, std::string_view compatible, std::uint64_t base,
                       std::uint64_t size, std::uint32_t count = 1,
                       std::optional<std::uint32_t> spi = std::nullopt) {
    return Device{.name = name,
                  .compatible = compatible,
                  .base = base,
                  .size = size,
                  .count = count,
                  .interrupt = spi ? std::optional(kFirstSpi + *spi) : std::nullopt};
  };
  std::vector<Device> devices;
  if (machine.gic == Gic::v2) {
    devices.push_back(mmio("gicd", "arm,gic-400", kGicd, kGicdSize));
    devices.push_back(mmio("gicc", "arm,gic-400", kGicc, kGiccSize));
  } else {
    devices.push_back(mmio("gicd", "arm,gic-v3", kGicd, kGicdSize));
    if (machine.its) devices.push_back(mmio("its", "arm,gic-v3-its", kIts, kItsSize));
    devices.push_back(mmio("gicr", "arm,gic-v3", kGicr, kGicrStride, machine.cpus));
  }
  devices.push_back(mmio("serial", "arm,pl011", kUart, kDeviceSize, 1, kUartSpi));
  devices.push_back(mmio("rtc", "arm,pl031", kRtc, kDeviceSize, 1, kRtcSpi));
  devices.push_back(mmio("gpio", "arm,pl061", kGpio, kDeviceSize, 1, kGpioSpi));
  devices.push_back(mmio("exit-code", "tintype,exit-code", kExitCode, kDeviceSize));
  devices.push_back(mmio("virtio-mmio", "virtio,mmio", kVirtioBase, kVirtioStride, kVirtioSlots, kVirtioSpi));
  return devices;
}

}  // namespace

std::string_view gic_name(Gic gic) {
  return gic == Gic::v2 ? "v2" : "v3";
}

std::vector<Device> devices_of(const Machine& machine) {
  return machine.arch == Arch::x86_64 ? x86_devices() : arm64_devices(machine);
}

std::uint32_t max_cpus(const Machine& machine) {
  if (machine.arch == Arch::x86_64) return x86::kMaxCpus;
  return machine.gic == Gic::v2 ? arm64::kMaxCpusV2 : arm64::kMaxCpusV3;
}

std::uint64_t arm64_mpidr(std::uint32_t index) {
  const std::uint64_t id = index;
  return (id & 0xF) | (id >> 4 & 0xFF) << 8 | (id >> 12 & 0xFF) << 16;
}

std::uint64_t memory_up_to(Arch arch, std::uint64_t end) {
  if (arch == Arch::aarch64) return end - arm64::kRamStart;
  return end > x86::kHoleEnd ? end - (x86::kHoleEnd - x86::kHoleStart) : end;
}

std::vector<GpaRange> ram_ranges(Arch arch, std::uint64_t memory) {
  if (arch == Arch::aarch64) return {{arm64::kRamStart, arm64::kRamStart + memory}};
  std::vector<GpaRange> ranges = {{0, std::min(memory, x86::kHoleStart)}};
  if (memory > x86::kHoleStart) ranges.push_back({x86::kHoleEnd, x86::kHoleEnd + (memory - x86::kHoleStart)});
  return ranges;
}

}  // namespace tintype
