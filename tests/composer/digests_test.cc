// What moves a launch digest: every option of `build`, and every input by one bit.
#include <map>
#include <set>

#include "composer/compose.h"
#include "formats/fdt.h"
#include "formats/machine_tree.h"
#include "formats/measure.h"
#include "support/temporary_folder.h"
#include "support/tiny_cpio.h"
#include "support/tiny_kernels.h"
#include "support/tiny_pe.h"

namespace tintype {
namespace {

// An option and its value; "" for one that takes none. '@' before a value: a file of the workbench. Before a
// name, '+' adds an option to those of that name, and '-' takes it away; else it takes their place.
using Word = std::pair<std::string, std::string>;
using Words = std::vector<Word>;

struct Change {
  const char* what;
  const char* base;
  Words words;
  bool digests;  // must move; else must stay
  bool file;     // the same of the file's bytes
};

constexpr bool kMoves = true;
constexpr bool kStays = false;

const std::map<std::string_view, Words>& bases() {
  static const std::map<std::string_view, Words> kBases = {
      {"linux",
       {{"kernel", "@vmlinux"},
        {"initrd", "@initrd"},
        {"cmdline", "quiet"},
        {"memory", "64M"},
        {"cpus", "2"},
        {"rng-seed", "00"},
        {"smbios", "product=Turnip"}}},
      {"two archives", {{"kernel", "@vmlinux"}, {"initrd", "@initrd"}, {"initrd", "@second"}}},
      {"pvh",
       {{"kernel", "@pvh"},
        {"protocol", "pvh"},
        {"initrd", "@initrd"},
        {"initrd-cmdline", "a"},
        {"module", "@second"},
        {"module-cmdline", "a"}}},
      {"arm64", {{"kernel", "@Image"}, {"initrd", "@initrd"}, {"cmdline", "quiet"}, {"memory", "64M"}}},
      {"device tree", {{"kernel", "@Image"}, {"device-tree", ""}, {"fdt-overlay", "@overlay"}}},
      {"packed", {{"kernel", "@bzImage"}}},
      {"unified", {{"kernel", "@linux.efi"}, {"profile", "0"}}},
      {"anywhere", {{"kernel", "@relocatable"}, {"kaslr-seed", "00"}}},
      {"folder", {{"kernel", "@vmlinux"}, {"initrd-dir", "@root"}}},
      {"numa",
       {{"kernel", "@vmlinux"},
        {"memory", "64M"},
        {"cpus", "2"},
        {"numa", "cpus=0,memory=32M"},
        {"numa", "cpus=1,memory=32M"}}},
      {"table", {{"kernel", "@vmlinux"}, {"acpi-table", "@table"}}},
      {"tree", {{"kernel", "@vmlinux"}, {"fdt", "@tree"}}},
  };
  return kBases;
}

const std::vector<Change>& changes() {
  static const std::vector<Change> kChanges = {
      {"a bit of the kernel", "linux", {{"kernel", "@vmlinux.bit"}}, kMoves, kMoves},
      {"a bit of the initrd", "linux", {{"initrd", "@initrd.bit"}}, kMoves, kMoves},
      {"no initrd", "linux", {{"-initrd", ""}}, kMoves, kMoves},
      {"a bit of the command line", "linux", {{"cmdline", "quieu"}}, kMoves, kMoves},
      {"more of it", "linux", {{"append", "a"}}, kMoves, kMoves},
      {"the same in two options", "linux", {{"cmdline", "qui"}, {"append", "et"}}, kMoves, kMoves},
      {"a page more of memory", "linux", {{"memory", "65540K"}}, kMoves, kMoves},
      {"a vCPU more", "linux", {{"cpus", "3"}}, kMoves, kMoves},
      {"a bit of the seed", "linux", {{"rng-seed", "01"}}, kMoves, kMoves},
      {"a bit of SMBIOS", "linux", {{"smbios", "product=Turniq"}}, kMoves, kMoves},
      {"no ACPI", "packed", {{"no-acpi", ""}}, kMoves, kMoves},
      {"a name for the default", "linux", {{"protocol", "linux-x86_64"}}, kStays, kStays},
      {"how much is printed", "linux", {{"quiet", ""}, {"timings", ""}}, kStays, kStays},
      {"another name for the file", "linux", {{"output", "@other name"}}, kStays, kStays},
      {"other names for the inputs", "linux", {{"kernel", "@vmlinux.copy"}}, kStays, kStays},
      // The machine description names and hashes each component, and no guest sees how many there were.
      {"the archives as one file", "two archives", {{"-initrd", ""}, {"+initrd", "@joined"}}, kStays, kMoves},
      {"their order",
       "two archives",
       {{"-initrd", ""}, {"+initrd", "@second"}, {"+initrd", "@initrd"}},
       kMoves,
       kMoves},
      {"how it is entered",
       "pvh",
       {{"protocol", "linux-x86_64"}, {"-initrd-cmdline", ""}, {"-module", ""}, {"-module-cmdline", ""}},
       kMoves,
       kMoves},
      {"a bit of a module", "pvh", {{"module", "@second.bit"}}, kMoves, kMoves},
      {"a bit of its words", "pvh", {{"module-cmdline", "c"}}, kMoves, kMoves},
      {"a bit of the initrd's", "pvh", {{"initrd-cmdline", "c"}}, kMoves, kMoves},
      {"a bit of an Image", "arm64", {{"kernel", "@Image.bit"}}, kMoves, kMoves},
      {"a bit of its initrd", "arm64", {{"initrd", "@initrd.bit"}}, kMoves, kMoves},
      {"a bit of its command line", "arm64", {{"cmdline", "quieu"}}, kMoves, kMoves},
      {"a page more for it", "arm64", {{"memory", "65540K"}}, kMoves, kMoves},
      {"a processor more for it", "arm64", {{"cpus", "2"}}, kMoves, kMoves},
      {"another GIC", "arm64", {{"gic", "v2"}}, kMoves, kMoves},
      {"the default GIC by its name", "arm64", {{"gic", "v3"}}, kStays, kStays},
      {"an ITS", "arm64", {{"its", ""}}, kMoves, kMoves},
      {"a tree for tables", "arm64", {{"device-tree", ""}}, kMoves, kMoves},
      {"an overlay's bit", "device tree", {{"fdt-overlay", "@overlay.bit"}}, kMoves, kMoves},
      {"left packed", "packed", {{"keep-compressed", ""}}, kMoves, kMoves},
      {"another profile", "unified", {{"profile", "1"}}, kMoves, kMoves},
      {"a bit of where it goes", "anywhere", {{"kaslr-seed", "01"}}, kMoves, kMoves},
      {"a bit of a file in it", "folder", {{"initrd-dir", "@root.bit"}}, kMoves, kMoves},
      {"compressed", "folder", {{"initrd-compress", "zstd"}}, kMoves, kMoves},
      {"not compressed, in words", "folder", {{"initrd-compress", "none"}}, kStays, kStays},
      {"another share of memory",
       "numa",
       {{"-numa", ""}, {"+numa", "cpus=0,memory=16M"}, {"+numa", "cpus=1,memory=48M"}},
       kMoves,
       kMoves},
      {"a distance", "numa", {{"numa-distance", "0:1=21"}}, kMoves, kMoves},
      {"the default distance", "numa", {{"numa-distance", "0:1=20"}}, kStays, kStays},
      {"a bit of a table", "table", {{"acpi-table", "@table.bit"}}, kMoves, kMoves},
      {"a bit of a tree", "tree", {{"fdt", "@tree.bit"}}, kMoves, kMoves},
      {"the tree's other option", "tree", {{"-fdt", ""}, {"dtb", "@tree"}}, kStays, kStays},
  };
  return kChanges;
}

// Options that say where settings come from, or write another file or none.
const std::set<std::string>& not_of_a_launch() {
  static const std::set<std::string> kOptions = {"help",         "recipe",   "variant",
                                                 "print-recipe", "manifest", "depfile"};
  return kOptions;
}

tiny::File flipped(tiny::File file, std::size_t at) {
  file.at(at) ^= 1;
  return file;
}

// A table with no meaning, revision 1 (ACPI 6.5, 5.2.6), that sums up to zero.
tiny::File table(std::uint8_t content) {
  tiny::File bytes(40);
  const std::string_view signature = "OEM1";
  std::copy(signature.begin(), signature.end(), bytes.begin());
  bytes[4] = 40;
  bytes[8] = 1;
  bytes[39] = content;
  unsigned sum = 0;
  for (const std::uint8_t byte : bytes) sum += byte;
  bytes[9] = static_cast<std::uint8_t>(256 - sum % 256);
  return bytes;
}

tiny::File tree(std::uint32_t value) {
  FdtWriter writer;
  writer.begin("");
  writer.cell("tests,value", value);
  writer.end();
  return writer.finish();
}

tiny::File overlay(std::uint32_t value) {
  FdtWriter writer;
  writer.begin("");
  writer.begin("fragment@0");
  writer.string("target-path", "/");
  writer.begin("__overlay__");
  writer.cell("tests,value", value);
  writer.end();
  writer.end();
  writer.end();
  return writer.finish();
}

class Workbench {
 public:
  Workbench() {
    write_kernels();
    const std::string first = tiny::cpio({{"init", "a"}}), second = tiny::cpio({{"more", "a"}});
    write("initrd", first);
    write("initrd.bit", tiny::cpio({{"init", "c"}}));
    write("second", second);
    write("second.bit", tiny::cpio({{"more", "c"}}));
    write("joined", first + second);
    for (std::uint8_t bit = 0; bit < 2; ++bit) {
      const std::string end = bit ? ".bit" : "";
      write("table" + end, table(bit));
      write("tree" + end, tree(bit));
      write("overlay" + end, overlay(bit));
      std::filesystem::create_directory(folder_.path / ("root" + end));
      write("root" + end + "/init", bit ? "c" : "a");
    }
  }

