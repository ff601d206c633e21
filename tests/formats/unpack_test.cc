#include "formats/unpack.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "support/test_main.h"
#include "support/tiny_kernels.h"

using namespace tintype;
using tiny::File;

namespace {

constexpr FileKind kAll[] = {FileKind::gzip, FileKind::bzip2, FileKind::lzma, FileKind::xz,
                             FileKind::lzo,  FileKind::lz4,   FileKind::zstd};

File read_vector(const std::string& name) {
  std::ifstream stream(std::string(TINTYPE_TESTS_DIR "/vectors/packed/") + name, std::ios::binary);
  REQUIRE(stream.good());
  return {std::istreambuf_iterator<char>(stream), {}};
}

// As tests/vectors/packed/README.md says.
File numbers() {
  std::string text;
  for (int i = 1; i <= 500; ++i) text += std::to_string(i) + "\n";
  File bytes(text.begin(), text.end());
  for (std::uint8_t i = 0; i < 64; ++i) bytes.insert(bytes.end(), {0xE8, i, 0, 0, 0});
  return bytes;
}

// Bytes that no packer makes smaller.
File noise(std::size_t size) {
  File bytes(size);
  std::uint64_t state = 88172645463325252;
  for (std::uint8_t& byte : bytes) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    byte = static_cast<std::uint8_t>(state >> 32);
  }
  return bytes;
}

std::string error_of(const Result<std::vector<std::uint8_t>>& result) {
  return result ? "no error" : result.error().what;
}

}  // namespace

TEST_CASE("what the command-line tools packed is unpacked") {
  const std::pair<const char*, FileKind> files[] = {
      {"numbers.gz", FileKind::gzip}, {"numbers.bz2", FileKind::bzip2}, {"numbers.lzma", FileKind::lzma},
      {"numbers.xz", FileKind::xz},   {"numbers.lzo", FileKind::lzo},   {"numbers-crc32.lzo", FileKind::lzo},
      {"numbers.lz4", FileKind::lz4}, {"numbers.zst", FileKind::zstd}};
  // Structured bindings cannot be captured by clang 14's lambdas, which CAPTURE makes.
  for (const auto& entry : files) {
    const std::string name = entry.first;
    const FileKind kind = entry.second;
    CAPTURE(name);
    const File packed = read_vector(name);
    CHECK(probe(packed).kind == kind);
    const auto unpacked = unpack(kind, packed, {});
    REQUIRE_OK(unpacked);
    CHECK(*unpacked == numbers());
  }
}

TEST_CASE("every compression gives back what was packed") {
  File long_and_dull(3 * kMiB, 'x');
  File mixed = noise(300 * kKiB);
  mixed.insert(mixed.end(), 20 * kMiB, 0);
  for (const FileKind kind : kAll)
    for (const File& original : {File{7}, tiny::elf(), noise(1 * kMiB), long_and_dull, mixed}) {
      CAPTURE(*compression_name(kind));
      CAPTURE(original.size());
      const File packed = tiny::compress(kind, original);
      // Whatever the file claims its size to be.
      for (const std::uint64_t expected :
           {std::uint64_t{0}, std::uint64_t{original.size()}, ~std::uint64_t{0}}) {
        const auto unpacked = unpack(kind, packed, {.expected = expected});
        REQUIRE_OK(unpacked);
        CHECK(*unpacked == original);
      }
    }
}

TEST_CASE("a bomb stops at the limit, and what is just at it does not") {
  const File zeros(4 * kMiB, 0);
  for (const FileKind kind : kAll) {
    CAPTURE(*compression_name(kind));
    const File packed = tiny::compress(kind, zeros);
    REQUIRE_OK(unpack(kind, packed, {.limit = 4 * kMiB}));
    CHECK(error_of(unpack(kind, packed, {.limit = 4 * kMiB - 1}))
              .starts_with("it unpacks to more than 4194303 bytes"));
    CHECK(error_of(unpack(kind, packed, {.limit = 1 * kMiB})) ==
          "it unpacks to more than 1048576 bytes (1 MiB), the most that is accepted of a kernel: the file is "
          "not a kernel "
          "or is damaged");
  }
}

TEST_CASE("a stream that ends early says so or is damaged, at every length") {
  for (const FileKind kind : kAll) {
    CAPTURE(*compression_name(kind));
    const File packed = tiny::compress(kind, numbers());
    for (std::size_t size = 0; size < packed.size(); ++size) {
      CAPTURE(size);
      // A copy of its own, so that a read past the end is seen.
      const File prefix(packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(size));
      const auto result = unpack(kind, prefix, {.limit = 1 * kMiB});
      // The legacy LZ4 frame is its magic number and then blocks until the data ends: none is a whole file.
      const bool whole = kind == FileKind::lz4 && size == 4;
      CHECK(result.has_value() == whole);
    }
  }
  const File packed = tiny::compress(FileKind::xz, numbers());
  CHECK(error_of(unpack(FileKind::xz, Bytes(packed).first(packed.size() - 20), {}))
            .find("ends early, with 2212 bytes unpacked: the file is cut short") != std::string::npos);
}

