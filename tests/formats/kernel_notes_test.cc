#include "formats/kernel_notes.h"

#include "support/test_main.h"
#include "support/tiny_kernels.h"

namespace tintype {
namespace {

using tiny::ElfSpec;

constexpr std::string_view kXen{"Xen\0", 4};
constexpr std::uint32_t kPhys32Entry = 18;

// A kernel that is not Linux, with these notes.
ElfSpec with_notes(std::vector<tiny::ElfSegment> notes) {
  ElfSpec spec = tiny::elf_spec("no banner");
  for (tiny::ElfSegment& note : notes) spec.segments.push_back(std::move(note));
  return spec;
}

Result<Kernel> load(const ElfSpec& spec, tiny::File& file) {
  file = tiny::elf(spec);
  auto loaded = load_kernel(file);
  if (!loaded) return tl::unexpected(loaded.error());
  return loaded->kernel;
}

std::string error_of(const ElfSpec& spec) {
  tiny::File file;
  const auto kernel = load(spec, file);
  return kernel ? "no error" : kernel.error().message();
}

std::optional<std::uint64_t> entry_of(const ElfSpec& spec) {
  tiny::File file;
  const auto kernel = load(spec, file);
  REQUIRE_OK(kernel);
  return kernel->pvh_entry;
}

TEST_CASE("the note says where PVH enters, in 4 or 8 bytes, in ELF64 and ELF32") {
  CHECK_FALSE(entry_of(tiny::elf_spec()));
  CHECK(entry_of(with_notes({tiny::pvh_note(kMiB + 4)})) == kMiB + 4);
  CHECK(entry_of(with_notes({tiny::note_segment(kXen, kPhys32Entry, bytes_of(le64(kMiB)))})) == kMiB);
  ElfSpec spec = with_notes({tiny::pvh_note(kMiB + 4)});
  spec.elf_class = 1;
  spec.machine = 3;
  tiny::File file;
  const auto kernel = load(spec, file);
  REQUIRE_OK(kernel);
  CHECK(kernel->pvh_entry == kMiB + 4);
  CHECK(kernel->format == "ELF32");
  CHECK_FALSE(kernel->is_64bit);
  REQUIRE(kernel->segments.size() == 2);
  CHECK(kernel->segments[1].gpa == 2 * kMiB);
  CHECK(kernel->segments[1].memory_size == 8192);
}

TEST_CASE("notes of others and of other types are passed over, whatever their padding") {
  const tiny::File odd(5, 1);
  for (const std::uint64_t alignment : {0u, 1u, 4u, 8u}) {
    tiny::ElfSegment notes = tiny::note_segment("GNU!", kPhys32Entry, odd, alignment);
    for (const auto& [name, type] : {std::pair(kXen, 6u), std::pair(kXen, kPhys32Entry)}) {
      const tiny::ElfSegment next = tiny::note_segment(name, type, bytes_of(le32(kMiB)), alignment);
      notes.data.insert(notes.data.end(), next.data.begin(), next.data.end());
    }
    CAPTURE(alignment);
    CHECK(entry_of(with_notes({notes})) == kMiB);
  }
  // "Xen" without its NUL is somebody else.
  CHECK_FALSE(entry_of(with_notes({tiny::note_segment("Xen", kPhys32Entry, bytes_of(le32(kMiB)))})));
}

TEST_CASE("a kernel may have no other way in") {
  ElfSpec spec = with_notes({tiny::pvh_note(kMiB)});
  spec.entry = 0;
  tiny::File file;
  const auto kernel = load(spec, file);
  REQUIRE_OK(kernel);
  CHECK_FALSE(kernel->entry);
  CHECK(kernel->pvh_entry == kMiB);
}

TEST_CASE("a note that lies is refused with its place in the file") {
  CHECK(error_of(with_notes({tiny::note_segment(kXen, kPhys32Entry, bytes_of(le16(1)))}))
            .find("XEN_ELFNOTE_PHYS32_ENTRY has 2 bytes, and an address has 4 or 8") != std::string::npos);
  CHECK(error_of(with_notes({tiny::note_segment(kXen, kPhys32Entry, bytes_of(le64(5 * kGiB)))}))
            .find("is 0x140000000, and 32-bit code lies below 4 GiB") != std::string::npos);
  CHECK(error_of(with_notes({tiny::pvh_note(0x50)})).find("is 0x50, which is in no segment's bytes") !=
        std::string::npos);
  CHECK(error_of(with_notes({tiny::pvh_note(2 * kMiB + 8)})).find("in no segment's bytes") !=
        std::string::npos);
  CHECK(error_of(with_notes({tiny::pvh_note(kMiB), tiny::pvh_note(kMiB + 1)}))
            .find("which is meant cannot be told") != std::string::npos);
  CHECK(entry_of(with_notes({tiny::pvh_note(kMiB), tiny::pvh_note(kMiB)})) == kMiB);
  // namesz and descsz that reach past the segment, by a byte and by all that 32 bits can say.
  for (const std::size_t field : {0u, 4u})
    for (const std::uint32_t size : {13u, 0xFFFFFFFFu}) {
      ElfSpec spec = with_notes({tiny::pvh_note(kMiB)});
      const le32 value(size);
      std::memcpy(spec.segments.back().data.data() + field, &value, sizeof(value));
      const std::string error = error_of(spec);
      CAPTURE(error);
      CHECK(error.find("run past the end of the notes: the file is damaged (at file offset 0x") !=
            std::string::npos);
    }
}

}  // namespace
}  // namespace tintype
