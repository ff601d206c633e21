#include "formats/launch.h"

#include <functional>
#include <string>

#include "igvm_files.h"
#include "support/test_main.h"

namespace tintype {
namespace {

using namespace igvm_files;
using Kind = LaunchStep::Kind;

constexpr LaunchPlatform kAll[] = {LaunchPlatform::native, LaunchPlatform::vbs, LaunchPlatform::snp,
                                   LaunchPlatform::tdx};

std::uint8_t igvm_type(LaunchPlatform platform) {
  switch (platform) {
    case LaunchPlatform::native:
      return IGVM_PLATFORM_NATIVE;
    case LaunchPlatform::vbs:
      return IGVM_PLATFORM_VSM_ISOLATION;
    case LaunchPlatform::snp:
      return IGVM_PLATFORM_SEV_SNP;
    case LaunchPlatform::tdx:
      break;
  }
  return IGVM_PLATFORM_TDX;
}

// A file that declares one platform with mask 1, with what that wants, and SEV with mask 2 if told so.
RawFile file_for(LaunchPlatform platform, bool and_sev = false) {
  RawFile raw;
  raw.platform(igvm_type(platform));
  if (and_sev) raw.platform(IGVM_PLATFORM_SEV, 2);
  if (platform == LaunchPlatform::snp)
    raw.add(IGVM_VHT_GUEST_POLICY,
            IGVM_VHS_GUEST_POLICY{.policy = std::uint64_t{0x30000}, .compatibility_mask = 1u});
  return raw;
}

IGVM_VHS_PAGE_DATA page_of(std::uint64_t gpa, std::uint32_t flags, std::uint16_t type = 0,
                           std::uint32_t offset = kDataOffset) {
  return {.gpa = gpa, .compatibility_mask = 1u, .file_offset = offset, .flags = flags, .data_type = type};
}

struct Steps {
  Octets bytes;
  igvm::File file;
  std::vector<LaunchStep> steps;
};

Steps steps_of(const RawFile& raw, LaunchPlatform platform) {
  Steps result{.bytes = raw.bytes(), .file = {}, .steps = {}};
  auto file = igvm::read(result.bytes);
  REQUIRE_OK(file);
  result.file = std::move(*file);
  auto steps = launch_steps(result.file, platform);
  REQUIRE_OK(steps);
  result.steps = std::move(*steps);
  return result;
}

std::string launch_refusal(const RawFile& raw, LaunchPlatform platform) {
  const Octets bytes = raw.bytes();
  const auto file = igvm::read(bytes);
  REQUIRE_OK(file);
  const auto steps = launch_steps(*file, platform);
  return steps ? "" : steps.error().message();
}

#define CHECK_SAYS(text, part) CHECK_MESSAGE((text).find(part) != std::string::npos, (text))

}  // namespace

TEST_CASE("platforms have the names that users give them") {
  for (const LaunchPlatform platform : kAll)
    CHECK(launch_platform_named(launch_platform_name(platform)) == platform);
  CHECK_FALSE(launch_platform_named("cca").has_value());
  CHECK_FALSE(launch_platform_named("").has_value());
}

TEST_CASE("a file that does not declare a platform says what it declares") {
  CHECK(launch_refusal(file_for(LaunchPlatform::native), LaunchPlatform::snp) == "declares native only");
  RawFile two = file_for(LaunchPlatform::tdx);
  two.platform(IGVM_PLATFORM_VSM_ISOLATION, 2);
  CHECK(launch_refusal(two, LaunchPlatform::native) == "declares vbs, tdx only");
  RawFile other;
  other.platform(IGVM_PLATFORM_SEV_ES);
  CHECK(launch_refusal(other, LaunchPlatform::snp) == "declares SEV_ES only");
}

TEST_CASE("an AArch64 file without isolation is native and vbs") {
  const Octets bytes = load(folder() / "digest" / "aarch64.igvm");
  const auto file = igvm::read(bytes);
  REQUIRE_OK(file);
  CHECK(declared_platforms(*file) == std::vector{LaunchPlatform::native, LaunchPlatform::vbs});
  CHECK(launch_mask(*file, LaunchPlatform::native) == 1u);
  CHECK(launch_mask(*file, LaunchPlatform::snp).error().message() == "declares native, vbs only");
}

TEST_CASE("each header is the step that it stands for") {
  RawFile raw = file_for(LaunchPlatform::snp);
  const auto page = [&](std::uint64_t gpa, std::uint32_t flags, std::uint16_t type = 0,
                        std::uint32_t offset = kDataOffset) {
    raw.add(IGVM_VHT_PAGE_DATA, page_of(gpa, flags, type, offset));
  };
  page(0x1000, 0);
  page(0x2000, 0, 0, kDataOffset + 4096);
  page(0x3000, 0, 0, 0);
  page(0x4000, IGVM_PAGE_DATA_UNMEASURED);
  page(0x5000, IGVM_PAGE_DATA_SHARED);
  page(0x6000, 0, IGVM_PAGE_DATA_TYPE_SECRETS, 0);
  page(0x7000, 0, IGVM_PAGE_DATA_TYPE_CPUID_DATA);
  page(0x8000, 0, IGVM_PAGE_DATA_TYPE_CPUID_XF);
  raw.area(0, 0x2000).parameter(IGVM_VHT_VP_COUNT_PARAMETER, 0).insert(0, 0xA000);
  raw.add(
      IGVM_VHT_ERROR_RANGE,
      IGVM_VHS_ERROR_RANGE{.gpa = std::uint64_t{0x10000}, .compatibility_mask = 1u, .size_bytes = 0x3000u});
  raw.context(1, 0, kDataOffset + 8192, 0xFFFFFFFFF000);
  const Steps found = steps_of(raw, LaunchPlatform::snp);
  struct Wanted {
    Kind kind;
    std::uint64_t gpa, pages;
    bool has_data;
  };
  const Wanted wanted[] = {{Kind::page, 0x1000, 2, true},          {Kind::page, 0x3000, 1, false},
                           {Kind::unmeasured, 0x4000, 1, false},   {Kind::shared, 0x5000, 1, false},
                           {Kind::secrets, 0x6000, 1, false},      {Kind::cpuid, 0x7000, 1, false},
                           {Kind::cpuid, 0x8000, 1, false},        {Kind::parameter, 0xA000, 2, false},
                           {Kind::error_range, 0x10000, 3, false}, {Kind::vmsa, 0xFFFFFFFFF000, 1, true}};
  REQUIRE(found.steps.size() == std::size(wanted));
  for (std::size_t i = 0; i < std::size(wanted); ++i) {
    CAPTURE(i);
    CHECK(found.steps[i].kind == wanted[i].kind);
    CHECK(found.steps[i].gpa == wanted[i].gpa);
    CHECK(found.steps[i].pages == wanted[i].pages);
    CHECK(found.steps[i].data.size() == (wanted[i].has_data ? wanted[i].pages * 4096 : 0));
    CHECK(launch_step_name(found.steps[i].kind) != "unknown");
    CHECK(found.steps[i].contents(0).size() == 4096);
  }
  CHECK(found.steps[0].contents(1).data() == found.bytes.data() + kDataOffset + 4096);
}

TEST_CASE("headers of other platforms are no steps") {
  RawFile raw = file_for(LaunchPlatform::tdx);
  raw.platform(IGVM_PLATFORM_NATIVE, 2).page(0x1000, 1).page(0x2000, 2).page(0x3000, 3);
  raw.area(0).insert(0, 0x4000, 2).context(2);
  const Steps tdx = steps_of(raw, LaunchPlatform::tdx);
  REQUIRE(tdx.steps.size() == 2);
  CHECK(tdx.steps[0].gpa == 0x1000);
  CHECK(tdx.steps[1].gpa == 0x3000);
  const Steps native = steps_of(raw, LaunchPlatform::native);
  REQUIRE(native.steps.size() == 4);
  CHECK(native.steps[0].gpa == 0x2000);
  CHECK(native.steps[1].gpa == 0x3000);
  CHECK(native.steps[2].kind == Kind::parameter);
  CHECK(native.steps[3].kind == Kind::registers);
}

TEST_CASE("what a platform cannot launch is refused with the rule") {
  RawFile no_policy;
  no_policy.platform(IGVM_PLATFORM_SEV_SNP).page(0x1000);
  CHECK_SAYS(launch_refusal(no_policy, LaunchPlatform::snp), "no guest policy for snp");

  for (const std::uint16_t type :
       {IGVM_PAGE_DATA_TYPE_SECRETS, IGVM_PAGE_DATA_TYPE_CPUID_DATA, IGVM_PAGE_DATA_TYPE_CPUID_XF}) {
    for (const LaunchPlatform platform : kAll) {
      RawFile raw = file_for(platform);
      raw.add(IGVM_VHT_PAGE_DATA, page_of(0x6000, 0, type));
      const std::string refusal = launch_refusal(raw, platform);
      CAPTURE(launch_platform_name(platform));
      if (platform == LaunchPlatform::snp)
        CHECK(refusal == "");
      else
        CHECK_SAYS(refusal, "only SEV-SNP has such");
    }
  }

  for (const LaunchPlatform platform : kAll) {
    RawFile big = file_for(platform);
    big.add(IGVM_VHT_PAGE_DATA, page_of(0x200000, IGVM_PAGE_DATA_IS_2MB_PAGE, 0, 0));
    CHECK_SAYS(launch_refusal(big, platform), "page data at 0x200000 is flagged as a 2 MiB page");

    RawFile twice = file_for(platform);
    twice.page(0x1000).page(0x1000);
    CHECK_SAYS(launch_refusal(twice, platform), "is not measured because page data 0x1000-0x1fff overlaps");

    // What is odd for another platform changes nothing of this one's launch.
    RawFile other = file_for(platform, true);
    other.context(2, 1).page(0x1000, 2).page(0x1000, 2).area(7);
    CHECK(launch_refusal(other, platform) == "");
  }
}

TEST_CASE("a header cannot make a launch endless") {
  for (const LaunchPlatform platform : kAll) {
    RawFile most = file_for(platform);
    most.area(0, kMaxPagesWithoutHeader * 4096).insert(0, 0);
    CHECK(launch_refusal(most, platform) == "");
    most.area(1).insert(1, std::uint64_t{1} << 40);
    CHECK_SAYS(launch_refusal(most, platform), "more than 1048576 pages together");

    RawFile ranges = file_for(platform);
    for (std::uint64_t i = 0; i < 2; ++i)
      ranges.add(IGVM_VHT_ERROR_RANGE,
                 IGVM_VHS_ERROR_RANGE{.gpa = i << 32, .compatibility_mask = 1u, .size_bytes = 0x80001000u});
    CHECK_SAYS(launch_refusal(ranges, platform), "has an error range at 0x100000000 of 524289 pages");
  }
}

}  // namespace tintype
