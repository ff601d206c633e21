#include "composer/inputs.h"

#include "composer/compose.h"
#include "composer/inspect.h"
#include "formats/fdt.h"
#include "support/temporary_folder.h"
#include "support/tiny_cpio.h"
#include "support/tiny_kernels.h"
#include "support/tiny_pe.h"
#include "support/tiny_trees.h"

namespace tintype {
namespace {

tiny::PeSpec uki(std::vector<tiny::PeSectionSpec> sections) {
  sections.insert(sections.begin(), {.name = ".linux", .data = tiny::elf()});
  return {.sections = std::move(sections)};
}

using tiny::text_section;

// Composes in a folder of its own, and says what the guest is handed.
struct Bench {
  TemporaryFolder folder;
  BuildOptions options;

  Bench() {
    options.kernel = folder.write("vmlinux", tiny::elf());
    options.output = folder / "image.bin";
    options.memory = 64 * kMiB;
  }
  std::string add(const char* name, std::string_view text) { return folder.write(name, bytes_of(text)); }
  Result<std::string> build() const {
    Progress progress("test");
    return compose(options, progress);
  }
  std::string refusal() const {
    const auto result = build();
    return result ? "no error" : result.error().message();
  }
  // The bytes of a region of what was composed.
  std::string region(std::string_view name) const {
    REQUIRE_OK(build());
    const std::string image = text_of(options.output);
    const auto report = gather_report("image", bytes_of(std::string_view(image)));
    REQUIRE_OK(report);
    for (const RegionReport& found : report->regions)
      if (found.name == name)
        return found.file_offset ? image.substr(*found.file_offset, found.range.size()) : "";
    return "no such region";
  }
  std::vector<Component> components() const {
    REQUIRE_OK(build());
    const std::string image = text_of(options.output);
    return gather_report("image", bytes_of(std::string_view(image)))->machine->components;
  }
};

TEST_CASE("a unified kernel image brings its kernel, command line and initrd") {
  Bench bench;
  const std::string ucode = tiny::cpio({{"kernel/x86/microcode/AuthenticAMD.bin", "microcode"}});
  const std::string own = tiny::cpio({{"own", "1"}});
  const std::string more = tiny::cpio({{"more", "2"}});
  bench.options.kernel = bench.folder.write(
      "linux.efi",
      tiny::pe(uki({text_section(".initrd", own), text_section(".cmdline", "quiet\n"),
                    text_section(".ucode", ucode), text_section(".osrel", "PRETTY_NAME=\"Turnip 7\"\n")})));
  CHECK(bench.region("cmdline") == std::string("quiet\0", 6));
  CHECK(bench.region("initrd") == ucode + own);
  bench.options.initrds = {{bench.add("more", more)}};
  CHECK(bench.region("initrd") == ucode + own + more);

  const auto components = bench.components();
  REQUIRE(components.size() == 5);
  CHECK(components[0].role == "uki");
  CHECK(components[0].version == "Turnip 7");
  CHECK(components[1].role == "kernel");
  CHECK(components[1].format == "ELF64");
  CHECK(components[1].sha256 == sha256(tiny::elf()));
  CHECK(components[2].role == "ucode");
  CHECK(components[3].role == "initrd");
  CHECK(components[3].sha256 == sha256(bytes_of(own)));
  CHECK(components[4].role == "initrd.2");

  bench.options.append = "debug";
  CHECK(bench.region("cmdline") == std::string("quiet debug\0", 12));
  bench.options.cmdline = "mine";
  CHECK(bench.region("cmdline") == std::string("mine debug\0", 11));
  bench.options.cmdline = "";
  CHECK(bench.region("cmdline") == std::string("debug\0", 6));
}

TEST_CASE("a profile is chosen by its number") {
  Bench bench;
  bench.options.kernel = bench.folder.write(
      "linux.efi",
      tiny::pe(uki({text_section(".cmdline", "base"), text_section(".profile", "ID=main\n"),
                    text_section(".profile", "ID=debug\n"), text_section(".cmdline", "debug")})));
  CHECK(bench.region("cmdline") == std::string("base\0", 5));
  bench.options.profile = 1;
  CHECK(bench.region("cmdline") == std::string("debug\0", 6));
  bench.options.profile = 2;
  CHECK(bench.refusal().find("linux.efi: profile 2 was asked for") != std::string::npos);
  bench.options.kernel = bench.folder / "vmlinux";
  CHECK(bench.refusal().find("--profile chooses one of a unified kernel image: leave it out") !=
        std::string::npos);
}

TEST_CASE("microcode goes before everything else, and the rest keeps its order") {
  Bench bench;
  const std::string a = tiny::cpio({{"a", "1"}}), b = tiny::cpio({{"b", "22"}});
  const std::string amd = tiny::cpio({{"kernel/x86/microcode/AuthenticAMD.bin", "x"}});
  const std::string intel = tiny::cpio({{"kernel/x86/microcode/GenuineIntel.bin", "y"}});
  bench.options.initrds = {
      {bench.add("b", b)}, {bench.add("amd", amd)}, {bench.add("a", a)}, {bench.add("intel", intel)}};
  CHECK(bench.region("initrd") == amd + intel + b + a);
  // A system's initrd has microcode in front of it: alone or first it stays as it is, its padding too.
  const std::string both = intel + std::string(512, '\0') + a;
  bench.options.initrds = {{bench.add("both", both)}, {bench.add("b", b)}};
  CHECK(bench.region("initrd") == both + b);
  // Behind another its microcode goes to the front.
  bench.options.initrds = {{bench.add("b", b)}, {bench.add("both", both)}, {bench.add("amd", amd)}};
  CHECK(bench.region("initrd") == intel + amd + b + a);
  bench.options.initrds = {{bench.add("amd", amd)}, {bench.add("both", both)}};
  CHECK(bench.region("initrd") == amd + both);
}

TEST_CASE("a directory becomes an archive") {
  Bench bench;
  std::filesystem::create_directories(bench.folder / "tree/etc");
  bench.add("tree/etc/motd", "hello\n");
  bench.options.initrds = {{bench.folder / "tree", true}, {bench.add("a", tiny::cpio({{"a", "1"}}))}};
  const std::string initrd = bench.region("initrd");
  CHECK(initrd.starts_with("070701"));
  CHECK(initrd.find("etc/motd") != std::string::npos);
  CHECK(initrd.ends_with(tiny::cpio({{"a", "1"}})));
  bench.options.initrds = {{bench.options.kernel, true}};
  CHECK(bench.refusal().find(bench.options.kernel) != std::string::npos);
}

TEST_CASE("what Linux would not take for an initrd is refused by name") {
  Bench bench;
  const auto refused = [&](std::string_view text) {
    bench.options.initrds = {{bench.add("initrd", text)}};
    return bench.refusal();
  };
  CHECK(refused("#!/bin/sh\n")
            .find("initrd: this is a shell script, which Linux does not take for an initrd") !=
        std::string::npos);
  CHECK(
      refused(std::string(reinterpret_cast<const char*>(tiny::elf().data()), 64)).find("this is an ELF64") !=
      std::string::npos);
  const std::string archive = tiny::cpio({{"a", "1"}});
  CHECK(refused(archive.substr(0, archive.size() - 130)).find("initrd: ") != std::string::npos);
  CHECK(refused(archive + "junk") != "no error");
  CHECK(refused(archive) == "no error");
  // A file system image may be alone, and cannot be joined.
  const std::string image = "hsqs" + std::string(100, 'x');
  CHECK(refused(image) == "no error");
  bench.options.initrds.push_back({bench.add("a", archive)});
  CHECK(bench.refusal().find("a squashfs image, and Linux joins archives only") != std::string::npos);
  // Another kernel's initrd is its own business.
  bench.options.kernel = bench.folder.write("other", tiny::elf(tiny::elf_spec("no banner")));
  bench.options.initrds = {{bench.add("script", "#!/bin/sh\n")}};
  CHECK(bench.refusal() == "no error");
}

// A device tree of one processor with a command line.
std::vector<std::uint8_t> tree_with_bootargs() {
  FdtWriter writer;
  writer.begin("");
  tiny::write_processor(writer);
  writer.begin("chosen");
  writer.string("bootargs", "of the tree");
  writer.end();
  writer.end();
  return writer.finish();
}

// As a command line gives it, so that messages know what was given.
BuildOptions as_given(const BuildOptions& base, Settings settings) {
  settings.push_back({"kernel", base.kernel});
  settings.push_back({"output", base.output});
  const auto options = build_options(settings);
  REQUIRE_OK(options);
  return *options;
}

TEST_CASE("the tree of a unified kernel image is named as such, and options are as they were given") {
  Bench bench;
  const auto tree = tree_with_bootargs();
  tiny::PeSpec spec;
  spec.machine = 0xAA64;
  spec.sections = {{.name = ".linux", .data = tiny::arm64_image()}, {.name = ".dtb", .data = tree}};
  const std::string image = bench.folder.write("Image", tiny::arm64_image());
  const std::string dtb = bench.folder.write("tree", tree);
  bench.options.kernel = bench.folder.write("linux.efi", tiny::pe(spec));
  const auto refusal = [&](const std::string& kernel, Settings settings) {
    BuildOptions options = bench.options;
    options.kernel = kernel;
    options = as_given(options, std::move(settings));
    Progress progress("test");
    const auto result = compose(options, progress);
    return result ? "no error" : result.error().message();
  };
  const std::string efi = bench.options.kernel;
  CHECK(refusal(efi, {}) == "no error");
  CHECK(refusal(efi, {{"protocol", "linux-arm64-acpi"}}) ==
        efi +
            ": section .dtb: this is a tree that tells of the whole machine, and protocol linux-arm64-acpi "
            "does "
            "that by ACPI tables: give --device-tree, or an image without .dtb");
  CHECK(
      refusal(efi, {{"cpus", "2"}}) ==
      efi +
          ": section .dtb: the device tree has 1 processors in /cpus, and the machine has 2: give --cpus 1");
  CHECK(refusal(efi, {{"smbios", "product=x"}}).ends_with(": leave --smbios or the .dtb of " + efi + " out"));
  CHECK(refusal(image, {{"smbios", "product=x"}, {"dtb", dtb}}).ends_with(": leave --smbios or --dtb out"));
  CHECK(refusal(image, {{"smbios", "product=x"}, {"protocol", "linux-arm64-dt"}})
            .ends_with(": leave --smbios or --protocol out"));
  CHECK(refusal(image, {{"smbios", "product=x"}, {"fdt", dtb}, {"device-tree", "true"}})
            .ends_with(": leave --smbios or --device-tree and --fdt out"));
}

TEST_CASE(
    "bootargs of a tree are a command line unless one is given, by option or in a unified kernel image") {
  Bench bench;
  bench.options.dtb = bench.folder.write("tree", tree_with_bootargs());
  bench.options.kernel = bench.folder.write("Image", tiny::arm64_image());
  const auto bootargs = [&] {
    const std::string text = bench.region("fdt");
    const auto tree = FdtReader::open(bytes_of(std::string_view(text)));
    REQUIRE_OK(tree);
    const auto value = tree->string(tree->find("/chosen").value(), "bootargs");
    REQUIRE_OK(value);
    return *value;
  };
  CHECK(bootargs() == "of the tree");
  bench.options.append = "quiet";
  CHECK(bootargs() == "of the tree quiet");
  bench.options.cmdline = "";
  CHECK(bootargs() == "quiet");
  bench.options.append = "";
  CHECK(bootargs().empty());
  bench.options.cmdline.reset();
  tiny::PeSpec spec;
  spec.machine = 0xAA64;
  spec.sections = {{.name = ".linux", .data = tiny::arm64_image()}, text_section(".cmdline", "of the image")};
  bench.options.kernel = bench.folder.write("linux.efi", tiny::pe(spec));
  CHECK(bootargs() == "of the image");
  bench.options.append = "quiet";
  CHECK(bootargs() == "of the image quiet");
}

TEST_CASE("no input of any kind is overwritten") {
  Bench bench;
  const std::string victim = bench.add("victim", tiny::cpio({{"a", "1"}}));
  bench.options.output = victim;
  const auto refused = [&](auto change) {
    BuildOptions changed = bench.options;
    change(changed);
    Progress progress("test");
    const auto result = compose(changed, progress);
    return !result && result.error().message().find("is an input too") != std::string::npos;
  };
  CHECK(refused([&](BuildOptions& options) { options.initrds = {{victim}}; }));
  CHECK(refused([&](BuildOptions& options) { options.modules = {{victim, ""}}; }));
  CHECK(refused([&](BuildOptions& options) { options.dtb = victim; }));
  CHECK(refused([&](BuildOptions& options) { options.acpi_tables = {victim}; }));
  CHECK(text_of(victim) == tiny::cpio({{"a", "1"}}));
}

TEST_CASE("an input is not lost to the temporary file of the output either") {
  Bench bench;
  bench.options.kernel = bench.folder.write("image.bin.tmp", tiny::elf());
  CHECK(bench.refusal().find("is an input too") != std::string::npos);
  CHECK(text_of(bench.options.kernel).size() == tiny::elf().size());
}

TEST_CASE("an output does not become a part of itself") {
  Bench bench;
  std::filesystem::create_directories(bench.folder / "tree/out");
  bench.options.initrds = {{bench.folder / "tree", true}};
  bench.options.output = bench.folder / "tree/out/image.bin";
  CHECK(bench.refusal().find("of which an initrd is made, and would become a part of it") !=
        std::string::npos);
  std::filesystem::create_directory_symlink(bench.folder / "tree/out", bench.folder / "elsewhere");
  bench.options.output = bench.folder / "elsewhere/image.bin";
  CHECK(bench.refusal().find("would become a part of it") != std::string::npos);
  bench.options.output = bench.folder / "tree.bin";  // a name that only starts alike
  CHECK(bench.refusal() == "no error");
}

TEST_CASE("an error in a section says where it is in the file that was given") {
  Bench bench;
  const tiny::PeSpec spec = uki({text_section(".initrd", "070701 cut")});
  const tiny::File image = tiny::pe(spec);
  bench.options.kernel = bench.folder.write("linux.efi", image);
  const auto at = std::search(image.begin(), image.end(), bytes_of(std::string_view("070701 cut")).begin(),
                              bytes_of(std::string_view("070701 cut")).end()) -
                  image.begin();
  const std::string text = bench.refusal();
  CHECK(text.find("linux.efi: section .initrd: ") != std::string::npos);
  CHECK(text.find(fmt::format("(at file offset {:#x})", at)) != std::string::npos);
}

TEST_CASE("a seed moves the kernel, and the snapshot says where to") {
  Bench bench;
  const auto place = [&] {
    REQUIRE_OK(bench.build());
    const std::string image = text_of(bench.options.output);
    return gather_report("image", bytes_of(std::string_view(image)))->machine->kernel;
  };
  bench.options.kernel = bench.folder.write("relocatable", tiny::elf(tiny::relocatable_spec()));
  CHECK(place() == KernelPlace{KernelPlace::By::link, 16 * kMiB, 0xFFFFFFFF81000000});
  bench.options.kaslr_seed = {1};
  const auto first = place();
  REQUIRE(first);
  CHECK(first->by == KernelPlace::By::seed);
  CHECK(place() == first);
  bench.options.kaslr_seed = {2};
  CHECK(place() != first);
  bench.options.kernel = bench.folder / "vmlinux";
  CHECK(bench.refusal().find("has no relocation table") != std::string::npos);
}

}  // namespace
}  // namespace tintype