  // The command line of a change to a base: what follows the command's name.
  std::vector<std::string> line(std::string_view base, const Words& words) const {
    Words all = bases().at(base);
    for (const auto& [name, value] : words) {
      const bool sign = name[0] == '+' || name[0] == '-';
      const std::string plain = sign ? name.substr(1) : name;
      if (name[0] != '+') std::erase_if(all, [&](const Word& word) { return word.first == plain; });
      if (name[0] != '-') all.emplace_back(plain, value);
    }
    if (std::none_of(all.begin(), all.end(), [](const Word& word) { return word.first == "output"; }))
      all.emplace_back("output", "@image.bin");
    std::vector<std::string> line;
    for (const auto& [name, value] : all)
      line.push_back("--" + name + (value.empty() ? "" : "=" + place(value)));
    return line;
  }

  struct Outcome {
    std::string file;
    LaunchDigest native;
    std::optional<LaunchDigest> vbs;
  };
  Outcome build(std::string_view base, const Words& words) const {
    const std::vector<std::string> given = line(base, words);
    std::vector<const char*> argv = {"build"};
    for (const std::string& word : given) argv.push_back(word.c_str());
    const auto parsed = parse_command_line(build_spec(), static_cast<int>(argv.size()), argv.data());
    REQUIRE_OK(parsed);
    const auto settings = settings_of(build_spec(), std::get<CommandLine>(*parsed));
    REQUIRE_OK(settings);
    const auto options = build_options(*settings);
    REQUIRE_OK(options);
    Progress progress("test");
    REQUIRE_OK(compose(*options, progress));
    return measure(text_of(options->output));
  }

