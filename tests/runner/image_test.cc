#include "runner/image.h"

#include <cstring>
#include <functional>

#include "formats/measure.h"
#include "runner/guest_memory.h"
#include "runner/guests.h"
#include "support/test_main.h"

using namespace tintype;
using guests::Image;
using guests::kCode;
using guests::Octets;

namespace {

Octets page(std::uint8_t fill, std::size_t count = 1) {
  return Octets(count * kPageSize, fill);
}

Result<GuestPlan> plan(const Image& image, const MachineWishes& wishes = {}) {
  const Octets bytes = image.write();
  return plan_guest(bytes, wishes, image.arch());
}

std::string refusal(const Image& image, const MachineWishes& wishes = {}) {
  const auto result = plan(image, wishes);
  return result ? "it was accepted" : result.error().message();
}

bool has(const std::string& text, std::string_view part) {
  const bool found = text.find(part) != std::string::npos;
  if (!found) MESSAGE(text);
  return found;
}

Image started() {
  Image image;
  image.pages(kCode, page(0x90)).start(guests::start_32());
  return image;
}

constexpr std::uint64_t kArm64Code = arm64::kRamStart + 0x200000;

VcpuArm64 start_arm64() {
  VcpuArm64 registers;
  registers.pc = kArm64Code;
  registers.x0 = 0x48000000;
  return registers;
}

Image started_arm64() {
  Image image = Image::arm64();
  image.pages(kArm64Code, page(0x1F)).start(start_arm64());
  return image;
}

Machine machine(std::uint64_t memory = 64 * kMiB, std::uint32_t cpus = 2) {
  Machine result;
  result.memory = memory;
  result.cpus = cpus;
  result.protocol = "test";
  return result;
}

}  // namespace

TEST_CASE("a file that says nothing gets the default machine, or what the user says") {
  const auto defaults = plan(started());
  REQUIRE_OK(defaults);
  CHECK(defaults->cpus == 1);
  CHECK(defaults->memory == std::vector<GpaRange>{{0, kDefaultMemory}});
  REQUIRE(defaults->starts.size() == 1);
  CHECK(std::get<VcpuX86>(defaults->starts[0].registers) == guests::start_32());
  const auto wished = plan(started(), {.memory = 4 * kGiB, .cpus = 3});
  REQUIRE_OK(wished);
  CHECK(wished->cpus == 3);
  CHECK(wished->memory == std::vector<GpaRange>{{0, 3 * kGiB}, {4 * kGiB, 5 * kGiB}});
}

TEST_CASE("a snapshot brings its machine, and the user has no say") {
  const auto described = plan(started().machine(machine()));
  REQUIRE_OK(described);
  CHECK(described->cpus == 2);
  CHECK(described->memory == std::vector<GpaRange>{{0, 64 * kMiB}});
  CHECK(has(refusal(started().machine(machine()), {.memory = kGiB, .cpus = {}}), "leave --memory out"));
  CHECK(has(refusal(started().machine(machine()), {.memory = {}, .cpus = 4}), "leave --cpus out"));
}

TEST_CASE("page data becomes pieces of the file, joined where both sides go on") {
  Image image;
  image.pages(0x10000, page(1, 2)).pages(0x12000, page(2)).zero_pages(0x13000, 4).pages(0x20000, page(3));
  image.start(guests::start_32());
  const Octets bytes = image.write();
  const auto result = plan_guest(bytes, {}, Arch::x86_64);
  REQUIRE_OK(result);
  REQUIRE(result->pieces.size() == 2);
  CHECK(result->pieces[0].gpa == 0x10000);
  CHECK(result->pieces[0].size == 3 * kPageSize);
  CHECK(result->pieces[1].gpa == 0x20000);
  for (const auto& piece : result->pieces) {
    CHECK(is_aligned(piece.offset, kPageSize));
    CHECK(piece.offset + piece.size <= bytes.size());
  }
  CHECK(bytes[result->pieces[0].offset] == 1);
  CHECK(bytes[result->pieces[0].offset + 2 * kPageSize] == 2);
  CHECK(bytes[result->pieces[1].offset] == 3);
}

