#include "formats/cpio.h"

#include <fmt/format.h>

#include <cstdlib>
#include <map>
#include <numeric>

#include "support/temporary_folder.h"
#include "support/test_main.h"
#include "support/tiny_kernels.h"

using namespace tintype;
using tiny::File;

namespace {

struct EntrySpec {
  std::string name = "init";
  std::uint32_t mode = 0100755;
  std::string data = "#!/bin/sh\n";
  std::string magic = "070701";
  std::uint32_t chksum = 0;
  std::uint32_t nlink = 1;
};

void append(File& file, std::string_view text) {
  file.insert(file.end(), text.begin(), text.end());
}

void pad(File& file, std::size_t alignment = 4) {
  while (file.size() % alignment != 0) file.push_back(0);
}

// As gen_init_cpio lays it out.
File entry(const EntrySpec& spec) {
  File file;
  append(file, spec.magic);
  const std::size_t fields[] = {7, spec.mode, 1000, 1001, spec.nlink,           0x5F5E1000, spec.data.size(),
                                8, 9,         10,   11,   spec.name.size() + 1, spec.chksum};
  for (const std::size_t field : fields) append(file, fmt::format("{:08X}", field));
  append(file, spec.name + '\0');
  pad(file);
  append(file, spec.data);
  pad(file);
  return file;
}

File trailer() {
  return entry({.name = "TRAILER!!!", .mode = 0, .data = ""});
}

File operator+(File a, const File& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

File zeros(std::size_t count) {
  return File(count);
}

File archive(const EntrySpec& spec = {}) {
  return entry(spec) + trailer();
}

File text(std::string_view bytes) {
  return {bytes.begin(), bytes.end()};
}

// Overwrites a field of the header at the start of `file`.
File with_field(File file, std::size_t offset, std::string_view value) {
  std::copy(value.begin(), value.end(), file.begin() + static_cast<std::ptrdiff_t>(offset));
  return file;
}

// What read_initramfs() says of a file that it must refuse.
std::string refusal(const File& file) {
  const auto segments = read_initramfs(file);
  REQUIRE_FALSE(segments.has_value());
  return segments.error().message();
}

std::vector<CpioEntry> entries_of(Bytes file) {
  std::vector<CpioEntry> entries;
  REQUIRE_OK(for_each_entry(file, [&](const CpioEntry& found) -> Result<void> {
    entries.push_back(found);
    return {};
  }));
  return entries;
}

std::string string_of(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

// Runs `command` in `folder`, which has no quote in its name.
bool shell(const TemporaryFolder& folder, const std::string& command) {
  return std::system(
             ("cd '" + folder.path.string() + "' && { " + command + "; } > /dev/null 2>&1").c_str()) == 0;
}

File bytes_of_file(const std::string& path) {
  const std::string bytes = text_of(path);
  return {bytes.begin(), bytes.end()};
}

bool have_cpio() {
  if (std::system("cpio --version > /dev/null 2>&1") == 0) return true;
  skip_test("cpio is not installed: apt-get install cpio");
  return false;
}

// A tree with most kinds of entries, packed by GNU cpio.
File packed_by_cpio(const TemporaryFolder& folder, const std::string& format) {
  REQUIRE(shell(folder,
                "mkdir -p t/bin t/empty && cd t && echo data > bin/a && ln bin/a bin/b && ln bin/a c && "
                "chmod 4750 bin/a && : > nothing && ln -s ../bin/a link && mkfifo fifo && "
                "head -c 70001 /dev/zero | tr '\\0' x > big && chmod 600 big && chmod 644 nothing && "
                "chmod 700 empty && find . -exec touch -h -d @1000000000 {} + && "
                "find . -mindepth 1 | sed 's,^\\./,,' | LC_ALL=C sort | cpio -o -H " +
                    format + " --reproducible -R 12:34 > ../out.cpio"));
  return bytes_of_file(folder / "out.cpio");
}

}  // namespace

TEST_CASE("an entry has the header's numbers, its name and its data") {
  const File file = entry({}) + entry({.name = "sbin", .mode = 040755, .data = ""}) + trailer();
  const auto segments = read_initramfs(file);
  REQUIRE_OK(segments);
  REQUIRE(segments->size() == 1);
  CHECK(segments->front().kind == InitrdSegment::Kind::cpio);
  CHECK(segments->front().start == 0);
  CHECK(segments->front().size == file.size());
  CHECK(segments->front().entries == 2);
  CHECK_FALSE(segments->front().microcode);

  const std::vector<CpioEntry> entries = entries_of(file);
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].name == "init");
  CHECK(entries[0].ino == 7);
  CHECK(entries[0].mode == 0100755);
  CHECK(entries[0].uid == 1000);
  CHECK(entries[0].gid == 1001);
  CHECK(entries[0].nlink == 1);
  CHECK(entries[0].mtime == 0x5F5E1000);
  CHECK(entries[0].dev_major == 8);
  CHECK(entries[0].dev_minor == 9);
  CHECK(entries[0].rdev_major == 10);
  CHECK(entries[0].rdev_minor == 11);
  CHECK(string_of(entries[0].data) == "#!/bin/sh\n");
  CHECK(entries[1].offset == entry({}).size());
  CHECK(entries[1].data.empty());
}

