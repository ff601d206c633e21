#include "composer/depfile.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "composer/command.h"
#include "composer/options.h"
#include "formats/fdt.h"
#include "support/temporary_folder.h"
#include "support/tiny_cpio.h"
#include "support/tiny_kernels.h"
#include "support/tiny_tables.h"

namespace tintype {
namespace {

std::string text_for(const std::string& output, const std::vector<std::string>& inputs) {
  const auto text = depfile_text(output, inputs);
  REQUIRE_OK(text);
  return *text;
}

std::string refusal(const std::string& output, const std::vector<std::string>& inputs) {
  const auto text = depfile_text(output, inputs);
  REQUIRE_FALSE(text);
  return text.error().message();
}

// What is between the output's name and the empty rules, a word for each input, as written.
std::vector<std::string> inputs_of(const std::string& text) {
  const std::string separator = " \\\n  ";
  std::string rule = text.substr(0, text.find("\n\n"));
  std::vector<std::string> inputs;
  for (std::size_t at = rule.find(separator); at != std::string::npos;) {
    const std::size_t next = rule.find(separator, at + 1);
    inputs.push_back(rule.substr(at + separator.size(), next - at - separator.size()));
    at = next;
  }
  return inputs;
}

TEST_CASE("a depfile is a rule, and an empty one for each input") {
  CHECK(text_for("image.bin", {"vmlinuz", "initrd", "vmlinuz"}) ==
        "image.bin: \\\n  vmlinuz \\\n  initrd\n\nvmlinuz:\n\ninitrd:\n");
  CHECK(text_for("out/image.bin", {}) == "out/image.bin:\n");
  // Who calls with an absolute name has another folder than this one.
  const std::string here = std::filesystem::current_path().string();
  CHECK(inputs_of(text_for("/tmp/image.bin", {"vmlinuz", "/boot/initrd"})) ==
        std::vector<std::string>{here + "/vmlinuz", "/boot/initrd"});
}

// tests/pipelines.sh has Make and Ninja judge names like these.
TEST_CASE("names are written so that Make and Ninja read the same") {
  const std::pair<const char*, const char*> names[] = {
      {"a b", "a\\ b"},         {"a#b", "a\\#b"},
      {"a$b$", "a$$b$$"},       {"Foo::Bar.3pm", "Foo\\:\\:Bar.3pm"},
      {"a\\x2db", "a\\x2db"},   {"a(b).c", "a(b).c"},
      {"\xc3\xa9", "\xc3\xa9"}, {"[", "["},
      {"@{}!,+~-", "@{}!,+~-"},
  };
  for (const auto& [name, written] : names)
    CHECK(inputs_of(text_for("out", {name})) == std::vector<std::string>{written});
  CHECK(text_for("a b", {}) == "a\\ b:\n");
  // To Make these are no rules for files: it sets a variable, makes a pattern, or ignores all errors.
  for (const char* name : {"a=b", "a%b", ".IGNORE", "./.IGNORE"}) {
    const std::string text = text_for("out", {"first", name});
    CHECK(inputs_of(text) == std::vector<std::string>{"first", name});
    CHECK(text.substr(text.find("\n\n")) == "\n\nfirst:\n");
  }
  CHECK(inputs_of(text_for("out", {"a=b", "c"})) == std::vector<std::string>{"c", "a=b"});
}

TEST_CASE("a name that Make and Ninja do not both read is refused") {
  const std::string why =
      ": --depfile cannot name it: it has a character that Make and Ninja do not both read, or one at its "
      "start or end: rename it";
  for (const char* name :
       {"a;touch b", "a\nb", "a\tb", "a*",  "a?",    "a|b",  "a<b",   "a>b",    "a`b`", "a&",    "a'",  "a\"",
        "a^",        "a:",   "a ",   "a\\", "a\\ b", "a\\#", "a\\:b", "a\\\\b", "a(b)", "~root", "\x7f"}) {
    CHECK(refusal("out", {"first", name}) == name + why);
    CHECK(refusal(name, {"first"}) == name + why);
  }
  for (const char* name : {"a=b", "a%", ".PHONY"})
    CHECK(refusal(name, {"first"}) ==
          std::string(name) +
              ": --depfile cannot name it: '=', '%' and a first '.' have a meaning "
              "to Make there: give another output");
  CHECK(refusal("out", {"a=b"}) ==
        "a=b: --depfile cannot name it: to Make the first '=' of a rule sets a variable: rename it");
}

// Inputs in a folder, and command lines for them, in which '@' before a name is that folder.
struct Workbench {
  TemporaryFolder folder;

