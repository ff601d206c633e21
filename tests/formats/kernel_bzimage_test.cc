#include "formats/kernel_bzimage.h"

#include "formats/unpack.h"
#include "support/kernel_invariants.h"
#include "support/test_main.h"
#include "support/tiny_kernels.h"

using namespace tintype;
using tiny::BzImageSpec;
using tiny::File;

namespace {

constexpr FileKind kAll[] = {FileKind::gzip, FileKind::bzip2, FileKind::lzma, FileKind::xz,
                             FileKind::lzo,  FileKind::lz4,   FileKind::zstd};

std::string error_of(const File& file, std::uint64_t limit = kMaxUnpackedKernel) {
  const auto loaded = load_kernel(file, {.unpack_limit = limit});
  return loaded ? "no error" : loaded.error().message();
}

template <typename Change>
File changed(Change change, FileKind kind = FileKind::gzip) {
  BzImageSpec spec = tiny::bzimage_spec(kind);
  change(spec);
  return tiny::bzimage(spec);
}

File patched(File file, std::size_t at, std::initializer_list<std::uint8_t> bytes) {
  std::copy(bytes.begin(), bytes.end(), file.begin() + static_cast<std::ptrdiff_t>(at));
  return file;
}

}  // namespace

TEST_CASE("a bzImage's kernel is unwrapped from every compression") {
  for (const FileKind kind : kAll) {
    CAPTURE(*compression_name(kind));
    const File file = tiny::bzimage(tiny::bzimage_spec(kind));
    const auto loaded = load_kernel(file);
    REQUIRE_OK(loaded);
    CHECK(loaded->kernel.format == fmt::format("bzImage ({})", *compression_name(kind)));
    CHECK(loaded->kernel.version == "6.99.0-tiny (tests) #1");
    CHECK(loaded->kernel.is_linux);
    CHECK(loaded->kernel.entry == kMiB);
    CHECK(loaded->unpacked == tiny::elf());
    REQUIRE(loaded->kernel.segments.size() == 2);
    CHECK(broken_invariant(*loaded, file) == "");
  }
}

TEST_CASE("an uncompressed payload is borrowed from the file") {
  const File file = tiny::bzimage(tiny::bzimage_spec(FileKind::elf64));
  const auto loaded = load_kernel(file);
  REQUIRE_OK(loaded);
  CHECK(loaded->kernel.format == "bzImage (uncompressed)");
  CHECK(loaded->unpacked.empty());
  CHECK(loaded->kernel.segments[0].data.data() == file.data() + tiny::kPayloadOffset + 64 + 2 * 56);
}

TEST_CASE("moving a loaded kernel keeps its segments valid") {
  const File file = tiny::bzimage();
  auto loaded = load_kernel(file);
  REQUIRE_OK(loaded);
  const LoadedKernel moved = std::move(*loaded);
  CHECK(broken_invariant(moved, file) == "");
  CHECK(moved.kernel.segments[0].data[0] == 0xFA);
}

TEST_CASE("what follows the ELF in the payload is ignored, as are Linux's relocations there") {
  const auto with_relocations = [](BzImageSpec& spec) { spec.kernel.insert(spec.kernel.end(), 400, 0x5A); };
  const auto loaded = load_kernel(changed(with_relocations, FileKind::xz));
  REQUIRE_OK(loaded);
  CHECK(loaded->unpacked.size() == tiny::elf().size() + 400);
  CHECK(loaded->kernel.segments.size() == 2);
}

TEST_CASE("the setup header's facts") {
  const File file = tiny::bzimage();
  const auto loaded = load_kernel(file);
  REQUIRE_OK(loaded);
  REQUIRE(loaded->kernel.setup.has_value());
  const SetupFacts& setup = *loaded->kernel.setup;
  CHECK(setup.version == 0x020F);
  CHECK(setup.xloadflags == 1);
  CHECK(setup.cmdline_size == 2047);
  CHECK(setup.initrd_addr_max == 0x7FFFFFFF);
  CHECK(setup.pref_address == kMiB);
  CHECK(setup.init_size == 2 * kMiB);
  CHECK(setup.kernel_alignment == 2 * kMiB);
  CHECK(setup.relocatable);
  // From 0x1F1 to where the jump leads, and not the sentinel before it.
  CHECK(setup.setup_header.data() == file.data() + 0x1F1);
  CHECK(setup.setup_header.size() == 0x26C - 0x1F1);
  const auto params = try_make_boot_params(loaded->kernel, {.cmdline = 0x20000});
  REQUIRE_OK(params);
  CHECK(params->sentinel == 0);
  CHECK(params->hdr.payload_length != 0U);
  CHECK(params->hdr.type_of_loader == 0xFF);
  CHECK(params->hdr.loadflags == 1);
}

