#include "runner/parameters.h"

#include <cstring>
#include <numeric>

#include "runner/guests.h"
#include "support/test_main.h"

using namespace tintype;
using guests::Image;
using guests::Octets;

namespace {

constexpr std::uint64_t kArea = 0x8000;

Image started() {
  Image image;
  image.pages(guests::kCode, Octets(kPageSize, 0x90)).start(guests::start_32());
  return image;
}

Result<GuestPlan> plan(const Image& image, const MachineWishes& wishes = {}) {
  const Octets bytes = image.write();
  return plan_guest(bytes, wishes, image.arch());
}

template <Wire T>
T value_at(const Octets& bytes, std::size_t offset = 0) {
  const auto value = read_at<T>(bytes, offset, "value");
  REQUIRE_OK(value);
  return *value;
}

}  // namespace

TEST_CASE("the number of vCPUs lands at its offset") {
  const auto result =
      plan(started().parameter(IGVM_VHT_VP_COUNT_PARAMETER, 7, kArea, 0x20), {.memory = {}, .cpus = 5});
  REQUIRE_OK(result);
  REQUIRE(result->writes.size() == 1);
  CHECK(result->writes[0].gpa == kArea + 0x20);
  CHECK(result->writes[0].bytes == Octets{5, 0, 0, 0});
}

TEST_CASE("nothing of this machine is private") {
  const auto result = plan(started().parameter(IGVM_VHT_ENVIRONMENT_INFO_PARAMETER, 0, kArea));
  REQUIRE_OK(result);
  CHECK(value_at<le32>(result->writes[0].bytes) == IGVM_ENVIRONMENT_INFO_MEMORY_IS_SHARED);
}

TEST_CASE("the memory map is ascending, whole and ended") {
  Image image = started();
  image.pages(4 * kGiB - kPageSize, Octets(kPageSize, 0xF4)).parameter(IGVM_VHT_MEMORY_MAP, 0, kArea);
  const auto result = plan(image, {.memory = 4 * kGiB, .cpus = {}});
  REQUIRE_OK(result);
  const Octets& bytes = result->writes[0].bytes;
  std::vector<GpaRange> memory;
  std::uint64_t last = 0;
  std::size_t reserved = 0;
  for (std::size_t at = 0;; at += sizeof(IGVM_VHS_MEMORY_MAP_ENTRY)) {
    const auto entry = value_at<IGVM_VHS_MEMORY_MAP_ENTRY>(bytes, at);
    if (entry.number_of_pages == 0) {
      CHECK(at + sizeof(entry) == bytes.size());
      break;
    }
    const std::uint64_t start = entry.starting_gpa_page_number * kPageSize;
    const std::uint64_t end = start + entry.number_of_pages * kPageSize;
    CHECK(start >= last);
    last = end;
    if (entry.entry_type == IGVM_MEMORY_MAP_ENTRY_MEMORY) {
      memory.push_back({start, end});
    } else {
      CHECK(entry.entry_type == IGVM_MEMORY_MAP_ENTRY_PLATFORM_RESERVED);
      CHECK(start == 0xFEFFC000);
      ++reserved;
    }
  }
  CHECK(reserved == 1);
  CHECK(memory == result->memory);
}

TEST_CASE("the MADT adds up and names every vCPU") {
  const auto result = plan(started().parameter(IGVM_VHT_MADT, 0, kArea), {.memory = {}, .cpus = 300});
  REQUIRE_OK(result);
  const Octets& table = result->writes[0].bytes;
  CHECK(std::memcmp(table.data(), "APIC", 4) == 0);
  CHECK(value_at<le32>(table, 4) == table.size());
  CHECK((std::accumulate(table.begin(), table.end(), 0u) & 0xFF) == 0);
  std::size_t narrow = 0, wide = 0, io = 0;
  for (std::size_t at = 44; at < table.size(); at += table[at + 1]) {
    REQUIRE(table[at + 1] != 0);
    narrow += table[at] == 0;
    wide += table[at] == 9;
    io += table[at] == 1;
  }
  CHECK(narrow == 255);
  CHECK(wide == 45);
  CHECK(io == 1);
}

