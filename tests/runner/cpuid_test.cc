#include "runner/cpuid.h"

#include "support/test_main.h"

using namespace tintype;

namespace {

std::vector<CpuidEntry> host() {
  return {
      {.function = 0, .eax = 0x1F},
      {.function = 1, .ebx = 0xAB120800, .ecx = 1u << 27 | 1u << 5, .edx = 1u << 28 | 1},
      {.function = 4, .index = 0, .flags = 1, .eax = 0xFC004121},  // L1 data
      {.function = 4, .index = 3, .flags = 1, .eax = 0xFC1FC163},  // L3
      {.function = 4, .index = 4, .flags = 1, .eax = 0},
      {.function = 0xB, .index = 0, .flags = 1, .eax = 1, .ebx = 2, .ecx = 0x100, .edx = 77},
      {.function = 0xB, .index = 1, .flags = 1, .eax = 7, .ebx = 64, .ecx = 0x201, .edx = 77},
      {.function = 0x1F, .index = 0, .flags = 1, .eax = 1, .ebx = 2, .ecx = 0x100, .edx = 77},
      {.function = 0x40000001, .eax = 0x01007EFB},
      {.function = 0x80000008, .eax = 0x302E, .ecx = 0x703F},
      {.function = 0x8000001D, .index = 3, .flags = 1, .eax = 0x1C163},
      {.function = 0x8000001E, .eax = 77, .ebx = 0x126, .ecx = 3},
      {.function = 0x80000026, .index = 0, .flags = 1, .eax = 1},
  };
}

const CpuidEntry& leaf(const std::vector<CpuidEntry>& entries, std::uint32_t function,
                       std::uint32_t index = 0) {
  for (const CpuidEntry& entry : entries)
    if (entry.function == function && entry.index == index) return entry;
  static const CpuidEntry none;
  FAIL("no such leaf");
  return none;
}

}  // namespace

TEST_CASE("the guest knows of its hypervisor and its timer") {
  const auto with = machine_cpuid(host(), {.cpus = 1, .tsc_deadline = true});
  CHECK((leaf(with, 1).ecx & 1u << 31) != 0);
  CHECK((leaf(with, 1).ecx & 1u << 24) != 0);
  CHECK((leaf(with, 1).ecx & 1u << 27) == 0);  // OSXSAVE is the guest's to set
  CHECK((leaf(with, 1).ecx & 1u << 5) != 0);
  const auto without = machine_cpuid(host(), {.cpus = 1});
  CHECK((leaf(without, 1).ecx & 1u << 24) == 0);
}

TEST_CASE("one vCPU is alone in its package") {
  const auto entries = machine_cpuid(host(), {.cpus = 1});
  CHECK((leaf(entries, 1).ebx >> 16 & 0xFF) == 1);
  CHECK((leaf(entries, 1).edx & 1u << 28) == 0);
  CHECK(leaf(entries, 0xB, 1).eax == 0);
  CHECK(leaf(entries, 0xB, 1).ebx == 1);
  CHECK((leaf(entries, 4, 3).eax >> 14 & 0xFFF) == 0);
  CHECK((leaf(entries, 4, 3).eax >> 26) == 0);
  CHECK((leaf(entries, 0x80000008).ecx & 0xFF) == 0);
}

TEST_CASE("several vCPUs are cores of one package that share the last cache") {
  const auto entries = machine_cpuid(host(), {.cpus = 6});
  CHECK((leaf(entries, 1).ebx >> 16 & 0xFF) == 6);
  CHECK((leaf(entries, 1).edx & 1u << 28) != 0);
  for (const std::uint32_t function : {0xBu, 0x1Fu}) {
    CHECK(leaf(entries, function, 0).ecx == 0x100);
    CHECK(leaf(entries, function, 0).eax == 0);
    CHECK(leaf(entries, function, 0).ebx == 1);
    CHECK(leaf(entries, function, 1).ecx == 0x201);
    CHECK(leaf(entries, function, 1).eax == 3);
    CHECK(leaf(entries, function, 1).ebx == 6);
    CHECK(leaf(entries, function, 2).ebx == 0);
  }
  CHECK((leaf(entries, 4, 0).eax >> 14 & 0xFFF) == 0);
  CHECK((leaf(entries, 4, 3).eax >> 14 & 0xFFF) == 7);
  CHECK((leaf(entries, 4, 3).eax >> 26) == 7);
  CHECK(leaf(entries, 4, 4).eax == 0);
  CHECK((leaf(entries, 0x8000001D, 3).eax >> 14 & 0xFFF) == 7);
  CHECK((leaf(entries, 0x80000008).ecx & 0xFF) == 5);
  CHECK((leaf(entries, 0x80000008).ecx >> 12 & 0xF) == 3);
  for (const CpuidEntry& entry : entries) CHECK(entry.function != 0x80000026);
}

TEST_CASE("vCPUs of several NUMA nodes share no cache") {
  const auto entries = machine_cpuid(host(), {.cpus = 6, .private_caches = true});
  CHECK((leaf(entries, 4, 3).eax >> 14 & 0xFFF) == 0);
  CHECK((leaf(entries, 4, 3).eax >> 26) == 7);
  CHECK((leaf(entries, 0x8000001D, 3).eax >> 14 & 0xFFF) == 0);
  CHECK(leaf(entries, 0xB, 1).ebx == 6);
}

TEST_CASE("topology leaves that the host does not have are not made up") {
  auto old = host();
  old[0].eax = 0xD;
  for (const CpuidEntry& entry : machine_cpuid(old, {.cpus = 2})) CHECK(entry.function != 0x1F);
}

TEST_CASE("fields that are too narrow for a thousand vCPUs are full, not wrapped") {
  const auto entries = machine_cpuid(host(), {.cpus = 1024, .extended_destination = true});
  CHECK((leaf(entries, 1).ebx >> 16 & 0xFF) == 255);
  CHECK((leaf(entries, 4, 3).eax >> 26) == 63);
  CHECK((leaf(entries, 4, 3).eax >> 14 & 0xFFF) == 1023);
  CHECK((leaf(entries, 0x80000008).ecx & 0xFF) == 255);
  CHECK(leaf(entries, 0xB, 1).eax == 10);
  CHECK(leaf(entries, 0xB, 1).ebx == 1024);
}

TEST_CASE("wide destination IDs are offered when asked for only") {
  CHECK((leaf(machine_cpuid(host(), {.cpus = 256, .extended_destination = true}), 0x40000001).eax &
         1u << 15) != 0);
  CHECK((leaf(machine_cpuid(host(), {.cpus = 255}), 0x40000001).eax & 1u << 15) == 0);
}

TEST_CASE("each vCPU finds its APIC ID in every leaf that tells it") {
  auto entries = machine_cpuid(host(), {.cpus = 300});
  set_apic_id(entries, 259);
  CHECK((leaf(entries, 1).ebx >> 24) == 3);
  for (const std::uint32_t index : {0u, 1u, 2u}) {
    CHECK(leaf(entries, 0xB, index).edx == 259);
    CHECK(leaf(entries, 0x1F, index).edx == 259);
  }
  CHECK(leaf(entries, 0x8000001E).eax == 259);
  set_apic_id(entries, 0);
  CHECK((leaf(entries, 1).ebx >> 24) == 0);
  CHECK(leaf(entries, 0xB, 1).edx == 0);
}

TEST_CASE("the width of a physical address") {
  CHECK(physical_address_bits(host()) == 46);
  CHECK(physical_address_bits({}) == 36);
}
