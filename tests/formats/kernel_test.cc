#include "formats/kernel.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "formats/digest.h"
#include "support/kernel_invariants.h"
#include "support/temporary_folder.h"
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

constexpr FileKind kAll[] = {FileKind::gzip, FileKind::bzip2, FileKind::lzma, FileKind::xz,
                             FileKind::lzo,  FileKind::lz4,   FileKind::zstd};

// What a vmlinux consists of, as arch/arm64/kernel/head.S and vmlinux.lds.S arrange it.
constexpr char kVmlinuxSource[] = R"(
        .section .head.text, "ax"
        .global _text
_text:  b start
        .long 0
        .quad 0                 // text_offset
        .long image_size_low, 0
        .quad 0xa               // flags
        .quad 0, 0, 0
        .ascii "ARM\144"
        .long 0
        .text
start:  adrp x0, counter
        wfi
        b start
        .section .rodata, "a"
        .asciz "Linux version 6.99.0-linked (tests) #1"
        .quad start
        .data
        .quad 0x1122334455667788
        .bss
counter: .skip 0x5000
)";
constexpr char kVmlinuxScript[] = R"(
ENTRY(_text)
SECTIONS {
  . = 0xffff800008000000;
  .head.text : { *(.head.text) }
  .text : ALIGN(0x10000) { *(.text) }
  .rodata : ALIGN(0x10000) { *(.rodata) }
  .rela.dyn : { *(.rela .rela*) }
  .dynamic : { *(.dynamic) } .dynsym : { *(.dynsym) } .dynstr : { *(.dynstr) } .hash : { *(.hash .gnu.hash) }
  .data : ALIGN(0x10000) { *(.data) }
  .bss : ALIGN(0x1000) { *(.bss) }
  . = ALIGN(0x1000) + 0x3000;
  _end = .;
  image_size_low = ABSOLUTE(_end - 0xffff800008000000);
  /DISCARD/ : { *(.interp) *(.note*) *(.comment) *(.eh_frame) }
}
)";

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
  constexpr std::string_view kGive =
      ", not a kernel for x86_64 or AArch64: give an ELF64 vmlinux, a bzImage or an arm64 Image, one of "
      "which "
      "Linux installs as vmlinuz";
  CHECK(error_of("") == fmt::format("this is an empty file{}", kGive));
  CHECK(error_of("#!/bin/sh\n") == fmt::format("this is a shell script{}", kGive));
  File arm(64);
  const std::string_view zimage = "\x18\x28\x6F\x01";
  std::copy(zimage.begin(), zimage.end(), arm.begin() + 0x24);
  CHECK(error_of(arm) == fmt::format("this is a Linux zImage for 32-bit Arm{}", kGive));
  File riscv(64);
  const std::string_view rsc = "RSC\x05";
  std::copy(rsc.begin(), rsc.end(), riscv.begin() + 0x38);
  CHECK(error_of(riscv) == fmt::format("this is a Linux kernel Image for RISC-V{}", kGive));
  CHECK(error_of("07070100000000") ==
        "this is a cpio archive (newc), not a kernel for x86_64 or AArch64: give an initrd with --initrd");
  CHECK(error_of(std::string_view("IGVM\2\0\0\0", 8)) ==
        "this is an IGVM file (a snapshot), not a kernel for x86_64 or AArch64: start it with run-snapshot");
  CHECK(error_of("!<arch>\ndebian-binary   ") ==
        "this is a Debian package, not a kernel for x86_64 or AArch64: unpack it with `dpkg-deb -x` and give "
        "its "
        "boot/vmlinuz-*");
  tiny::ElfSpec elf32 = tiny::elf_spec();
  elf32.elf_class = 1;
  elf32.machine = 3;
  CHECK(error_of(tiny::elf(elf32)) ==
        "this is a 32-bit kernel without a PVH entry point (the ELF note XEN_ELFNOTE_PHYS32_ENTRY), the only "
        "way in that 32-bit kernels have here: build it with CONFIG_PVH=y, or for x86_64");
}

TEST_CASE("an Image or an ELF file may be compressed as a whole") {
  for (const FileKind kind : kAll) {
    CAPTURE(*compression_name(kind));
    const File image = tiny::compress(kind, tiny::arm64_image());
    const auto loaded = load_kernel(image);
    REQUIRE_OK(loaded);
    CHECK(broken_invariant(*loaded, image) == "");
    CHECK(loaded->kernel.format == fmt::format("arm64 Image ({})", *compression_name(kind)));
    CHECK(loaded->kernel.version == "6.99.0-tiny (tests) #1 SMP");
    CHECK(loaded->unpacked == tiny::arm64_image());
    const auto elf = load_kernel(tiny::compress(kind, tiny::elf()));
    REQUIRE_OK(elf);
    CHECK(elf->kernel.arch == Arch::x86_64);
    CHECK(elf->kernel.format == fmt::format("ELF64 ({})", *compression_name(kind)));
    CHECK(elf->kernel.entry == kMiB);
    const auto vmlinux = load_kernel(tiny::compress(kind, tiny::arm64_elf()));
    REQUIRE_OK(vmlinux);
    CHECK(vmlinux->kernel.arm64.has_value());
  }
}