TEST_CASE("the hole and the empty command line") {
  Image image = started();
  image.parameter(IGVM_VHT_MMIO_RANGES, 0, kArea).parameter(IGVM_VHT_COMMAND_LINE, 1, kArea + kPageSize);
  const auto result = plan(image);
  REQUIRE_OK(result);
  REQUIRE(result->writes.size() == 2);
  const auto ranges = value_at<IGVM_VHS_MMIO_RANGES>(result->writes[0].bytes);
  CHECK(ranges.mmio_ranges[0].starting_gpa_page_number == 3 * kGiB / kPageSize);
  CHECK(ranges.mmio_ranges[0].number_of_pages == kGiB / kPageSize);
  CHECK(ranges.mmio_ranges[1].number_of_pages == 0);
  CHECK(result->writes[1].bytes == Octets{0});
}

TEST_CASE("what an area holds to begin with comes from the file") {
  Image image = started();
  const Octets initial(kPageSize, 0xC3);
  image.parameter(IGVM_VHT_VP_COUNT_PARAMETER, 0, kArea);
  for (igvm::Directive& directive : image.file().directives)
    if (auto* area = std::get_if<igvm::ParameterArea>(&directive)) area->initial = initial;
  const Octets bytes = image.write();
  const auto result = plan_guest(bytes, {});
  REQUIRE_OK(result);
  const GuestPlan::FilePiece& piece = result->pieces.back();
  CHECK(piece.gpa == kArea);
  CHECK(piece.size == kPageSize);
  CHECK(
      std::equal(initial.begin(), initial.end(), bytes.begin() + static_cast<std::ptrdiff_t>(piece.offset)));
}

TEST_CASE("what this runner does not have is refused by name") {
  for (const auto& [type, name] :
       {std::pair{IGVM_VHT_SRAT, "SRAT"}, std::pair{IGVM_VHT_SLIT, "SLIT"}, std::pair{IGVM_VHT_PPTT, "PPTT"},
        std::pair{IGVM_VHT_DEVICE_TREE, "device tree"}}) {
    const auto result = plan(started().parameter(type, 0, kArea));
    REQUIRE_FALSE(result);
    CHECK(result.error().message().find(name) != std::string::npos);
  }
}

TEST_CASE("a parameter must fit its area") {
  REQUIRE_OK(plan(started().parameter(IGVM_VHT_VP_COUNT_PARAMETER, 0, kArea, kPageSize - 4)));
  CHECK_FALSE(plan(started().parameter(IGVM_VHT_VP_COUNT_PARAMETER, 0, kArea, kPageSize - 3)));
  const auto result = plan(started().parameter(IGVM_VHT_MEMORY_MAP, 0, kArea, kPageSize - 48));
  REQUIRE_FALSE(result);
  INFO(result.error().message());
  CHECK(result.error().message().find("needs 72 bytes at offset 0xfd0") != std::string::npos);
}

namespace {

// `started()` with parameters in area 0 of 64 KiB, in the order given.
Image with_parameters(const std::vector<std::pair<std::uint32_t, std::uint32_t>>& types_and_offsets) {
  Image image = started();
  auto& directives = image.file().directives;
  directives.emplace_back(igvm::ParameterArea{.number_of_bytes = 64 * kKiB, .parameter_area_index = 0});
  for (const auto& [type, offset] : types_and_offsets)
    directives.emplace_back(
        igvm::Parameter{.type = type, .header = {.parameter_area_index = 0, .byte_offset = offset}});
  directives.emplace_back(IGVM_VHS_PARAMETER_INSERT{.gpa = kArea, .compatibility_mask = 1});
  return image;
}

}  // namespace

TEST_CASE("two parameters in one place are refused in either order") {
  // The memory map of this machine has 72 bytes, and a file may count on no more than 24.
  const std::pair<std::uint32_t, std::uint32_t> map{IGVM_VHT_MEMORY_MAP, 0},
      inside{IGVM_VHT_VP_COUNT_PARAMETER, 48}, last{IGVM_VHT_VP_COUNT_PARAMETER, 71},
      behind{IGVM_VHT_VP_COUNT_PARAMETER, 72};
  for (const auto& [first, second] : {std::pair{map, inside}, std::pair{inside, map}}) {
    const auto result = plan(with_parameters({first, second}));
    REQUIRE_FALSE(result);
    CHECK(result.error().message() ==
          "has parameter VP_COUNT at 0x8030-0x8033, on top of parameter MEMORY_MAP at 0x8000-0x8047: move "
          "it behind that");
  }
  CHECK_FALSE(plan(with_parameters({map, last})));
  REQUIRE_OK(plan(with_parameters({map, behind})));
  REQUIRE_OK(plan(with_parameters({behind, map})));
}

