#include "formats/uki.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "formats/pe.h"
#include "support/temporary_folder.h"
#include "support/test_main.h"
#include "support/tiny_kernels.h"
#include "support/tiny_pe.h"

using namespace tintype;
using tiny::File;
using tiny::PeSpec;
using tiny::text_section;

namespace {

std::string error_of(const File& file, std::optional<unsigned> profile = std::nullopt) {
  const auto uki = read_uki(file, profile);
  return uki ? "no error" : uki.error().message();
}

std::string text_of(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}
std::string text_of(std::optional<Bytes> bytes) {
  return bytes ? text_of(*bytes) : "(none)";
}

PeSpec minimal(std::vector<tiny::PeSectionSpec> more = {}) {
  PeSpec spec;
  spec.sections = {text_section(".linux", "kernel")};
  spec.sections.insert(spec.sections.end(), more.begin(), more.end());
  return spec;
}

// The command line that `text` in .cmdline comes to, or the error.
std::string command_line(std::string_view text) {
  const auto uki = read_uki(tiny::pe(minimal({text_section(".cmdline", text)})), std::nullopt);
  return uki ? uki->cmdline.value_or("(none)") : uki.error().message();
}

// PRETTY_NAME of an os-release file.
std::string pretty_name(std::string_view text) {
  const auto uki = read_uki(tiny::pe(minimal({text_section(".osrel", text)})), std::nullopt);
  return uki ? uki->os : uki.error().message();
}

bool inside(Bytes part, const File& file) {
  return !part.empty() && part.data() >= file.data() &&
         part.data() + part.size() <= file.data() + file.size();
}

bool readable(const std::string& text) {
  return text.size() <= kMaxUkiText &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7E; });
}

// What holds for every Uki.
bool sound(const Uki& uki, const File& file) {
  if (uki.linux.empty() || uki.linux.data() != file.data() + uki.linux_offset) return false;
  for (const auto& part : {std::optional<Bytes>(uki.linux), uki.initrd, uki.ucode, uki.dtb})
    if (part && !inside(*part, file)) return false;
  for (const UkiProfile& profile : uki.profiles)
    if (!readable(profile.id) || !readable(profile.title)) return false;
  if (uki.profile != 0 && uki.profile >= uki.profiles.size()) return false;
  return readable(uki.os) && readable(uki.uname) && (!uki.cmdline || !uki.cmdline->empty());
}

}  // namespace

TEST_CASE("every section of a unified kernel image, for its default profile") {
  const File file = tiny::pe(tiny::uki_spec());
  const auto uki = read_uki(file, std::nullopt);
  REQUIRE_OK(uki);
  // Like ukify's, it is longer in memory, so its padding is in it.
  CHECK(text_of(uki->linux) == std::string(33, 'L') + std::string(31, '\0'));
  CHECK(uki->linux.data() == file.data() + uki->linux_offset);
  CHECK(text_of(uki->initrd) == "initial RAM disk");
  CHECK(uki->cmdline == "console=ttyS0 quiet");
  CHECK(text_of(uki->ucode) == "microcode");
  CHECK(text_of(uki->dtb) == "device tree");
  CHECK(uki->os == "Tiny OS \"7\"");
  CHECK(uki->uname == "6.99.0-tiny");
  REQUIRE(uki->profiles.size() == 2);
  CHECK(uki->profiles[0].id == "main");
  CHECK(uki->profiles[0].title == "Regular boot");
  CHECK(uki->profiles[1].id == "debug");
  CHECK(uki->profiles[1].title == "With a shell");
  CHECK(uki->profile == 0);
}

TEST_CASE("a profile's sections override the base's, and only its own") {
  PeSpec spec = tiny::uki_spec();
  spec.sections.push_back(text_section(".initrd", "another"));
  spec.sections.push_back(text_section(".profile", "TITLE=Third"));
  spec.sections.push_back({.name = ".initrd", .data = {}});
  spec.sections.push_back(text_section(".linux", "third kernel"));
  const File file = tiny::pe(spec);
  const auto first = read_uki(file, 0);
  REQUIRE_OK(first);
  CHECK(first->cmdline == "console=ttyS0 quiet");
  CHECK(text_of(first->initrd) == "initial RAM disk");
  const auto second = read_uki(file, 1);
  REQUIRE_OK(second);
  CHECK(second->profile == 1);
  CHECK(second->cmdline == "console=ttyS0 debug");
  CHECK(text_of(second->initrd) == "another");
  CHECK(text_of(second->ucode) == "microcode");
  CHECK(text_of(second->linux).starts_with(std::string(33, 'L')));
  const auto third = read_uki(file, 2);
  REQUIRE_OK(third);
  CHECK(third->cmdline == "console=ttyS0 quiet");
  // Empty, it hides the base's.
  CHECK(text_of(third->initrd) == "(none)");
  CHECK(text_of(third->linux) == "third kernel");
  CHECK(third->profiles.size() == 3);
  CHECK(third->profiles[2].id.empty());
  CHECK(third->profiles[2].title == "Third");
}