TEST_CASE("outside RAM a foreign file gets memory of its own, a snapshot a refusal") {
  const std::uint64_t top = 4 * kGiB - kPageSize;
  const auto foreign = plan(started().pages(top, page(0xF4)).required(kGiB, 2 * kPageSize));
  REQUIRE_OK(foreign);
  CHECK(foreign->memory ==
        std::vector<GpaRange>{{0, kDefaultMemory}, {kGiB, kGiB + 2 * kPageSize}, {top, 4 * kGiB}});
  CHECK(has(refusal(started().pages(top, page(0xF4)).machine(machine())), "outside the 64 MiB of memory"));
  CHECK(has(refusal(started().required(kGiB, 0x1000).machine(machine())), "required memory"));
  // What straddles the end of RAM is joined to it.
  const auto straddling = plan(started().pages(kDefaultMemory - kPageSize, page(1, 3)));
  REQUIRE_OK(straddling);
  CHECK(straddling->memory == std::vector<GpaRange>{{0, kDefaultMemory + 2 * kPageSize}});
}

TEST_CASE("the memory that a foreign file gets besides RAM is the RAM of its native digest, and its pages") {
  const std::function<void(Image&)> changes[] = {
      [](Image&) {},
      [](Image& image) { image.zero_pages(kGiB, 3); },
      [](Image& image) { image.pages(kGiB, page(1, 2)); },
      [](Image& image) { image.required(kGiB, 2 * kPageSize).zero_pages(kGiB + kPageSize, 2); },
      [](Image& image) { image.parameter(IGVM_VHT_VP_COUNT_PARAMETER, 0, kGiB); },
      [](Image& image) { image.zero_pages(kDefaultMemory - kPageSize, 2); },
      [](Image& image) {
        image.file().directives.emplace_back(
            IGVM_VHS_ERROR_RANGE{.gpa = kGiB, .compatibility_mask = 1, .size_bytes = kPageSize});
      }};
  for (const auto& change : changes) {
    Image image = started();
    change(image);
    const Octets bytes = image.write();
    const auto plan = plan_guest(bytes, {}, image.arch());
    REQUIRE_OK(plan);
    const auto launch = native_launch(igvm::read(bytes).value(), std::nullopt);
    REQUIRE_OK(launch);
    std::vector<GpaRange> memory = launch->ram;
    memory.push_back({0, kDefaultMemory});
    for (const LaunchStep& step : launch->steps)
      memory.push_back({step.gpa, step.gpa + step.pages * kPageSize});
    CHECK(plan->memory == normalised(memory));
  }
}

TEST_CASE("no memory lies where a device is") {
  for (const std::uint64_t gpa : {x86::kVirtioBase + 0x7000, x86::kIoapicBase, x86::kLapicBase,
                                  std::uint64_t{0xFEFFC000}, std::uint64_t{0xFEFFF000}})
    CHECK(has(refusal(started().pages(gpa, page(1))), "where this machine has"));
  REQUIRE_OK(plan(started().pages(x86::kVirtioBase + 0x8000, page(1))));
}

TEST_CASE("memory scattered without end is refused") {
  Image image = started();
  for (std::uint64_t i = 0; i < 2000; ++i) image.pages(kGiB + i * 2 * kPageSize, page(1));
  CHECK(has(refusal(image), "scatters its memory over more than 256 places"));
  REQUIRE_OK(plan(image, {.memory = 2 * kGiB, .cpus = {}}));
}

TEST_CASE("more than a terabyte is refused") {
  Image image = started();
  constexpr std::uint32_t kMost = 0xFFFFF000;
  for (std::uint64_t i = 0; i < 300; ++i) image.required(kTiB + i * kMost, kMost);
  CHECK(has(refusal(image), "more memory than the 1024 GiB"));
}