TEST_CASE("Linux's builds before 5.18 leave the size behind what they compress") {
  for (const FileKind kind : kAll) {
    CAPTURE(*compression_name(kind));
    const auto size = static_cast<std::uint32_t>(tiny::arm64_image().size());
    for (const std::uint32_t said : {size, size + 1}) {
      File file = tiny::compress(kind, tiny::arm64_image());
      const le32 word(said);
      const Bytes bytes = bytes_of(word);
      file.insert(file.end(), bytes.begin(), bytes.end());
      // gzip has a size of its own.
      if (said == size && kind != FileKind::gzip)
        CHECK(error_of(file) == "no error");
      else
        CHECK(error_of(file).starts_with(*compression_name(kind)));
    }
  }
}

TEST_CASE("compressed files that are damaged, or hold no kernel, are refused") {
  const File packed = tiny::compress(FileKind::gzip, tiny::arm64_image());
  CHECK(error_of(File(packed.begin(), packed.end() - 8)) ==
        fmt::format("gzip: the compressed data ends early, with {} bytes unpacked: the file is cut short (at "
                    "file offset {:#x})",
                    tiny::arm64_image().size(), packed.size() - 8));
  File longer = packed;
  longer.push_back('!');
  CHECK(error_of(longer) == fmt::format("gzip: 1 bytes follow the end of the compressed data, where none "
                                        "should: the file is damaged (at file offset {:#x})",
                                        packed.size()));
  const auto packed_text = [](FileKind kind, std::string_view text) {
    return error_of(tiny::compress(kind, bytes_of(text)));
  };
  CHECK(packed_text(FileKind::gzip, "Hello\n") ==
        "this is a gzip-compressed file, and holds a text file, not a kernel for x86_64 or AArch64: give an "
        "ELF64 vmlinux, a bzImage or an arm64 Image, one of which Linux installs as vmlinuz");
  CHECK(packed_text(FileKind::zstd, "07070100000000") ==
        "this is a Zstandard-compressed file, and holds a cpio archive (newc), not a kernel for x86_64 or "
        "AArch64: give an initrd with --initrd");
  CHECK(error_of(tiny::compress(FileKind::xz, tiny::bzimage())) ==
        "this is an xz-compressed file, and holds a Linux bzImage: unpack it first with `xz -d`");
  CHECK(error_of(tiny::compress(FileKind::lzo, tiny::zboot())) ==
        "this is an LZO-compressed file, and holds an EFI zboot kernel for AArch64: unpack it first with "
        "`lzop -d`");
  CHECK(error_of(tiny::compress(FileKind::lz4, tiny::arm64_image({.flags = 1}))) ==
        "lz4: Image header: this is a big-endian kernel, and what starts it here is little-endian: build it "
        "with CONFIG_CPU_LITTLE_ENDIAN=y");
  const auto bomb = load_kernel(tiny::compress(FileKind::bzip2, File(2 * kMiB)), {.unpack_limit = kMiB});
  REQUIRE_FALSE(bomb.has_value());
  CHECK(bomb.error().message().starts_with("bzip2: it unpacks to more than 1048576 bytes (1 MiB)"));
}

TEST_CASE("only a bzImage can be kept compressed") {
  const auto error = [](const File& file) {
    const auto loaded = load_kernel(file, {.keep_compressed = true});
    return loaded ? "no error" : loaded.error().message();
  };
  CHECK(error(tiny::arm64_image()) ==
        "this is a Linux kernel Image for AArch64, which is not compressed: leave --keep-compressed out");
  CHECK(error(tiny::zboot()) ==
        "this is an EFI zboot kernel for AArch64, and only a bzImage unpacks itself here: leave "
        "--keep-compressed out");
  CHECK(error(tiny::compress(FileKind::gzip, tiny::arm64_image())) ==
        "this is a gzip-compressed file, and only a bzImage unpacks itself here: leave --keep-compressed "
        "out");
}

