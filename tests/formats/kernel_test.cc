#include "formats/kernel.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "formats/digest.h"
#include "support/kernel_invariants.h"
#include "support/test_main.h"
#include "support/tiny_kernels.h"

using namespace tintype;
using tiny::File;

namespace {

std::string error_of(const File& file) {
  const auto loaded = load_kernel(file);
  return loaded ? "no error" : loaded.error().message();
}
std::string error_of(std::string_view text) {
  return error_of(File(text.begin(), text.end()));
}

// Where samples/fetch-debian-kernel.sh leaves kernels: TINTYPE_ASSETS, or build/assets of the source tree.
std::filesystem::path assets() {
  const char* folder = std::getenv("TINTYPE_ASSETS");
  return folder ? folder : TINTYPE_TESTS_DIR "/../build/assets";
}

// The bzImages among them: FLAVOUR/vmlinuz.
std::vector<std::filesystem::path> debian_bzimages() {
  const std::filesystem::path from = assets();
  std::vector<std::filesystem::path> found;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(from, missing))
    if (entry.path().filename() != "arm64" && std::filesystem::exists(entry.path() / "vmlinuz"))
      found.push_back(entry.path() / "vmlinuz");
  std::sort(found.begin(), found.end());
  return found;
}

File read_file(const std::filesystem::path& path) {
  File bytes(std::filesystem::file_size(path));
  std::ifstream(path, std::ios::binary)
      .read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  char buffer[65536];
  while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, count);
  REQUIRE_MESSAGE(pclose(pipe) == 0, command);
  return text;
}

// The payload's file, as the tool of its compression unpacks it. Offsets are boot.rst's, read here by hand.
std::string unpacked_by_tool(const File& file, const std::string& format,
                             const std::filesystem::path& folder) {
  const std::size_t setup = (file[0x1F1] + 1U) * 512;
  const std::uint32_t offset = *read_at<le32>(file, 0x248, "payload_offset");
  const std::uint32_t length = *read_at<le32>(file, 0x24C, "payload_length");
  std::ofstream(folder / "packed", std::ios::binary)
      .write(reinterpret_cast<const char*>(file.data() + setup + offset), length - 4);
  const std::string tool = format == "bzImage (lz4)" ? "lz4" : format == "bzImage (zstd)" ? "zstd" : "xz";
  output_of(tool + " -dc < " + (folder / "packed").string() + " > " + (folder / "vmlinux").string());
  return (folder / "vmlinux").string();
}

// `readelf -lW`: "  LOAD 0xOFFSET 0xVIRT 0xPHYS 0xFILESZ 0xMEMSZ ..." and "Entry point 0x...".
struct ReadelfSays {
  std::uint64_t entry = 0;
  struct Line {
    std::uint64_t offset, gpa, file_size, memory_size;
  };
  std::vector<Line> loads;
};

ReadelfSays readelf(const std::string& path) {
  std::istringstream text(output_of("readelf -lW " + path + " 2>/dev/null"));
  ReadelfSays says;
  for (std::string line; std::getline(text, line);) {
    std::istringstream words(line);
    std::string word, vaddr;
    words >> word;
    if (word == "Entry") says.entry = std::stoull(line.substr(line.rfind(' ') + 1), nullptr, 16);
    if (word != "LOAD") continue;
    ReadelfSays::Line load{};
    words >> std::hex >> load.offset >> vaddr >> load.gpa >> load.file_size >> load.memory_size;
    says.loads.push_back(load);
  }
  return says;
}

