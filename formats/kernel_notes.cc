#include "formats/kernel_notes.h"

#include <algorithm>

namespace tintype {

namespace {

// Xen xen/include/public/elfnote.h
constexpr std::uint32_t kPhys32Entry = 18;  // XEN_ELFNOTE_PHYS32_ENTRY
constexpr std::string_view kXen{"Xen\0", 4};

// System V ABI, "Note Section": one note's header; the name and then the description follow, each padded.
struct ElfNote {
  le32 n_namesz;  // 0
  le32 n_descsz;  // 4
  le32 n_type;    // 8
};
static_assert(sizeof(ElfNote) == 12 && Wire<ElfNote>);

// Notes are padded to 4 bytes whatever the class, except in segments that ask for 8.
std::uint64_t padding_of(const ElfSegmentHeader& segment) {
  return segment.alignment == 8 ? 8 : 4;
}

Result<std::uint64_t> entry_in(Bytes description, std::uint64_t at) {
  if (description.size() == sizeof(le32))
    return std::uint64_t{TRY(read_at<le32>(description, 0, "the entry"))};
  if (description.size() == sizeof(le64))
    return std::uint64_t{TRY(read_at<le64>(description, 0, "the entry"))};
  return fail_at(at, "XEN_ELFNOTE_PHYS32_ENTRY has {} bytes, and an address has 4 or 8: the file is damaged",
                 description.size());
}

Result<void> check_entry(std::uint64_t entry, const std::vector<KernelSegment>& segments, std::uint64_t at) {
  if (entry > UINT32_MAX)
    return fail_at(at, "XEN_ELFNOTE_PHYS32_ENTRY is {:#x}, and 32-bit code lies below 4 GiB", entry);
  const bool inside = std::any_of(segments.begin(), segments.end(), [&](const KernelSegment& segment) {
    return entry >= segment.gpa && entry - segment.gpa < segment.data.size();
  });
  if (!inside)
    return fail_at(
        at, "XEN_ELFNOTE_PHYS32_ENTRY is {:#x}, which is in no segment's bytes: the file is damaged", entry);
  return {};
}

// Calls found(description, offset in the file) for each of Xen's notes of `type` in a PT_NOTE segment.
template <typename Found>
Result<void> for_each_note(const ElfSegmentHeader& segment, std::uint64_t base, std::uint32_t type,
                           const Found& found) {
  const std::uint64_t size = segment.data.size();
  const std::uint64_t padding = padding_of(segment);
  // What is left at the end and cannot hold a header is padding.
  for (std::uint64_t at = 0; at < size && size - at >= sizeof(ElfNote);) {
    const auto note = TRY(read_at<ElfNote>(segment.data, at, "a note"));
    // 32-bit lengths: these sums do not overflow in 64 bits.
    const std::uint64_t name = at + sizeof(ElfNote);
    const std::uint64_t description = *align_up(name + note.n_namesz, padding);
    const std::uint64_t end = description + note.n_descsz;
    if (name + note.n_namesz > size || end > size)
      return fail_at(base + at,
                     "a name of {} bytes and a description of {} run past the end of the notes: the file is "
                     "damaged",
                     note.n_namesz.value(), note.n_descsz.value());
    const Bytes name_bytes = segment.data.subspan(name, note.n_namesz);
    if (note.n_type == type &&
        std::equal(name_bytes.begin(), name_bytes.end(), kXen.begin(), kXen.end(),
                   [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); }))
      TRY(found(segment.data.subspan(description, note.n_descsz), base + description));
    at = *align_up(end, padding);
  }
  return {};
}

}  // namespace

Result<std::optional<std::uint64_t>> find_pvh_entry(const ElfHeaders& headers,
                                                    const std::vector<KernelSegment>& segments) {
  std::optional<std::uint64_t> entry;
  for (const ElfSegmentHeader& segment : headers.segments) {
    if (segment.type != kElfNote) continue;
    TRY(with_context(for_each_note(segment, segment.offset, kPhys32Entry,
                                   [&](Bytes description, std::uint64_t at) -> Result<void> {
                                     const std::uint64_t value = TRY(entry_in(description, at));
                                     TRY(check_entry(value, segments, at));
                                     if (entry && *entry != value)
                                       return fail_at(
                                           at,
                                           "XEN_ELFNOTE_PHYS32_ENTRY is {:#x}, and another one {:#x}: "
                                           "which is meant cannot be told",
                                           value, *entry);
                                     entry = value;
                                     return {};
                                   }),
                     "ELF notes"));
  }
  return entry;
}

}  // namespace tintype