TEST_CASE("every flipped bit is an error or harmless") {
  for (const FileKind kind : kAll) {
    CAPTURE(*compression_name(kind));
    const File packed = tiny::compress(kind, tiny::elf());
    std::size_t errors = 0;
    for (std::size_t bit = 0; bit < packed.size() * 8; ++bit) {
      File flipped = packed;
      flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
      const auto result = unpack(kind, flipped, {.limit = 1 * kMiB});
      if (!result) ++errors;
      if (result) CHECK(result->size() <= 1 * kMiB);
    }
    // Most bits matter; those of LZ4's and LZMA_Alone's literals have no checksum over them.
    CHECK(errors > packed.size() * 8 / 8);
  }
}

TEST_CASE("bytes after the stream are refused") {
  for (const FileKind kind : kAll) {
    CAPTURE(*compression_name(kind));
    File packed = tiny::compress(kind, numbers());
    const std::size_t end = packed.size();
    packed.insert(packed.end(), {0xAA, 0xBB, 0xCC});
    const auto result = unpack(kind, packed, {});
    REQUIRE_FALSE(result.has_value());
    if (kind == FileKind::lz4)
      CHECK(result.error().what.find("cut short") != std::string::npos);
    else
      CHECK(result.error().what ==
            "3 bytes follow the end of the compressed data, where none should: the file is damaged");
    CHECK(result.error().offset == end);
  }
}

TEST_CASE("an LZ4 file that is two legacy frames is their sum, and the modern frame is named") {
  File packed = tiny::compress(FileKind::lz4, numbers());
  packed.insert(packed.end(), packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(packed.size()));
  const auto twice = unpack(FileKind::lz4, packed, {});
  REQUIRE_OK(twice);
  CHECK(twice->size() == 2 * numbers().size());
  const File modern = {0x04, 0x22, 0x4D, 0x18, 0x60, 0x40};
  CHECK(error_of(unpack(FileKind::lz4, modern, {})) ==
        "it is an LZ4 frame, and kernels use the legacy one: compress it with `lz4 -l`");
}

TEST_CASE("a dictionary beyond the limit is refused before it is allocated") {
  // LZMA_Alone: properties, dictionary of 2 GiB, unknown size.
  File lzma = tiny::compress(FileKind::lzma, numbers());
  lzma[1] = lzma[2] = lzma[3] = 0;
  lzma[4] = 0x80;
  CHECK(error_of(unpack(FileKind::lzma, lzma, {})) ==
        "the compressed data needs 2048 MiB of memory to unpack, more than 128 MiB: compress it with a "
        "smaller window");
  // RFC 8878, 3.1.1.1: a frame header with only a window descriptor, of 2^(10 + 21) bytes.
  const File zstd = {0x28, 0xB5, 0x2F, 0xFD, 0x00, 21 << 3, 0, 0, 0};
  CHECK(error_of(unpack(FileKind::zstd, zstd, {})).find("smaller window") != std::string::npos);
}

TEST_CASE("lzop files with damage in their sums are refused") {
  const File good = tiny::compress(FileKind::lzo, numbers());
  // The header's method, a block's sums of unpacked and packed data.
  for (const std::size_t at : {std::size_t{15}, std::size_t{46}, std::size_t{50}}) {
    CAPTURE(at);
    File bad = good;
    bad[at] ^= 0x10;
    CHECK_FALSE(unpack(FileKind::lzo, bad, {}).has_value());
  }
  File block = good;
  // A block that claims to unpack to 64 MiB of next to nothing.
  block[38] = 0x04;
  CHECK(error_of(unpack(FileKind::lzo, block, {})) == "the compressed data is damaged: get the file again");
}

TEST_CASE("a kind that is no compression is refused") {
  CHECK_FALSE(unpack(FileKind::cpio, numbers(), {}).has_value());
}

TEST_CASE("the buffer believes a claimed size only as far as the input makes it likely") {
  const File input(1000, 0);
  UnpackBuffer buffer(input, {.limit = 1 * kGiB, .expected = 1 * kGiB});
  CHECK(buffer.room(1).size() < 100 * kKiB);
  // Growing is at most doubling.
  const std::size_t first = buffer.room(1).size();
  REQUIRE_OK(buffer.commit(first));
  CHECK(buffer.room(1).size() <= first);
}
