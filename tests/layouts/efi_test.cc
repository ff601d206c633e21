#include "layouts/efi.h"

#include <algorithm>

#include "support/test_main.h"

namespace tintype {
namespace {

constexpr std::uint64_t kRam = 0x40000000;

std::uint64_t number(const std::vector<std::uint8_t>& big_endian) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : big_endian) value = value << 8 | byte;
  return value;
}

TEST_CASE("each type of memory has its EFI type, and all of it is cached") {
  MemoryMap map;
  map.set({kRam, kRam + 0x10000}, MemoryType::ram);
  map.set({kRam + 0x1000, kRam + 0x2000}, MemoryType::efi_data);
  map.set({kRam + 0x2000, kRam + 0x5000}, MemoryType::acpi_data);
  map.set({kRam + 0x8000, kRam + 0x9000}, MemoryType::reserved);
  struct Expected {
    std::uint32_t type;
    std::uint64_t start, pages;
  };
  const Expected expected[] = {{7, kRam, 1},          {9, kRam + 0x1000, 1}, {9, kRam + 0x2000, 3},
                               {7, kRam + 0x5000, 3}, {0, kRam + 0x8000, 1}, {7, kRam + 0x9000, 7}};
  const auto found = efi_memory_map(map);
  REQUIRE(found.size() == std::size(expected));
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i);
    CHECK(found[i].Type == expected[i].type);
    CHECK(found[i].PhysicalStart == expected[i].start);
    CHECK(found[i].NumberOfPages == expected[i].pages);
    CHECK(found[i].VirtualStart == 0);
    CHECK(found[i].Attribute == 8);
  }
}

// A plan of a machine with EFI, and stand-ins for the tables of others.
struct Placed {
  Inputs inputs;
  LayoutPlan plan;
  Arena arena;
  std::vector<PlacedRegion> regions;

  explicit Placed(Inputs given) : inputs(std::move(given)), plan(inputs.machine) {
    const std::vector<GpaRange> windows = {{kRam + kMiB, kRam + 2 * kMiB}};
    for (const char* name : {"acpi.rsdp", "smbios.entry"})
      plan.add({.name = name,
                .memory = MemoryType::acpi_data,
                .windows = windows,
                .emit = [](const Addresses&, ByteSink& sink) { sink.zeros(24); }});
    add_efi(inputs, windows, plan);
    REQUIRE_OK(plan.place());
    regions = plan.realize(arena);
  }
  std::vector<std::uint8_t> bytes(std::string_view name) const {
    std::vector<std::uint8_t> all;
    for (const PlacedRegion& region : regions)
      if (region.name == name)
        for (const Bytes piece : region.pieces) all.insert(all.end(), piece.begin(), piece.end());
    return all;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const PlacedRegion& region : regions)
      if (region.name.starts_with("efi.")) found.push_back(region.name);
    std::sort(found.begin(), found.end());
    return found;
  }
};

Inputs machine(bool its = false, std::size_t seed = 0) {
  Inputs inputs;
  inputs.machine = {
      .arch = Arch::aarch64, .its = its, .memory = 64 * kMiB, .cpus = 1, .protocol = "linux-arm64-acpi"};
  inputs.rng_seed.assign(seed, 0xA5);
  return inputs;
}

TEST_CASE("there is what the inputs ask for, and no more") {
  using Names = std::vector<std::string>;
  CHECK(Placed(machine()).names() ==
        Names{"efi.config_table", "efi.memory_map", "efi.rt_properties", "efi.system_table", "efi.vendor"});
  CHECK(Placed(machine(true)).names() == Names{"efi.config_table", "efi.mem_reserve", "efi.memory_map",
                                               "efi.rt_properties", "efi.system_table", "efi.vendor"});
  CHECK(Placed(machine(false, 32)).names() == Names{"efi.config_table", "efi.memory_map", "efi.rng_seed",
                                                    "efi.rt_properties", "efi.system_table", "efi.vendor"});
}

TEST_CASE("no runtime service is said to work") {
  CHECK(Placed(machine()).bytes("efi.rt_properties") == std::vector<std::uint8_t>{1, 0, 8, 0, 0, 0, 0, 0});
}

TEST_CASE("a seed follows its length") {
  for (const std::size_t size : {1u, 32u, 5000u}) {
    const auto found = Placed(machine(false, size)).bytes("efi.rng_seed");
    REQUIRE(found.size() == 4 + size);
    CHECK((found[0] | found[1] << 8 | found[2] << 16 | found[3] << 24) == static_cast<int>(size));
    CHECK(std::all_of(found.begin() + 4, found.end(), [](std::uint8_t byte) { return byte == 0xA5; }));
  }
}

TEST_CASE("the list of reservations is empty, and in one page") {
  const Placed placed(machine(true));
  CHECK(placed.bytes("efi.mem_reserve") == std::vector<std::uint8_t>(16));
  const GpaRange range = placed.plan.addresses().range("efi.mem_reserve");
  CHECK(range.start / 4096 == range.last() / 4096);
}

TEST_CASE("the memory map has room for what it may get, and says how much is used") {
  const Placed placed(machine());
  const auto map = placed.bytes("efi.memory_map");
  CHECK(map.size() == kMaxEfiDescriptors * 40);
  const auto used = efi_memory_map(placed.plan.addresses().memory());
  for (std::size_t i = 0; i < map.size() / 40; ++i) {
    const auto found = read_at<efi::MemoryDescriptor>(map, i * 40, "descriptor").value();
    CHECK((found.NumberOfPages != 0) == (i < used.size()));
    if (i < used.size()) CHECK(found.PhysicalStart == used[i].PhysicalStart);
  }
}

TEST_CASE("/chosen says where everything is, in cells as Linux reads them") {
  const Placed placed(machine());
  const Addresses& addresses = placed.plan.addresses();
  struct Expected {
    std::string name;
    std::size_t size;
    std::uint64_t value;
  };
  const Expected expected[] = {{"linux,uefi-system-table", 8, addresses.of("efi.system_table")},
                               {"linux,uefi-mmap-start", 8, addresses.of("efi.memory_map")},
                               {"linux,uefi-mmap-size", 4, addresses.memory().entries().size() * 40},
                               {"linux,uefi-mmap-desc-size", 4, 40},
                               {"linux,uefi-mmap-desc-ver", 4, 1},
                               {"linux,uefi-secure-boot", 4, 2}};
  const auto found = efi_chosen_properties(addresses);
  REQUIRE(found.size() == std::size(expected));
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(expected[i].name);
    CHECK(found[i].name == expected[i].name);
    CHECK(found[i].value.size() == expected[i].size);
    CHECK(number(found[i].value) == expected[i].value);
  }
  // While counting, the lengths are the same.
  const auto counted = efi_chosen_properties(Addresses{});
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(counted.at(i).value.size() == found[i].value.size());
}

}  // namespace
}  // namespace tintype