void check_against_tools(const std::filesystem::path& path) {
  CAPTURE(path.string());
  const File file = read_file(path);
  const auto loaded = load_kernel(file);
  REQUIRE_OK(loaded);
  const Kernel& kernel = loaded->kernel;
  CHECK(broken_invariant(*loaded, file) == "");
  CHECK(kernel.is_linux);
  CHECK(kernel.version.find("debian-kernel@lists.debian.org") != std::string::npos);
  CHECK(kernel.setup->version == 0x020F);
  const auto folder =
      std::filesystem::temp_directory_path() / fmt::format("tintype-kernel-{}", path.filename().string());
  std::filesystem::create_directories(folder);
  const std::string vmlinux = unpacked_by_tool(file, kernel.format, folder);
  const File elf = read_file(vmlinux);
  REQUIRE(elf.size() == loaded->unpacked.size());
  CHECK(sha256(elf) == sha256(loaded->unpacked));
  const ReadelfSays says = readelf(vmlinux);
  CHECK(kernel.entry == says.entry);
  REQUIRE(kernel.segments.size() == says.loads.size());
  for (std::size_t i = 0; i < says.loads.size(); ++i) {
    CAPTURE(i);
    CHECK(kernel.segments[i].gpa == says.loads[i].gpa);
    CHECK(kernel.segments[i].memory_size == says.loads[i].memory_size);
    CHECK(kernel.segments[i].data.size() == says.loads[i].file_size);
    CHECK(sha256(kernel.segments[i].data) ==
          sha256(Bytes(elf).subspan(says.loads[i].offset, says.loads[i].file_size)));
  }
  // The vmlinux on its own gives the same kernel, borrowed from its file.
  const auto plain = load_kernel(elf);
  REQUIRE_OK(plain);
  CHECK(plain->unpacked.empty());
  CHECK(plain->kernel.is_linux);
  CHECK(plain->kernel.entry == kernel.entry);
  CHECK(plain->kernel.version.starts_with(kernel.version.substr(0, kernel.version.find(' '))));
  std::filesystem::remove_all(folder);
}

}  // namespace

TEST_CASE("files that are no kernel are refused by name, with what to do") {
  CHECK(error_of("") ==
        "this is an empty file, not a kernel for x86_64: give an ELF64 vmlinux or a bzImage, which Linux "
        "installs as vmlinuz");
  CHECK(error_of("#!/bin/sh\n") ==
        "this is a shell script, not a kernel for x86_64: give an ELF64 vmlinux or a bzImage, which Linux "
        "installs as "
        "vmlinuz");
  CHECK(error_of("07070100000000") ==
        "this is a cpio archive (newc), not a kernel for x86_64: give an initrd with --initrd");
  CHECK(error_of(std::string_view("IGVM\2\0\0\0", 8)) ==
        "this is an IGVM file (a snapshot), not a kernel for x86_64: start it with run-snapshot");
  CHECK(error_of("!<arch>\ndebian-binary   ") ==
        "this is a Debian package, not a kernel for x86_64: unpack it with `dpkg-deb -x` and give its "
        "boot/vmlinuz-*");
  CHECK(error_of(tiny::compress(FileKind::xz, tiny::elf())) ==
        "this is an xz-compressed file, not a kernel for x86_64: unpack it first with `xz -d`");
  CHECK(error_of(tiny::compress(FileKind::lzo, tiny::elf())) ==
        "this is an LZO-compressed file, not a kernel for x86_64: unpack it first with `lzop -d`");
  tiny::ElfSpec elf32 = tiny::elf_spec();
  elf32.elf_class = 1;
  elf32.machine = 3;
  CHECK(error_of(tiny::elf(elf32)) ==
        "this is a 32-bit kernel without a PVH entry point (the ELF note XEN_ELFNOTE_PHYS32_ENTRY), the only "
        "way in that 32-bit kernels have here: build it with CONFIG_PVH=y, or for x86_64");
}

TEST_CASE("Debian's bzImages load as lz4, xz and readelf see them") {
  const auto paths = debian_bzimages();
  if (paths.empty()) {
    skip_test(
        "no FLAVOUR/vmlinuz in build/assets or $TINTYPE_ASSETS: samples/fetch-debian-kernel.sh fetches them");
    return;
  }
  for (const auto& path : paths) check_against_tools(path);
}