TEST_CASE("registers must be those of a vCPU that the machine has") {
  CHECK(has(refusal(started().start(guests::start_32(), 1)), "give --cpus at least 2"));
  const auto two = plan(started().start(guests::start_32(), 1), {.memory = {}, .cpus = 2});
  REQUIRE_OK(two);
  CHECK(two->starts.size() == 2);
  CHECK(has(refusal(started().start(guests::start_32(), 2).machine(machine())), "the machine has 2"));
}

TEST_CASE("without registers something must lie at the reset vector") {
  CHECK(has(refusal(Image().pages(kCode, page(1))), "0xfffffff0"));
  REQUIRE_OK(plan(Image().pages(4 * kGiB - kPageSize, page(0xF4))));
}

TEST_CASE("files for other machines are refused by name") {
  Image isolated(IGVM_PLATFORM_TDX);
  isolated.pages(kCode, page(1));
  CHECK(has(refusal(isolated), "TDX"));
  // The reverse is in the cases on AArch64.
  const Octets arm = started_arm64().write();
  CHECK(has(plan_guest(arm, {}, Arch::x86_64).error().message(),
            "is a snapshot for aarch64 and this runner is for x86_64"));
}

TEST_CASE("files that no loader should be given are refused") {
  CHECK(has(refusal(started().pages(kCode, page(2))), "is not run because"));
  Image cpuid = started();
  cpuid.pages(0x4000, page(0));
  std::get<igvm::PageRun>(cpuid.file().directives.back()).data_type = IGVM_PAGE_DATA_TYPE_CPUID_DATA;
  CHECK_FALSE(plan(cpuid).has_value());
}

TEST_CASE("what is no IGVM file is said to be none") {
  const Octets zstd = {0x28, 0xB5, 0x2F, 0xFD, 0, 0, 0, 0};
  CHECK(has(plan_guest(zstd, {}).error().message(), "zstd -d"));
  CHECK_FALSE(plan_guest(Octets{1}, {}).has_value());
  CHECK_FALSE(plan_guest(Octets(4096), {}).has_value());
}

namespace {

// A file on which every prefix and every bit of its headers is tried.
void harm(const Octets& whole, Arch arch) {
  for (std::size_t size = 0; size < whole.size(); size += size < 1024 ? 1 : 509) {
    const Octets prefix(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK_FALSE(plan_guest(prefix, {}, arch).has_value());
  }
  for (std::size_t bit = 0; bit < 8 * 512; ++bit) {
    Octets flipped = whole;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ 1 << bit % 8);
    const auto result = plan_guest(flipped, {}, arch);
    if (result) CHECK(result->cpus == 2);
  }
}

}  // namespace

TEST_CASE("no prefix of an image and no flipped bit of its headers does harm") {
  Image image = started();
  image.parameter(IGVM_VHT_VP_COUNT_PARAMETER, 0, 0x5000).machine(machine());
  harm(image.write(), Arch::x86_64);
  Machine described = machine();
  described.arch = Arch::aarch64;
  Image arm = started_arm64();
  arm.parameter(IGVM_VHT_VP_COUNT_PARAMETER, 0, arm64::kRamStart).machine(described);
  harm(arm.write(), Arch::aarch64);
}

TEST_CASE("a path that is no mappable file is refused") {
  CHECK(has(MappedFile::open("/nonexistent/image").error().message(), "No such file"));
  CHECK(has(MappedFile::open("/dev/null").error().message(), "not a regular file"));
  CHECK(has(MappedFile::open("/").error().message(), "not a regular file"));
  const guests::TemporaryFile empty(Bytes{});
  CHECK(has(MappedFile::open(empty.path()).error().message(), "is empty"));
}

TEST_CASE("a file that shrank is no longer whole") {
  const guests::TemporaryFile file(page(1, 2));
  auto mapped = MappedFile::open(file.path());
  REQUIRE_OK(mapped);
  CHECK(mapped->whole());
  mapped->unmap();
  CHECK(mapped->bytes().empty());
  CHECK(mapped->whole());
  REQUIRE(::truncate(file.path().c_str(), 100) == 0);
  CHECK_FALSE(mapped->whole());
}

