#include "composer/manifest.h"

#include "composer/compose.h"
#include "formats/machine_tree.h"
#include "support/golden.h"
#include "support/temporary_folder.h"
#include "support/tiny_cpio.h"
#include "support/tiny_kernels.h"
#include "support/tiny_pe.h"
#include "version.h"

namespace tintype {
namespace {

std::vector<std::uint8_t> bytes_in(const std::string& text) {
  return {text.begin(), text.end()};
}

Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// A folder with inputs, and the options of a snapshot with a manifest.
struct Workbench {
  TemporaryFolder folder;
  Settings settings;

  Workbench() {
    settings = {{"output", folder / "image.bin"},
                {"manifest", folder / "image.json"},
                {"kernel", folder.write("vmlinux", tiny::elf())},
                {"initrd", folder.write("initrd", as_bytes(tiny::cpio({{"init", "#!/bin/sh\n"}})))},
                {"cmdline", "console=ttyS0"},
                {"memory", "64M"},
                {"timings", "true"}};
  }
  void set(std::string option, std::string value) {
    settings = merged(settings, {{std::move(option), std::move(value)}});
  }
  Result<std::string> build() const {
    Progress progress("test");
    return compose(TRY(build_options(settings)), progress);
  }
  std::string refusal() const {
    const auto result = build();
    REQUIRE_FALSE(result);
    return result.error().message();
  }
  std::string image() const { return text_of(folder / "image.bin"); }
  std::string manifest() const { return text_of(folder / "image.json"); }
  bool leaves_nothing() const {
    for (const char* name : {"image.bin", "image.bin.tmp", "image.json", "image.json.tmp"})
      if (std::filesystem::exists(folder / name)) return false;
    return true;
  }
};

TEST_CASE("a manifest is what is expected") {
  const Workbench bench;
  REQUIRE_OK(bench.build());
  std::string text = bench.manifest();
  const std::string version = fmt::format("\"version\": \"{}\"", kVersion);
  REQUIRE(text.find(version) != std::string::npos);
  text.replace(text.find(version), version.size(), "\"version\": \"(this one)\"");
  check_golden("manifest.json", text);
}

TEST_CASE("a manifest says what is in the file") {
  Workbench bench;
  SUBCASE("x86_64") {}
  SUBCASE("AArch64") {
    bench.set("kernel", bench.folder.write("Image", tiny::arm64_image()));
    bench.set("its", "true");
  }
  SUBCASE("AArch64 with GICv2") {
    bench.set("kernel", bench.folder.write("Image", tiny::arm64_image()));
    bench.set("gic", "v2");
  }
  SUBCASE("a kernel that moved") {
    bench.set("kernel", bench.folder.write("relocatable", tiny::elf(tiny::relocatable_spec())));
    bench.set("kaslr-seed", "01");
  }
  SUBCASE("a kernel that moves itself") {
    tiny::BzImageSpec kept = tiny::bzimage_spec(FileKind::gzip);
    kept.header.pref_address = 16 * kMiB;
    kept.kernel.resize(kMiB);
    bench.set("kernel", bench.folder.write("bzimage", tiny::bzimage(kept)));
    bench.set("keep-compressed", "true");
  }
  REQUIRE_OK(bench.build());
  const std::string image = bench.image();
  const auto manifest = read_manifest(as_bytes(bench.manifest()));
  REQUIRE_OK(manifest);
  CHECK(manifest->tool_version == kVersion);
  const auto file = igvm::read(as_bytes(image));
  REQUIRE_OK(file);
  auto machine = read_machine(as_bytes(image));
  REQUIRE_OK(machine);
  REQUIRE(machine->has_value());
  const auto digests = declared_digests(*file, *machine, 1);
  REQUIRE_OK(digests);
  CHECK(manifest->digests == *digests);
  REQUIRE_FALSE(digests->empty());
  CHECK((*digests)[0] == measure_native(*native_launch(*file, *machine)));
  CHECK(digests->size() == ((*machine)->arch == Arch::x86_64 ? 1 : 2));
  (*machine)->labels.clear();
  CHECK(manifest->machine == **machine);
  const auto report = gather_report("image.bin", as_bytes(image));
  REQUIRE_OK(report);
  REQUIRE(manifest->regions.size() == report->regions.size());
  for (std::size_t i = 0; i < report->regions.size(); ++i) {
    CHECK(manifest->regions[i].name == report->regions[i].name);
    CHECK(manifest->regions[i].range == report->regions[i].range);
    CHECK(manifest->regions[i].kind == report->regions[i].kind);
    CHECK(manifest->regions[i].sha256 == report->regions[i].sha256);
  }
  // Written once more it is the same.
  CHECK(manifest_text(*manifest) == bench.manifest());
}

TEST_CASE("a manifest has no path in it, and calls the parts of a unified kernel image by their roles") {
  Workbench bench;
  tiny::PeSpec image;
  image.sections = {tiny::text_section(".osrel", "PRETTY_NAME=\"Tiny OS\"\n"),
                    {.name = ".initrd", .data = bytes_in(tiny::cpio({{"init", "#!/bin/sh\n"}}))},
                    {.name = ".linux", .data = tiny::elf()}};
  bench.set("kernel", bench.folder.write("linux.efi", tiny::pe(image)));
  std::filesystem::create_directory(bench.folder / "tree");
  bench.settings.push_back({"initrd-dir", bench.folder / "tree"});
  REQUIRE_OK(bench.build());
  const auto manifest = read_manifest(as_bytes(bench.manifest()));
  REQUIRE_OK(manifest);
  CHECK(bench.manifest().find(bench.folder.path.filename().string()) == std::string::npos);
  std::vector<std::string> roles;
  for (const Component& component : manifest->machine.components) roles.push_back(component.role);
  CHECK(roles == std::vector<std::string>{"uki", "kernel", "initrd", "initrd.2", "initrd.3"});
  CHECK(
      json_line(manifest->recipe) ==
      R"({"kernel":"uki","cmdline":"console=ttyS0","initrd":["initrd.2"],"initrd-dir":["initrd.3"],"memory":"64M"})");
}

TEST_CASE("snapshot and manifest appear together or not at all") {
  Workbench bench;
  SUBCASE("too little memory") {
    bench.set("memory", "2M");
    CHECK(bench.refusal().find("give --memory at least") != std::string::npos);
    CHECK(bench.leaves_nothing());
  }
  SUBCASE("no place for the manifest") {
    bench.set("manifest", bench.folder / "none/image.json");
    CHECK(bench.refusal().find("No such file or directory") != std::string::npos);
    CHECK(bench.leaves_nothing());
  }
  SUBCASE("the manifest of an earlier compose stays as it was") {
    REQUIRE_OK(bench.build());
    const std::string image = bench.image();
    const std::string manifest = bench.manifest();
    bench.set("memory", "2M");
    bench.refusal();
    CHECK(bench.image() == image);
    CHECK(bench.manifest() == manifest);
  }
  SUBCASE("a manifest over an input") {
    bench.set("manifest", bench.folder / "initrd");
    CHECK(bench.refusal() ==
          bench.folder / "initrd" +
              std::string(": is an input too, and would be replaced: give another manifest"));
    CHECK(bench.leaves_nothing());
  }
  SUBCASE("a manifest over the snapshot or its temporary file") {
    for (const char* name : {"image.bin.tmp", "./image.bin"}) {
      bench.set("manifest", bench.folder / name);
      CHECK(bench.refusal().find("the manifest would replace the snapshot") != std::string::npos);
      CHECK(bench.leaves_nothing());
    }
  }
  SUBCASE("a manifest in a directory that becomes an initrd") {
    std::filesystem::create_directory(bench.folder / "tree");
    bench.set("initrd-dir", bench.folder / "tree");
    bench.set("manifest", bench.folder / "tree/image.json");
    CHECK(bench.refusal().find("would become a part of it") != std::string::npos);
    CHECK(bench.leaves_nothing());
  }
  SUBCASE("a folder in the manifest's place") {
    std::filesystem::create_directories(bench.folder / "sub");
    bench.set("manifest", bench.folder / "sub");
    CHECK(bench.refusal().find("is a directory: give a file name") != std::string::npos);
    CHECK(bench.leaves_nothing());
  }
}

TEST_CASE("without a manifest nothing else is written") {
  Workbench bench;
  std::erase_if(bench.settings, [](const Setting& setting) { return setting.option == "manifest"; });
  REQUIRE_OK(bench.build());
  CHECK_FALSE(std::filesystem::exists(bench.folder / "image.json"));
  Workbench with;
  REQUIRE_OK(with.build());
  CHECK(with.image() == bench.image());
}

// The manifest of a snapshot as JSON, with one change.
struct Changed {
  Json json;
  explicit Changed(const Workbench& bench) {
    REQUIRE_OK(bench.build());
    const auto parsed = parse_json(as_bytes(bench.manifest()));
    REQUIRE_OK(parsed);
    json = *parsed;
  }
  std::string refusal() const {
    const auto manifest = read_manifest(as_bytes(json_text(json)));
    return manifest ? "" : manifest.error().message();
  }
};

TEST_CASE("what is wrong in a manifest is named") {
  const Workbench bench;
  const auto refused = [&](auto change) {
    Changed changed(bench);
    change(changed.json);
    return changed.refusal();
  };
  CHECK(refused([](Json&) {}) == "");
  CHECK(refused([](Json& json) { json["something"] = "new"; }) == "");
  // A digest that nobody can check must not pass for one that was.
  CHECK(refused([](Json& json) { json["digests"]["cca"] = "sha512:00"; }) ==
        "the member 'digests.cca' is of a platform whose digest is not known: native, vbs, snp and tdx are");
  CHECK(refused([](Json& json) { json["recipe"] = "x"; }) == "the member 'recipe' is not an object");
  CHECK(refused([](Json& json) { json["tintype_manifest"] = 2; }) ==
        "it is a manifest of version 2, and this program reads version 1: use the program that wrote it");
  CHECK(refused([](Json& json) { json = Json::array(); }) ==
        "a manifest is one JSON object, and this is something else");
  CHECK(refused([](Json& json) {
          json = {{"digests", Json::object()}};
        }) ==
        "it has no member 'tintype_manifest', which every manifest has: write it anew with build --manifest");
  CHECK(refused([](Json& json) { json["digests"]["native"] = "sha256:00"; }) ==
        "the member 'digests.native' is not 'sha256:' and 64 hexadecimal digits");
  CHECK(refused([](Json& json) { json["machine"]["arch"] = "riscv"; }) ==
        "the member 'machine.arch' is 'riscv', and not 'x86_64' or 'aarch64'");
  CHECK(refused([](Json& json) { json["machine"]["cpus"] = 1 << 20; }) ==
        "the member 'machine.cpus' is not a number from 0 to 1024");
  CHECK(refused([](Json& json) { json["machine"]["kernel"]["physical"] = "16"; }) ==
        "the member 'machine.kernel.physical' is not an address such as \"0x1000\"");
  const auto region = [](Json& json) -> Json& {
    Json list = Json::array();
    list.push_back(json["regions"].elements()->front());
    json["regions"] = list;
    return json["regions"];
  };
  const auto with = [&](std::string_view member, const Json& value) {
    return refused([&](Json& json) {
      Json first = region(json).elements()->front();
      first[member] = value;
      json["regions"] = Json::array();
      json["regions"].push_back(first);
    });
  };
  CHECK(with("kind", "normal") == "");
  CHECK(with("sha256", Json()) == "");
  CHECK(with("gpa", "0x10000000000000000") ==
        "the member 'regions[0].gpa' is not an address such as \"0x1000\"");
  CHECK(with("gpa", "0xffffffffffffffff") ==
        "the member 'regions[0].size' is not that of a region below 2^64");
  CHECK(with("sha256", "zz") == "the member 'regions[0].sha256' is not a SHA-256 of 64 hexadecimal digits");
  CHECK(with("name", 1) == "the member 'regions[0].name' is not a string");
  CHECK(with("size", -1) ==
        fmt::format("the member 'regions[0].size' is not a number from 0 to {}", ~std::uint64_t{0}));
  CHECK(refused([](Json& json) { json["components"] = 3; }) == "the member 'components' is not an array");
  CHECK(refused([](Json& json) { json["components"].push_back(3); }) ==
        "the member 'components[2]' is not an object");
}

TEST_CASE("what a manifest has in it does nothing to a terminal") {
  const Workbench bench;
  const std::string hostile = "x\r\n\x1B[2J" + std::string(100'000, 'y');
  const auto one_line = [](const std::string& message) {
    CAPTURE(message);
    CHECK(message.size() < 400);
    CHECK(std::all_of(message.begin(), message.end(), [](char c) { return c >= 0x20 && c < 0x7F; }));
    CHECK_FALSE(message.empty());
  };
  for (const char* member : {"arch", "protocol"}) {
    Changed changed(bench);
    changed.json["machine"][member] = hostile;
    one_line(changed.refusal());
  }
  Changed changed(bench);
  changed.json["machine"]["protocol"] = std::string(257, 'y');
  CHECK(changed.refusal() ==
        "the member 'machine.protocol' is not text of at most 256 printable ASCII characters");
  const auto refusal = [](const std::string& text) {
    return read_manifest(as_bytes(text)).error().message();
  };
  one_line(refusal("{\"a\\n\\u001b\": 1, \"a\\n\\u001b\": 1}"));
  one_line(refusal("{\"\xC2\x9B\": 1, \"\xC2\x9B\": 1}"));
  one_line(refusal("{\"" + std::string(10'000, 'a') + "\" 1}"));
  one_line(refusal("{\"tintype_manifest\": NaN}"));
  one_line(refusal(std::string(1, '\0')));
  CHECK(refusal(std::string(kMaxManifest + 1, ' ')) ==
        "16777217 bytes are too many for a manifest, which has 16777216 at most: give a manifest");
}

TEST_CASE("every prefix of a manifest is refused, and every changed byte is read or refused") {
  const Workbench bench;
  REQUIRE_OK(bench.build());
  const std::string text = bench.manifest();
  for (std::size_t size = 0; size + 1 < text.size(); size += 7)
    CHECK_FALSE(read_manifest(as_bytes(text.substr(0, size))));
  std::size_t refused = 0;
  for (std::size_t i = 0; i < text.size(); i += 5) {
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 0x10);
    refused += read_manifest(as_bytes(changed)) ? 0 : 1;
  }
  CHECK(refused > text.size() / 20);
}

}  // namespace
}  // namespace tintype
