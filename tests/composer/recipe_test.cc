#include "composer/recipe.h"

#include <set>

#include "composer/compose.h"
#include "composer/options.h"
#include "formats/fdt.h"
#include "support/golden.h"
#include "support/temporary_folder.h"
#include "support/tiny_cpio.h"
#include "support/tiny_kernels.h"
#include "support/tiny_pe.h"
#include "support/tiny_tables.h"
#include "support/tiny_trees.h"

namespace tintype {
namespace {

Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

Result<Settings> read(std::string_view text, const std::optional<std::string>& variant = std::nullopt,
                      const std::string& path = "image.toml") {
  return read_recipe(build_spec(), path, as_bytes(text), variant);
}

std::string refusal(std::string_view text, const std::optional<std::string>& variant = std::nullopt) {
  const auto settings = read(text, variant);
  return settings ? "" : settings.error().message();
}

// Options and values, without where they come from.
using Pairs = std::vector<std::pair<std::string, std::string>>;
Pairs pairs(const Settings& settings) {
  Pairs result;
  for (const Setting& setting : settings)
    result.emplace_back(setting.option, setting.value.value_or("(none)"));
  return result;
}

Result<Settings> of_words(std::vector<std::string> words) {
  std::vector<const char*> argv = {"build"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  const auto parsed = TRY(parse_command_line(build_spec(), static_cast<int>(argv.size()), argv.data()));
  return settings_of(build_spec(), std::get<CommandLine>(parsed));
}

// A device tree of one processor; with `overlay`, an overlay for its /cpus.
std::vector<std::uint8_t> device_tree(bool overlay) {
  FdtWriter tree;
  tree.begin("");
  if (overlay) {
    tree.begin("fragment@0");
    tree.string("target-path", "/cpus");
    tree.begin("__overlay__");
    tree.string("note", "text");
    tree.end();
    tree.end();
  } else {
    tree.cell("#address-cells", 2);
    tree.cell("#size-cells", 2);
    tiny::write_processor(tree);
  }
  tree.end();
  return tree.finish();
}

// Inputs of every kind.
struct Workbench {
  TemporaryFolder folder;
  Workbench() {
    folder.write("elf", tiny::elf());
    tiny::BzImageSpec kept = tiny::bzimage_spec(FileKind::gzip);
    kept.header.pref_address = 16 * kMiB;
    kept.kernel.resize(kMiB);
    folder.write("bzimage", tiny::bzimage(kept));
    tiny::ElfSpec pvh = tiny::elf_spec("no Linux");
    pvh.segments.push_back(tiny::pvh_note(0x100000));
    folder.write("pvh", tiny::elf(pvh));
    folder.write("relocatable", tiny::elf(tiny::relocatable_spec()));
    folder.write("arm64", tiny::arm64_image());
    tiny::PeSpec uki;
    uki.sections = {tiny::text_section(".cmdline", "quiet\n"),
                    {.name = ".linux", .data = tiny::elf()},
                    tiny::text_section(".profile", "ID=main\n"),
                    tiny::text_section(".profile", "ID=debug\n"),
                    tiny::text_section(".cmdline", "debug\n")};
    folder.write("uki", tiny::pe(uki));
    folder.write("cpio", as_bytes(tiny::cpio({{"init", "#!/bin/sh\n"}})));
    folder.write("more", as_bytes(tiny::cpio({{"etc", "motd"}})));
    folder.write("ssdt", tiny::ssdt());
    folder.write("dtb", device_tree(false));
    folder.write("dtbo", device_tree(true));
    std::filesystem::create_directory(folder / "tree");
    std::filesystem::create_directory(folder / "other");
    folder.write("tree/file", as_bytes("text"));
    folder.write("other/file", as_bytes("text"));
  }
  // The snapshot of `settings`, and its manifest.
  std::pair<std::string, std::string> build(Settings settings) const {
    settings = merged(settings, {{"output", folder / "image.bin"}, {"manifest", folder / "image.json"}});
    const auto options = build_options(settings);
    REQUIRE_OK(options);
    Progress progress("test");
    const auto built = compose(*options, progress);
    REQUIRE_OK(built);
    return {text_of(folder / "image.bin"), text_of(folder / "image.json")};
  }
};

// A command line for each option, in which `@` is the folder of the inputs.
struct Sample {
  std::string option;
  std::vector<std::string> words;
};
const std::vector<Sample>& samples() {
  static const std::vector<Sample> kSamples = {
      {"output", {"--kernel", "@elf", "-o", "@out"}},
      {"manifest", {"--kernel", "@elf", "--manifest", "@out.json"}},
      {"timings", {"--kernel", "@elf", "--timings"}},
      {"quiet", {"--kernel", "@elf", "-q"}},
      {"kernel", {"--kernel", "@elf"}},
      {"profile", {"--kernel", "@uki", "--profile", "1"}},
      {"keep-compressed", {"--kernel", "@bzimage", "--keep-compressed"}},
      {"protocol", {"--kernel", "@elf", "--protocol", "linux-x86_64"}},
      {"device-tree", {"--kernel", "@arm64", "--device-tree"}},
      {"kaslr-seed", {"--kernel", "@relocatable", "--kaslr-seed", "0x0A1B"}},
      {"cmdline", {"--kernel", "@elf", "--cmdline", "a=\"b c\\d\" \t\x01 \xC3\xA9 # ]'''"}},
      {"append", {"--kernel", "@elf", "--append", "debug"}},
      {"initrd", {"--kernel", "@elf", "--initrd", "@more", "--initrd", "@cpio"}},
      {"initrd-dir",
       {"--kernel", "@elf", "--initrd-dir", "@tree", "--initrd", "@more", "--initrd-dir", "@other"}},
      {"initrd-compress", {"--kernel", "@elf", "--initrd-dir", "@tree", "--initrd-compress", "zstd"}},
      {"initrd-cmdline", {"--kernel", "@pvh", "--initrd", "@cpio", "--initrd-cmdline", "a b"}},
      {"module", {"--kernel", "@pvh", "--initrd", "@cpio", "--module", "@more", "--module", "@ssdt"}},
      {"module-cmdline",
       {"--kernel", "@pvh", "--initrd", "@cpio", "--module", "@more", "--module-cmdline", "x"}},
      {"rng-seed", {"--kernel", "@elf", "--rng-seed", "00112233"}},
      {"fdt", {"--kernel", "@arm64", "--fdt", "@dtb"}},
      {"dtb", {"--kernel", "@elf", "--dtb", "@dtb"}},
      {"fdt-overlay", {"--kernel", "@arm64", "--fdt", "@dtb", "--fdt-overlay", "@dtbo"}},
      {"memory", {"--kernel", "@elf", "--memory", "64M"}},
      {"cpus", {"--kernel", "@elf", "--cpus", "3"}},
      {"gic", {"--kernel", "@arm64", "--gic", "v2"}},
      {"its", {"--kernel", "@arm64", "--its"}},
      {"numa",
       {"--kernel", "@elf", "--cpus", "3", "--numa", "cpus=0,2,memory=256M", "--numa", "memory=256M,cpus=1"}},
      {"numa-distance",
       {"--kernel", "@elf", "--cpus", "2", "--numa", "cpus=0,memory=256M", "--numa", "cpus=1,memory=256M",
        "--numa-distance", "0:1=30", "--numa-distance", "1:0=40"}},
      {"acpi-table", {"--kernel", "@elf", "--acpi-table", "@ssdt"}},
      {"no-acpi", {"--kernel", "@elf", "--no-acpi"}},
      {"smbios",
       {"--kernel", "@elf", "--smbios", "product=a=b", "--smbios", "oem-string=z", "--smbios",
        "oem-string=y"}},
  };
  return kSamples;
}

TEST_CASE("every option of build has a key, and only those have") {
  std::set<std::string> known;
  for (const Sample& sample : samples()) known.insert(sample.option);
  std::set<std::string> without;
  for (const OptionGroup& group : build_spec().groups)
    for (const OptionSpec& option : group.options) {
      if (!is_recipe_key(option.name)) without.insert(option.name);
      CHECK_MESSAGE(known.contains(option.name) == is_recipe_key(option.name), option.name);
      // RECIPE.md has a row for it.
      const std::string page = text_of(TINTYPE_TESTS_DIR "/../composer/RECIPE.md");
      if (is_recipe_key(option.name))
        CHECK_MESSAGE(page.find(fmt::format("`{}`", option.name)) != std::string::npos, option.name);
    }
  CHECK(without == std::set<std::string>{"recipe", "variant", "print-recipe", "depfile"});
}

TEST_CASE("a printed recipe gives the same bytes as the command line, with every option") {
  const Workbench bench;
  for (const Sample& sample : samples()) {
    CAPTURE(sample.option);
    std::vector<std::string> words = sample.words;
    for (std::string& word : words)
      if (word[0] == '@') word = bench.folder / word.substr(1).c_str();
    const auto given = of_words(words);
    REQUIRE_OK(given);
    const auto text = recipe_text(build_spec(), *given);
    REQUIRE_OK(text);
    const auto settings = read(*text);
    REQUIRE_MESSAGE(settings.has_value(), *text);
    // What the option is for does get there.
    const Pairs set = pairs(*settings);
    CHECK(std::any_of(set.begin(), set.end(), [&](const auto& pair) { return pair.first == sample.option; }));
    const auto [image, manifest] = bench.build(*given);
    const auto [again, described] = bench.build(*settings);
    CHECK(image == again);
    CHECK(manifest == described);
    CHECK(manifest.find(bench.folder.path.string()) == std::string::npos);
    // Printed once more it is the same text.
    CHECK(*recipe_text(build_spec(), *settings) == *text);
  }
}

constexpr char kWhole[] = R"(
output = "image.bin"
manifest = "/tmp/image.json"
timings = true
quiet = false
kernel = "vmlinuz"
profile = 0
keep-compressed = false
cmdline = 'console=ttyS0 "x"'
append = """
debug"""
initrd = ["ucode.cpio", { dir = "rootfs" }, "extra.cpio"]
initrd-dir = "late"
initrd-compress = "zstd"
rng-seed = "0011"
memory = 1073741824
cpus = 3
numa-distance = { "0:1" = 30, "1:0" = "40" }
acpi-table = "ssdt.aml"
no-acpi = false

[[numa]]
cpus = "0-1"
memory = "512M"
[[numa]]
cpus = 2
memory = "512M"

[smbios]
product = "Turnip"
oem-string = ["z", "a"]

[variant.small]
memory = "512M"
cpus = 1
numa = []
keep-compressed = true
smbios = { product = "Radish" }
)";

TEST_CASE("a recipe is read in the order of the options, with its files in its folder") {
  const auto settings = read(kWhole, std::nullopt, "a/b/image.toml");
  REQUIRE_OK(settings);
  CHECK(pairs(*settings) == Pairs{{"output", "a/b/image.bin"},
                                  {"manifest", "/tmp/image.json"},
                                  {"timings", "true"},
                                  {"kernel", "a/b/vmlinuz"},
                                  {"profile", "0"},
                                  {"cmdline", "console=ttyS0 \"x\""},
                                  {"append", "debug"},
                                  {"initrd", "a/b/ucode.cpio"},
                                  {"initrd-dir", "a/b/rootfs"},
                                  {"initrd", "a/b/extra.cpio"},
                                  {"initrd-dir", "a/b/late"},
                                  {"initrd-compress", "zstd"},
                                  {"rng-seed", "0011"},
                                  {"memory", "1073741824"},
                                  {"cpus", "3"},
                                  {"numa", "cpus=0-1,memory=512M"},
                                  {"numa", "cpus=2,memory=512M"},
                                  {"numa-distance", "0:1=30"},
                                  {"numa-distance", "1:0=40"},
                                  {"acpi-table", "a/b/ssdt.aml"},
                                  {"smbios", "product=Turnip"},
                                  {"smbios", "oem-string=z"},
                                  {"smbios", "oem-string=a"}});
  CHECK((*settings)[3].origin == "a/b/image.toml:6");
  REQUIRE_OK(build_options(*settings));
  check_golden("recipe.toml", *recipe_text(build_spec(), *settings));
}

TEST_CASE("a variant replaces keys, and takes back with false and with nothing") {
  const auto settings = read(kWhole, "small");
  REQUIRE_OK(settings);
  const auto values = [&](std::string_view option) {
    std::string all;
    for (const Setting& setting : *settings)
      if (setting.option == option) all += *setting.value + ";";
    return all;
  };
  CHECK(values("memory") == "512M;");
  CHECK(values("cpus") == "1;");
  CHECK(values("numa") == "");
  CHECK(values("numa-distance") == "");
  CHECK(values("keep-compressed") == "true;");
  CHECK(values("smbios") == "oem-string=z;oem-string=a;product=Radish;");
  CHECK(values("kernel") == "vmlinuz;");
  REQUIRE_OK(build_options(*settings));
}

TEST_CASE("what is given later replaces, with what says the same in another way") {
  const auto after = [](const Settings& base, const Settings& over) { return pairs(merged(base, over)); };
  CHECK(after({{"initrd", "a"}, {"initrd-dir", "b"}, {"initrd-compress", "zstd"}}, {{"initrd", "c"}}) ==
        Pairs{{"initrd", "c"}});
  CHECK(after({{"initrd", "a"}, {"initrd-compress", "zstd"}}, {{"initrd-dir", "c"}}) ==
        Pairs{{"initrd-compress", "zstd"}, {"initrd-dir", "c"}});
  CHECK(after({{"fdt", "a"}}, {{"dtb", "b"}}) == Pairs{{"dtb", "b"}});
  CHECK(after({{"protocol", "pvh"}}, {{"device-tree", "true"}}) == Pairs{{"device-tree", "true"}});
  CHECK(after({{"protocol", "pvh"}}, {{"device-tree", std::nullopt}}) == Pairs{{"protocol", "pvh"}});
  CHECK(after({{"module", "a"}, {"module-cmdline", "b"}}, {{"module", "c"}}) == Pairs{{"module", "c"}});
  CHECK(after({{"module", "a"}, {"module-cmdline", "b"}}, {{"module-cmdline", "c"}}) ==
        Pairs{{"module", "a"}, {"module-cmdline", "c"}});
  CHECK(after({{"acpi-table", "a"}}, {{"no-acpi", "true"}}) == Pairs{{"no-acpi", "true"}});
  CHECK(after({{"smbios", "a=1"}, {"smbios", "b=2"}}, {{"smbios", "a=3"}}) ==
        Pairs{{"smbios", "b=2"}, {"smbios", "a=3"}});
  CHECK(after({{"smbios", "a=1"}}, {{"smbios", std::nullopt}}).empty());
  CHECK(after({{"cmdline", "a"}}, {{"append", "b"}}) == Pairs{{"cmdline", "a"}, {"append", "b"}});
}

TEST_CASE("a variant can set what the recipe leaves empty") {
  const std::string_view text =
      "smbios = []\nnuma = []\nquiet = false\n[variant.a]\nsmbios = { product = 'T' }\nquiet = true\n";
  const auto settings = read(text, "a");
  REQUIRE_OK(settings);
  CHECK(pairs(*settings) == Pairs{{"quiet", "true"}, {"smbios", "product=T"}});
  CHECK(pairs(*read(text)).empty());
}

TEST_CASE("a recipe of a hundred thousand values is read at once") {
  std::string lists[2];
  for (int i = 0; i < 40'000; ++i) {
    lists[0] += fmt::format("a{:x}=''\n", i);
    lists[1] += fmt::format("b{:x}=''\n", i);
  }
  const auto settings = read("[smbios]\n" + lists[0] + "[variant.a.smbios]\n" + lists[1], "a");
  REQUIRE_OK(settings);
  CHECK(settings->size() == 80'000);
}

TEST_CASE("a recipe printed in one folder and read in another means the same files") {
  const Settings given = {
      {"output", "out dir/im\"a'ge.bin"},  {"manifest", "-"},  {"kernel", "-"},   {"initrd", "a\\b\nc"},
      {"initrd-dir", "\xC3\xA9 \x7F\x1B"}, {"initrd", "/abs"}, {"module", "../m"}};
  const auto text = recipe_text(build_spec(), given);
  REQUIRE_OK(text);
  CHECK(pairs(read(*text).value()) == Pairs{{"output", "out dir/im\"a'ge.bin"},
                                            {"manifest", "-"},
                                            {"kernel", "-"},
                                            {"initrd", "a\\b\nc"},
                                            {"initrd-dir", "\xC3\xA9 \x7F\x1B"},
                                            {"initrd", "/abs"},
                                            {"module", "../m"}});
  const auto elsewhere = read(*text, std::nullopt, "a b/image.toml");
  REQUIRE_OK(elsewhere);
  CHECK(pairs(*elsewhere) == Pairs{{"output", "a b/out dir/im\"a'ge.bin"},
                                   {"manifest", "-"},
                                   {"kernel", "a b/-"},
                                   {"initrd", "a b/a\\b\nc"},
                                   {"initrd-dir", "a b/\xC3\xA9 \x7F\x1B"},
                                   {"initrd", "/abs"},
                                   {"module", "a b/../m"}});
  // With the line ends of another system it says the same, but in a text of several lines.
  std::string crlf;
  for (const char c : *text) crlf += c == '\n' ? "\r\n" : std::string(1, c);
  CHECK(pairs(read(crlf).value()) == pairs(read(*text).value()));
}

TEST_CASE("a recipe from a pipe has its files in the current folder") {
  for (const char* path : {"-", "/dev/stdin", "/dev/fd/63", "/proc/self/fd/3"}) {
    CAPTURE(path);
    const auto settings = read("kernel = 'k'\n", std::nullopt, path);
    REQUIRE_OK(settings);
    CHECK(pairs(*settings) == Pairs{{"kernel", "k"}});
  }
  // Other files there have their folder like everywhere.
  CHECK(pairs(read("kernel = 'k'\n", std::nullopt, "/dev/shm/r").value()) == Pairs{{"kernel", "/dev/shm/k"}});
  const auto refused = read("kernal = 'k'\n", std::nullopt, "-");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message().find("standard input:1: unknown key 'kernal'") == 0);
}

TEST_CASE("options beside a recipe are of this folder, and override it") {
  const TemporaryFolder folder;
  const std::string path =
      folder.write("image.toml", as_bytes("output = '-'\nkernel = 'k'\ninitrd = ['a', 'b']\ncpus = 0\n"));
  const auto settings = of_words({"--recipe", path, "--initrd", "c", "--memory", "1G"});
  REQUIRE_OK(settings);
  CHECK(pairs(*settings) ==
        Pairs{{"output", "-"}, {"kernel", folder / "k"}, {"cpus", "0"}, {"initrd", "c"}, {"memory", "1G"}});
  // What an option does not take is told with the line that has it.
  const auto options = with_origin(build_options(*settings), *settings);
  REQUIRE_FALSE(options);
  CHECK(options.error().message() == path + ":4: --cpus '0' is not a number from 1 to 1024");
  CHECK(origin_of("--initrd-dir is", {{"initrd", "a", "x:1"}, {"initrd-dir", "b", "x:2"}}) == "x:2");
  CHECK(origin_of("nothing", *settings).empty());
  // A recipe is an input like others.
  const auto replaced = of_words({"--recipe", path, "--manifest", path});
  REQUIRE_FALSE(replaced);
  CHECK(replaced.error().message() ==
        path + ": is the recipe too, and would be replaced: give another manifest");
}

TEST_CASE("mistakes in recipes are told with their line, and with what was meant") {
  CHECK(refusal("memory = '1G'\nkernal = 'x'\n") ==
        "image.toml:2: unknown key 'kernal' (did you mean 'kernel'?): the keys are the options of "
        "compose-snapshot build");
  // The first of the file is told, not the first of the alphabet.
  CHECK(refusal("zzz = 1\naaa = 1\n").find("image.toml:1: unknown key 'zzz'") == 0);
  CHECK(refusal("[variant.a]\nmemroy = 1\n")
            .find("image.toml:2: unknown key 'memroy' (did you mean 'memory'?)") == 0);
  CHECK(refusal("[smbios]\nproduct = 1.5\n") ==
        "image.toml:2: 'product' is a number with a fraction, and wants another type: write product = "
        "\"TEXT\"");
  const std::pair<const char*, const char*> types[] = {
      {"kernel = 3", "'kernel' is a number, and wants another type: write kernel = \"KERNEL\""},
      {"kernel = ['a']", "'kernel' is a list, and wants another type: write kernel = \"KERNEL\""},
      {"kernel = 1979-05-27",
       "'kernel' is a date or time, and wants another type: write kernel = \"KERNEL\""},
      {"kernel = {}", "'kernel' is a table, and wants another type: write kernel = \"KERNEL\""},
      {"cpus = '2'", "'cpus' is a string, and wants another type: write cpus = 1"},
      {"cpus = 2.5", "'cpus' is a number with a fraction, and wants another type: write cpus = 1"},
      {"memory = true", "'memory' is true or false, and wants another type: write memory = \"512M\""},
      {"quiet = 'yes'", "'quiet' is a string, and wants another type: write quiet = true"},
      {"initrd = [1]", "'initrd' is a number, and wants another type: write initrd = [\"FILE\"]"},
      {"initrd = [{ dri = 'x' }]",
       "unknown key 'dri' (did you mean 'dir'?): an initrd is a string, or { dir = \"DIR\" }"},
      {"initrd = [{ dir = 'x', y = 1 }]", "unknown key 'y': an initrd is a string, or { dir = \"DIR\" }"},
      {"initrd = [{}]", "an initrd is an empty table: write a string, or { dir = \"DIR\" }"},
      {"initrd = [{ dir = 1 }]", "'dir' is a number, and wants another type: write { dir = \"DIR\" }"},
      {"numa = [{ cpu = 1 }]", "unknown key 'cpu' (did you mean 'cpus'?): a NUMA node has cpus and memory"},
      {"numa = [[]]", "'numa' is a list, and wants another type: write numa = [\"NODE\"]"},
      {"recipe = 'x'", "'recipe' is an option of the command line only: a recipe is a whole by itself"},
      {"depfile = 'x'", "'depfile' is an option of the command line only: a recipe is a whole by itself"},
      {"kernel = ''", "'kernel' has an empty name: name a file, or leave it out"},
      {"initrd = ['']", "'initrd' has an empty name: name a file, or leave it out"},
      {"kernel = \"a\\u0000b\"", "'kernel' has a zero byte in it, which ends a text: take it out"},
      {"\"ker\\nnel\" = 3",
       "unknown key 'ker?nel' (did you mean 'kernel'?): the keys are the options of "
       "compose-snapshot build"},
      {"variant = 3",
       "'variant' is a number, and wants to be tables: write [variant.NAME] above the keys of each"},
      {"variant.a = 3", "variant 'a' is a number, and wants to be a table: write [variant.a] above its keys"},
      {"variant.a.variant.b.cpus = 3",
       "a variant has no variants of its own: write [variant.NAME] with one name"},
  };
  for (const auto& [text, message] : types) CHECK(refusal(text) == fmt::format("image.toml:1: {}", message));
  CHECK(refusal("cpus = 1", "x") == "image.toml: it has no variants, and --variant names 'x': leave it out");
  CHECK(refusal("[variant.debug]\n[variant.release]\n", "debgu") ==
        "image.toml: unknown variant 'debgu' (did you mean 'debug'?): choose from debug, release");
}

TEST_CASE("what is no TOML, or too much of it, is refused") {
  for (const std::string_view text :
       {std::string_view("kernel = \"a\n"), std::string_view("kernel = 'a'\nkernel = 'b'\n"),
        std::string_view("kernel = '\xff'"), std::string_view("kernel = 'a\0b'", 14),
        std::string_view("\0", 1), std::string_view("kernel"), std::string_view("[kernel"),
        std::string_view("\xff\xfek\0", 4)})
    CHECK(refusal(text).find(": this is no TOML: ") != std::string::npos);
  CHECK(refusal(std::string(kMaxRecipe + 1, '\n')) ==
        "image.toml: 1048577 bytes are too many for a recipe, which has 1048576 at most: give a recipe");
  CHECK(refusal("x = " + std::string(100'000, '[')).find("depth") != std::string::npos);
  std::string dotted = "x";
  for (int i = 0; i < 4096; ++i) dotted += ".a";
  CHECK(refusal(dotted + " = 1").find("unknown key 'x'") != std::string::npos);
  CHECK(refusal("[" + dotted + "]").find("unknown key 'x'") != std::string::npos);
  CHECK(refusal(dotted + ".a = 1") ==
        "image.toml: it has 4097 dots, and a recipe has 4096 at most: give a recipe");
  CHECK(refusal("").empty());
}

TEST_CASE("letters of any alphabet stand where white space could, and are none") {
  for (const std::string_view letter :
       {"\xC2\xA1", "\xD0\xA5", "\xE1\x9A\x81", "\xE2\x80\x8C", "\xE3\x80\x81"}) {
    CAPTURE(letter);
    CHECK(refusal(fmt::format("kernel = 07:32:0{}", letter)).find(": this is no TOML: ") !=
          std::string::npos);
    CHECK(refusal(fmt::format("kernel = 'a' {}", letter)).find(": this is no TOML: ") != std::string::npos);
    CHECK(refusal(fmt::format("{} = 1", letter)).find(": this is no TOML: ") != std::string::npos);
    const auto settings = read(fmt::format("cmdline = \"\"\"a\\\n  {}\"\"\"\n", letter));
    REQUIRE_OK(settings);
    CHECK(pairs(*settings) == Pairs{{"cmdline", fmt::format("a{}", letter)}});
  }
}

TEST_CASE("a time that is none is refused") {
  CHECK(refusal("kernel = 1979-05-27Tx7:32:00Z") ==
        "image.toml: this is no TOML, or some that no recipe needs, such as a date");
}

TEST_CASE("every prefix of a recipe is a recipe or refused with a line") {
  const std::string_view whole = kWhole;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string_view prefix = whole.substr(0, size);
    const std::string message = refusal(prefix, "small");
    if (message.empty()) CHECK(prefix.find("[variant.small]") != prefix.npos);
    if (!message.empty()) CHECK_MESSAGE(message.find("image.toml:") == 0, message);
    CHECK(message.find('\n') == message.npos);
  }
}

TEST_CASE("text that is not UTF-8 has no recipe") {
  for (const char* bytes : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80"}) {
    const auto text = recipe_text(build_spec(), {{"cmdline", std::string("a") + bytes}});
    REQUIRE_FALSE(text);
    CHECK(text.error().message() ==
          "--cmdline has bytes that are not UTF-8, and a recipe is UTF-8: leave it out, and give it beside "
          "--recipe");
  }
  REQUIRE_OK(recipe_text(build_spec(), {{"cmdline", "\xe2\x82\xac \xf0\x9f\x8e\x9e \x7f\x1f"}}));
  CHECK(recipe_text(build_spec(), {{"cpus", "04"}})->find("\ncpus = 4\n") != std::string::npos);
}

}  // namespace
}  // namespace tintype