TEST_CASE("a later protocol's longer header is copied whole, and a 2.12 one has no kernel_info_offset") {
  const File longer = changed([](BzImageSpec& spec) {
    spec.header.version = std::uint16_t{0x0210};
    spec.header.jump = std::uint16_t{0x7FEB};
  });
  const auto later = load_kernel(longer);
  REQUIRE_OK(later);
  CHECK(later->kernel.setup->setup_header.size() == 0x281 - 0x1F1);
  REQUIRE_OK(try_make_boot_params(later->kernel, {}));
  const File shorter = changed([](BzImageSpec& spec) {
    spec.header.version = std::uint16_t{0x020C};
    spec.header.jump = std::uint16_t{0x66EB};
    spec.header.kernel_info_offset = 0xFFFFFFFFU;
  });
  const auto old = load_kernel(shorter);
  REQUIRE_OK(old);
  CHECK(old->kernel.setup->setup_header.size() == 0x268 - 0x1F1);
  CHECK(try_make_boot_params(old->kernel, {})->hdr.kernel_info_offset == 0U);
}

TEST_CASE("boot protocols without a 64-bit entry point are refused") {
  const auto with_version = [](std::uint16_t version) {
    return changed([&](BzImageSpec& spec) { spec.header.version = version; });
  };
  CHECK(error_of(with_version(0x0205)) ==
        "setup header: boot protocol 2.05 is older than 2.12, the first with a 64-bit entry point (at file "
        "offset 0x206)");
  CHECK(error_of(with_version(0x020B)) ==
        "setup header: boot protocol 2.11 is older than 2.12, the first with a 64-bit entry point (at file "
        "offset 0x206)");
  CHECK(error_of(with_version(0x020C)) == "no error");
  CHECK(error_of(changed([](BzImageSpec& spec) { spec.header.xloadflags = std::uint16_t{0x7E}; })) ==
        "setup header: xloadflags 0x7e has no XLF_KERNEL_64: this is a 32-bit kernel, or one without a "
        "64-bit entry "
        "point; give one built for x86_64 (at file offset 0x236)");
}

TEST_CASE("setup headers that do not add up are refused") {
  const File file = changed([](BzImageSpec&) {});
  CHECK(error_of(patched(file, 0x200, {0xE9})) ==
        "setup header: a short jump over the header is missing: the file is damaged (at file offset 0x200)");
  CHECK(error_of(patched(file, 0x201, {0x80})) ==
        "setup header: a short jump over the header is missing: the file is damaged (at file offset 0x200)");
  CHECK(error_of(patched(file, 0x201, {0x65})) ==
        "setup header: it ends at 0x267, and that of boot protocol 2.12 at 0x268: the file is damaged (at "
        "file offset "
        "0x201)");
  CHECK(error_of(File(file.begin(), file.begin() + 0x220)) ==
        "setup header: the setup header needs 123 bytes at offset 0x1f1, but only 544 bytes exist (at file "
        "offset 0x1f1)");
  const std::uint64_t code = file.size() - 0x400;
  CHECK(error_of(File(file.begin(), file.end() - 16)) ==
        fmt::format("setup header: 1024 bytes of setup and {} bytes of code make {}, and the file has {}: it "
                    "is cut short",
                    code, file.size(), file.size() - 16));
  // setup_sects of 0 means 4.
  CHECK(error_of(patched(file, 0x1F1, {0})).starts_with("setup header: 2560 bytes of setup and "));
}

TEST_CASE("payloads outside the code are refused") {
  const File file = changed([](BzImageSpec&) {});
  const std::uint64_t code = file.size() - 0x400;
  const std::uint32_t length = *read_at<le32>(file, 0x24C, "payload_length");
  CHECK(error_of(patched(file, 0x248, {0, 0, 0, 0x80})) ==
        fmt::format("setup header: the payload's {} bytes at 0x80000000 end at {:#x}, past the end of the "
                    "code at {:#x} (at "
                    "file offset 0x248)",
                    length, 0x80000000 + std::uint64_t{length}, code));
  CHECK(error_of(patched(file, 0x24C, {0xFF, 0xFF, 0xFF, 0xFF})) ==
        fmt::format("setup header: the payload's 4294967295 bytes at 0x40 end at 0x10000003f, past the end "
                    "of the code at "
                    "{:#x} (at file offset 0x248)",
                    code));
  CHECK(error_of(patched(file, 0x24C, {0, 0, 0, 0})) ==
        "setup header: payload_length is 0: there is no kernel in this file (at file offset 0x24c)");
  // The code ends before the file does: a signature may follow, and is no part of the payload.
  CHECK(error_of(patched(file, 0x1F4, {1, 0, 0, 0})).find("past the end of the code at 0x10") !=
        std::string::npos);
  File with_signature = file;
  with_signature.insert(with_signature.end(), 1000, 0x42);
  CHECK(error_of(with_signature) == "no error");
}

