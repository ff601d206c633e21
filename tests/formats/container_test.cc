#include "formats/container.h"

#include <cstdlib>
#include <cstring>
#include <fstream>

#include "formats/igvm_defs.h"
#include "support/temporary_folder.h"

namespace tintype {
namespace {

using Octets = std::vector<std::uint8_t>;

// Some of it repeats, some does not, and no two frames are alike.
Octets sample(std::size_t size) {
  Octets bytes(size);
  std::uint64_t state = 1;
  for (std::size_t i = 0; i < size; ++i) {
    if (i % 64 == 0) state = state * 6364136223846793005u + 1442695040888963407u;
    bytes[i] = static_cast<std::uint8_t>(state >> (8 * (i % 8)));
  }
  return bytes;
}

Octets packed(Bytes bytes, unsigned threads = 1, std::size_t step = 1 << 20) {
  Octets result;
  ContainerWriter writer(
      [&](Bytes part) -> Result<void> {
        result.insert(result.end(), part.begin(), part.end());
        return {};
      },
      threads);
  for (std::size_t at = 0; at < bytes.size(); at += step)
    REQUIRE_OK(writer.write(bytes.subspan(at, std::min(step, bytes.size() - at))));
  REQUIRE_OK(writer.finish());
  return result;
}

Result<Octets> unpacked(Bytes file, unsigned threads = 1) {
  const Container container = TRY(read_container(file));
  const std::uint64_t size = container.size.value_or(kMaxContained);
  if (size > 64 * kMiB) return fail("the test has no room for {} bytes", size);
  Octets room(size);
  room.resize(TRY(unpack_container(container, room, threads)));
  return room;
}

std::string error_of(Bytes file) {
  const auto result = unpacked(file);
  return result ? "it was unpacked" : result.error().message();
}

bool has_zstd() {
  return std::system("command -v zstd >/dev/null") == 0;
}

Octets bytes_in(const std::string& path) {
  const std::string text = text_of(path);
  return {text.begin(), text.end()};
}

TEST_CASE("what was written comes back, whatever its size") {
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{4096}, std::size_t{kContainerFrame - 1}, std::size_t{kContainerFrame},
        std::size_t{kContainerFrame + 1}, std::size_t{2 * kContainerFrame},
        std::size_t{3 * kContainerFrame + 12345}}) {
    CAPTURE(size);
    const Octets bytes = sample(size);
    const Octets file = packed(bytes);
    CHECK(is_container(file));
    const auto container = read_container(file);
    REQUIRE_OK(container);
    CHECK(container->size == size);
    CHECK(container->frames.size() == (size + kContainerFrame - 1) / kContainerFrame);
    for (const unsigned threads : {1u, 2u, 5u}) {
      const auto back = unpacked(file, threads);
      REQUIRE_OK(back);
      CHECK(*back == bytes);
    }
  }
}

TEST_CASE("the bytes do not depend on threads or on how they are given") {
  const Octets bytes = sample(3 * kContainerFrame + 12345);
  const Octets file = packed(bytes);
  for (const unsigned threads : {2u, 3u, 8u})
    for (const std::size_t step : {std::size_t{99991}, std::size_t{kContainerFrame}, bytes.size()})
      CHECK(packed(bytes, threads, step) == file);
}

TEST_CASE("the table at the end says where each frame is") {
  const Octets file = packed(sample(kContainerFrame + 5));
  const auto container = read_container(file);
  REQUIRE_OK(container);
  const std::size_t footer = file.size() - 9;
  CHECK(read_at<le32>(file, footer, "").value() == 2u);
  CHECK(file[footer + 4] == 0);
  CHECK(read_at<le32>(file, footer + 5, "").value() == 0x8F92EAB1u);
  const std::size_t table = footer - 16;
  CHECK(read_at<le32>(file, table, "").value() == container->frames[0].packed.size());
  CHECK(read_at<le32>(file, table + 4, "").value() == kContainerFrame);
  CHECK(read_at<le32>(file, table + 8, "").value() == container->frames[1].packed.size());
  CHECK(read_at<le32>(file, table + 12, "").value() == 5u);
  CHECK(read_at<le32>(file, table - 8, "").value() == 0x184D2A5Eu);
  CHECK(read_at<le32>(file, table - 4, "").value() == 16u + 9u);
}

