#include "formats/cpio.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>

#include "formats/gpa.h"

namespace tintype {

namespace {

using namespace std::string_view_literals;

// POSIX sys/stat.h, with the values that newc stores.
constexpr std::uint32_t kTypeMask = 0170000;
constexpr std::uint32_t kRegular = 0100000;
constexpr std::uint32_t kSymbolicLink = 0120000;

// An entry whose name borrows from the file: walking a big archive allocates nothing.
struct Entry {
  std::uint32_t ino, mode, uid, gid, nlink, mtime, filesize, maj, min, rmaj, rmin, namesize, chksum;
  bool checked;  // "070702"
  std::string_view name;
  Bytes data;
  std::uint64_t offset;
  std::uint64_t next;  // the next header, or the end of the file if that comes first
};

bool has(Bytes file, std::uint64_t at, std::string_view magic) {
  return at <= file.size() && magic.size() <= file.size() - at &&
         std::memcmp(file.data() + at, magic.data(), magic.size()) == 0;
}

bool is_newc(Bytes file, std::uint64_t at) {
  return has(file, at, "070701") || has(file, at, "070702");
}

// cpio(5), "Portable ASCII Format" and "Old Binary Format".
std::optional<std::string_view> unread_format(Bytes file, std::uint64_t at) {
  if (has(file, at, "070707")) return "odc";
  if (has(file, at, "\xC7\x71") || has(file, at, "\x71\xC7")) return "old binary";
  return std::nullopt;
}

// The first byte from `at` on that is not zero, or the end.
std::uint64_t skip_zeros(Bytes file, std::uint64_t at) {
  const auto found = std::find_if(file.begin() + static_cast<std::ptrdiff_t>(at), file.end(),
                                  [](std::uint8_t byte) { return byte != 0; });
  return static_cast<std::uint64_t>(found - file.begin());
}

// Bytes of the file as a message can show them.
std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 80;
  std::string result(text.substr(0, kMost));
  std::replace_if(
      result.begin(), result.end(), [](char c) { return c < 0x20 || c > 0x7E; }, '?');
  return text.size() > kMost ? result + "..." : result;
}

Result<std::uint32_t> number(const CpioNumber& field, std::string_view name, std::uint64_t at) {
  std::uint32_t value = 0;
  for (const char c : field) {
    std::uint32_t digit = 0;
    if (c >= '0' && c <= '9')
      digit = static_cast<std::uint32_t>(c - '0');
    else if (c >= 'a' && c <= 'f')
      digit = static_cast<std::uint32_t>(c - 'a' + 10);
    else if (c >= 'A' && c <= 'F')
      digit = static_cast<std::uint32_t>(c - 'A' + 10);
    else
      return fail_at(at,
                     "the field {} of the cpio header holds '{}', where eight hexadecimal digits should be: "
                     "the archive is damaged",
                     name, shown({field.data(), field.size()}));
    value = value << 4 | digit;
  }
  return value;
}

Result<Entry> parse_header(const CpioHeader& header, std::uint64_t at) {
  // Field offsets are those of CpioHeader: 6 + 8 n.
  return Entry{.ino = TRY(number(header.c_ino, "c_ino", at + 6)),
               .mode = TRY(number(header.c_mode, "c_mode", at + 14)),
               .uid = TRY(number(header.c_uid, "c_uid", at + 22)),
               .gid = TRY(number(header.c_gid, "c_gid", at + 30)),
               .nlink = TRY(number(header.c_nlink, "c_nlink", at + 38)),
               .mtime = TRY(number(header.c_mtime, "c_mtime", at + 46)),
               .filesize = TRY(number(header.c_filesize, "c_filesize", at + 54)),
               .maj = TRY(number(header.c_maj, "c_maj", at + 62)),
               .min = TRY(number(header.c_min, "c_min", at + 70)),
               .rmaj = TRY(number(header.c_rmaj, "c_rmaj", at + 78)),
               .rmin = TRY(number(header.c_rmin, "c_rmin", at + 86)),
               .namesize = TRY(number(header.c_namesize, "c_namesize", at + 94)),
               .chksum = TRY(number(header.c_chksum, "c_chksum", at + 102)),
               .checked = header.c_magic[5] == '2',
               .name = {},
               .data = {},
               .offset = at,
               .next = 0};
}

Result<std::string_view> read_name(Bytes file, const Entry& entry) {
  const std::uint64_t at = entry.offset + sizeof(CpioHeader);
  if (entry.namesize == 0)
    return fail_at(entry.offset,
                   "a cpio entry has a name of 0 bytes, without even a NUL: the archive is damaged");
  if (entry.namesize > kCpioMaxName)
    return fail_at(entry.offset,
                   "a cpio entry has a name of {} bytes, more than the {} that Linux reads: the archive is "
                   "damaged, or needs shorter paths",
                   entry.namesize, kCpioMaxName);
  if (entry.namesize > file.size() - at)
    return fail_at(at,
                   "the cpio archive is cut short: the name of an entry needs {} bytes, but only {} are left",
                   entry.namesize, file.size() - at);
  const std::string_view name(reinterpret_cast<const char*>(file.data() + at), entry.namesize);
  if (name.back() != '\0')
    return fail_at(at, "the name '{}' in the cpio archive does not end with a NUL: the archive is damaged",
                   shown(name));
  return name.substr(0, name.find('\0'));
}

// What Linux leaves out in silence, or stops at, although the archive holds together.
Result<void> check_contents(const Entry& entry) {
  const std::uint32_t type = entry.mode & kTypeMask;
  if (entry.name == kCpioTrailer && entry.filesize != 0)
    return fail_at(entry.offset,
                   "the TRAILER!!! entry has {} bytes of data, where it has none: the archive is damaged",
                   entry.filesize);
  if (type == kSymbolicLink && entry.filesize > kCpioMaxName)
    return fail_at(entry.offset,
                   "the symbolic link '{}' has a target of {} bytes, more than the {} that Linux reads",
                   shown(entry.name), entry.filesize, kCpioMaxName);
  if (type != kSymbolicLink && type != kRegular && entry.filesize != 0)
    return fail_at(
        entry.offset,
        "'{}' has {} bytes of data but mode {:#o}, neither a file nor a symbolic link: Linux would "
        "leave it out; the archive is damaged",
        shown(entry.name), entry.filesize, entry.mode);
  if (!entry.checked || type != kRegular) return {};
  const std::uint32_t sum = std::accumulate(entry.data.begin(), entry.data.end(), std::uint32_t{0});
  if (sum != entry.chksum)
    return fail_at(entry.offset,
                   "the bytes of '{}' sum to {:#x}, but its header says {:#x}: the archive is damaged",
                   shown(entry.name), sum, entry.chksum);
  return {};
}

// The entry whose header is at `at`, a multiple of 4 in `file`.
Result<Entry> read_entry(Bytes file, std::uint64_t at) {
  if (const auto format = unread_format(file, at))
    return fail_at(
        at,
        "a cpio header in the {} format, which Linux does not read: make the archive with `cpio -o -H newc`",
        *format);
  const std::uint64_t left = file.size() - at;
  if (left < sizeof(CpioHeader))
    return fail_at(at, "the cpio archive is cut short: a header needs {} bytes, but only {} are left",
                   sizeof(CpioHeader), left);
  if (!is_newc(file, at))
    return fail_at(
        at,
        "the cpio archive has '{}' where the next header should start with 070701 or 070702: it is "
        "damaged, or was cut short before its TRAILER!!! entry",
        shown({reinterpret_cast<const char*>(file.data() + at), 6}));
  Entry entry = TRY(parse_header(TRY(read_at<CpioHeader>(file, at, "a cpio header")), at));
  entry.name = TRY(read_name(file, entry));
  // Three 32-bit sizes and an offset inside the file: no sum of these wraps.
  const std::uint64_t padded = *align_up(at + sizeof(CpioHeader) + entry.namesize, kCpioAlignment);
  // The padding may be missing at the end of the file.
  const std::uint64_t data = std::min<std::uint64_t>(padded, file.size());
  if (entry.filesize > file.size() - data)
    return fail_at(data, "the cpio archive is cut short: '{}' needs {} bytes, but only {} are left",
                   shown(entry.name), entry.filesize, file.size() - data);
  if (entry.filesize != 0) entry.data = file.subspan(data, entry.filesize);
  TRY(check_contents(entry));
  entry.next = std::min<std::uint64_t>(*align_up(data + entry.filesize, kCpioAlignment), file.size());
  return entry;
}

// Calls `visit` for the entries of the archive at `start`; the end of its trailer.
template <typename Visit>
Result<std::uint64_t> walk(Bytes file, std::uint64_t start, Visit visit) {
  std::uint64_t at = start;
  while (true) {
    // Linux takes zero bytes between any two entries.
    const std::uint64_t next = skip_zeros(file, at);
    if (next == file.size())
      return fail_at(
          at, "the cpio archive that starts at {:#x} ends without its TRAILER!!! entry: it is cut short",
          start);
    if (!is_aligned(next, kCpioAlignment))
      return fail_at(next, "the cpio archive goes on at {:#x}, which is not a multiple of {}: it is damaged",
                     next, kCpioAlignment);
    const Entry entry = TRY(read_entry(file, next));
    if (entry.name == kCpioTrailer) return entry.next;
    TRY(visit(entry));
    at = entry.next;
  }
}

Result<InitrdSegment> read_archive(Bytes file, std::uint64_t start) {
  if (!is_aligned(start, kCpioAlignment))
    return fail_at(start,
                   "a cpio archive starts at {:#x}, which is not a multiple of {}, where Linux does not find "
                   "it: fill up to {:#x} with zero bytes",
                   start, kCpioAlignment, align_down(start, kCpioAlignment) + kCpioAlignment);
  InitrdSegment segment{.start = start};
  const std::uint64_t end = TRY(walk(file, start, [&](const Entry& entry) -> Result<void> {
    ++segment.entries;
    segment.microcode |= entry.name.starts_with(kMicrocodeFolder);
    return {};
  }));
  segment.size = end - start;
  return segment;
}

// Something other than an archive at `start`; `archive_end` is the end of the archive before it, if any.
Result<InitrdSegment> read_compressed(Bytes file, std::uint64_t start,
                                      std::optional<std::uint64_t> archive_end) {
  const FileProbe found = probe(file.subspan(start));
  if (const auto format = unread_format(file, start))
    return fail_at(
        start,
        "this is a cpio archive in the {} format, which Linux does not read: make it with `cpio -o -H newc`",
        *format);
  if (!compression_name(found.kind)) {
    if (!archive_end)
      return fail_at(
          start,
          "this is {}, not an initrd: give a cpio archive made with `cpio -o -H newc`, compressed or "
          "not",
          found.description);
    return fail_at(
        start,
        "what follows the cpio archive that ends at {:#x} is neither zero bytes nor another archive nor "
        "compressed data: the file is damaged, or something was appended to it",
        *archive_end);
  }
  // Linux lib/decompress.c knows the legacy frame only.
  if (has(file, start, "\x04\x22\x4D\x18"sv))
    return fail_at(
        start,
        "LZ4 data in the frame format, which Linux does not read in an initrd: compress it with `lz4 -l`");
  // do_reset() of init/initramfs.c asks this of whatever follows an archive, though not of a file's start.
  if (archive_end && !is_aligned(start, kCpioAlignment))
    return fail_at(start,
                   "{} data starts at {:#x} after a cpio archive, not at a multiple of {}, where Linux "
                   "stops: fill up to {:#x} with zero bytes",
                   *compression_name(found.kind), start, kCpioAlignment,
                   align_down(start, kCpioAlignment) + kCpioAlignment);
  return InitrdSegment{.kind = InitrdSegment::Kind::compressed,
                       .start = start,
                       .size = file.size() - start,
                       .compression = found.kind};
}

}  // namespace