TEST_CASE("GNU cpio's archives are read as it made them") {
  if (!have_cpio()) return;
  for (const std::string format : {"newc", "crc"}) {
    CAPTURE(format);
    const TemporaryFolder folder;
    const File file = packed_by_cpio(folder, format);
    const auto segments = read_initramfs(file);
    REQUIRE_OK(segments);
    REQUIRE(segments->size() == 1);
    // cpio pads to 512 bytes; the trailer ends before.
    CHECK(segments->front().size <= file.size());
    CHECK(segments->front().size > file.size() - 512);

    std::map<std::string, CpioEntry> entries;
    for (const CpioEntry& found : entries_of(file)) entries[found.name] = found;
    CHECK(segments->front().entries == entries.size());
    REQUIRE(entries.size() == 9);
    CHECK(entries.at("bin").mode == 040755);
    CHECK(entries.at("empty").mode == 040700);
    CHECK(entries.at("bin/a").mode == 0104750);
    CHECK(entries.at("bin/a").nlink == 3);
    CHECK(entries.at("bin/a").ino == entries.at("c").ino);
    CHECK(entries.at("bin/a").ino == entries.at("bin/b").ino);
    CHECK(string_of(entries.at("bin/a").data) + string_of(entries.at("bin/b").data) +
              string_of(entries.at("c").data) ==
          "data\n");
    CHECK(string_of(entries.at("link").data) == "../bin/a");
    CHECK(entries.at("link").mode == 0120777);
    CHECK((entries.at("fifo").mode & 0170000) == 0010000);
    CHECK(entries.at("nothing").data.empty());
    CHECK(string_of(entries.at("big").data) == std::string(70001, 'x'));
    CHECK(entries.at("big").mode == 0100600);
    CHECK(entries.at("big").uid == 12);
    CHECK(entries.at("big").gid == 34);
    CHECK(entries.at("big").mtime == 1000000000);
  }
}

TEST_CASE("archives follow one another, with zeroes between") {
  if (!have_cpio()) return;
  const TemporaryFolder folder;
  const File big = packed_by_cpio(folder, "newc");
  REQUIRE(shell(
      folder,
      "mkdir -p u/kernel/x86/microcode && cd u && echo ucode > kernel/x86/microcode/AuthenticAMD.bin && "
      "find kernel | cpio -o -H newc > ../ucode.cpio"));
  const File ucode = bytes_of_file(folder / "ucode.cpio");
  for (const std::size_t gap : {0U, 4U, 4096U}) {
    CAPTURE(gap);
    const auto segments = read_initramfs(zeros(gap) + ucode + zeros(gap) + big + big);
    REQUIRE_OK(segments);
    REQUIRE(segments->size() == 3);
    CHECK((*segments)[0].microcode);
    CHECK((*segments)[0].start == gap);
    CHECK((*segments)[0].entries == 4);
    CHECK_FALSE((*segments)[1].microcode);
    CHECK((*segments)[1].start == 2 * gap + ucode.size());
    CHECK((*segments)[1].entries == 9);
    CHECK((*segments)[2].start == 2 * gap + ucode.size() + big.size());
    CHECK((*segments)[2].size == (*segments)[1].size);
  }
}

