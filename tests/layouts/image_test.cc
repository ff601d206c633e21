#include "layouts/image.h"

#include "layouts/check.h"
#include "layouts/platform.h"
#include "support/test_main.h"

namespace tintype {
namespace {

std::vector<std::uint8_t> pattern(std::size_t size, std::uint8_t seed) {
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(seed + i * 7 + i / 4096) | 1;
  return bytes;
}

PlacedRegion placed(std::string name, std::uint64_t gpa, std::vector<Bytes> pieces,
                    PageKind kind = PageKind::normal) {
  PlacedRegion region{
      .name = std::move(name), .kind = kind, .range = {gpa, gpa}, .pieces = std::move(pieces)};
  for (const Bytes piece : region.pieces) region.size += piece.size();
  region.range.end += region.size;
  return region;
}

// Guest memory as the runs fill it.
std::vector<std::uint8_t> memory_of(const std::vector<igvm::PageRun>& runs, GpaRange range) {
  std::vector<std::uint8_t> memory(range.size());
  for (const igvm::PageRun& run : runs) {
    if (run.data.empty()) continue;
    REQUIRE(range.contains(GpaRange{run.gpa, run.gpa + run.data.size()}));
    std::copy(run.data.begin(), run.data.end(),
              memory.begin() + static_cast<std::ptrdiff_t>(run.gpa - range.start));
  }
  return memory;
}

TEST_CASE("whole pages are borrowed, the rest is assembled, and the bytes are where the regions say") {
  const auto a = pattern(3 * kPageSize + 100, 1);
  const auto b = pattern(50, 2);
  const auto c = pattern(5000, 3);
  GuestImage image;
  image.regions = {placed("a", 0x10000, {a}), placed("b", 0x13080, {b}), placed("c", 0x20010, {c})};
  Arena arena;
  const auto runs = pages_of(image, arena);
  CHECK(runs.front().data.data() == a.data());
  std::uint64_t end = 0;
  for (const igvm::PageRun& run : runs) {
    CHECK(is_aligned(run.gpa, kPageSize));
    CHECK(run.gpa >= end);
    CHECK((run.data.empty() || run.data.size() == run.pages * kPageSize));
    end = run.gpa + run.pages * kPageSize;
  }
  const auto memory = memory_of(runs, {0x10000, 0x30000});
  CHECK(std::equal(a.begin(), a.end(), memory.begin()));
  CHECK(std::equal(b.begin(), b.end(), memory.begin() + 0x3080));
  CHECK(std::equal(c.begin(), c.end(), memory.begin() + 0x10010));
  CHECK(std::count(memory.begin(), memory.end(), 0) ==
        static_cast<std::ptrdiff_t>(memory.size() - a.size() - b.size() - c.size()));
}

TEST_CASE("pages of zeroes carry no data, wherever they come from") {
  auto bytes = pattern(6 * kPageSize, 1);
  std::fill(bytes.begin() + kPageSize, bytes.begin() + 3 * kPageSize, std::uint8_t{0});
  const std::vector<std::uint8_t> zeroes(2 * kPageSize);
  GuestImage image;
  image.regions = {placed("a", 0x10000, {bytes, zeroes})};
  Arena arena;
  const auto runs = pages_of(image, arena);
  REQUIRE(runs.size() == 4);
  CHECK(runs[0].pages == 1);
  CHECK(runs[1].pages == 2);
  CHECK(runs[1].data.empty());
  CHECK(runs[2].pages == 3);
  CHECK(runs[3].pages == 2);
  CHECK(runs[3].data.empty());
}

TEST_CASE("a page kind becomes the flags and types that loaders know") {
  const auto page = pattern(kPageSize, 1);
  GuestImage image;
  image.regions = {
      placed("u", 0x1000, {page}, PageKind::unmeasured), placed("s", 0x2000, {page}, PageKind::shared),
      placed("c", 0x3000, {page}, PageKind::cpuid), placed("x", 0x4000, {page}, PageKind::secrets)};
  Arena arena;
  const auto runs = pages_of(image, arena);
  REQUIRE(runs.size() == 4);
  CHECK(runs[0].flags == IGVM_PAGE_DATA_UNMEASURED);
  CHECK(runs[1].flags == IGVM_PAGE_DATA_SHARED);
  CHECK(runs[2].data_type == IGVM_PAGE_DATA_TYPE_CPUID_DATA);
  CHECK(runs[3].data_type == IGVM_PAGE_DATA_TYPE_SECRETS);
}

TEST_CASE(
    "launch order is required memory, pages by address, contexts; and what is written reads back the same") {
  const auto page = pattern(kPageSize, 1);
  GuestImage image;
  image.machine.memory = 6 * kGiB;
  image.regions = {placed("a", 0x1000, {page}), placed("b", 0x5000, {page})};
  std::get<VcpuX86>(image.boot_vcpu).rip = 0x1000;
  Arena arena;
  const igvm::File file = launch_sequence(image, platforms_of(Arch::x86_64), arena);
  std::vector<std::size_t> kinds;
  std::uint64_t required = 0;
  for (const igvm::Directive& directive : file.directives) {
    kinds.push_back(directive.index());
    if (const auto* memory = std::get_if<IGVM_VHS_REQUIRED_MEMORY>(&directive))
      required += memory->number_of_bytes;
  }
  CHECK(required == 6 * kGiB - (0x100000 - 0xA0000));
  const auto pages = std::find(kinds.begin(), kinds.end(), igvm::Directive(igvm::PageRun{}).index());
  CHECK(std::all_of(kinds.begin(), pages, [](std::size_t kind) {
    return kind == igvm::Directive(IGVM_VHS_REQUIRED_MEMORY{}).index();
  }));
  CHECK(std::holds_alternative<igvm::VpContext>(file.directives.back()));

  const auto bytes = igvm::write(file);
  REQUIRE_OK(bytes);
  const auto read = igvm::read(*bytes);
  REQUIRE_OK(read);
  CHECK(igvm::same(file, *read).has_value());
  CHECK(igvm::oddities(*read).empty());
}

TEST_CASE("an AArch64 image is of format version 2, for VSM isolation, with a register list") {
  const auto page = pattern(kPageSize, 1);
  GuestImage image;
  image.machine = {.arch = Arch::aarch64, .memory = 3 * kGiB};
  image.regions = {placed("a", arm64::kRamStart, {page})};
  image.boot_vcpu = VcpuArm64{.x0 = 0x42000000, .pc = arm64::kRamStart};
  Arena arena;
  const igvm::File file = launch_sequence(image, platforms_of(Arch::aarch64), arena);
  const auto bytes = igvm::write(file);
  REQUIRE_OK(bytes);
  const auto read = igvm::read(*bytes);
  REQUIRE_OK(read);
  CHECK(igvm::same(file, *read).has_value());
  CHECK(igvm::oddities(*read).empty());
  CHECK(read->format_version == IGVM_FORMAT_VERSION_2);
  CHECK(read->arch == Arch::aarch64);
  REQUIRE(read->platforms.size() == 1);
  CHECK(read->platforms[0].platform_type == IGVM_PLATFORM_VSM_ISOLATION);
  CHECK(read->platforms[0].highest_vtl == 0);
  std::uint64_t required = 0;
  for (const igvm::Directive& directive : read->directives)
    if (const auto* memory = std::get_if<IGVM_VHS_REQUIRED_MEMORY>(&directive))
      required += memory->number_of_bytes;
  CHECK(required == 3 * kGiB);
  const auto vcpu = igvm::vbs_registers(std::get<igvm::VpContext>(read->directives.back()));
  REQUIRE_OK(vcpu);
  CHECK(*vcpu == std::get<VcpuArm64>(image.boot_vcpu));
}

}  // namespace
}  // namespace tintype