TEST_CASE("thousands of parameters are compared in no time") {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> many;
  for (std::uint32_t i = 64 * 1024; i-- > 0;) many.emplace_back(IGVM_VHT_COMMAND_LINE, i);
  REQUIRE_OK(plan(with_parameters(many)));
}

TEST_CASE("parameters that are small in the file and large in memory are bounded") {
  // A memory map of 257 entries, again and again in one large area.
  constexpr std::uint64_t kStep = 64 * kKiB, kMap = 257 * sizeof(IGVM_VHS_MEMORY_MAP_ENTRY);
  constexpr std::uint32_t kTooMany = kMaxParameterBytes / kMap + 2;
  Image image = started();
  for (std::uint64_t i = 0; i < 254; ++i) image.required(kGiB + i * 2 * kPageSize, kPageSize);
  image.parameter(IGVM_VHT_MEMORY_MAP, 0, 16 * kMiB, 0, kTooMany * kStep);
  auto& directives = image.file().directives;
  const igvm::Directive insert = directives.back();
  directives.pop_back();
  for (std::uint32_t i = 1; i < kTooMany; ++i)
    directives.emplace_back(igvm::Parameter{
        .type = IGVM_VHT_MEMORY_MAP,
        .header = {.parameter_area_index = 0, .byte_offset = i * static_cast<std::uint32_t>(kStep)}});
  directives.push_back(insert);
  const auto result = plan(image);
  REQUIRE_FALSE(result);
  CHECK(result.error().message() == "asks for more than 16 MiB of parameters, which no guest needs");
}

namespace {

Image started_arm64() {
  VcpuArm64 registers;
  registers.pc = arm64::kRamStart;
  Image image = Image::arm64();
  image.pages(arm64::kRamStart, Octets(kPageSize, 0x1F)).start(registers);
  return image;
}

constexpr std::uint64_t kArm64Area = arm64::kRamStart + 0x8000;

}  // namespace

TEST_CASE("an AArch64 machine's parameters: vCPUs, environment, memory, devices") {
  Image image = started_arm64();
  image.parameter(IGVM_VHT_VP_COUNT_PARAMETER, 0, kArm64Area);
  image.parameter(IGVM_VHT_ENVIRONMENT_INFO_PARAMETER, 1, kArm64Area + 0x1000);
  image.parameter(IGVM_VHT_MEMORY_MAP, 2, kArm64Area + 0x2000);
  image.parameter(IGVM_VHT_MMIO_RANGES, 3, kArm64Area + 0x3000);
  const auto result = plan(image, {.memory = 512 * kMiB, .cpus = 9});
  REQUIRE_OK(result);
  REQUIRE(result->writes.size() == 4);
  CHECK(value_at<le32>(result->writes[0].bytes) == 9);
  CHECK(value_at<le32>(result->writes[1].bytes) == IGVM_ENVIRONMENT_INFO_MEMORY_IS_SHARED);
  const Octets& map = result->writes[2].bytes;
  REQUIRE(map.size() == 2 * sizeof(IGVM_VHS_MEMORY_MAP_ENTRY));
  const auto ram = value_at<IGVM_VHS_MEMORY_MAP_ENTRY>(map);
  CHECK(ram.starting_gpa_page_number == arm64::kRamStart / kPageSize);
  CHECK(ram.number_of_pages == 512 * kMiB / kPageSize);
  CHECK(value_at<IGVM_VHS_MEMORY_MAP_ENTRY>(map, sizeof(IGVM_VHS_MEMORY_MAP_ENTRY)).number_of_pages == 0);
  const auto devices = value_at<le64>(result->writes[3].bytes);
  CHECK(devices == arm64::kGicd / kPageSize);
  CHECK(value_at<le64>(result->writes[3].bytes, 8) == (arm64::kRamStart - arm64::kGicd) / kPageSize);
}

TEST_CASE("an AArch64 machine has no MADT to give") {
  const auto result = plan(started_arm64().parameter(IGVM_VHT_MADT, 0, kArm64Area));
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().message() == "it asks for an ACPI MADT, which this runner makes for x86_64 only");
}