TEST_CASE("a kernel alone is a unified kernel image, and has profile 0") {
  const File file = tiny::pe(minimal());
  for (const std::optional<unsigned> profile : {std::optional<unsigned>(), std::optional<unsigned>(0)}) {
    const auto uki = read_uki(file, profile);
    REQUIRE_OK(uki);
    CHECK(text_of(uki->linux) == "kernel");
    CHECK_FALSE(uki->initrd.has_value());
    CHECK_FALSE(uki->cmdline.has_value());
    CHECK_FALSE(uki->ucode.has_value());
    CHECK_FALSE(uki->dtb.has_value());
    CHECK(uki->os.empty());
    CHECK(uki->uname.empty());
    CHECK(uki->profiles.empty());
    CHECK(uki->profile == 0);
  }
}

TEST_CASE("a profile that is not there is refused with those that are") {
  const File file = tiny::pe(tiny::uki_spec());
  CHECK(error_of(file, 2) ==
        "profile 2 was asked for, and the image has 2 (0 'main', 1 'debug'): choose one of them");
  CHECK(error_of(file, 0xFFFFFFFF) ==
        "profile 4294967295 was asked for, and the image has 2 (0 'main', 1 'debug'): choose one of them");
  CHECK(error_of(tiny::pe(minimal()), 1) ==
        "profile 1 was asked for, and the image has no profiles: leave out --profile");
  PeSpec spec = minimal({text_section(".profile", "TITLE=Untitled"), text_section(".profile", "")});
  for (int i = 2; i < 10; ++i)
    spec.sections.push_back(text_section(".profile", "ID=" + std::string(99, 'x')));
  const std::string name(40, 'x');
  CHECK(error_of(tiny::pe(spec), 10) ==
        fmt::format("profile 10 was asked for, and the image has 10 (0 'Untitled', 1, 2 '{0}', 3 '{0}', 4 "
                    "'{0}', 5 '{0}', 6 '{0}', 7 '{0}', ...): choose one of them",
                    name));
  CHECK(error_of(tiny::pe(spec), 9) == "no error");
}

TEST_CASE("an image without a kernel is refused") {
  PeSpec spec = tiny::uki_spec();
  spec.sections.erase(spec.sections.begin() + 7);
  CHECK(error_of(tiny::pe(spec)) == "not a unified kernel image: it has no .linux section");
  CHECK(error_of(tiny::pe(spec), 7) == "not a unified kernel image: it has no .linux section");
  spec = minimal();
  spec.sections[0].data.clear();
  CHECK(error_of(tiny::pe(spec)) ==
        "not a unified kernel image: its .linux section is empty, so there is no kernel in it");
  // Only the second profile has one.
  spec.sections = {text_section(".profile", "ID=a"), text_section(".profile", "ID=b"),
                   text_section(".linux", "kernel")};
  CHECK(error_of(tiny::pe(spec)) ==
        "profile 0 has no .linux section, and neither has the base of all profiles: choose another with "
        "--profile, of 2 (0 'a', 1 'b')");
  CHECK(error_of(tiny::pe(spec), 1) == "no error");
  CHECK(error_of(File(10)).starts_with("PE header: the DOS header needs 64 bytes"));
}

TEST_CASE("a section that there may be one of is refused twice, in a profile and in the base") {
  for (const std::string name : {".linux", ".initrd", ".cmdline", ".ucode", ".osrel", ".uname"}) {
    CAPTURE(name);
    PeSpec spec = minimal({text_section(name, "1"), text_section(name, "2")});
    const unsigned count = name == ".linux" ? 3 : 2;
    CHECK(error_of(tiny::pe(spec)) ==
          fmt::format("there are {} sections {} before the first profile, and a unified kernel image has at "
                      "most one: build it again with one of them",
                      count, name));
    spec = minimal({text_section(".profile", ""), text_section(name, "1"), text_section(".profile", ""),
                    text_section(name, "2"), text_section(name, "3")});
    CHECK(error_of(tiny::pe(spec), 0) == "no error");
    CHECK(error_of(tiny::pe(spec), 1) ==
          fmt::format("there are 2 sections {} in profile 1, and a unified kernel image has at most one: "
                      "build it again with one of them",
                      name));
  }
}

