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
inline constexpr std::uint64_t kMaxMemory = 1 * kTiB;
}  // namespace x86

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

// Every device of an x86_64 machine, in ascending order of space and base.
const std::vector<Device>& devices_of(Arch arch);

// What the guest will see.
struct Machine {
  Arch arch = Arch::x86_64;
  std::uint64_t memory = 0;  // bytes of RAM, a multiple of 4 KiB
  std::uint32_t cpus = 1;
  std::uint32_t numa_nodes = 0;       // that its tables tell of; 0: none do
  std::string protocol;               // how the guest is entered: "linux-x86_64"
  std::optional<KernelPlace> kernel;  // of Linux
  std::vector<Component> components;
  std::vector<RegionLabel> labels;  // ascending, disjoint
  bool operator==(const Machine&) const = default;
};

// The guest-physical ranges that RAM of `memory` bytes occupies, ascending: x86_64 [0, 3 GiB) and from 4 GiB
// on. The legacy window 0xA0000-0xFFFFF counts as RAM here: it is memory to the runner, and the memory map
// says what of it the guest may use.
std::vector<GpaRange> ram_ranges(Arch arch, std::uint64_t memory);

}  // namespace tintype
