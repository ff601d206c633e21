#include "formats/kernel_relocs.h"

#include <algorithm>
#include <vector>

namespace tintype {

namespace {

constexpr std::uint64_t kWord = sizeof(le32);

std::uint32_t word_at(Bytes words, std::uint64_t index) {
  le32 word;
  std::memcpy(&word, words.data() + index * kWord, kWord);
  return word;
}

// Finds the bytes of a kernel by the address they are linked at. The table is mostly ascending, so the
// segment of the last one is looked at first.
class Places {
 public:
  // Segments borrow from `file`, which is theirs to change.
  Places(const std::vector<KernelSegment>& segments, std::vector<std::uint8_t>& file)
      : segments_(segments), file_(file) {}

  // Where `size` bytes linked at `gpa` are, or null.
  std::uint8_t* find(std::uint64_t gpa, std::uint64_t size) {
    if (!holds(segments_[last_], gpa, size)) {
      const auto found = std::find_if(segments_.begin(), segments_.end(), [&](const KernelSegment& segment) {
        return holds(segment, gpa, size);
      });
      if (found == segments_.end()) return nullptr;
      last_ = static_cast<std::size_t>(found - segments_.begin());
    }
    const KernelSegment& segment = segments_[last_];
    return file_.data() + (segment.data.data() - file_.data()) + (gpa - segment.gpa);
  }

 private:
  static bool holds(const KernelSegment& segment, std::uint64_t gpa, std::uint64_t size) {
    return gpa >= segment.gpa && segment.data.size() >= size &&
           gpa - segment.gpa <= segment.data.size() - size;
  }

  const std::vector<KernelSegment>& segments_;
  std::vector<std::uint8_t>& file_;
  std::size_t last_ = 0;
};

// Gives `loaded` bytes of its own where it borrows those of a file that was not compressed.
void own_segments(LoadedKernel& loaded) {
  if (!loaded.unpacked.empty()) return;
  std::vector<KernelSegment>& segments = loaded.kernel.segments;
  for (const KernelSegment& segment : segments)
    loaded.unpacked.insert(loaded.unpacked.end(), segment.data.begin(), segment.data.end());
  std::size_t at = 0;
  for (KernelSegment& segment : segments) {
    segment.data = Bytes(loaded.unpacked).subspan(at, segment.data.size());
    at += segment.data.size();
  }
}

// Adds `delta` to each value of type T that `words` name.
template <typename T>
Result<void> correct(Bytes words, Places& places, std::uint64_t delta) {
  for (std::uint64_t i = 0; i < words.size() / kWord; ++i) {
    // The upper half of every address in the mapping is ones.
    const std::uint64_t address = 0xFFFFFFFF00000000 | word_at(words, i);
    std::uint8_t* place = address < kKernelMap ? nullptr : places.find(address - kKernelMap, sizeof(T));
    if (place == nullptr)
      return fail("an entry names {:#x}, where the kernel has no bytes: the file is damaged", address);
    T value;
    std::memcpy(&value, place, sizeof(value));
    value = static_cast<decltype(value.value())>(value + delta);
    std::memcpy(place, &value, sizeof(value));
  }
  return {};
}

}  // namespace

Result<RelocationTable> read_relocations(Bytes after_elf) {
  if (after_elf.empty())
    return fail(
        "the kernel has no relocation table, so it cannot be moved: give a bzImage built with "
        "CONFIG_RANDOMIZE_BASE=y, or leave --kaslr-seed out");
  // Each list follows a zero: 64-bit places, the inverse ones that older kernels have, 32-bit places.
  if (after_elf.size() % kWord != 0 || word_at(after_elf, 0) != 0)
    return fail(
        "{} bytes follow the kernel's ELF file, and they are not a relocation table: leave --kaslr-seed out",
        after_elf.size());
  std::vector<Bytes> lists;
  const std::uint64_t count = after_elf.size() / kWord;
  for (std::uint64_t i = 0; i < count;) {
    const std::uint64_t first = ++i;
    while (i < count && word_at(after_elf, i) != 0) ++i;
    if (lists.size() == 3) return fail("the relocation table has more than three lists: the file is damaged");
    lists.push_back(after_elf.subspan(first * kWord, (i - first) * kWord));
  }
  if (lists.size() < 2)
    return fail("the relocation table has one list, and Linux's have two or three: it is cut short");
  return RelocationTable{
      .add32 = lists.back(), .subtract32 = lists.size() == 3 ? lists[1] : Bytes(), .add64 = lists.front()};
}

Result<void> relocate_kernel(LoadedKernel& loaded, std::uint64_t virtual_delta,
                             std::uint64_t physical_delta) {
  Kernel& kernel = loaded.kernel;
  const RelocationTable table = TRY(with_context(read_relocations(kernel.after_elf), "relocations"));
  if (virtual_delta != 0) {
    own_segments(loaded);
    Places places(kernel.segments, loaded.unpacked);
    TRY(with_context(correct<le32>(table.add32, places, virtual_delta), "relocations"));
    TRY(with_context(correct<le32>(table.subtract32, places, 0 - virtual_delta), "relocations"));
    TRY(with_context(correct<le64>(table.add64, places, virtual_delta), "relocations"));
  }
  kernel.virtual_base += virtual_delta;
  for (KernelSegment& segment : kernel.segments) segment.gpa += physical_delta;
  if (kernel.entry) *kernel.entry += physical_delta;
  kernel.pvh_entry.reset();  // that code counts on the link address
  return {};
}

}  // namespace tintype
