#include "layouts/plan.h"

#include "support/test_main.h"

namespace tintype {
namespace {

MemoryMap map_of(std::uint64_t memory) {
  Machine machine;
  machine.memory = memory;
  return memory_map_of(machine);
}

LayoutPlan plan_of(std::uint64_t memory) {
  return {map_of(memory), map_of(kTiB)};
}

Emit filled(std::uint64_t size, std::uint8_t value = 0xAA) {
  return [=](const Addresses&, ByteSink& sink) { sink.write(std::vector<std::uint8_t>(size, value)); };
}

std::string placed_error(LayoutPlan& plan) {
  const auto placed = plan.place();
  REQUIRE_FALSE(placed.has_value());
  return placed.error().message();
}

TEST_CASE("fixed regions stay, and the others take the first free aligned place around them") {
  LayoutPlan plan = plan_of(64 * kMiB);
  plan.add({.name = "second", .windows = {{0x1000, 0xA0000}}, .emit = filled(0x3000)});
  plan.add({.name = "fixed", .fixed = 0x2000, .emit = filled(0x1800)});
  plan.add({.name = "third", .windows = {{0x1000, 0xA0000}}, .alignment = 64, .emit = filled(64)});
  REQUIRE_OK(plan.place());
  CHECK(plan.addresses().of("fixed") == 0x2000);
  CHECK(plan.addresses().of("second") == 0x4000);
  CHECK(plan.addresses().range("third") == GpaRange{0x1000, 0x1040});
}

TEST_CASE("a window that is full passes to the next, and the memory map follows") {
  LayoutPlan plan = plan_of(64 * kMiB);
  const std::vector<GpaRange> windows = {{0xE0000, 0xE2000}, {0x1000, 0xA0000}};
  plan.add({.name = "a", .memory = MemoryType::acpi_data, .windows = windows, .emit = filled(0x1800)});
  plan.add({.name = "b",
            .memory = MemoryType::acpi_data,
            .windows = windows,
            .alignment = 64,
            .emit = filled(0x900)});
  REQUIRE_OK(plan.place());
  CHECK(plan.addresses().of("a") == 0xE0000);
  CHECK(plan.addresses().of("b") == 0x1000);
  // What lies in RAM is taken out of it by whole pages; what lies in reserved memory stays reserved.
  CHECK(plan.addresses().memory().covers({0x1000, 0x2000}, MemoryType::acpi_data));
  CHECK(plan.addresses().memory().covers({0xE0000, 0x100000}, MemoryType::reserved));
}

TEST_CASE("a page of RAM belongs to regions of one memory type, and a page of reserved memory to any") {
  LayoutPlan plan = plan_of(64 * kMiB);
  const auto add = [&](const char* name, MemoryType memory, std::uint64_t start) {
    plan.add({.name = name,
              .memory = memory,
              .windows = {{start, start + 0x10000}},
              .alignment = 64,
              .emit = filled(0x100)});
  };
  plan.add({.name = "fixed", .fixed = kMiB + 0x1800, .emit = filled(0x100)});
  add("table", MemoryType::acpi_data, kMiB);
  add("ram", MemoryType::ram, kMiB);
  add("next_table", MemoryType::acpi_data, kMiB);
  add("other", MemoryType::efi_data, kMiB);
  add("bios_table", MemoryType::acpi_data, 0xE0000);
  add("bios_other", MemoryType::efi_data, 0xE0000);
  REQUIRE_OK(plan.place());
  const Addresses& at = plan.addresses();
  CHECK(at.of("table") == kMiB);
  CHECK(at.of("ram") == kMiB + 0x1000);
  CHECK(at.of("next_table") == kMiB + 0x100);
  CHECK(at.of("other") == kMiB + 0x2000);
  CHECK(at.of("bios_other") == 0xE0100);
  CHECK(at.memory().covers({kMiB, kMiB + 0x1000}, MemoryType::acpi_data));
  CHECK(at.memory().covers({kMiB + 0x1000, kMiB + 0x2000}, MemoryType::ram));
  CHECK(at.memory().covers({kMiB + 0x2000, kMiB + 0x3000}, MemoryType::efi_data));
}

TEST_CASE("how much memory would do counts from where the machine's RAM starts") {
  LayoutPlan plan(Machine{.arch = Arch::aarch64, .memory = 64 * kMiB});
  plan.add({.name = "big", .windows = {{kGiB, 4 * kGiB}}, .emit = filled(65 * kMiB)});
  CHECK(placed_error(plan).find("give --memory at least 65M") != std::string::npos);
}

TEST_CASE("emitters see every address, and sizes may not depend on them") {
  LayoutPlan plan = plan_of(64 * kMiB);
  plan.add({.name = "pointer", .fixed = 0x1000, .emit = [](const Addresses& addresses, ByteSink& sink) {
              sink.put(le64(addresses.of("target")));
            }});
  plan.add({.name = "target", .windows = {{0x100000, 0x200000}}, .reserve = 0x5000, .emit = filled(5)});
  REQUIRE_OK(plan.place());
  Arena arena;
  const auto regions = plan.realize(arena);
  REQUIRE(regions.size() == 2);
  CHECK(read_at<le64>(regions[0].pieces[0], 0, "pointer").value() == 0x100000u);
  CHECK(regions[1].size == 5);
  CHECK(regions[1].range == GpaRange{0x100000, 0x105000});
}

TEST_CASE("what does not fit names the region, both numbers and the memory that would do") {
  LayoutPlan plan = plan_of(256 * kMiB);
  plan.add({.name = "kernel", .fixed = 16 * kMiB, .emit = filled(10)});
  plan.add({.name = "initrd", .fixed = 128 * kMiB, .reserve = 384 * kMiB, .emit = filled(10)});
  CHECK(placed_error(plan) ==
        "region 'initrd' 0x8000000-0x1fffffff does not fit RAM, which ends at 0xfffffff, 268435456 bytes "
        "short: give --memory at least 512M");

  LayoutPlan windowed = plan_of(64 * kMiB);
  windowed.add({.name = "initrd",
                .windows = {{16 * kMiB, 2 * kGiB}},
                .alignment = 2 * kMiB,
                .reserve = 100 * kMiB,
                .emit = filled(1)});
  CHECK(
      placed_error(windowed) ==
      "region 'initrd' of 104857600 bytes does not fit: 0x1000000-0x7fffffff has 50331648 bytes free in one "
      "piece, 54525952 short: give --memory at least 116M");
}

TEST_CASE("what no memory would help says what would") {
  LayoutPlan plan = plan_of(64 * kMiB);
  plan.add({.name = "table",
            .windows = {{0xE0000, 0xF0000}},
            .emit = filled(0x11000),
            .remedy = "give fewer --cpus"});
  CHECK(placed_error(plan) ==
        "region 'table' of 69632 bytes does not fit: 0xe0000-0xeffff has 65536 bytes free in one piece, 4096 "
        "short: give fewer --cpus");
}

TEST_CASE("fixed regions that overlap are both named") {
  LayoutPlan plan = plan_of(64 * kMiB);
  plan.add({.name = "acpi", .fixed = 0xE0000, .emit = filled(0x6000)});
  plan.add({.name = "kernel", .fixed = 0xE4000, .emit = filled(0x1000)});
  CHECK(placed_error(plan) == "region 'kernel' 0xe4000-0xe4fff overlaps region 'acpi' 0xe0000-0xe5fff");
}

TEST_CASE("a region that ends past the address space is refused") {
  LayoutPlan plan = plan_of(64 * kMiB);
  plan.add({.name = "kernel", .fixed = ~std::uint64_t{0} - 4, .emit = filled(16)});
  CHECK(placed_error(plan).find("ends past 2^64") != std::string::npos);
}

TEST_CASE("fixed regions in the hole or the legacy window do not fit") {
  for (const std::uint64_t gpa : std::initializer_list<std::uint64_t>{0xA0000, 0xC0000, 3 * kGiB}) {
    LayoutPlan plan = plan_of(8 * kGiB);
    plan.add({.name = "kernel", .fixed = gpa, .emit = filled(16)});
    CHECK(placed_error(plan).find("region 'kernel'") == 0);
  }
}

}  // namespace
}  // namespace tintype
