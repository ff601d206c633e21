#include "composer/extract.h"

#include <cstdlib>

#include "composer/compose.h"
#include "composer/files.h"
#include "composer/inspect.h"
#include "formats/machine_tree.h"
#include "support/temporary_folder.h"
#include "support/tiny_kernels.h"

namespace tintype {
namespace {

// A snapshot of a tiny kernel under `name`; what inspect says of it.
InspectReport compose_to(const TemporaryFolder& folder, const char* name) {
  const BuildOptions options = {.output = folder / name,
                                .kernel = folder.write("vmlinux", tiny::elf()),
                                .cmdline = "console=ttyS0 quiet",
                                .memory = 64 * kMiB};
  Progress progress("test");
  REQUIRE_OK(compose(options, progress));
  const auto file = InputFile::open_snapshot(options.output);
  REQUIRE_OK(file);
  const auto report = gather_report("image", file->bytes());
  REQUIRE_OK(report);
  return *report;
}

Bytes as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string error_of(const ExtractOptions& options) {
  const auto result = extract(options);
  return result ? "it was extracted" : result.error().message();
}

TEST_CASE("ranges of addresses") {
  CHECK(parse_gpa_range("0x1000-0x1fff").value() == GpaRange{0x1000, 0x2000});
  CHECK(parse_gpa_range("0x1000+4096").value() == GpaRange{0x1000, 0x2000});
  CHECK(parse_gpa_range("4096+0x10").value() == GpaRange{0x1000, 0x1010});
  CHECK(parse_gpa_range("0+4K").value() == GpaRange{0, 0x1000});
  CHECK(parse_gpa_range("7-7").value() == GpaRange{7, 8});
  CHECK(parse_gpa_range("0+4G").value().size() == kMaxExtracted);
  for (const char* text :
       {"", "-", "+", "0x1000", "0x1000-", "0x1000+", "0x1000+0", "0x1000-0xfff", "x-y", "0x-0x1",
        "0x1000--0x2000", "0x1000+-1", "0xfffffffffffffff0+0x20", "0xffffffffff000+4097", " 0+1", "0+1 "}) {
    CAPTURE(text);
    CHECK_FALSE(parse_gpa_range(text));
  }
  CHECK_FALSE(parse_gpa_range("0+4294967297"));
}

TEST_CASE("every region comes out with the bytes that inspect has hashed, from either kind of file") {
  const TemporaryFolder folder;
  for (const char* name : {"image.bin", "image.bin.zst"}) {
    CAPTURE(name);
    const InspectReport report = compose_to(folder, name);
    REQUIRE(report.regions.size() > 5);
    for (const RegionReport& region : report.regions) {
      CAPTURE(region.name);
      REQUIRE_OK(
          extract({.file = folder / name, .region = region.name, .range = {}, .output = folder / "out"}));
      const std::string bytes = text_of(folder / "out");
      CHECK(bytes.size() == region.range.size());
      const bool all_in_file = region.range.size() <= region.file_bytes;
      if (region.sha256 && all_in_file) CHECK(to_hex(sha256(as_bytes(bytes))) == to_hex(*region.sha256));
    }
  }
}

TEST_CASE("gaps are zero, and pieces of regions are those pieces") {
  const TemporaryFolder folder;
  const InspectReport report = compose_to(folder, "image.bin");
  const std::string image = folder / "image.bin", out = folder / "out";
  REQUIRE_OK(extract({.file = image, .region = {}, .range = GpaRange{0, 2 * kMiB}, .output = out}));
  const std::string low = text_of(out);
  REQUIRE(low.size() == 2 * kMiB);
  for (const RegionReport& region : report.regions) {
    if (region.range.end > low.size()) continue;
    REQUIRE_OK(extract({.file = image, .region = region.name, .range = {}, .output = out}));
    CHECK(text_of(out) == low.substr(region.range.start, region.range.size()));
  }
  REQUIRE_OK(extract({.file = image, .region = {}, .range = GpaRange{0x2001, 0x2fff}, .output = out}));
  CHECK(text_of(out) == low.substr(0x2001, 0xffe));
  REQUIRE_OK(extract({.file = image, .region = {}, .range = GpaRange{0, 0x10}, .output = out}));
  CHECK(text_of(out) == std::string(16, '\0'));
}

TEST_CASE("what is not there is told") {
  const TemporaryFolder folder;
  compose_to(folder, "image.bin");
  const std::string image = folder / "image.bin", out = folder / "out";
  CHECK(error_of({.file = image, .region = "boot_parms", .range = {}, .output = out}) ==
        image +
            ": has no region 'boot_parms' (did you mean 'boot_params'?): 'compose-snapshot inspect' lists "
            "them");
  CHECK(error_of({.file = image, .region = {}, .range = GpaRange{kGiB, kGiB + 1}, .output = out}) ==
        image + ": has no memory at 0x40000000: 'compose-snapshot inspect' lists what it has");
  // Nor is memory guessed behind what there is.
  CHECK(error_of({.file = image, .region = {}, .range = GpaRange{0x1000, 64 * kMiB + 1}, .output = out}) ==
        image + ": has no memory at 0x4000000: 'compose-snapshot inspect' lists what it has");
  const std::string foreign = std::string(TINTYPE_TESTS_DIR) + "/vectors/igvm/digest/native-x64.igvm";
  CHECK(error_of({.file = foreign, .region = "kernel", .range = {}, .output = out}) ==
        foreign + ": names no regions, for compose-snapshot did not write it: give --gpa RANGE");
  CHECK_FALSE(std::filesystem::exists(out));
}

TEST_CASE("memory that a foreign file only names is zeroes") {
  const TemporaryFolder folder;
  const std::string vectors = std::string(TINTYPE_TESTS_DIR) + "/vectors/igvm/digest/", out = folder / "out";
  const std::pair<const char*, std::uint64_t> places[] = {
      {"native-x64.igvm", 0x1001000},  // a parameter area
      {"native-x64.igvm", 0x1004000},  // a page without data
      {"snp-simple.igvm", 0x1005000},  // secrets
      {"snp-simple.igvm", 0x1007000},  // required memory
      {"tdx.igvm", 0x1004000},         // a shared page
  };
  for (const auto& place : places) {
    CAPTURE(place.first);
    const std::uint64_t gpa = place.second;
    CAPTURE(gpa);
    REQUIRE_OK(extract({.file = vectors + place.first,
                        .region = {},
                        .range = GpaRange{gpa, gpa + kPageSize},
                        .output = out}));
    CHECK(text_of(out) == std::string(kPageSize, '\0'));
  }
}

TEST_CASE("of several regions of one name none is guessed") {
  const TemporaryFolder folder;
  compose_to(folder, "image.bin");
  const std::string whole = text_of(folder / "image.bin");
  Machine machine = read_machine(as_bytes(whole)).value().value();
  const GpaRange first = machine.labels[0].range, second = machine.labels[1].range;
  machine.labels[1].name = machine.labels[0].name;
  // The same file with another description of its machine.
  const auto file = igvm::read(as_bytes(whole));
  REQUIRE_OK(file);
  const auto changed = igvm::write(*file, machine_trailer(machine));
  REQUIRE_OK(changed);
  const std::string image = folder.write("twice.bin", *changed);
  const std::string name = machine.labels[0].name, out = folder / "out";
  CHECK(error_of({.file = image, .region = name, .range = {}, .output = out}) ==
        fmt::format("{}: has 2 regions '{}', the first at {:#x}-{:#x} and {:#x}-{:#x}: give --gpa RANGE",
                    image, name, first.start, first.last(), second.start, second.last()));
  REQUIRE_OK(extract({.file = image, .region = {}, .range = second, .output = out}));
  CHECK(text_of(out).size() == second.size());
}

TEST_CASE("more than a table is not decoded") {
  const TemporaryFolder folder;
  const BuildOptions options = {
      .output = folder / "image.bin", .kernel = folder.write("vmlinux", tiny::elf()), .memory = kGiB};
  Progress progress("test");
  REQUIRE_OK(compose(options, progress));
  CHECK(error_of({.file = options.output,
                  .region = {},
                  .range = GpaRange{0, kGiB},
                  .output = folder / "out",
                  .decode = true}) ==
        options.output +
            ": 0x0-0x3fffffff has 1024 MiB, and a table to decode has 64 at most: give --gpa RANGE of it");
  CHECK_FALSE(std::filesystem::exists(folder / "out"));
}

TEST_CASE("a tool that is not there is named") {
  const TemporaryFolder folder;
  compose_to(folder, "image.bin");
  const std::string before = std::getenv("PATH") ? std::getenv("PATH") : "";
  ::setenv("PATH", folder.path.c_str(), 1);
  const std::string error = error_of({.file = folder / "image.bin",
                                      .region = "acpi.dsdt",
                                      .range = {},
                                      .output = folder / "out",
                                      .decode = true});
  ::setenv("PATH", before.c_str(), 1);
  CHECK(error == (folder / "image.bin") +
                     ": --decode needs iasl, which is not installed: apt-get install acpica-tools, or leave "
                     "--decode out");
  CHECK_FALSE(std::filesystem::exists(folder / "out"));
  CHECK_FALSE(std::filesystem::exists(folder / "out.tmp"));
}

TEST_CASE("a device tree comes out as source") {
  if (std::system("command -v dtc >/dev/null") != 0) {
    skip_test("dtc is not installed");
    return;
  }
  const TemporaryFolder folder;
  const BuildOptions options = {.output = folder / "image.bin",
                                .kernel = folder.write("image", tiny::arm64_image()),
                                .protocol = "linux-arm64-dt"};
  Progress progress("test");
  REQUIRE_OK(compose(options, progress));
  REQUIRE_OK(extract(
      {.file = options.output, .region = "fdt", .range = {}, .output = folder / "a.dts", .decode = true}));
  const std::string source = text_of(folder / "a.dts");
  CHECK(source.starts_with("/dts-v1/;"));
  CHECK(source.find("arm,pl011") != std::string::npos);
}

TEST_CASE("ACPI tables come out as source, the same each time") {
  if (std::system("command -v iasl >/dev/null") != 0) {
    skip_test("iasl is not installed");
    return;
  }
  const TemporaryFolder folder;
  const InspectReport report = compose_to(folder, "image.bin");
  const std::string image = folder / "image.bin";
  std::string name;
  for (const RegionReport& region : report.regions)
    if (region.name.find("dsdt") != std::string::npos) name = region.name;
  REQUIRE(name != "");
  for (const char* out : {"a.dsl", "b.dsl"})
    REQUIRE_OK(extract({.file = image, .region = name, .range = {}, .output = folder / out, .decode = true}));
  const std::string source = text_of(folder / "a.dsl");
  CHECK(source.starts_with("DefinitionBlock"));
  CHECK(source.find("PNP0501") != std::string::npos);
  CHECK(source == text_of(folder / "b.dsl"));
  CHECK(error_of(
            {.file = image, .region = "boot_params", .range = {}, .output = folder / "c", .decode = true}) ==
        image + ": has neither an ACPI table nor a device tree there: leave --decode out");
}

}  // namespace
}  // namespace tintype