TEST_CASE("of several device trees the first is taken, and a .dtbauto is none") {
  const File file = tiny::pe(
      minimal({text_section(".dtbauto", "0"), text_section(".dtb", "1"), text_section(".dtb", "2")}));
  CHECK(text_of(read_uki(file, std::nullopt)->dtb) == "1");
}

TEST_CASE("a kernel may need more memory than it has bytes, another section may not") {
  PeSpec spec = minimal({text_section(".initrd", "0123456789")});
  spec.sections[0].virtual_size = 0x1000000;
  const File file = tiny::pe(spec);
  const auto uki = read_uki(file, std::nullopt);
  REQUIRE_OK(uki);
  // With its padding: where it ends is not stated anywhere.
  CHECK(text_of(uki->linux) == "kernel" + std::string(26, '\0'));
  for (const std::string name : {".initrd", ".cmdline", ".ucode", ".osrel", ".uname", ".dtb"}) {
    spec.sections[1].name = name;
    spec.sections[1].virtual_size = 0x21;
    CHECK(
        error_of(tiny::pe(spec)) ==
        fmt::format("PE section {} has 0x21 bytes in memory and only 0x20 in the file: build the image again",
                    name));
  }
  // Nothing else is of interest.
  spec.sections[1].name = ".splash";
  CHECK(error_of(tiny::pe(spec)) == "no error");
}

TEST_CASE("a command line comes as systemd-stub passes it on") {
  CHECK(command_line("quiet") == "quiet");
  CHECK(command_line(" \t\r\nquiet\r\n \n") == "quiet");
  CHECK(command_line("a\tb\r\n\x1B\x7F"
                     "c") == "a b    c");
  CHECK(command_line("  a   b  ") == "a   b");
  CHECK(command_line(std::string_view("one\0two", 7)) == "one");
  CHECK(command_line(std::string_view("one \n\0\0\0", 8)) == "one");
  CHECK(command_line("") == "(none)");
  CHECK(command_line(" \n") == "(none)");
  CHECK(command_line(std::string_view("\0quiet", 6)) == "(none)");
  CHECK(command_line("\"quoted words\" \\n ~!") == "\"quoted words\" \\n ~!");
  CHECK(command_line("  root=\xC3\xBC") ==
        "the command line in .cmdline has a byte 0xc3, which is not ASCII: build the image with one of ASCII "
        "characters (at file offset 0x207)");
  // After a NUL nothing is read.
  CHECK(command_line(std::string_view("one\0\xC3", 5)) == "one");
  CHECK(command_line(std::string(kMaxUkiCommandLine, 'a') + "\n").size() == kMaxUkiCommandLine);
  CHECK(command_line(std::string(kMaxUkiCommandLine + 1, 'a')) ==
        "the command line in .cmdline has 65537 bytes, and at most 65536 are taken: build the image with a "
        "shorter one (at file offset 0x200)");
}

TEST_CASE("the name of an operating system comes as a shell would read it") {
  CHECK(pretty_name("PRETTY_NAME=Tiny") == "Tiny");
  CHECK(pretty_name("PRETTY_NAME=\"Tiny OS 1\"\n") == "Tiny OS 1");
  CHECK(pretty_name("PRETTY_NAME='Tiny \"OS\" \\\\'\r\n") == "Tiny \"OS\" \\\\");
  CHECK(pretty_name("PRETTY_NAME=\"a \\\"b\\\" \\$c \\\\ \\d\"") == "a \"b\" $c \\ \\d");
  CHECK(pretty_name("  PRETTY_NAME= Tiny OS \t\n") == "Tiny OS");
  CHECK(pretty_name("PRETTY_NAME=\"unfinished") == "unfinished");
  CHECK(pretty_name("PRETTY_NAME=\"") == "");
  CHECK(pretty_name("PRETTY_NAME=\"\\") == "\\");
  CHECK(pretty_name("PRETTY_NAME=") == "");
  CHECK(pretty_name("PRETTY_NAME") == "");
  CHECK(pretty_name("#PRETTY_NAME=no\nXPRETTY_NAME=no\nPRETTY_NAMES=no\n") == "");
  CHECK(pretty_name("PRETTY_NAME=first\n\n\nPRETTY_NAME=last\n") == "last");
  CHECK(pretty_name(std::string_view("PRETTY_NAME=a\0b", 15)) == "a");
  // Nothing that a terminal obeys.
  CHECK(pretty_name("PRETTY_NAME=\"\x1B[2J\xC2\x9B\tx\"") == "?[2J???x");
  CHECK(pretty_name("PRETTY_NAME=" + std::string(10000, 'x')) == std::string(kMaxUkiText, 'x'));
  CHECK(pretty_name("PRETTY_NAME='" + std::string(10000, 'x')) == std::string(kMaxUkiText, 'x'));
}

