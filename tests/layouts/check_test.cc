#include "layouts/check.h"

#include "support/test_main.h"

namespace tintype {
namespace {

const std::vector<std::uint8_t> kBytes(2 * kPageSize, 0x90);

// A guest that passes every check.
GuestImage sound() {
  GuestImage image;
  image.machine.memory = 64 * kMiB;
  image.memory = memory_map_of(image.machine);
  image.regions = {{.name = "code", .range = {0x10000, 0x12000}, .size = 0x2000, .pieces = {kBytes}},
                   {.name = "stack", .range = {0x12000, 0x13000}}};
  std::get<VcpuX86>(image.boot_vcpu).rip = 0x10800;
  std::get<VcpuX86>(image.boot_vcpu).rsp = 0x13000;
  return image;
}

std::string violations(const GuestImage& image) {
  const auto result = run_checks(image);
  return result ? "" : result.error().message();
}

TEST_CASE("a sound image has no violations") {
  CHECK(violations(sound()) == "");
}

TEST_CASE("registers that point at nothing are all reported at once") {
  GuestImage image = sound();
  std::get<VcpuX86>(image.boot_vcpu).rip = 0x500000;
  std::get<VcpuX86>(image.boot_vcpu).cr3 = 0x600000;
  std::get<VcpuX86>(image.boot_vcpu).gdtr = {0x11FFF, 0x1f};
  std::get<VcpuX86>(image.boot_vcpu).rsp = 0x700000;
  const std::string text = violations(image);
  CHECK(text.find("the entry point (RIP) points at 0x500000, where no region of the image has bytes") !=
        std::string::npos);
  CHECK(text.find("the page table root (CR3) points at 0x600000") != std::string::npos);
  CHECK(text.find("the GDT (GDTR) points at 0x11fff") != std::string::npos);
  CHECK(text.find("the stack (RSP) ends at 0x700000, which is in no region") != std::string::npos);
}

TEST_CASE("an entry point outside measured memory is refused") {
  GuestImage image = sound();
  image.regions[0].kind = PageKind::unmeasured;
  CHECK(violations(image) ==
        "the entry point 0x10800 lies in region 'code', which is unmeasured and not normal memory");
}

TEST_CASE("overlapping regions and pages of two kinds are refused by name") {
  GuestImage image = sound();
  image.regions[1].range.start = 0x11000;
  CHECK(violations(image).find("region 'stack' 0x11000-0x12fff overlaps region 'code' 0x10000-0x11fff") !=
        std::string::npos);
  image = sound();
  image.regions[1] = {.name = "secrets", .kind = PageKind::secrets, .range = {0x12000, 0x12010}};
  image.regions[0].range.end = 0x12001;
  image.regions.erase(image.regions.begin());
  image.regions.insert(image.regions.begin(),
                       {.name = "code", .range = {0x10000, 0x12000}, .size = 0x2000, .pieces = {kBytes}});
  image.regions.insert(image.regions.begin() + 1, {.name = "tail", .range = {0x12000, 0x12008}});
  image.regions[2].range = {0x12008, 0x12010};
  CHECK(violations(image).find(
            "region 'tail' (normal) and region 'secrets' (secrets) share the page at 0x12000") !=
        std::string::npos);
}

TEST_CASE("a region that the memory map does not show as it asked is refused") {
  GuestImage image = sound();
  image.regions[0].memory = MemoryType::acpi_data;
  CHECK(violations(image).find(
            "region 'code' 0x10000-0x11fff is ACPI data but the memory map does not say so") !=
        std::string::npos);
  image.memory.set({0x10000, 0x12000}, MemoryType::acpi_data);
  CHECK(violations(image) == "");
}

TEST_CASE("bytes are found across pieces, and only where all of them exist") {
  GuestImage image = sound();
  const std::vector<std::uint8_t> tail = {1, 2, 3};
  image.regions[0].pieces = {Bytes(kBytes).first(16), tail};
  CHECK(bytes_at(image, 0x1000E, 4) == std::vector<std::uint8_t>{0x90, 0x90, 1, 2});
  CHECK(bytes_at(image, 0x1000E, 6).empty());
  CHECK(bytes_at(image, 0x9000, 1).empty());
}

}  // namespace
}  // namespace tintype
