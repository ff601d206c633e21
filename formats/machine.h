// The machine a snapshot is composed for: what composer and runner must agree on, stated once.
//
// The addresses and interrupt lines here are the machine's contract with the guest. ACPI tables, boot
// parameters and the runner's devices all read them from this file.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/digest.h"
#include "formats/gpa.h"

namespace tintype {

enum class Arch : std::uint8_t { x86_64, aarch64 };

// "x86_64", "aarch64"
std::string_view arch_name(Arch arch);

// The x86_64 machine. Ports are I/O ports; GSI n is IOAPIC pin n.
namespace x86 {
inline constexpr std::uint64_t kHoleStart = 3 * kGiB;  // no RAM in [kHoleStart, kHoleEnd)
inline constexpr std::uint64_t kHoleEnd = 4 * kGiB;
inline constexpr std::uint64_t kLowRamEnd = 0xA0000;  // RAM below this
inline constexpr std::uint64_t kBiosStart =
    0xE0000;  // reserved, firmware tables: [kBiosStart, kHighRamStart)
inline constexpr std::uint64_t kSmbiosStart = 0xF0000;  // [kSmbiosStart, kHighRamStart) is kept for SMBIOS
inline constexpr std::uint64_t kHighRamStart = 1 * kMiB;
inline constexpr std::uint64_t kRsdp = kBiosStart;

inline constexpr std::uint16_t kSerialPort = 0x3F8;  // 16550A, 8 ports
inline constexpr std::uint32_t kSerialGsi = 4;
inline constexpr std::uint16_t kExitPort = 0x501;     // a byte 0-119 written here is the runner's exit status
inline constexpr std::uint16_t kPvpanicPort = 0x505;  // QEMU docs/specs/pvpanic
inline constexpr std::uint16_t kSleepControlPort = 0x600;
inline constexpr std::uint16_t kSleepStatusPort = 0x601;
inline constexpr std::uint16_t kResetPort = 0x602;
inline constexpr std::uint8_t kResetValue = 1;
inline constexpr std::uint16_t kI8042Port = 0x64;  // reset by command 0xFE only
inline constexpr std::uint8_t kI8042ResetCommand = 0xFE;

inline constexpr std::uint64_t kLapicBase = 0xFEE00000;
inline constexpr std::uint64_t kIoapicBase = 0xFEC00000;
inline constexpr std::uint8_t kIoapicId = 0;
inline constexpr std::uint32_t kIoapicPins = 24;
inline constexpr std::uint32_t kGedGsi = 9;  // ACPI0013: the power button
inline constexpr std::uint64_t kVirtioBase = 0xD0000000;
inline constexpr std::uint64_t kVirtioStride = 0x1000;
inline constexpr std::uint32_t kVirtioSlots = 8;
inline constexpr std::uint32_t kVirtioGsi = 16;  // slot n interrupts GSI kVirtioGsi + n

inline constexpr std::uint32_t kMaxCpus = 1024;
}  // namespace x86

// The AArch64 machine, whose addresses are those of QEMU's virt board. An interrupt line n is shared
// peripheral interrupt n: INTID and GSI 32 + n (Arm IHI 0069, 2.2.1).
namespace arm64 {
inline constexpr std::uint64_t kRamStart = 1 * kGiB;

inline constexpr std::uint64_t kGicd = 0x08000000;  // distributor
inline constexpr std::uint64_t kGicdSize = 0x10000;
inline constexpr std::uint64_t kGicc = 0x08010000;  // CPU interface, GICv2
inline constexpr std::uint64_t kGiccSize = 0x2000;
inline constexpr std::uint64_t kIts = 0x08080000;  // GICv3, if the machine has it
inline constexpr std::uint64_t kItsSize = 0x20000;
inline constexpr std::uint64_t kGicr = 0x080A0000;  // redistributors, GICv3; one a vCPU
inline constexpr std::uint64_t kGicrStride = 0x20000;
inline constexpr std::uint32_t kFirstSpi = 32;
inline constexpr std::uint32_t kSpis = 256 - kFirstSpi;  // lines the controller has

inline constexpr std::uint64_t kUart = 0x09000000;  // PL011
inline constexpr std::uint32_t kUartSpi = 1;
inline constexpr std::uint32_t kUartClock = 24'000'000;  // Hz
inline constexpr std::uint64_t kRtc = 0x09010000;        // PL031
inline constexpr std::uint32_t kRtcSpi = 2;
// PL061. The power button is its pin kPowerPin, high while pressed. For a guest that has not enabled that
// pin's interrupt the line itself gives one pulse instead, which is what ACPI's generic event device waits
// for.
inline constexpr std::uint64_t kGpio = 0x09030000;
inline constexpr std::uint32_t kGpioSpi = 7;
inline constexpr std::uint32_t kPowerPin = 3;
inline constexpr std::uint64_t kExitCode = 0x09080000;  // a 32-bit write of 0-119 is the runner's exit status
inline constexpr std::uint64_t kDeviceSize = 0x1000;    // of each of the four above
inline constexpr std::uint64_t kVirtioBase = 0x0A000000;
inline constexpr std::uint64_t kVirtioStride = 0x200;
inline constexpr std::uint32_t kVirtioSlots = 32;
inline constexpr std::uint32_t kVirtioSpi = 16;  // slot n interrupts line kVirtioSpi + n

// Private peripheral interrupts of the timers and the PMU: INTIDs (Arm DEN0094, 3.4).
inline constexpr std::uint32_t kSecureTimer = 29;
inline constexpr std::uint32_t kPhysicalTimer = 30;
inline constexpr std::uint32_t kVirtualTimer = 27;
inline constexpr std::uint32_t kHypervisorTimer = 26;

inline constexpr std::uint32_t kMaxCpusV3 = 123;  // redistributors below kUart
inline constexpr std::uint32_t kMaxCpusV2 = 8;    // bits in GICD_ITARGETSR
static_assert(kGicr + kMaxCpusV3 * kGicrStride <= kUart);
}  // namespace arm64

// The most RAM that a machine can have.
inline constexpr std::uint64_t kMaxMemory = 1 * kTiB;

// The sleep type that both FADT-described registers and _S5 use for power-off (ACPI 6.5, 4.8.3.7: SLP_TYPx).
inline constexpr std::uint8_t kSleepTypeOff = 5;
inline constexpr std::uint8_t kSleepEnable = 0x20;  // SLP_EN, bit 5 of the sleep control register

// The longest text in a machine description, in characters.
inline constexpr std::size_t kMaxMachineText = 256;

// An input file of the compose, by what it was and not by where it lay.
struct Component {
  std::string role;     // "kernel", "initrd"
  std::string format;   // "bzImage (lz4)", "data"
  std::string version;  // what the file says of itself; may be empty
  std::uint64_t size = 0;
  Sha256 sha256{};
  bool operator==(const Component&) const = default;
};

// A region's name. Labels are for people: nothing is loaded because of one.
struct RegionLabel {
  std::string name;
  GpaRange range;
  bool operator==(const RegionLabel&) const = default;
};

// Where a Linux kernel runs, and who chose that.
struct KernelPlace {
  enum class By : std::uint8_t {
    link,  // as it was linked: not randomised
    seed,  // moved at compose time, by a seed
    boot,  // its own decompressor chooses when it starts
  };
  By by = By::link;
  std::uint64_t physical = 0;         // of the first byte, as composed
  std::uint64_t virtual_address = 0;  // of the same byte; 0 if that is chosen at boot
  bool operator==(const KernelPlace&) const = default;
};

// The choosers by name: "link", "seed", "boot".
struct KernelPlaceName {
  KernelPlace::By by;
  std::string_view name;
};
inline constexpr KernelPlaceName kKernelPlaceNames[] = {
    {KernelPlace::By::link, "link"}, {KernelPlace::By::seed, "seed"}, {KernelPlace::By::boot, "boot"}};
std::string_view kernel_place_name(KernelPlace::By by);

// How a machine's devices are described to a reader of the snapshot: one line of the tree each.
struct Device {
  enum class Space : std::uint8_t { port, mmio };
  std::string_view name;
  std::string_view compatible;
  Space space = Space::mmio;
  std::uint64_t base = 0;
  std::uint64_t size = 0;
  std::uint32_t count = 1;                 // equal devices, `size` apart
  std::optional<std::uint32_t> interrupt;  // of the first; the next has the next
  bool operator==(const Device&) const = default;
};

// The interrupt controller of an AArch64 machine.
enum class Gic : std::uint8_t { v2, v3 };

// "v2", "v3"
std::string_view gic_name(Gic gic);

// What the guest will see.
struct Machine {
  Arch arch = Arch::x86_64;
  Gic gic = Gic::v3;         // of AArch64
  bool its = false;          // and its interrupt translation service, for message-signalled interrupts
  std::uint64_t memory = 0;  // bytes of RAM, a multiple of 4 KiB
  std::uint32_t cpus = 1;
  std::uint32_t numa_nodes = 0;       // that its tables tell of; 0: none do
  std::string protocol;               // how the guest is entered: "linux-x86_64"
  std::optional<KernelPlace> kernel;  // of Linux
  std::vector<Component> components;
  std::vector<RegionLabel> labels;  // ascending, disjoint
  bool operator==(const Machine&) const = default;
};

// Every device of the machine, in ascending order of space and base.
std::vector<Device> devices_of(const Machine& machine);

// The most vCPUs that such a machine can have.
std::uint32_t max_cpus(const Machine& machine);

// The affinity fields of MPIDR_EL1 that KVM gives vCPU `index` of an AArch64 machine, the other bits zero: as
// MADT and device tree name a processor and PSCI finds it. Aff0 counts to 16 only, because so many does one
// write of ICC_SGI1R_EL1 reach (Linux arch/arm64/kvm/sys_regs.c, reset_mpidr).
std::uint64_t arm64_mpidr(std::uint32_t index);

// The guest-physical ranges that RAM of `memory` bytes occupies, ascending: x86_64 [0, 3 GiB) and from 4 GiB
// on, AArch64 from 1 GiB on. The legacy window 0xA0000-0xFFFFF counts as RAM here: it is memory to the
// runner, and the memory map says what of it the guest may use.
std::vector<GpaRange> ram_ranges(Arch arch, std::uint64_t memory);

// The RAM in bytes with which a machine's RAM reaches `end`, which is past the start of its RAM.
std::uint64_t memory_up_to(Arch arch, std::uint64_t end);

}  // namespace tintype