TEST_CASE("a release and a profile's names are made printable, too") {
  const File file = tiny::pe(minimal(
      {text_section(".uname", " 6.1\x1B[31m \n"), text_section(".profile", "TITLE=\"\a\"\nID=\x9B\n")}));
  const auto uki = read_uki(file, std::nullopt);
  REQUIRE_OK(uki);
  CHECK(uki->uname == "6.1?[31m");
  CHECK(uki->profiles.at(0).id == "?");
  CHECK(uki->profiles.at(0).title == "?");
}

TEST_CASE("every prefix and every flipped bit is an error or a valid image") {
  const File file = tiny::pe(tiny::uki_spec());
  const PeFile whole = *read_pe(file);
  // What follows the last section's bytes is padding.
  const std::uint64_t last = whole.sections.back().offset + whole.sections.back().data.size();
  for (std::size_t size = 0; size < file.size(); ++size) {
    CAPTURE(size);
    const File prefix(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
    const auto uki = read_uki(prefix, 1);
    REQUIRE(uki.has_value() == (size >= last));
    if (uki) REQUIRE(sound(*uki, prefix));
  }
  std::size_t errors = 0;
  for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
    CAPTURE(bit);
    File flipped = file;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
    const auto uki = read_uki(flipped, 1);
    if (uki)
      REQUIRE(sound(*uki, flipped));
    else
      ++errors;
  }
  // The offset and the two sizes of each of 12 sections have more bits that matter than this.
  CHECK(errors > 400);
}

namespace {

constexpr char kStub[] = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub";

// Whether binutils and a stub are here; if not, the running test is reported as skipped.
bool have_objcopy() {
  if (std::system("objcopy --info 2>/dev/null | grep -q pei-x86-64") != 0)
    return skip_test("objcopy is not here or does not know pei-x86-64 (Debian package binutils)"), false;
  if (!std::filesystem::exists(kStub))
    return skip_test(std::string(kStub) + " is not here (Debian package systemd-boot-efi)"), false;
  return true;
}

void objcopy(const std::string& arguments) {
  CAPTURE(arguments);
  REQUIRE(std::system(("objcopy " + arguments).c_str()) == 0);
}

File file_of(const std::string& path) {
  const std::string text = ::text_of(path);
  return {text.begin(), text.end()};
}

// Bytes without a pattern, the same each time.
File noise(std::size_t size) {
  File bytes(size);
  std::uint32_t state = 12345;
  for (std::uint8_t& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<std::uint8_t>(state >> 24);
  }
  return bytes;
}

// A stub with sections added by objcopy, at rising addresses: the table of a PE file is in their order. For
// objcopy each needs a name of its own, and may get its real one afterwards.
struct BuiltUki {
  TemporaryFolder folder;
  std::string add;
  std::string rename;
  std::uint64_t address = 0x100000;

  void section(const char* name, Bytes bytes, const char* real_name = nullptr) {
    add += fmt::format(" --add-section {0}='{1}' --change-section-vma {0}={2:#x}", name,
                       folder.write(name, bytes), address);
    address += bytes.size() / 0x10000 * 0x10000 + 0x10000;
    if (real_name != nullptr) rename += fmt::format(" --rename-section {}={}", name, real_name);
  }
  void section(const char* name, std::string_view text, const char* real_name = nullptr) {
    section(name, bytes_of(text), real_name);
  }
  // The image's path.
  std::string build() {
    const std::string path = folder / "image.efi";
    objcopy(fmt::format("{} {} '{}'", add, kStub, path));
    if (!rename.empty()) objcopy(fmt::format("{} '{}'", rename, path));
    return path;
  }
};

}  // namespace