Result<std::vector<InitrdSegment>> read_initramfs(Bytes file) {
  if (file.empty()) return fail("the initrd is empty: give one with something in it, or none");
  std::vector<InitrdSegment> segments;
  std::optional<std::uint64_t> archive_end;
  std::uint64_t at = skip_zeros(file, 0);
  while (at < file.size()) {
    if (!is_newc(file, at)) {
      segments.push_back(TRY(read_compressed(file, at, archive_end)));
      return segments;
    }
    segments.push_back(TRY(read_archive(file, at)));
    archive_end = at + segments.back().size;
    at = skip_zeros(file, *archive_end);
  }
  if (segments.empty()) return fail("all {} bytes of the initrd are zero: get the file again", file.size());
  return segments;
}

Result<void> for_each_entry(Bytes archive, const std::function<Result<void>(const CpioEntry&)>& visit) {
  if (archive.empty()) return fail("the cpio archive is empty: give one with something in it");
  TRY(walk(archive, 0, [&](const Entry& entry) -> Result<void> {
    return visit({.name = std::string(entry.name),
                  .mode = entry.mode,
                  .uid = entry.uid,
                  .gid = entry.gid,
                  .nlink = entry.nlink,
                  .mtime = entry.mtime,
                  .ino = entry.ino,
                  .dev_major = entry.maj,
                  .dev_minor = entry.min,
                  .rdev_major = entry.rmaj,
                  .rdev_minor = entry.rmin,
                  .data = entry.data,
                  .offset = entry.offset});
  }));
  return {};
}

}  // namespace tintype