 private:
  TemporaryFolder folder_;

  void write(const std::string& name, Bytes bytes) { folder_.write(name.c_str(), bytes); }
  void write(const std::string& name, std::string_view text) { write(name, bytes_of(text)); }
  std::string place(const std::string& value) const {
    return value[0] == '@' ? folder_ / value.substr(1).c_str() : value;
  }

  void write_kernels() {
    write("vmlinux", tiny::elf());
    write("vmlinux.copy", tiny::elf());
    tiny::ElfSpec spec = tiny::elf_spec();
    spec.segments.back().data.back() ^= 1;
    write("vmlinux.bit", tiny::elf(spec));
    spec = tiny::elf_spec();
    spec.segments.push_back(tiny::pvh_note(kMiB + 1));
    write("pvh", tiny::elf(spec));
    write("Image", tiny::arm64_image());
    write("Image.bit", flipped(tiny::arm64_image(), tiny::arm64_image().size() - 1));
    // One that --keep-compressed takes: it prefers a multiple of its alignment, and reaches its entry point.
    tiny::BzImageSpec packed = tiny::bzimage_spec(FileKind::gzip);
    packed.header.pref_address = 16 * kMiB;
    packed.kernel.resize(kMiB);
    write("bzImage", tiny::bzimage(packed));
    write("relocatable", tiny::elf(tiny::relocatable_spec()));
    write("linux.efi", tiny::pe({.sections = {{.name = ".linux", .data = tiny::elf()},
                                              tiny::text_section(".cmdline", "base"),
                                              tiny::text_section(".profile", "ID=main\n"),
                                              tiny::text_section(".profile", "ID=debug\n"),
                                              tiny::text_section(".cmdline", "debug")}}));
  }

