#include "formats/kernel_zboot.h"

#include "support/kernel_invariants.h"
#include "support/test_main.h"
#include "support/tiny_kernels.h"

using namespace tintype;
using tiny::File;

namespace {

constexpr FileKind kAll[] = {FileKind::gzip, FileKind::lzma, FileKind::xz,
                             FileKind::lzo,  FileKind::lz4,  FileKind::zstd};

std::string error_of(const File& file, std::uint64_t limit = kMaxUnpackedKernel) {
  const auto loaded = load_kernel(file, {.unpack_limit = limit});
  return loaded ? "no error" : loaded.error().message();
}

File patched(File file, std::size_t at, std::initializer_list<std::uint8_t> bytes) {
  std::copy(bytes.begin(), bytes.end(), file.begin() + static_cast<std::ptrdiff_t>(at));
  return file;
}

}  // namespace

TEST_CASE("a zboot kernel's Image is unwrapped from every compression") {
  for (const FileKind kind : kAll)
    for (const bool sized : {false, true}) {
      CAPTURE(*compression_name(kind));
      tiny::ZbootSpec spec = tiny::zboot_spec(kind);
      spec.sized = sized;
      const File file = tiny::zboot(spec);
      CHECK(probe(file).description == "an EFI zboot kernel for AArch64");
      CHECK(is_zboot(file));
      const auto loaded = load_kernel(file);
      REQUIRE_OK(loaded);
      CHECK(broken_invariant(*loaded, file) == "");
      CHECK(loaded->kernel.format == fmt::format("arm64 Image (zboot, {})", *compression_name(kind)));
      CHECK(loaded->kernel.version == "6.99.0-tiny (tests) #1 SMP");
      CHECK(loaded->kernel.is_linux);
      CHECK(loaded->kernel.entry == 0);
      CHECK(loaded->kernel.arm64->image_size == 0x20000);
      CHECK(loaded->unpacked == tiny::arm64_image());
    }
}

TEST_CASE("compressions go by the names of other kernels, too") {
  tiny::ZbootSpec spec = tiny::zboot_spec(FileKind::zstd);
  spec.type = "zstd";
  CHECK(error_of(tiny::zboot(spec)) == "no error");
  spec = tiny::zboot_spec(FileKind::xz);
  spec.type = "xz";
  CHECK(error_of(tiny::zboot(spec)) == "no error");
  spec.type = "brotli\x1B";
  CHECK(error_of(tiny::zboot(spec)) ==
        "zboot header: the compression is named 'brotli?', and Linux names gzip, lz4, lzma, lzo, xzkern and "
        "zstd: the file is damaged, or newer than what is known here (at file offset 0x18)");
  // Without the NUL at its end it is not that name.
  spec.type = "gzip" + std::string(28, 'z');
  CHECK(error_of(tiny::zboot(spec)).starts_with("zboot header: the compression is named 'gzipzz"));
  // What it is named is what it must be.
  spec.type = "gzip";
  CHECK(error_of(tiny::zboot(spec)) ==
        "payload (gzip): the compressed data is damaged: get the file again (at file offset 0x182)");
}

TEST_CASE("zboot kernels for other architectures are refused by name") {
  for (const auto& [machine, what] :
       {std::pair{0x5064,
                  "this is an EFI zboot kernel for RISC-V, and one for AArch64 is the only one that is "
                  "read here: give a kernel for AArch64 or x86_64"},
        std::pair{0x6264,
                  "this is an EFI zboot kernel for LoongArch, and one for AArch64 is the only one that "
                  "is read here: give a kernel for AArch64 or x86_64"},
        std::pair{0x8664,
                  "this is an EFI zboot kernel for x86_64, and one for AArch64 is the only one that is "
                  "read here: give a bzImage"}}) {
    tiny::ZbootSpec spec;
    spec.machine = static_cast<std::uint16_t>(machine);
    CHECK(error_of(tiny::zboot(spec)) == what);
  }
}

TEST_CASE("zboot payloads outside the file, or that are no Image, are refused") {
  const File file = tiny::zboot();
  const std::uint32_t size = *read_at<le32>(file, 12, "payload_size");
  CHECK(error_of(patched(file, 11, {0x80})) ==
        fmt::format("zboot header: the payload's {:#x} bytes at 0x80000180 end at {:#x}, past the end of the "
                    "file at {:#x}: it is cut short (at file offset 0x8)",
                    size, 0x80000180 + std::uint64_t{size}, file.size()));
  CHECK(error_of(patched(file, 12, {0xFF, 0xFF, 0xFF, 0xFF})).starts_with("zboot header: the payload's "));
  CHECK(error_of(patched(file, 12, {0, 0, 0, 0})) ==
        "payload (gzip): the compressed data ends early, with 0 bytes unpacked: the file is cut short (at "
        "file offset 0x180)");
  CHECK(error_of(patched(file, 12, {8, 0, 0, 0})).find("the file is cut short") != std::string::npos);
  // A file that was cut is seen by its section table.
  CHECK(error_of(File(file.begin(), file.end() - 32)).starts_with("PE section .text ends at "));
  tiny::ZbootSpec spec;
  spec.image = tiny::elf();
  CHECK(
      error_of(tiny::zboot(spec)) ==
      "payload (gzip): it holds an ELF64 kernel for x86_64, and that of a zboot kernel for AArch64 holds an "
      "Image: the file is damaged");
  spec.image = tiny::arm64_image({.flags = 1});
  CHECK(error_of(tiny::zboot(spec)) ==
        "payload (gzip): Image header: this is a big-endian kernel, and what starts it here is "
        "little-endian: build it with CONFIG_CPU_LITTLE_ENDIAN=y");
}

TEST_CASE("a bomb in a zboot kernel stops at the limit") {
  for (const FileKind kind : kAll) {
    CAPTURE(*compression_name(kind));
    tiny::ZbootSpec spec = tiny::zboot_spec(kind);
    spec.image.resize(2 * kMiB);
    CHECK(error_of(tiny::zboot(spec), kMiB).find("it unpacks to more than 1048576 bytes") !=
          std::string::npos);
  }
}

TEST_CASE("every prefix and every flipped bit of a zboot kernel is an error or a valid kernel") {
  for (const FileKind kind : kAll) {
    const File file = tiny::zboot(tiny::zboot_spec(kind));
    for (std::size_t size = 0; size < file.size(); ++size) {
      const File prefix(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
      const auto loaded = load_kernel(prefix);
      // Padding at the end is nobody's.
      if (loaded) REQUIRE(broken_invariant(*loaded, prefix) == "");
      if (loaded) REQUIRE(file.size() - size < 32);
    }
    for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
      File flipped = file;
      flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
      const auto loaded = load_kernel(flipped, {.unpack_limit = kMiB});
      if (loaded) REQUIRE(broken_invariant(*loaded, flipped) == "");
    }
  }
}