TEST_CASE("the zstd tool unpacks ours, and its files are read") {
  if (!has_zstd()) {
    skip_test("zstd is not installed");
    return;
  }
  const TemporaryFolder folder;
  const Octets bytes = sample(2 * kContainerFrame + 777);
  const std::string plain = folder.write("plain", bytes), ours = folder.write("ours.zst", packed(bytes));
  CHECK(std::system(("zstd -dq " + ours + " -o " + (folder / "back")).c_str()) == 0);
  CHECK(bytes_in(folder / "back") == bytes);
  CHECK(std::system(("zstd -tq " + ours).c_str()) == 0);
  // With its size, without, and two files one after the other.
  CHECK(std::system(("zstd -q " + plain + " -o " + (folder / "sized.zst")).c_str()) == 0);
  CHECK(unpacked(bytes_in(folder / "sized.zst")).value() == bytes);
  CHECK(std::system(("zstd -q < " + plain + " > " + (folder / "stream.zst")).c_str()) == 0);
  const Octets stream = bytes_in(folder / "stream.zst");
  const auto container = read_container(stream);
  REQUIRE_OK(container);
  CHECK_FALSE(container->size);
  Octets room(bytes.size());
  CHECK(unpack_container(*container, room, 2).value() == bytes.size());
  CHECK(room == bytes);
  room.pop_back();
  CHECK(unpack_container(*container, room, 2).error().message() ==
        fmt::format("unpacks to more than the {} bytes that the header in it says: copy the file anew",
                    room.size()));
  Octets both = packed(bytes);
  const Octets sized = bytes_in(folder / "sized.zst");
  both.insert(both.end(), sized.begin(), sized.end());
  Octets twice = bytes;
  twice.insert(twice.end(), bytes.begin(), bytes.end());
  CHECK(unpacked(both, 2).value() == twice);
}

TEST_CASE("hostile containers are told in a sentence") {
  const Octets bytes = sample(kContainerFrame + 5000);
  const Octets file = packed(bytes);
  SUBCASE("something after") {
    Octets more = file;
    more.insert(more.end(), {1, 2, 3, 4, 5});
    CHECK(error_of(more) == fmt::format("5 bytes that are no zstd frame follow the last one: copy the file "
                                        "anew (at file offset {:#x})",
                                        file.size()));
  }
  SUBCASE("cut short") {
    const std::size_t second = read_container(file)->frames[0].packed.size();
    CHECK(error_of(Bytes(file).first(second + 100)) ==
          fmt::format("the zstd frame that starts here is cut short (at file offset {:#x})", second));
  }
  SUBCASE("damaged contents") {
    Octets changed = file;
    const std::size_t second = read_container(file)->frames[0].packed.size();
    changed[second + 60] ^= 0x10;
    CHECK(error_of(changed) ==
          fmt::format("the zstd frame that starts here is damaged: copy the file anew (at file offset {:#x})",
                      second));
  }
  SUBCASE("nothing inside") {
    CHECK(error_of(packed({})) == "is a zstd file with nothing in it");
    CHECK(error_of({}) == "is a zstd file with nothing in it");
  }
}

// RFC 8878, 3.1.1: a single segment with a content size of 8 bytes, and one last block of `size` equal bytes.
Octets repeated(std::uint64_t claim, std::uint32_t size) {
  Octets frame = {0x28, 0xB5, 0x2F, 0xFD, 0xE0};
  for (int i = 0; i < 8; ++i) frame.push_back(static_cast<std::uint8_t>(claim >> (8 * i)));
  const std::uint32_t block = 1 | 1 << 1 | size << 3;
  for (int i = 0; i < 3; ++i) frame.push_back(static_cast<std::uint8_t>(block >> (8 * i)));
  frame.push_back(0x41);
  return frame;
}

TEST_CASE("a frame's size is a claim") {
  CHECK(unpacked(repeated(1000, 1000)).value() == Octets(1000, 0x41));
  CHECK(error_of(repeated(100000, 1000)).find("(at file offset 0x0)") != std::string::npos);
  CHECK(error_of(repeated(1000, 100000)).find("(at file offset 0x0)") != std::string::npos);
  const std::string big =
      "unpacks to more than 4 GiB, and no snapshot is so big: it is damaged, or no snapshot";
  CHECK(error_of(repeated(std::uint64_t{1} << 40, 1000)) == big);
  CHECK(error_of(repeated(~std::uint64_t{0} - 5, 1000)) == big);
  Octets many;
  for (int i = 0; i < 3; ++i) {
    const Octets frame = repeated(2 * kGiB, 1000);
    many.insert(many.end(), frame.begin(), frame.end());
  }
  CHECK(error_of(many) == big);
}

