#include "runner/cpuid.h"

#include <algorithm>
#include <bit>

namespace tintype {

namespace {

constexpr std::uint32_t kSignificantIndex = 1;

constexpr std::uint32_t kHypervisor = 1u << 31;      // 1:ECX
constexpr std::uint32_t kTscDeadline = 1u << 24;     // 1:ECX
constexpr std::uint32_t kOsxsave = 1u << 27;         // 1:ECX, follows CR4: the host's value means nothing
constexpr std::uint32_t kHyperThreading = 1u << 28;  // 1:EDX, EBX[23:16] is valid
constexpr std::uint32_t kMsiExtDestId = 1u << 15;    // 0x40000001:EAX, KVM_FEATURE_MSI_EXT_DEST_ID
constexpr std::uint32_t kCmpLegacy = 1u << 1;        // 0x80000001:ECX, AMD

constexpr std::uint32_t kLevelSmt = 1, kLevelCore = 2;

// Bits that hold an index below `cpus`.
std::uint32_t id_bits(std::uint32_t cpus) {
  return static_cast<std::uint32_t>(std::bit_width(cpus - 1));
}

std::uint32_t with_bits(std::uint32_t value, unsigned first, unsigned width, std::uint32_t field) {
  const std::uint32_t mask = ((1u << width) - 1) << first;
  return (value & ~mask) | ((field << first) & mask);
}

CpuidEntry* find(std::vector<CpuidEntry>& entries, std::uint32_t function) {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const CpuidEntry& entry) { return entry.function == function; });
  return found == entries.end() ? nullptr : &*found;
}

// Leaves 0xB and 0x1F, extended topology: one thread a core, all cores in one package.
void add_topology(std::vector<CpuidEntry>& entries, std::uint32_t function, std::uint32_t cpus) {
  entries.push_back({.function = function,
                     .index = 0,
                     .flags = kSignificantIndex,
                     .eax = 0,
                     .ebx = 1,
                     .ecx = kLevelSmt << 8});
  entries.push_back({.function = function,
                     .index = 1,
                     .flags = kSignificantIndex,
                     .eax = id_bits(cpus),
                     .ebx = cpus,
                     .ecx = 1 | kLevelCore << 8});
  entries.push_back({.function = function, .index = 2, .flags = kSignificantIndex, .ecx = 2});
}

// Leaf 4 and AMD's 0x8000001D, a cache each: bits 25:14 are the threads that share it, less one. The last
// level is everybody's, the others are a core's own. With several NUMA nodes the last one is a core's own
// too, for nodes share none, and Linux complains of a machine where they do (arch/x86/kernel/smpboot.c,
// topology_sane()).
void share_cache(CpuidEntry& entry, const CpuidShape& shape) {
  const std::uint32_t cpus = shape.cpus;
  const std::uint32_t level = (entry.eax >> 5) & 7;
  const std::uint32_t sharing = level >= 3 && !shape.private_caches ? (1u << id_bits(cpus)) - 1 : 0;
  entry.eax = with_bits(entry.eax, 14, 12, sharing);
  if (entry.function == 4) entry.eax = with_bits(entry.eax, 26, 6, std::min((1u << id_bits(cpus)) - 1, 63u));
}

void shape_entry(CpuidEntry& entry, const CpuidShape& shape) {
  switch (entry.function) {
    case 1:
      entry.ecx =
          (entry.ecx & ~(kTscDeadline | kOsxsave)) | kHypervisor | (shape.tsc_deadline ? kTscDeadline : 0);
      entry.ebx = with_bits(entry.ebx, 16, 8, std::min(shape.cpus, 255u));
      entry.edx = shape.cpus > 1 ? entry.edx | kHyperThreading : entry.edx & ~kHyperThreading;
      break;
    case 4:
    case 0x8000001D:
      if ((entry.eax & 0x1F) != 0) share_cache(entry, shape);
      break;
    case 0x40000001:
      entry.eax = shape.extended_destination ? entry.eax | kMsiExtDestId : entry.eax & ~kMsiExtDestId;
      break;
    case 0x80000001:
      // Only AMD has it, where 1:EDX.HTT with it means cores and not threads.
      if (shape.cpus == 1) entry.ecx &= ~kCmpLegacy;
      break;
    case 0x80000008:
      // AMD: number of threads less one, and the bits of an APIC ID that number them. Reserved on Intel.
      if ((entry.ecx & 0xF0FF) != 0 || shape.cpus > 1) {
        entry.ecx = with_bits(entry.ecx, 0, 8, std::min(shape.cpus - 1, 255u));
        entry.ecx = with_bits(entry.ecx, 12, 4, id_bits(shape.cpus));
      }
      break;
    default:
      break;
  }
}

}  // namespace

std::vector<CpuidEntry> machine_cpuid(std::vector<CpuidEntry> entries, const CpuidShape& shape) {
  // The host's own topology is nothing to the guest. 0x80000026 (AMD) is left out: 0xB says the same.
  std::erase_if(entries, [](const CpuidEntry& entry) {
    return entry.function == 0xB || entry.function == 0x1F || entry.function == 0x80000026;
  });
  const CpuidEntry* basic = find(entries, 0);
  const std::uint32_t last_basic = basic == nullptr ? 0 : basic->eax;
  for (const std::uint32_t function : {0xBu, 0x1Fu})
    if (last_basic >= function) add_topology(entries, function, shape.cpus);
  for (CpuidEntry& entry : entries) shape_entry(entry, shape);
  return entries;
}

void set_apic_id(std::vector<CpuidEntry>& entries, std::uint32_t apic_id) {
  for (CpuidEntry& entry : entries) {
    if (entry.function == 1) entry.ebx = with_bits(entry.ebx, 24, 8, apic_id);
    if (entry.function == 0xB || entry.function == 0x1F) entry.edx = apic_id;
    if (entry.function == 0x8000001E) {
      entry.eax = apic_id;
      entry.ebx = with_bits(entry.ebx, 0, 16, apic_id & 0xFF);  // core ID, and one thread a core
      entry.ecx = 0;                                            // one node
    }
  }
}

unsigned physical_address_bits(const std::vector<CpuidEntry>& supported) {
  for (const CpuidEntry& entry : supported)
    if (entry.function == 0x80000008) return entry.eax & 0xFF;
  return 36;
}

}  // namespace tintype