TEST_CASE("compressed data ends the walk and goes to the end of the file") {
  const File plain = archive();
  for (const FileKind kind : {FileKind::gzip, FileKind::bzip2, FileKind::lzma, FileKind::xz, FileKind::lzo,
                              FileKind::lz4, FileKind::zstd}) {
    CAPTURE(*compression_name(kind));
    const File packed = tiny::compress(kind, plain);
    auto segments = read_initramfs(packed);
    REQUIRE_OK(segments);
    REQUIRE(segments->size() == 1);
    CHECK((*segments)[0].kind == InitrdSegment::Kind::compressed);
    CHECK((*segments)[0].compression == kind);
    CHECK((*segments)[0].size == packed.size());

    segments = read_initramfs(plain + zeros(8) + packed + plain);
    REQUIRE_OK(segments);
    REQUIRE(segments->size() == 2);
    CHECK((*segments)[0].kind == InitrdSegment::Kind::cpio);
    CHECK((*segments)[1].compression == kind);
    CHECK((*segments)[1].start == plain.size() + 8);
    CHECK((*segments)[1].size == packed.size() + plain.size());
    CHECK((*segments)[1].entries == 0);
  }
}

TEST_CASE("Linux finds compressed data anywhere at the start, but at a multiple of 4 after an archive") {
  const File packed = tiny::compress(FileKind::gzip, archive());
  const auto segments = read_initramfs(zeros(3) + packed);
  REQUIRE_OK(segments);
  CHECK(segments->front().start == 3);
  CHECK(refusal(archive() + zeros(3) + packed) ==
        "gzip data starts at 0xff after a cpio archive, not at a multiple of 4, where Linux stops: fill up "
        "to 0x100 with zero bytes (at file offset 0xff)");
}

TEST_CASE("microcode is what Linux's early loader finds") {
  const auto flagged = [](const std::string& name) {
    const auto segments = read_initramfs(archive({.name = name}));
    REQUIRE_OK(segments);
    return segments->front().microcode;
  };
  CHECK(flagged("kernel/x86/microcode/GenuineIntel.bin"));
  CHECK_FALSE(flagged("./kernel/x86/microcode/GenuineIntel.bin"));
  CHECK_FALSE(flagged("kernel/x86/microcode"));
}

TEST_CASE(
    "zeroes between entries, upper and lower case digits, and a NUL in a name are as Linux takes them") {
  const File lower = with_field(entry({}), 14, "000081ed");
  const auto entries = entries_of(lower + zeros(12) + entry({.name = std::string("a\0b", 3)}) + trailer());
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].mode == 0100755);
  CHECK(entries[1].name == "a");
}

TEST_CASE("a trailer without its padding ends an archive too") {
  File file = archive();
  file.resize(file.size() - 3);
  const auto segments = read_initramfs(file);
  REQUIRE_OK(segments);
  CHECK(segments->front().size == file.size());
}

TEST_CASE("checksums of the crc format are compared") {
  const std::string data = "\xFF\xFF\x01";
  const EntrySpec spec{.name = "f", .data = data, .magic = "070702", .chksum = 0x1FF};
  REQUIRE_OK(read_initramfs(archive(spec)));
  EntrySpec wrong = spec;
  wrong.chksum = 0x200;
  CHECK(refusal(archive(wrong)) ==
        "the bytes of 'f' sum to 0x1ff, but its header says 0x200: the archive is damaged (at file offset "
        "0x0)");
  // newc has the field and does not use it.
  wrong.magic = "070701";
  CHECK(read_initramfs(archive(wrong)).has_value());
}

TEST_CASE("what is no initrd is named") {
  CHECK(refusal({}) == "the initrd is empty: give one with something in it, or none");
  CHECK(refusal(zeros(512)) == "all 512 bytes of the initrd are zero: get the file again");
  CHECK(
      refusal(text("#!/bin/sh\n")) ==
      "this is a shell script, not an initrd: give a cpio archive made with `cpio -o -H newc`, compressed or "
      "not (at file offset 0x0)");
  CHECK(refusal(text("070707000000") + zeros(100)) ==
        "this is a cpio archive in the odc format, which Linux does not read: make it with `cpio -o -H newc` "
        "(at "
        "file offset 0x0)");
  for (const std::string_view magic : {"\xC7\x71", "\x71\xC7"})
    CHECK(refusal(text(magic) + zeros(100)) ==
          "this is a cpio archive in the old binary format, which Linux does not read: make it with `cpio -o "
          "-H "
          "newc` (at file offset 0x0)");
  CHECK(refusal(text("\x04\x22\x4D\x18") + zeros(20)) ==
        "LZ4 data in the frame format, which Linux does not read in an initrd: compress it with `lz4 -l` (at "
        "file offset 0x0)");
}