TEST_CASE("payloads that are nothing known, too short or not a kernel are refused") {
  CHECK(error_of(changed([](BzImageSpec& spec) { spec.payload = File(64, 1); })) ==
        "payload: it is a file of no known format, and neither compressed with gzip, bzip2, lzma, xz, lzo, "
        "lz4 or zstd nor "
        "an ELF64 kernel (at file offset 0x440)");
  CHECK(error_of(changed([](BzImageSpec& spec) {
          spec.payload = {0x1F, 0x8B, 8};
        })) == "payload (gzip): it has 3 bytes, too few for any compression");
  CHECK(error_of(changed([](BzImageSpec& spec) {
          tiny::ElfSpec other = tiny::elf_spec();
          other.machine = 183;
          spec.kernel = tiny::elf(other);
        })) == "payload: it is a kernel for aarch64, and a bzImage's is for x86_64: the file is damaged");
  CHECK(error_of(changed([](BzImageSpec& spec) { spec.kernel = File(500, 'x'); }, FileKind::zstd)) ==
        "payload (zstd): ELF header: this is a text file, and an ELF kernel for x86_64 or AArch64 is needed");
  // Positions in what was unpacked would be taken for positions in the file.
  CHECK(error_of(changed([](BzImageSpec& spec) { spec.kernel[16] = 3; })).find("file offset") ==
        std::string::npos);
  // Those in an uncompressed payload are positions in the file.
  CHECK(error_of(changed([](BzImageSpec& spec) { spec.kernel[16] = 3; }, FileKind::elf64))
            .ends_with("(at file offset 0x450)"));
}

TEST_CASE("a wrong unpacked size is refused") {
  for (const FileKind kind : kAll) {
    CAPTURE(*compression_name(kind));
    File file = tiny::bzimage(tiny::bzimage_spec(kind));
    const std::uint32_t length = *read_at<le32>(file, 0x24C, "payload_length");
    file[tiny::kPayloadOffset + length - 4] ^= 0x01;
    const std::string error = error_of(file);
    // gzip checks its own.
    if (kind == FileKind::gzip)
      CHECK(error.starts_with("payload (gzip): the compressed data is damaged"));
    else
      CHECK(error ==
            fmt::format("payload ({}): it unpacks to {} bytes, and the file says {}: the file is damaged",
                        *compression_name(kind), tiny::elf().size(), tiny::elf().size() ^ 1));
  }
}

TEST_CASE("a bomb in a payload stops at the limit") {
  for (const FileKind kind : kAll) {
    CAPTURE(*compression_name(kind));
    const File file = changed([](BzImageSpec& spec) { spec.kernel.resize(4 * kMiB); }, kind);
    CHECK(error_of(file, 1 * kMiB) == fmt::format("payload ({}): it unpacks to more than 1048576 bytes (1 "
                                                  "MiB), the most that is accepted of a kernel: "
                                                  "the file is not a kernel or is damaged",
                                                  *compression_name(kind)));
    CHECK(error_of(file, 4 * kMiB) == "no error");
  }
}

TEST_CASE("damage in a payload is placed in the file") {
  for (const FileKind kind : kAll) {
    CAPTURE(*compression_name(kind));
    File file = tiny::bzimage(tiny::bzimage_spec(kind));
    const std::uint32_t length = *read_at<le32>(file, 0x24C, "payload_length");
    // Enough that no literal run hides it.
    for (std::size_t i = 30; i < 60; ++i) file[tiny::kPayloadOffset + i] ^= 0xFF;
    const auto loaded = load_kernel(file);
    REQUIRE_FALSE(loaded.has_value());
    CHECK(loaded.error().context.starts_with(fmt::format("payload ({})", *compression_name(kind))));
    if (loaded.error().offset) {
      CHECK(*loaded.error().offset >= tiny::kPayloadOffset);
      CHECK(*loaded.error().offset <= tiny::kPayloadOffset + length);
    }
  }
}

TEST_CASE("a kernel_version outside the setup code is no version") {
  const File file = changed([](BzImageSpec&) {});
  CHECK(load_kernel(patched(file, 0x20E, {0, 0}))->kernel.version == "6.99.0-tiny (tests) #1 SMP");
  CHECK(load_kernel(patched(file, 0x20E, {0xFF, 0xFF}))->kernel.version == "6.99.0-tiny (tests) #1 SMP");
  CHECK(load_kernel(patched(file, 0x303, {0x1B}))->kernel.version == "6.9");
}

TEST_CASE("every prefix and every flipped bit is an error or a valid kernel") {
  for (const FileKind kind : {FileKind::gzip, FileKind::bzip2, FileKind::lzma, FileKind::xz, FileKind::lzo,
                              FileKind::lz4, FileKind::zstd, FileKind::elf64}) {
    CAPTURE(static_cast<int>(kind));
    const File file = tiny::bzimage(tiny::bzimage_spec(kind));
    for (std::size_t size = 0; size < file.size(); ++size) {
      const File prefix(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
      REQUIRE_FALSE(load_kernel(prefix).has_value());
    }
    for (std::size_t bit = 0; bit < std::min<std::size_t>(file.size(), 4096) * 8; ++bit) {
      const std::size_t at = bit / 8;
      File flipped = file;
      flipped[at] = static_cast<std::uint8_t>(flipped[at] ^ (1U << (bit % 8)));
      const auto loaded = load_kernel(flipped, {.unpack_limit = 1 * kMiB});
      if (loaded) REQUIRE(broken_invariant(*loaded, flipped) == "");
    }
  }
}
