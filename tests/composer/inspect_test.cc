#include "composer/inspect.h"

#include <nlohmann/json.hpp>

#include "composer/compose.h"
#include "formats/machine_tree.h"
#include "support/golden.h"
#include "support/temporary_folder.h"
#include "support/tiny_kernels.h"

namespace tintype {
namespace {

using Json = nlohmann::json;

// A snapshot of a tiny kernel, with everything a snapshot can have.
std::string snapshot() {
  const TemporaryFolder folder;
  std::vector<std::uint8_t> initrd(70000);
  for (std::size_t i = 0; i < initrd.size(); ++i) initrd[i] = static_cast<std::uint8_t>(i / 300);
  const BuildOptions options = {.output = folder / "image.bin",
                                .kernel = folder.write("vmlinux", tiny::elf()),
                                .initrds = {{folder.write("initrd", initrd)}},
                                .cmdline = "console=ttyS0 quiet",
                                .memory = 4096 * kMiB,
                                .cpus = 2};
  Progress progress("test");
  REQUIRE_OK(compose(options, progress));
  return text_of(options.output);
}

Bytes as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string rendered_text(const InspectReport& report) {
  std::string text;
  render_text(report, [&](std::string_view piece) { text += piece; });
  return text;
}

std::string rendered_json(const InspectReport& report) {
  std::string text;
  render_json(report, [&](std::string_view piece) { text += piece; });
  return text;
}

TEST_CASE("a snapshot is described in full, as text and as JSON") {
  const std::string image = snapshot();
  const auto report = gather_report("image.bin", as_bytes(image));
  REQUIRE_OK(report);
  CHECK(report->warnings.empty());
  check_golden("snapshot.inspect", rendered_text(*report));
  check_golden("snapshot.inspect.json", rendered_json(*report));
}

TEST_CASE("a region's offset, size and digest are those of its bytes in the file") {
  const std::string image = snapshot();
  const auto report = gather_report("image.bin", as_bytes(image));
  REQUIRE_OK(report);
  int checked = 0;
  for (const RegionReport& region : report->regions) {
    if (region.file_bytes != region.range.size()) continue;
    const Bytes bytes = as_bytes(image).subspan(*region.file_offset, region.file_bytes);
    CHECK(sha256(bytes) == region.sha256);
    ++checked;
  }
  CHECK(checked >= 8);
}

TEST_CASE("files that other tools wrote are described too") {
  const std::filesystem::path accept = std::filesystem::path(TINTYPE_TESTS_DIR) / "vectors/igvm/accept";
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(accept)) {
    if (entry.path().extension() != ".igvm") continue;
    CAPTURE(entry.path().string());
    const auto report =
        gather_report(entry.path().filename().string(), as_bytes(text_of(entry.path().string())));
    REQUIRE_OK(report);
    CHECK_FALSE(report->machine);
    const Json json = Json::parse(rendered_json(*report));
    CHECK(json["platforms"].size() >= 1);
    CHECK(json["machine"].is_null());
    CHECK(rendered_text(*report).find("platforms\n") != std::string::npos);
    ++files;
  }
  CHECK(files >= 20);
}

TEST_CASE("what is odd about a file is said") {
  const std::string folder = std::string(TINTYPE_TESTS_DIR) + "/vectors/igvm/accept/";
  for (const char* name : {"page-mask-zero.igvm", "param-offset-outside.igvm"}) {
    CAPTURE(name);
    const auto report = gather_report(name, as_bytes(text_of(folder + name)));
    REQUIRE_OK(report);
    CHECK(report->warnings.size() == 1);
  }
  const std::string image = snapshot();
  const auto file = igvm::read(as_bytes(image));
  REQUIRE_OK(file);
  const Machine other{.arch = Arch::aarch64, .memory = 64 * kMiB, .cpus = 1, .protocol = "linux-arm64-dt"};
  const auto mixed = igvm::write(*file, machine_trailer(other));
  REQUIRE_OK(mixed);
  const auto report = gather_report("mixed", *mixed);
  REQUIRE_OK(report);
  CHECK(report->warnings ==
        std::vector<std::string>{"the file says x86_64 in its header and aarch64 in its machine description: "
                                 "one of them is damaged"});
}

TEST_CASE("pages that no label names are listed") {
  const std::string image = snapshot();
  const auto machine = read_machine(as_bytes(image));
  REQUIRE_OK(machine);
  auto file = igvm::read(as_bytes(image));
  REQUIRE_OK(file);
  // The same file with a description that has forgotten where the initrd is.
  Machine forgetful = **machine;
  const auto initrd = std::find_if(forgetful.labels.begin(), forgetful.labels.end(),
                                   [](const RegionLabel& label) { return label.name == "initrd"; });
  REQUIRE(initrd != forgetful.labels.end());
  const GpaRange range = initrd->range;
  forgetful.labels.erase(initrd);
  std::vector<std::uint8_t> bytes;
  REQUIRE_OK(igvm::write(*file, machine_trailer(forgetful), [&](Bytes part) -> Result<void> {
    bytes.insert(bytes.end(), part.begin(), part.end());
    return {};
  }));
  const auto report = gather_report("image.bin", bytes);
  REQUIRE_OK(report);
  const auto found = std::find_if(report->regions.begin(), report->regions.end(),
                                  [](const RegionReport& region) { return region.name.empty(); });
  REQUIRE(found != report->regions.end());
  CHECK(found->range == range.to_pages());
}

TEST_CASE("every prefix of a snapshot is described or refused") {
  const std::string image = snapshot();
  for (std::size_t size = 0; size < image.size(); size += size < 4096 ? 1 : 997)
    (void)gather_report("image.bin", as_bytes(image.substr(0, size)));
}

}  // namespace
}  // namespace tintype
