#include "composer/explain.h"

#include <map>
#include <nlohmann/json.hpp>

#include "../formats/igvm_files.h"
#include "composer/compose.h"
#include "formats/digest.h"
#include "support/golden.h"
#include "support/temporary_folder.h"
#include "support/tiny_cpio.h"
#include "support/tiny_kernels.h"

namespace tintype {
namespace {

using Json = nlohmann::json;
using igvm_files::Octets;

Octets snapshot() {
  const TemporaryFolder folder;
  const BuildOptions options = {
      .output = folder / "image.bin",
      .kernel = folder.write("vmlinux", tiny::elf()),
      .initrds = {{folder.write("initrd", bytes_of(tiny::cpio({{"file", "an initrd"}})))}},
      .cmdline = "console=ttyS0 quiet",
      .memory = 256 * kMiB,
      .cpus = 2};
  Progress progress("test");
  REQUIRE_OK(compose(options, progress));
  const std::string text = text_of(options.output);
  return {text.begin(), text.end()};
}

ExplainReport explained(const std::string& name, Bytes bytes) {
  auto report = gather_launches({.file = name}, bytes);
  REQUIRE_OK(report);
  return *report;
}

Octets vector(const std::string& name) {
  return igvm_files::load(igvm_files::folder() / "digest" / name);
}

std::map<std::string, std::string> coverage(const LaunchReport& report) {
  std::map<std::string, std::string> fields;
  for (const FieldReport& field : report.fields) {
    CHECK_FALSE(field.why.empty());
    CHECK((field.coverage == Coverage::absent || !field.source.empty()));
    fields[field.field] = coverage_name(field.coverage);
  }
  return fields;
}

TEST_CASE("launches are explained in words") {
  const Octets image = snapshot();
  check_golden("explain/native.txt", render_text(explained("image.bin", image), false));
  for (const char* name : {"snp-simple", "tdx", "vbs", "aarch64"}) {
    const Octets bytes = vector(std::string(name) + ".igvm");
    check_golden(fmt::format("explain/{}.txt", name), render_text(explained(name, bytes), false));
  }
  const Octets vbs = vector("vbs.igvm");
  check_golden("explain/vbs-pages.txt", render_text(explained("vbs", vbs), true));
}

TEST_CASE("JSON has every operation, with the contents that it takes in") {
  const Octets image = snapshot();
  const ExplainReport report = explained("image.bin", image);
  REQUIRE(report.launches.size() == 1);
  const Json json = Json::parse(render_json(report));
  const Json& launch = json["launches"][0];
  CHECK(launch["platform"] == "native");
  CHECK(launch["digest"] == to_hex(report.launches[0].launch.digest.value));
  REQUIRE(launch["operations"].size() == report.launches[0].launch.operations.size());
  CHECK(launch["fields"].size() == report.launches[0].fields.size());
  const Json* cmdline = nullptr;
  for (const Json& operation : launch["operations"])
    if (operation.contains("regions") && operation["regions"] == Json::array({"cmdline"}))
      cmdline = &operation;
  REQUIRE(cmdline != nullptr);
  Octets page(kPageSize, 0);
  const std::string_view text = "console=ttyS0 quiet";
  std::copy(text.begin(), text.end(), page.begin());
  CHECK((*cmdline)["contents"] == to_hex(sha256(page)));
  CHECK(launch["operations"].back()["digest"] == launch["digest"]);
}

TEST_CASE("what a snapshot's digest covers") {
  const Octets image = snapshot();
  const ExplainReport report = explained("image.bin", image);
  const auto fields = coverage(report.launches[0]);
  for (const char* name :
       {"RAM size", "vCPU count", "devices", "registers of vCPU 0", "command line", "initrd", "ACPI tables",
        "memory map", "region 'kernel' 0x100000", "region 'stack' 0x9000"})
    CHECK_MESSAGE(fields.at(name) == "measured", name);
  for (const char* name : {"CPUID", "time", "disk contents"}) CHECK_MESSAGE(fields.at(name) == "host", name);
  for (const char* name : {"component names", "region names"})
    CHECK_MESSAGE(fields.at(name) == "unmeasured", name);
  CHECK(fields.at("secrets") == "none");
}

TEST_CASE("what each platform's digest covers") {
  const auto of = [](const char* name) {
    const Octets bytes = vector(name);
    return coverage(explained(name, bytes).launches[0]);
  };
  const auto snp = of("snp-simple.igvm");
  CHECK(snp.at("registers of vCPU 0") == "measured");
  CHECK(snp.at("RAM size") == "host");
  CHECK(snp.at("host data") == "host");
  CHECK(snp.at("policy") == "unmeasured");
  CHECK(snp.at("memory 0x1000000-0x1003fff") == "measured");
  CHECK(snp.at("memory 0x1004000-0x1004fff") == "unmeasured");
  CHECK(snp.at("memory 0x1006000-0x1006fff") == "host");
  CHECK(snp.at("parameter VP_COUNT 0x1008000") == "host");
  const auto tdx = of("tdx.igvm");
  CHECK(tdx.at("registers") == "fixed");
  CHECK(tdx.at("policy") == "host");
  CHECK(tdx.at("memory 0x1004000-0x1004fff") == "host");
  const auto vbs = of("vbs.igvm");
  CHECK(vbs.at("registers of vCPU 0") == "measured");
  CHECK(vbs.at("command line") == "host");
}

// The table is only worth what the digest does: each claim about a page is tried.
TEST_CASE("what is measured moves the digest, and what is not does not") {
  for (const char* name : {"snp-simple.igvm", "tdx.igvm", "vbs.igvm", "native-x64.igvm", "aarch64.igvm"}) {
    CAPTURE(name);
    const Octets original = vector(name);
    const auto file = igvm::read(original);
    REQUIRE_OK(file);
    const ExplainReport before = explained(name, original);
    int tried = 0;
    for (const igvm::Directive& directive : file->directives) {
      const auto* run = std::get_if<igvm::PageRun>(&directive);
      if (!run || run->data.empty()) continue;
      Octets changed = original;
      changed[run->file_offset + 7] ^= 1;
      const ExplainReport after = explained(name, changed);
      for (std::size_t i = 0; i < before.launches.size(); ++i) {
        std::string says;
        for (const FieldReport& field : before.launches[i].fields) {
          unsigned long long start = 0, last = 0;
          if (std::sscanf(field.field.c_str(), "memory %llx-%llx", &start, &last) != 2) continue;
          if (start <= run->gpa && run->gpa <= last) says = coverage_name(field.coverage);
        }
        REQUIRE_FALSE(says.empty());
        const bool moved = !(before.launches[i].launch.digest == after.launches[i].launch.digest);
        CHECK(moved == (says == "measured"));
        ++tried;
      }
    }
    CHECK(tried >= 1);
  }
}

TEST_CASE("what cannot be explained is said") {
  const Octets snp = vector("snp-simple.igvm");
  const auto refused = gather_launches({.file = "a", .platform = LaunchPlatform::tdx}, snp);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message().find("snp") != std::string::npos);
  CHECK_FALSE(explain({.file = "/nonexistent/image.bin"}));
}

TEST_CASE("every prefix, and every file of the vectors, is explained or refused") {
  const Octets image = snapshot();
  for (std::size_t size = 0; size < image.size(); size += size < 4096 ? 7 : 4999)
    (void)gather_launches({.file = "image.bin"}, Bytes(image).first(size));
  for (const auto& path : igvm_files::accepted_vectors()) {
    const Octets bytes = igvm_files::load(path);
    const auto report = gather_launches({.file = "a"}, bytes);
    if (!report) continue;
    CHECK_FALSE(Json::parse(render_json(*report))["launches"].empty());
    CHECK_FALSE(render_text(*report, true).empty());
  }
}

}  // namespace
}  // namespace tintype