TEST_CASE("GNU cpio's other formats are refused by name") {
  if (!have_cpio()) return;
  const TemporaryFolder folder;
  CHECK(refusal(packed_by_cpio(folder, "odc")).find("in the odc format") != std::string::npos);
  const TemporaryFolder other;
  CHECK(refusal(packed_by_cpio(other, "bin")).find("in the old binary format") != std::string::npos);
}

TEST_CASE("damaged headers") {
  const File tail = trailer();
  CHECK(refusal(with_field(entry({}), 14, "0000g1ED") + tail) ==
        "the field c_mode of the cpio header holds '0000g1ED', where eight hexadecimal digits should be: the "
        "archive is damaged (at file offset 0xe)");
  const std::pair<std::size_t, std::string> fields[] = {
      {6, "c_ino"},    {14, "c_mode"},  {22, "c_uid"}, {30, "c_gid"}, {38, "c_nlink"},
      {46, "c_mtime"}, {54, "c_files"}, {62, "c_maj"}, {70, "c_min"}, {78, "c_rmaj"},
      {86, "c_rmin"},  {94, "c_name"},  {102, "c_chk"}};
  for (const auto& [offset, name] : fields) {
    const auto segments = read_initramfs(with_field(entry({}), offset + 7, "\n") + tail);
    REQUIRE_FALSE(segments.has_value());
    CHECK(segments.error().what.starts_with("the field " + name));
    CHECK(segments.error().offset == offset);
  }
  CHECK(
      refusal(with_field(entry({}), 94, "00000000") + tail) ==
      "a cpio entry has a name of 0 bytes, without even a NUL: the archive is damaged (at file offset 0x0)");
  CHECK(refusal(with_field(entry({}), 94, "00001001") + zeros(8192)) ==
        "a cpio entry has a name of 4097 bytes, more than the 4096 that Linux reads: the archive is damaged, "
        "or "
        "needs shorter paths (at file offset 0x0)");
  CHECK(refusal(with_field(entry({}), 94, "00000004") + tail) ==
        "the name 'init' in the cpio archive does not end with a NUL: the archive is damaged (at file offset "
        "0x6e)");
  CHECK(refusal(entry({}) + with_field(tail, 0, "070703")) ==
        "the cpio archive has '070703' where the next header should start with 070701 or 070702: it is "
        "damaged, "
        "or was cut short before its TRAILER!!! entry (at file offset 0x80)");
  CHECK(refusal(entry({}) + with_field(tail, 0, "070707")) ==
        "a cpio header in the odc format, which Linux does not read: make the archive with `cpio -o -H newc` "
        "(at "
        "file offset 0x80)");
  CHECK(
      refusal(entry({}) + zeros(2) + tail) ==
      "the cpio archive goes on at 0x82, which is not a multiple of 4: it is damaged (at file offset 0x82)");
}

TEST_CASE("names and data past the end") {
  CHECK(refusal(with_field(entry({}), 54, "FFFFFFFF") + trailer()) ==
        "the cpio archive is cut short: 'init' needs 4294967295 bytes, but only 136 are left (at file offset "
        "0x74)");
  File name = entry({.name = "a-long-name", .data = ""});
  name.resize(sizeof(CpioHeader) + 4);
  CHECK(refusal(name) ==
        "the cpio archive is cut short: the name of an entry needs 12 bytes, but only 4 are left (at file "
        "offset "
        "0x6e)");
  CHECK(refusal(entry({}) + text("07070100")) ==
        "the cpio archive is cut short: a header needs 110 bytes, but only 8 are left (at file offset 0x80)");
  CHECK(refusal(entry({}) + zeros(128)) ==
        "the cpio archive that starts at 0x0 ends without its TRAILER!!! entry: it is cut short (at file "
        "offset "
        "0x80)");
  CHECK(refusal(archive() + zeros(4) + entry({})) ==
        "the cpio archive that starts at 0x100 ends without its TRAILER!!! entry: it is cut short (at file "
        "offset 0x180)");
}

