#include "composer/launch_operations.h"

#include <set>

#include "../formats/igvm_files.h"
#include "formats/digest.h"

namespace tintype {
namespace {

using namespace igvm_files;

TEST_CASE("the digest after the last operation is that of the launch") {
  int launches = 0;
  for (const auto& path : accepted_vectors()) {
    CAPTURE(path.string());
    const Octets bytes = load(path);
    const auto file = igvm::read(bytes);
    REQUIRE_OK(file);
    for (const LaunchPlatform platform : declared_platforms(*file)) {
      const auto launch = observe_launch(*file, std::nullopt, platform);
      if (!launch || launch->operations.empty()) continue;
      const Bytes last = launch->digest_after(launch->operations.back());
      CHECK(to_hex(last) == to_hex(launch->digest.value));
      ++launches;
    }
  }
  CHECK(launches >= 10);
}

TEST_CASE("operations are those of the platform, in its order") {
  const Octets bytes = load(folder() / "digest" / "tdx.igvm");
  const auto file = igvm::read(bytes);
  REQUIRE_OK(file);
  const auto names = [&](TdxOrder order) {
    const auto launch = observe_launch(*file, std::nullopt, LaunchPlatform::tdx, {.tdx_order = order});
    REQUIRE_OK(launch);
    std::string text;
    for (const LaunchOperation& operation : launch->operations)
      text += fmt::format("{} {:#x}\n", launch->name_of(operation) == "TDH.MEM.PAGE.ADD" ? "add" : "extend",
                          launch->page_of(operation)->start);
    return text;
  };
  CHECK(
      names(TdxOrder::per_page) ==
      "add 0xfffff000\nextend 0xfffff000\nadd 0x1000000\nextend 0x1000000\nadd 0x1001000\nextend 0x1001000\n"
      "add 0x1002000\nextend 0x1002000\nadd 0x1003000\nadd 0x1008000\nadd 0x1009000\n");
  CHECK(names(TdxOrder::two_pass) ==
        "add 0xfffff000\nextend 0xfffff000\nadd 0x1000000\nadd 0x1001000\nadd 0x1002000\nextend 0x1000000\n"
        "extend 0x1001000\nextend 0x1002000\nadd 0x1003000\nadd 0x1008000\nadd 0x1009000\n");
}

TEST_CASE("a header that claims gigabytes is refused, and not listed page by page") {
  RawFile raw;
  raw.platform(IGVM_PLATFORM_SEV_SNP)
      .add(IGVM_VHT_GUEST_POLICY,
           IGVM_VHS_GUEST_POLICY{.policy = 0x30000u, .compatibility_mask = 1u, .reserved = 0u})
      .area(0, std::uint64_t{1} << 31)
      .parameter(IGVM_VHT_MEMORY_MAP, 0)
      .insert(0, 0x1000000);
  const Octets bytes = raw.bytes();
  const auto file = igvm::read(bytes);
  REQUIRE_OK(file);
  const auto launch = observe_launch(*file, std::nullopt, LaunchPlatform::snp);
  REQUIRE_FALSE(launch);
  CHECK(launch.error().message().find("524288 pages of parameter areas") != std::string::npos);
}

TEST_CASE("names of regions, and what lies outside of them") {
  Machine machine;
  machine.labels = {{"a", {0x1010, 0x1020}}, {"b", {0x1020, 0x1030}}, {"c", {0x4000, 0x6000}}};
  const std::optional<Machine> described = machine;
  using Names = std::vector<std::string_view>;
  CHECK(region_names(described, {0x1000, 0x2000}) == Names{"a", "b"});
  CHECK(region_names(described, {0x5000, 0x6000}) == Names{"c"});
  CHECK(region_names(described, {0x2000, 0x4000}).empty());
  CHECK(region_names(std::nullopt, {0, ~std::uint64_t{0}}).empty());
  using Ranges = std::vector<GpaRange>;
  CHECK(outside_labels({0, 0x8000}, described) == Ranges{{0, 0x1000}, {0x2000, 0x4000}, {0x6000, 0x8000}});
  CHECK(outside_labels({0x4000, 0x6000}, described).empty());
  CHECK(outside_labels({0x3000, 0x5000}, described) == Ranges{{0x3000, 0x4000}});
  CHECK(outside_labels({0, 0x8000}, std::nullopt) == Ranges{{0, 0x8000}});
}

}  // namespace
}  // namespace tintype