// The start of an IGVM file, as far as it says how big it is.
Octets igvm_start(std::uint32_t total, std::size_t size) {
  Octets bytes = sample(size);
  const IGVM_FIXED_HEADER header{.magic = IGVM_MAGIC_VALUE, .format_version = 1, .total_file_size = total};
  std::memcpy(bytes.data(), &header, std::min(size, sizeof(header)));
  return bytes;
}

Result<std::uint64_t> size_in(Bytes file) {
  const Container container = TRY(read_container(file));
  return snapshot_size(container);
}

std::string size_error_of(Bytes file) {
  const auto size = size_in(file);
  return size ? fmt::format("it is of {} bytes", *size) : size.error().message();
}

TEST_CASE("the start says what snapshot is in it, and how big") {
  const std::size_t size = kContainerFrame + 5000;
  CHECK(size_in(packed(igvm_start(size, size))).value() == size);
  CHECK(size_error_of(packed(igvm_start(size + 1, size))) ==
        fmt::format("unpacks to {} bytes, but the header in it says {}: it was cut or appended to: copy the "
                    "file anew",
                    size, size + 1));
  CHECK(size_error_of(packed(igvm_start(23, 5000))) ==
        "the header says that the file has 23 bytes, fewer than the header's own 24: it is damaged (at file "
        "offset 0x10)");
  CHECK(size_error_of(packed(sample(5000))).find("this is not an IGVM file") == 0);
  CHECK(size_error_of(packed(igvm_start(23, 23))).find("the fixed header of an IGVM file needs 24 bytes") ==
        0);
  CHECK(size_error_of(packed(packed(sample(5000)))) ==
        "is compressed with zstd twice: unpack it once before (zstd -d)");
}

TEST_CASE("the start is in as many frames as it likes") {
  const Octets snapshot = igvm_start(5000, 5000);
  const Octets nothing = {0x28, 0xB5, 0x2F, 0xFD, 0x20, 0x00, 0x01, 0x00, 0x00};
  Octets file;
  for (std::size_t at = 0; at < snapshot.size(); at += at < 30 ? 1 : 4970) {
    const Octets frame = packed(Bytes(snapshot).subspan(at, at < 30 ? 1 : 4970));
    file.insert(file.end(), nothing.begin(), nothing.end());
    file.insert(file.end(), frame.begin(), frame.end());
  }
  CHECK(size_in(file).value() == 5000);
  CHECK(unpacked(file).value() == snapshot);
}

// RFC 8878, 3.1.1.1: a frame that does not state its size, with the window of `exponent`, 2^(10 + exponent),
// and `blocks` of 128 KiB each, the first of which starts with `start`.
Octets unsized(unsigned exponent, unsigned blocks, Bytes start) {
  Octets frame = {0x28, 0xB5, 0x2F, 0xFD, 0x00, static_cast<std::uint8_t>(exponent << 3)};
  const auto put = [&](std::uint32_t type, std::uint64_t size, bool last) {
    const auto block =
        static_cast<std::uint32_t>(last ? 1 : 0) | type << 1 | static_cast<std::uint32_t>(size) << 3;
    for (int i = 0; i < 3; ++i) frame.push_back(static_cast<std::uint8_t>(block >> (8 * i)));
  };
  put(0, start.size(), blocks == 0);
  frame.insert(frame.end(), start.begin(), start.end());
  for (unsigned i = 1; i <= blocks; ++i) {
    put(1, 128 * kKiB, i == blocks);
    frame.push_back(0);
  }
  return frame;
}

TEST_CASE("what does not say its size is refused by its start, and has the room that its header says") {
  const Octets bomb = unsized(7, 30000, Octets(24));  // 3.7 GiB
  CHECK(size_error_of(bomb) ==
        "this is not an IGVM file: it begins with 0x00000000 instead of 'IGVM' (at file offset 0x0)");
  const Octets more = unsized(7, 30000, igvm_start(200000, 24));
  CHECK(size_in(more).value() == 200000);
  Octets room(200000);
  CHECK(unpack_container(read_container(more).value(), room, 2).error().message() ==
        "unpacks to more than the 200000 bytes that the header in it says: copy the file anew");
  Octets whole(24 + 128 * kKiB);
  CHECK(unpack_container(read_container(unsized(7, 1, igvm_start(200000, 24))).value(), whole, 2).value() ==
        whole.size());
}