TEST_CASE("objcopy flattens an AArch64 ELF to the same Image") {
  if (std::system("aarch64-linux-gnu-objcopy --version > /dev/null 2>&1") != 0) {
    skip_test("there is no aarch64-linux-gnu-objcopy: it is in binutils-aarch64-linux-gnu");
    return;
  }
  const TemporaryFolder folder;
  const auto check = [&](const std::string& elf, const std::string& name) {
    CAPTURE(name);
    const std::string image = folder / (name + ".Image").c_str();
    output_of("aarch64-linux-gnu-objcopy -O binary -R .note.gnu.build-id -S " + elf + " " + image);
    const File expected = read_file(image);
    const File file = read_file(elf);
    const auto loaded = load_kernel(file);
    REQUIRE_OK(loaded);
    CHECK(broken_invariant(*loaded, file) == "");
    REQUIRE(loaded->kernel.arm64.has_value());
    File flat;
    for (const KernelSegment& segment : loaded->kernel.segments) {
      if (segment.data.empty()) continue;
      flat.resize(segment.gpa);
      flat.insert(flat.end(), segment.data.begin(), segment.data.end());
    }
    // objcopy ends at the last section's last byte; a segment may end with its padding.
    REQUIRE(flat.size() >= expected.size());
    CHECK(std::all_of(flat.begin() + static_cast<std::ptrdiff_t>(expected.size()), flat.end(),
                      [](std::uint8_t byte) { return byte == 0; }));
    flat.resize(expected.size());
    CHECK(sha256(flat) == sha256(expected));
    CHECK(output_of("file -b " + image)
              .starts_with("Linux kernel ARM64 boot executable Image, little-endian, 4K pages"));
    const auto again = load_kernel(expected);
    REQUIRE_OK(again);
    CHECK(again->kernel.version == loaded->kernel.version);
    CHECK(again->kernel.arm64->image_size == loaded->kernel.arm64->image_size);
  };
  // Linked as Linux is, by the GNU linker: header, code, data, BSS and room that is in no segment.
  folder.write("vmlinux.S", bytes_of(std::string_view(kVmlinuxSource)));
  folder.write("vmlinux.lds", bytes_of(std::string_view(kVmlinuxScript)));
  const std::string base = (folder.path / "vmlinux").string();
  output_of("aarch64-linux-gnu-gcc -c -o " + base + ".o " + base + ".S");
  output_of("aarch64-linux-gnu-ld -z noexecstack -T " + base + ".lds -o " + base + ".exec " + base + ".o");
  check(base + ".exec", "exec");
  output_of("aarch64-linux-gnu-ld -z noexecstack -shared -Bsymbolic -z notext -T " + base + ".lds -o " +
            base + ".dyn " + base + ".o");
  check(base + ".dyn", "dyn");
}

TEST_CASE("Debian's arm64 kernel loads, compressed by every tool") {
  const std::filesystem::path path = assets() / "arm64" / "vmlinuz";
  if (!std::filesystem::exists(path)) {
    skip_test(
        "no arm64/vmlinuz in build/assets or $TINTYPE_ASSETS: samples/fetch-debian-kernel.sh fetches it");
    return;
  }
  const File file = read_file(path);
  const auto loaded = load_kernel(file);
  REQUIRE_OK(loaded);
  CHECK(broken_invariant(*loaded, file) == "");
  CHECK(loaded->kernel.format == "arm64 Image");
  CHECK(loaded->kernel.is_linux);
  CHECK(loaded->kernel.version.find("debian-kernel@lists.debian.org") != std::string::npos);
  CHECK(loaded->kernel.version.find(") #1 SMP ") != std::string::npos);
  CHECK(loaded->kernel.arm64->page_size == 4096);
  CHECK(loaded->kernel.arm64->anywhere);
  CHECK(loaded->kernel.arm64->image_size >= file.size());
  CHECK(output_of("file -b " + path.string())
            .starts_with("Linux kernel ARM64 boot executable Image, little-endian, 4K pages"));
  const TemporaryFolder folder;
  const std::pair<std::string, std::string> tools[] = {
      {"gzip -1", "gzip"}, {"bzip2 -1", "bzip2"}, {"xz -0 --format=lzma", "lzma"},
      {"xz -0", "xz"},     {"lzop -1", "lzo"},    {"lz4 -l", "lz4"},
      {"zstd -1", "zstd"}};
  for (const auto& command : tools) {
    const std::string& tool = command.first;
    const std::string& name = command.second;
    CAPTURE(tool);
    if (std::system((tool.substr(0, tool.find(' ')) + " --version > /dev/null 2>&1").c_str()) != 0) {
      MESSAGE("not installed: ", tool);
      continue;
    }
    const std::string packed_path = folder / name.c_str();
    output_of(fmt::format("{} -c < {} > {}", tool, path.string(), packed_path));
    const File packed = read_file(packed_path);
    const auto unpacked = load_kernel(packed);
    REQUIRE_OK(unpacked);
    CHECK(unpacked->kernel.format == fmt::format("arm64 Image ({})", name));
    CHECK(unpacked->kernel.version == loaded->kernel.version);
    CHECK(sha256(unpacked->unpacked) == sha256(file));
  }
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