  static Outcome measure(std::string text) {
    Outcome outcome{.file = std::move(text), .native = {}, .vbs = {}};
    const Bytes bytes = bytes_of(std::string_view(outcome.file));
    const auto file = igvm::read(bytes);
    REQUIRE_OK(file);
    const auto machine = read_machine(bytes);
    REQUIRE_OK(machine);
    const auto launch = native_launch(*file, *machine);
    REQUIRE_OK(launch);
    outcome.native = measure_native(*launch);
    if (const auto steps = launch_steps(*file, LaunchPlatform::vbs)) outcome.vbs = measure_vbs(*steps);
    return outcome;
  }
};

TEST_CASE("every input and option moves the digests that it should, and no other") {
  const Workbench bench;
  std::map<std::string_view, Workbench::Outcome> before;
  for (const auto& [name, words] : bases()) before[name] = bench.build(name, {});
  for (const Change& change : changes()) {
    CAPTURE(change.base);
    CAPTURE(change.what);
    const Workbench::Outcome& was = before.at(change.base);
    const Workbench::Outcome is = bench.build(change.base, change.words);
    CHECK((is.native.value != was.native.value) == change.digests);
    CHECK((is.file != was.file) == change.file);
    CHECK(is.vbs.has_value() == was.vbs.has_value());
    if (is.vbs && was.vbs) CHECK((is.vbs->value != was.vbs->value) == change.digests);
  }
  // An AArch64 snapshot declares VSM_ISOLATION, so its VBS digest was among those.
  CHECK(before.at("arm64").vbs.has_value());
  CHECK_FALSE(before.at("linux").vbs.has_value());
}

TEST_CASE("no option of build is forgotten") {
  std::set<std::string> known = not_of_a_launch();
  for (const Change& change : changes())
    for (const Word& word : change.words) known.insert(word.first.substr(word.first.find_first_not_of("+-")));

  const char* argv[] = {"build", "--help"};
  const auto help = parse_command_line(build_spec(), 2, argv);
  REQUIRE_OK(help);
  const std::string& text = std::get<PrintOptions>(*help).text;
  std::size_t options = 0;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    // "  -o, --output FILE" or "      --kernel KERNEL"; the examples have a command before their options.
    const std::string line = text.substr(at, text.find('\n', at) - at);
    if (line.size() < 8 || line.substr(6, 2) != "--" || (line[2] != '-' && line[2] != ' ')) continue;
    const std::string name = line.substr(8, line.find(' ', 8) - 8);
    if (line[2] == ' ' && !line.starts_with("      --")) continue;
    ++options;
    CHECK_MESSAGE(known.count(name) == 1, "--", name, " is not among the changes of this file");
    if (text.find('\n', at) == std::string::npos) break;
  }
  CHECK(options >= 30);
}

TEST_CASE("names and labels are no part of the native digest, and what the guest meets is") {
  const Workbench bench;
  const Workbench::Outcome built = bench.build("linux", {});
  const Bytes bytes = bytes_of(std::string_view(built.file));
  const auto file = igvm::read(bytes);
  REQUIRE_OK(file);
  const auto machine = read_machine(bytes);
  REQUIRE_OK(machine);
  const auto digest = [&](auto change) {
    auto launch = native_launch(*file, *machine);
    REQUIRE_OK(launch);
    change(*launch);
    return measure_native(*launch).value;
  };
  const auto moves = [&](auto change) { return digest(change) != built.native.value; };
  CHECK_FALSE(moves([](NativeLaunch&) {}));
  CHECK_FALSE(moves([](NativeLaunch& launch) { launch.machine->protocol = "another"; }));
  CHECK_FALSE(moves([](NativeLaunch& launch) { launch.machine->components.at(0).role = "another"; }));
  CHECK_FALSE(moves([](NativeLaunch& launch) { launch.machine->components.at(0).version = "99"; }));
  CHECK_FALSE(moves([](NativeLaunch& launch) { launch.machine->components.clear(); }));
  CHECK(moves([](NativeLaunch& launch) { launch.machine.reset(); }));
  CHECK(moves([](NativeLaunch& launch) { launch.machine->cpus ^= 1; }));
  CHECK(moves([](NativeLaunch& launch) { launch.machine->numa_nodes ^= 1; }));
  CHECK(moves([](NativeLaunch& launch) { launch.ram.at(0).end -= kPageSize; }));
  CHECK(moves([](NativeLaunch& launch) { launch.vcpus.at(0).first ^= 1; }));
  CHECK(moves([](NativeLaunch& launch) { std::get<VcpuX86>(launch.vcpus.at(0).second).rsi ^= 1; }));
}

}  // namespace
}  // namespace tintype