TEST_CASE("the start needs no window, however large the frame's is") {
  CHECK(size_in(unsized(21, 1, igvm_start(200000, 24))).value() == 200000);  // 2 GiB
  CHECK(size_error_of(repeated(3 * kGiB, 1000)) ==
        "this is not an IGVM file: it begins with 0x41414141 instead of 'IGVM' (at file offset 0x0)");
}

TEST_CASE("the start is found behind every frame header") {
  if (!has_zstd()) {
    skip_test("zstd is not installed");
    return;
  }
  const TemporaryFolder folder;
  // A size of one byte, of two, of four, and none; a single segment or a window; with a checksum and without.
  for (const std::size_t size : {std::size_t{200}, std::size_t{5000}, std::size_t{3 * kMiB}}) {
    const std::string plain = folder.write("plain", igvm_start(static_cast<std::uint32_t>(size), size));
    for (const char* how : {"", "--no-check", "--no-content-size", "-1 --ultra --long=30", "-19"}) {
      CAPTURE(size);
      CAPTURE(how);
      const std::string packed_to = folder / "packed.zst";
      REQUIRE(std::system(fmt::format("zstd -qf {} {} -o {}", how, plain, packed_to).c_str()) == 0);
      CHECK(size_in(bytes_in(packed_to)).value() == size);
    }
  }
}

TEST_CASE("a start that is damaged is told where") {
  Octets two = packed(igvm_start(20, 20));
  const std::size_t at = read_container(two)->frames[0].packed.size();
  two.resize(at);
  // RFC 8878, 3.1.1.2: one block, which says that it is compressed and is not.
  Octets compressed = {0x28, 0xB5, 0x2F, 0xFD, 0xE0, 232, 3, 0, 0, 0, 0, 0, 0};
  compressed.insert(compressed.end(), {1 | 2 << 1 | 4 << 3, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF});
  two.insert(two.end(), compressed.begin(), compressed.end());
  CHECK(size_error_of(two) ==
        fmt::format("the zstd frame that starts here is damaged: copy the file anew (at file offset {:#x})",
                    at));
}

TEST_CASE("a container cut between two frames is whole, and what is in it is cut") {
  const Octets bytes = sample(2 * kContainerFrame + 5000);
  const Octets file = packed(bytes);
  const Container container = read_container(file).value();
  REQUIRE(container.frames.size() == 3);
  std::size_t end = 0;
  for (const ZstdFrame& frame : container.frames) {
    end += frame.packed.size();
    const auto part = unpacked(Bytes(file).first(end));
    REQUIRE_OK(part);
    // Whoever reads it finds fewer bytes than the IGVM header says.
    CHECK(std::equal(part->begin(), part->end(), bytes.begin()));
    CHECK((part->size() == bytes.size()) == (frame.packed.data() == container.frames.back().packed.data()));
  }
}

TEST_CASE("frames of nothing are read, but not without end") {
  const Octets nothing = {0x28, 0xB5, 0x2F, 0xFD, 0x20, 0x00, 0x01, 0x00, 0x00};
  Octets file = repeated(1000, 1000);
  const std::size_t first = file.size();
  for (int i = 0; i < 100; ++i) file.insert(file.end(), nothing.begin(), nothing.end());
  CHECK(unpacked(file, 2).value() == Octets(1000, 0x41));
  file.resize(first + nothing.size() * kMaxFrames);
  for (std::size_t at = first; at < file.size(); at += nothing.size())
    std::copy(nothing.begin(), nothing.end(), file.begin() + static_cast<std::ptrdiff_t>(at));
  CHECK(error_of(file) ==
        fmt::format("more than 1048576 zstd frames are in it: pack it anew with zstd, which makes one (at "
                    "file offset {:#x})",
                    file.size() - nothing.size()));
  file.resize(file.size() - nothing.size());
  CHECK(read_container(file)->frames.size() == kMaxFrames);
}

TEST_CASE("every prefix and every flipped bit of a small container is refused or read") {
  const Octets bytes = sample(3000);
  const Octets file = packed(bytes);
  for (std::size_t size = 0; size < file.size(); ++size) {
    const auto result = unpacked(Bytes(file).first(size));
    // Without its table, the frame is whole.
    if (result) CHECK(*result == bytes);
  }
  unsigned refused = 0;
  for (std::size_t bit = 0; bit < 8 * file.size(); ++bit) {
    Octets changed = file;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    const auto result = unpacked(changed);
    refused += !result;
    if (result) CHECK(*result == bytes);  // the checksum says so
  }
  CHECK(refused > 4 * file.size());
}

}  // namespace
}  // namespace tintype