TEST_CASE("what Linux would leave out in silence") {
  CHECK(
      refusal(archive({.name = "l", .mode = 0120777, .data = std::string(4097, 'x')})) ==
      "the symbolic link 'l' has a target of 4097 bytes, more than the 4096 that Linux reads (at file offset "
      "0x0)");
  CHECK(read_initramfs(archive({.name = "l", .mode = 0120777, .data = std::string(4096, 'x')})).has_value());
  CHECK(refusal(archive({.name = "d\n", .mode = 040755, .data = "abc"})) ==
        "'d?' has 3 bytes of data but mode 040755, neither a file nor a symbolic link: Linux would leave it "
        "out; the archive is damaged (at file offset 0x0)");
  CHECK(refusal(entry({.name = "TRAILER!!!", .data = "abc"})) ==
        "the TRAILER!!! entry has 3 bytes of data, where it has none: the archive is damaged (at file offset "
        "0x0)");
}

TEST_CASE("what may not follow an archive") {
  CHECK(refusal(archive() + text("junk")) ==
        "what follows the cpio archive that ends at 0xfc is neither zero bytes nor another archive nor "
        "compressed data: the file is damaged, or something was appended to it (at file offset 0xfc)");
  CHECK(refusal(archive() + zeros(2) + archive()) ==
        "a cpio archive starts at 0xfe, which is not a multiple of 4, where Linux does not find it: fill up "
        "to 0x100 with zero bytes (at file offset 0xfe)");
  CHECK(refusal(zeros(1) + archive()) ==
        "a cpio archive starts at 0x1, which is not a multiple of 4, where Linux does not find it: fill up "
        "to 0x4 with zero bytes (at file offset 0x1)");
}

TEST_CASE("a visitor's error stops the walk and is returned") {
  const File file = entry({}) + entry({.name = "second"}) + trailer();
  int calls = 0;
  const auto result = for_each_entry(file, [&](const CpioEntry& found) -> Result<void> {
    ++calls;
    return fail("no {}", found.name);
  });
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().what == "no init");
  CHECK(calls == 1);
  CHECK_FALSE(for_each_entry({}, [](const CpioEntry&) -> Result<void> { return {}; }).has_value());
}

TEST_CASE("every prefix of an initrd is refused or is whole archives") {
  const File first = archive({.name = "kernel/x86/microcode/GenuineIntel.bin", .data = "ucode"});
  const File file = first + zeros(8) + archive({.magic = "070702", .chksum = 704});
  REQUIRE_OK(read_initramfs(file));
  // The three bytes of padding after a trailer may be missing.
  std::size_t accepted = 0;
  for (std::size_t size = 0; size < file.size(); ++size) {
    CAPTURE(size);
    const File prefix(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
    const auto segments = read_initramfs(prefix);
    const bool whole = (size >= first.size() - 3 && size <= first.size() + 8) || size >= file.size() - 3;
    CHECK(segments.has_value() == whole);
    accepted += segments.has_value();
  }
  CHECK(accepted == 15);
}

TEST_CASE("every single-bit flip in the headers gives an error or archives that hold together") {
  const File file =
      entry({.data = "abc"}) + entry({.name = "l", .mode = 0120777, .data = "init"}) + trailer();
  std::size_t refused = 0;
  for (std::size_t bit = 0; bit < 8 * file.size(); ++bit) {
    CAPTURE(bit);
    File flipped = file;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ 1U << bit % 8);
    const auto segments = read_initramfs(flipped);
    if (!segments) {
      ++refused;
      CHECK_FALSE(segments.error().what.empty());
      continue;
    }
    REQUIRE(segments->size() == 1);
    REQUIRE(segments->front().size <= flipped.size());
    CHECK(entries_of(flipped).size() == segments->front().entries);
  }
  // Names, data, padding and most digits may be anything; the magic, sizes and non-digits may not.
  CHECK(refused > 1000);
  CHECK(refused < 8 * file.size());
}