  Workbench() {
    folder.write("vmlinux", tiny::elf());
    tiny::ElfSpec pvh = tiny::elf_spec();
    pvh.segments.push_back(tiny::pvh_note(0x100001));
    folder.write("pvh", tiny::elf(pvh));
    folder.write("Image", tiny::arm64_image());
    for (const char* name : {"initrd", "more"}) folder.write(name, bytes_of(tiny::cpio({{name, "a"}})));
    folder.write("tree", tree(false));
    folder.write("overlay", tree(true));
    folder.write("table", tiny::table(acpi::text("SSDT")));
    std::filesystem::create_directories(folder.path / "root/sub/deep");
    for (const char* name : {"root/init", "root/sub/file"}) folder.write(name, tiny::elf());
    std::filesystem::create_symlink("nowhere", folder.path / "root/link");
    REQUIRE(::mkfifo((folder / "root/fifo").c_str(), 0644) == 0);
  }

  static tiny::File tree(bool overlay) {
    FdtWriter writer;
    writer.begin("");
    if (overlay) {
      writer.begin("fragment@0");
      writer.string("target-path", "/");
      writer.begin("__overlay__");
    }
    writer.cell("#address-cells", 2);
    writer.cell("#size-cells", 2);
    writer.begin("cpus");
    writer.end();
    if (overlay) {
      writer.end();
      writer.end();
    }
    writer.end();
    return writer.finish();
  }

