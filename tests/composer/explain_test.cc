#include "composer/explain.h"

#include <map>
#include <nlohmann/json.hpp>

#include "../formats/igvm_files.h"
#include "composer/compose.h"
#include "formats/digest.h"
#include "formats/fdt.h"
#include "support/golden.h"
#include "support/temporary_folder.h"
#include "support/tiny_cpio.h"
#include "support/tiny_kernels.h"

namespace tintype {
namespace {

using Json = nlohmann::json;
using igvm_files::Octets;
using igvm_files::RawFile;

Octets composed(const BuildOptions& options) {
  Progress progress("test");
  REQUIRE_OK(compose(options, progress));
  const std::string text = text_of(options.output);
  return {text.begin(), text.end()};
}

Octets snapshot() {
  const TemporaryFolder folder;
  return composed({
      .output = folder / "image.bin",
      .kernel = folder.write("vmlinux", tiny::elf()),
      .initrds = {{folder.write("initrd", bytes_of(tiny::cpio({{"file", "an initrd"}})))}},
      .cmdline = "console=ttyS0 quiet",
      .memory = 256 * kMiB,
      .cpus = 2,
  });
}

ExplainReport explained(const std::string& name, Bytes bytes, const HostOptions& host = {}) {
  auto report = gather_launches({.file = name, .host = host}, bytes);
  REQUIRE_OK(report);
  return *report;
}

// A page with contents and a VMSA for each of `vcpus`, whose RDX is its index and `rdx`.
Octets snp_file(std::uint16_t vcpus, std::uint32_t rdx = 0) {
  RawFile raw;
  raw.platform(IGVM_PLATFORM_SEV_SNP)
      .add(IGVM_VHT_GUEST_POLICY,
           IGVM_VHS_GUEST_POLICY{.policy = 0x30000u, .compatibility_mask = 1u, .reserved = 0u})
      .page(0x1000, 1, igvm_files::kDataOffset);
  Octets data(kPageSize, 1);
  for (std::uint16_t index = 0; index < vcpus; ++index) {
    raw.context(1, index, igvm_files::kDataOffset + static_cast<std::uint32_t>(data.size()), kKvmVmsaGpa);
    const VmsaPage vmsa = reset_vmsa(1, index + (index > 0 ? rdx : 0));
    const Bytes page = bytes_of(vmsa);
    data.insert(data.end(), page.begin(), page.end());
  }
  return raw.data(data).bytes();
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
  CHECK_FALSE(launch.contains("snp_launch"));
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

// The table is only worth what the digest does: each claim about a choice of the host is tried.
TEST_CASE("a choice of the host is measured exactly if another moves the digest") {
  struct Choice {
    std::string file, field, coverage;
    HostOptions host, other;
  };
  const SnpLaunch kvm = SnpLaunch::kvm, bsp = SnpLaunch::kvm_bsp;
  const std::map<std::string, Octets> files = {
      {"snp-simple", vector("snp-simple.igvm")},
      {"tdx", vector("tdx.igvm")},
      {"one page", igvm_files::load(igvm_files::folder() / "accept" / "tdx-no-vp.igvm")},
      {"run", RawFile()
                  .platform(IGVM_PLATFORM_TDX)
                  .page(0x1000, 1, igvm_files::kDataOffset)
                  .page(0x2000, 1, igvm_files::kDataOffset + 4096)
                  .bytes()},
      {"data only", snp_file(2)}};
  const Choice choices[] = {
      {"snp-simple", "pages without data", "measured", {}, {.snp_zero_type = true}},
      {"snp-simple", "pages without data", "measured", {.snp_zero_type = true}, {}},
      {"data only", "pages without data", "none", {}, {.snp_zero_type = true}},
      {"snp-simple", "vCPU count", "measured", {.snp_launch = kvm}, {.snp_launch = kvm, .cpus = 2}},
      {"data only", "vCPU count", "measured", {.snp_launch = kvm}, {.snp_launch = kvm, .cpus = 3}},
      {"snp-simple",
       "vCPUs without VMSA",
       "measured",
       {.snp_launch = kvm, .cpus = 2},
       {.snp_launch = kvm, .cpus = 2, .snp_processor = 0xA00F11}},
      {"snp-simple",
       "vCPUs without VMSA",
       "none",
       {.snp_launch = kvm},
       {.snp_launch = kvm, .snp_processor = 0xA00F11}},
      {"data only", "order and address of VMSAs", "measured", {.snp_launch = kvm}, {.snp_launch = bsp}},
      {"tdx", "order of add and extend", "measured", {}, {.tdx_order = TdxOrder::two_pass}},
      {"tdx", "order of add and extend", "measured", {.tdx_order = TdxOrder::two_pass}, {}},
      {"run", "order of add and extend", "measured", {}, {.tdx_order = TdxOrder::two_pass}},
      {"one page", "order of add and extend", "none", {}, {.tdx_order = TdxOrder::two_pass}}};
  for (const Choice& choice : choices) {
    CAPTURE(choice.file);
    CAPTURE(choice.field);
    const LaunchReport launch = explained("a", files.at(choice.file), choice.host).launches[0];
    const LaunchReport other = explained("a", files.at(choice.file), choice.other).launches[0];
    CHECK(coverage(launch).at(choice.field) == choice.coverage);
    CHECK((choice.coverage == "measured") != (launch.launch.digest == other.launch.digest));
    for (const FieldReport& field : launch.fields)
      if (field.field == choice.field) CHECK(field.why.find("--") != std::string::npos);
  }
}

TEST_CASE("who says how many vCPUs there are, and of which VMSAs the file has none") {
  const Octets file = vector("snp-simple.igvm");
  const HostOptions three = {.snp_launch = SnpLaunch::kvm, .cpus = 3};
  const LaunchReport launch = explained("a", file, three).launches[0];
  std::map<std::string, std::string> why;
  for (const FieldReport& field : launch.fields) why[field.field] = field.why;
  CHECK(why.at("vCPU count").starts_with("3, from --cpus: "));
  CHECK(why.at("vCPUs without VMSA") ==
        "2 of 3, taken to start as after a reset, on processor model EPYC (0x800f12); --snp-processor says "
        "another");
  CHECK(why.at("registers of vCPU 0") == "its VMSA is a page of the launch");
  CHECK(why.at("registers of vCPU 2") == "its VMSA, which the file does not have, is a page of the launch");
  const LaunchReport own = explained("a", file, {.snp_launch = SnpLaunch::kvm}).launches[0];
  CHECK(own.fields[0].field == "vCPU count");
  CHECK(own.fields[0].why.starts_with("1, from the VMSAs in the file: "));
}

TEST_CASE("VMSAs that a host leaves out are in the file only") {
  const HostOptions bsp = {.snp_launch = SnpLaunch::kvm_bsp};
  const Octets file = snp_file(3), changed = snp_file(3, 0x100);
  CHECK(coverage(explained("a", file).launches[0]).at("registers of vCPU 2") == "measured");
  const LaunchReport launch = explained("a", file, bsp).launches[0];
  const auto fields = coverage(launch);
  CHECK(fields.at("vCPU count") == "host");
  CHECK(fields.at("registers of vCPU 0") == "measured");
  CHECK(fields.at("registers of vCPU 1") == "unmeasured");
  CHECK(fields.at("registers of vCPU 2") == "unmeasured");
  CHECK(launch.launch.digest == explained("a", changed, bsp).launches[0].launch.digest);
  CHECK_FALSE(explained("a", file).launches[0].launch.digest ==
              explained("a", changed).launches[0].launch.digest);
}

TEST_CASE("what is not known is not said to be none") {
  const auto fields_of_file = [](Bytes bytes) { return coverage(explained("a", bytes).launches[0]); };
  const auto others = fields_of_file(vector("snp-simple.igvm"));
  for (const char* topic : {"command line", "initrd", "ACPI tables", "device tree"})
    CHECK_MESSAGE(others.at(topic) == "unknown", topic);
  CHECK(others.at("memory map") == "host");
  CHECK(others.at("secrets") == "unmeasured");
  CHECK(fields_of_file(snp_file(1)).at("secrets") == "none");
  const auto empty = fields_of_file(RawFile().platform(IGVM_PLATFORM_NATIVE).bytes());
  CHECK(empty.at("command line") == "none");
  const auto ours = fields_of_file(snapshot());
  CHECK(ours.at("device tree") == "none");
  const TemporaryFolder folder;
  FdtWriter tree;
  tree.begin("");
  tree.end();
  const auto with_tree = fields_of_file(composed({.output = folder / "image.bin",
                                                  .kernel = folder.write("vmlinux", tiny::elf()),
                                                  .dtb = folder.write("dtb", tree.finish())}));
  CHECK(with_tree.at("device tree") == "measured");
}

// On AArch64 the same pages are launched natively, where what has none is zero, and by VBS.
TEST_CASE("a region that is not all pages is not all measured where the rest is the host's") {
  const TemporaryFolder folder;
  const ExplainReport report = explained(
      "a", composed({.output = folder / "image.bin", .kernel = folder.write("Image", tiny::arm64_image())}));
  REQUIRE(report.launches.size() == 2);
  CHECK(coverage(report.launches[0]).at("region 'kernel' 0x40000000") == "measured");
  const auto vbs = coverage(report.launches[1]);
  CHECK(vbs.count("region 'kernel' 0x40000000") == 0);
  CHECK(vbs.at("region 'kernel' 0x40000000, its pages") == "measured");
  CHECK(vbs.at("region 'kernel' 0x40000000, the rest") == "host");
}

// Each claim about a page is tried too.
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
  const auto refused = [](const char* name, Bytes bytes, std::optional<LaunchPlatform> platform) {
    const auto report = gather_launches({.file = name, .platform = platform}, bytes);
    return report ? "" : report.error().message();
  };
  CHECK(refused("image.bin", snp, LaunchPlatform::tdx) == "image.bin declares snp only");
  const Octets twice = RawFile().platform(IGVM_PLATFORM_NATIVE).page(0x1000).page(0x1000).bytes();
  CHECK(refused("image.bin", twice, {}).starts_with("image.bin is not measured because "));
  CHECK(refused("image.bin", Bytes(snp).first(20), {}).starts_with("image.bin: "));
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