TEST_CASE("a real image, built by objcopy from systemd's stub, has in it what objcopy finds") {
  if (!have_objcopy()) return;
  BuiltUki built;
  const File kernel = noise(300001);
  const File initrd = noise(70000);
  const File microcode = noise(512);
  built.section(".osrel", "NAME=Tiny\nPRETTY_NAME=\"Tiny OS\"\n");
  built.section(".uname", "6.99.0-tiny\n");
  built.section(".cmdline", "console=ttyS0\troot=/dev/vda\n");
  built.section(".ucode", microcode);
  built.section(".initrd", initrd);
  built.section(".linux", kernel);
  const std::string path = built.build();

  const File file = file_of(path);
  const auto uki = read_uki(file, std::nullopt);
  REQUIRE_OK(uki);
  CHECK(std::ranges::equal(uki->linux, kernel));
  REQUIRE(uki->initrd.has_value());
  CHECK(std::ranges::equal(*uki->initrd, initrd));
  REQUIRE(uki->ucode.has_value());
  CHECK(std::ranges::equal(*uki->ucode, microcode));
  CHECK(uki->cmdline == "console=ttyS0 root=/dev/vda");
  CHECK(uki->os == "Tiny OS");
  CHECK(uki->uname == "6.99.0-tiny");
  CHECK(uki->profiles.empty());

  // The stub's own sections, and ours.
  const auto pe = read_pe(file);
  REQUIRE_OK(pe);
  CHECK(pe->machine == 0x8664);
  CHECK(pe->sections.size() >= 6 + 3);
  for (const PeSection& section : pe->sections) {
    CAPTURE(section.name);
    const std::string extracted = built.folder / "extracted";
    objcopy(fmt::format("-O binary --only-section={} '{}' '{}'", section.name, path, extracted));
    const File judged = file_of(extracted);
    CHECK(!judged.empty());
    CHECK(std::ranges::equal(section.data, judged));
  }
}

TEST_CASE("a real image with two profiles, built by objcopy, has each profile's sections") {
  if (!have_objcopy()) return;
  BuiltUki built;
  const File kernel = noise(5000);
  const File initrd = noise(3000);
  const File other_initrd = noise(4000);
  built.section(".linux", kernel);
  built.section(".initrd", initrd);
  built.section(".cmdline", "console=ttyS0 quiet");
  built.section(".one", "ID=main\nTITLE=\"Regular boot\"\n", ".profile");
  built.section(".two", "ID=debug\nTITLE='With a shell'\n", ".profile");
  built.section(".two_cmd", "console=ttyS0 debug", ".cmdline");
  built.section(".two_ird", other_initrd, ".initrd");
  const File file = file_of(built.build());

  const auto first = read_uki(file, std::nullopt);
  REQUIRE_OK(first);
  CHECK(std::ranges::equal(first->linux, kernel));
  CHECK(first->cmdline == "console=ttyS0 quiet");
  CHECK(std::ranges::equal(first->initrd.value(), initrd));
  REQUIRE(first->profiles.size() == 2);
  CHECK(first->profiles[0].id == "main");
  CHECK(first->profiles[0].title == "Regular boot");
  CHECK(first->profiles[1].id == "debug");
  CHECK(first->profiles[1].title == "With a shell");
  const auto second = read_uki(file, 1);
  REQUIRE_OK(second);
  CHECK(std::ranges::equal(second->linux, kernel));
  CHECK(second->cmdline == "console=ttyS0 debug");
  CHECK(std::ranges::equal(second->initrd.value(), other_initrd));
  CHECK(error_of(file, 2) ==
        "profile 2 was asked for, and the image has 2 (0 'main', 1 'debug'): choose one of them");
}

TEST_CASE("an image is for its machine, and so is its kernel") {
  const auto with = [](std::uint16_t machine, const File& kernel) {
    PeSpec spec;
    spec.machine = machine;
    spec.sections = {{.name = ".linux", .data = kernel}};
    return tiny::pe(spec);
  };
  for (const File& kernel : {tiny::arm64_image(), tiny::zboot(), tiny::arm64_elf()}) {
    const File file = with(0xAA64, kernel);
    const auto uki = read_uki(file, std::nullopt);
    REQUIRE_OK(uki);
    CHECK(uki->arch == Arch::aarch64);
    const auto loaded = load_kernel(uki->linux);
    REQUIRE_OK(loaded);
    CHECK(loaded->kernel.arm64->text_offset == 0);
  }
  CHECK(read_uki(with(0x8664, tiny::bzimage()), std::nullopt)->arch == Arch::x86_64);
  CHECK(
      error_of(with(0x8664, tiny::arm64_image())) ==
      "section .linux: this is a Linux kernel Image for AArch64, in a unified kernel image for x86_64: build "
      "the image again with a kernel for x86_64 (at file offset 0x1c0)");
  CHECK(
      error_of(with(0xAA64, tiny::bzimage())) ==
      "section .linux: this is a Linux bzImage, in a unified kernel image for AArch64: build the image again "
      "with a kernel for AArch64 (at file offset 0x1c0)");
  CHECK(error_of(with(0x5064, tiny::arm64_image())) ==
        "PE header: this is a unified kernel image for RISC-V, and one for x86_64 or AArch64 is needed");
}