  Result<void> build(std::vector<std::string> words) const {
    words.insert(words.begin(), {"compose-snapshot", "build", "-q"});
    std::vector<const char*> argv;
    for (std::string& word : words) {
      if (word[0] == '@') word = folder / word.substr(1).c_str();
      argv.push_back(word.c_str());
    }
    TRY(TRY(parse_program(static_cast<int>(argv.size()), argv.data()))());
    return {};
  }
  // The names in the depfile of a compose, without the folder's.
  std::vector<std::string> inputs(std::vector<std::string> words) const {
    words.insert(words.end(), {"-o", "@image.bin", "--depfile", "@image.d"});
    REQUIRE_OK(build(words));
    const std::string text = depfile();
    CHECK(text.starts_with(folder / "image.bin: \\\n"));
    std::vector<std::string> names = inputs_of(text);
    for (std::string& name : names) {
      REQUIRE(name.starts_with(folder / ""));
      name = name.substr((folder / "").size());
    }
    return names;
  }
  std::string depfile() const { return text_of(folder / "image.d"); }
  std::string refused(std::vector<std::string> words) const {
    const auto result = build(std::move(words));
    REQUIRE_FALSE(result);
    for (const char* name : {"image.bin", "image.bin.tmp", "image.json", "image.d", "image.d.tmp"})
      CHECK_MESSAGE(!std::filesystem::exists(folder / name), name);
    return result.error().message();
  }
};

TEST_CASE("a depfile names whatever a compose reads") {
  const Workbench bench;
  using Names = std::vector<std::string>;
  CHECK(bench.inputs({"--kernel", "@vmlinux", "--initrd", "@initrd", "--initrd", "@more", "--acpi-table",
                      "@table"}) == Names{"vmlinux", "initrd", "more", "table"});
  CHECK(bench.inputs({"--kernel", "@pvh", "--protocol", "pvh", "--initrd", "@initrd", "--module", "@more"}) ==
        Names{"pvh", "initrd", "more"});
  CHECK(bench.inputs({"--kernel", "@Image", "--fdt-overlay", "@overlay"}) == Names{"Image", "overlay"});
  CHECK(bench.inputs({"--kernel", "@vmlinux", "--dtb", "@tree"}) == Names{"vmlinux", "tree"});
  // A name that only this process knows.
  const int fd = ::open((bench.folder / "initrd").c_str(), O_RDONLY);
  REQUIRE(fd >= 0);
  CHECK(bench.inputs({"--kernel", "@vmlinux", "--initrd", fmt::format("/dev/fd/{}", fd)}) ==
        Names{"vmlinux"});
  ::close(fd);
  // Of a directory what has a time of its own; links and FIFOs change it.
  CHECK(bench.inputs({"--kernel", "@vmlinux", "--initrd-dir", "@root", "--initrd", "@more"}) ==
        Names{"vmlinux", "root", "root/init", "root/sub", "root/sub/deep", "root/sub/file", "more"});

  std::filesystem::create_directory(bench.folder / "recipes");
  const std::string recipe =
      "kernel = '../vmlinux'\ninitrd = [{ dir = '../root/sub' }, '../more']\n[variant.small]\ninitrd = "
      "'../initrd'\n";
  bench.folder.write("recipes/image.toml", bytes_of(std::string_view(recipe)));
  CHECK(bench.inputs({"--recipe", "@recipes/image.toml"}) ==
        Names{"recipes/image.toml", "recipes/../vmlinux", "recipes/../root/sub", "recipes/../root/sub/deep",
              "recipes/../root/sub/file", "recipes/../more"});
  CHECK(bench.inputs({"--recipe", "@recipes/image.toml", "--variant", "small"}) ==
        Names{"recipes/image.toml", "recipes/../vmlinux", "recipes/../initrd"});
}

TEST_CASE("a depfile changes nothing of the snapshot and its manifest") {
  const Workbench bench;
  const std::vector<std::string> words = {"--kernel",   "@vmlinux",   "-o",
                                          "@image.bin", "--manifest", "@image.json"};
  REQUIRE_OK(bench.build(words));
  CHECK_FALSE(std::filesystem::exists(bench.folder / "image.d"));
  const std::string image = text_of(bench.folder / "image.bin"),
                    manifest = text_of(bench.folder / "image.json");
  std::vector<std::string> with = words;
  with.insert(with.end(), {"--depfile", "@image.d"});
  REQUIRE_OK(bench.build(with));
  CHECK(text_of(bench.folder / "image.bin") == image);
  CHECK(text_of(bench.folder / "image.json") == manifest);
  CHECK(inputs_of(bench.depfile()) == std::vector<std::string>{bench.folder / "vmlinux"});
  // One of an earlier compose stays when there is no snapshot.
  const std::string before = bench.depfile();
  with.insert(with.end(), {"--initrd", "@initrd", "--memory", "1M"});
  CHECK_FALSE(bench.build(with));
  CHECK(bench.depfile() == before);
  CHECK_FALSE(std::filesystem::exists(bench.folder / "image.d.tmp"));
}

TEST_CASE("a depfile replaces nothing that is read or written") {
  const Workbench bench;
  const std::vector<std::string> base = {"--kernel", "@vmlinux", "--initrd-dir", "@root", "-o", "@image.bin"};
  const auto refused = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words = base;
    words.insert(words.end(), more.begin(), more.end());
    return bench.refused(words);
  };
  CHECK(refused({"--depfile", "@vmlinux"}) ==
        bench.folder / "vmlinux: is an input too, and would be replaced: give another depfile");
  for (const char* name : {"@image.bin", "@image.bin.tmp", "@root/../image.bin"})
    CHECK(refused({"--depfile", name}).find(": the depfile would replace the snapshot ") !=
          std::string::npos);
  CHECK(refused({"--manifest", "@image.json", "--depfile", "@image.json"})
            .find(": the depfile would replace the manifest ") != std::string::npos);
  CHECK(refused({"--depfile", "@root/image.d"}).find("would become a part of it") != std::string::npos);
  CHECK(refused({"--depfile", "@none/image.d"}).find("No such file or directory") != std::string::npos);
  CHECK(refused({"--depfile", "@image.d", "--memory", "1M"}).find("give --memory at least") !=
        std::string::npos);
  CHECK(bench.refused({"--kernel", "@vmlinux", "-o", "-", "--depfile", "@image.d"}) ==
        "--depfile says what the output depends on, and standard output has no name: give -o FILE");
  bench.folder.write("image.toml", bytes_of(std::string_view("kernel = 'vmlinux'\n")));
  CHECK(bench.refused({"--recipe", "@image.toml", "-o", "@image.bin", "--depfile", "@image.toml"}) ==
        bench.folder / "image.toml: is the recipe too, and would be replaced: give another depfile");
  bench.folder.write("root/a;b", tiny::elf());
  CHECK(refused({"--depfile", "@image.d"}).find("root/a;b: --depfile cannot name it") != std::string::npos);
}

}  // namespace
}  // namespace tintype