TEST_CASE("an AArch64 file that says nothing gets the default machine: RAM from 1 GiB, a GICv3") {
  const auto defaults = plan(started_arm64());
  REQUIRE_OK(defaults);
  CHECK(defaults->arch == Arch::aarch64);
  CHECK(defaults->gic == Gic::v3);
  CHECK_FALSE(defaults->its);
  CHECK(defaults->memory == std::vector<GpaRange>{{kGiB, kGiB + kDefaultMemory}});
  REQUIRE(defaults->starts.size() == 1);
  CHECK(std::get<VcpuArm64>(defaults->starts[0].registers) == start_arm64());
  const auto wished = plan(started_arm64(), {.memory = 8 * kGiB, .cpus = 123});
  REQUIRE_OK(wished);
  CHECK(wished->cpus == 123);
  CHECK(wished->memory == std::vector<GpaRange>{{kGiB, 9 * kGiB}});
  CHECK(has(refusal(started_arm64(), {.memory = {}, .cpus = 124}),
            "at most 123 vCPUs on aarch64, and --cpus says 124"));
}

TEST_CASE("an AArch64 snapshot brings its interrupt controller") {
  Machine described = machine();
  described.arch = Arch::aarch64;
  described.gic = Gic::v2;
  const auto v2 = plan(started_arm64().machine(described));
  REQUIRE_OK(v2);
  CHECK(v2->gic == Gic::v2);
  CHECK(v2->cpus == 2);
  CHECK(v2->memory == std::vector<GpaRange>{{kGiB, kGiB + 64 * kMiB}});
  described.gic = Gic::v3;
  described.its = true;
  const auto its = plan(started_arm64().machine(described));
  REQUIRE_OK(its);
  CHECK(its->gic == Gic::v3);
  CHECK(its->its);
}

TEST_CASE("an AArch64 file and another runner, or another machine, or another kind of platform") {
  const Octets x86 = started().write();
  CHECK(has(plan_guest(x86, {}, Arch::aarch64).error().message(),
            "is a snapshot for x86_64 and this runner is for aarch64"));
  CHECK(refusal(started_arm64().machine(machine())) ==
        "says aarch64 in its header and x86_64 in its machine description: one of them is damaged");
  Image trusted = Image::arm64(2);
  trusted.pages(kArm64Code, page(0x1F)).start(start_arm64());
  CHECK(has(refusal(trusted), "is made for VSM isolation with trust level 2 and not for"));
}

TEST_CASE("an AArch64 guest starts with registers or not at all") {
  Image image = Image::arm64();
  image.pages(kArm64Code, page(1));
  CHECK(has(refusal(image), "has no registers for vCPU 0"));
  Image low = Image::arm64();
  low.pages(4 * kGiB - kPageSize, page(1));  // the reset vector of the other architecture
  CHECK(has(refusal(low), "has no registers for vCPU 0"));
}

TEST_CASE("no memory lies where an AArch64 device is, and elsewhere below RAM it may") {
  const std::uint64_t gicr_end = arm64::kGicr + arm64::kGicrStride;
  for (const std::uint64_t gpa :
       {arm64::kGicd, arm64::kGicr, gicr_end - kPageSize, arm64::kUart, arm64::kRtc, arm64::kGpio,
        arm64::kExitCode, arm64::kVirtioBase, arm64::kVirtioBase + 0x3000})
    CHECK(has(refusal(started_arm64().pages(gpa, page(1))), "where this machine has its"));
  for (const std::uint64_t gpa :
       {std::uint64_t{0}, arm64::kIts, gicr_end, arm64::kVirtioBase + 0x4000, std::uint64_t{0xFEFFC000}}) {
    const auto result = plan(started_arm64().pages(gpa, page(1)));
    REQUIRE_OK(result);
    CHECK(result->memory.size() == 2);
  }
  Machine described = machine();
  described.arch = Arch::aarch64;
  CHECK(has(refusal(started_arm64().pages(0, page(1)).machine(described)), "outside the 64 MiB of memory"));
}
