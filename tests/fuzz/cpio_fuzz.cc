// read_initramfs() and for_each_entry() on any bytes: an error with a sentence, or pieces that are in order,
// inside the file, and hold the entries that were counted.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "formats/cpio.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using namespace tintype;

// What is wrong with an archive that read_initramfs() found; empty if nothing.
std::string broken_archive(Bytes file, const InitrdSegment& segment) {
  // On its own it must read as it did in the file.
  const Bytes archive = file.subspan(segment.start, segment.size);
  const auto alone = read_initramfs(archive);
  if (!alone || alone->size() != 1 || alone->front().size != segment.size) return "an archive is none alone";
  std::uint64_t entries = 0;
  bool microcode = false;
  std::string broken;
  const auto walked = for_each_entry(archive, [&](const CpioEntry& entry) -> Result<void> {
    ++entries;
    microcode |= entry.name.starts_with("kernel/x86/microcode/");
    if (entry.name == "TRAILER!!!" || entry.name.size() >= kCpioMaxName) broken = "a name is none";
    if (entry.offset % kCpioAlignment != 0 || entry.offset >= archive.size())
      broken = "an entry is elsewhere";
    const bool inside =
        entry.data.empty() || (entry.data.data() >= archive.data() + entry.offset + sizeof(CpioHeader) &&
                               entry.data.data() + entry.data.size() <= archive.data() + archive.size());
    if (!inside) broken = "data is elsewhere";
    return {};
  });
  if (!walked) return "an archive cannot be walked";
  if (entries != segment.entries || microcode != segment.microcode) return "entries were miscounted";
  return broken;
}

std::string broken_invariant(Bytes file, const std::vector<InitrdSegment>& segments) {
  if (segments.empty()) return "there are no pieces";
  std::uint64_t end = 0;
  for (const InitrdSegment& segment : segments) {
    if (segment.start < end || segment.size == 0) return "pieces overlap or are empty";
    if (segment.start > file.size() || segment.size > file.size() - segment.start)
      return "a piece is outside";
    for (std::uint64_t i = end; i < segment.start; ++i)
      if (file[i] != 0) return "bytes were skipped";
    end = segment.start + segment.size;
    if (segment.kind == InitrdSegment::Kind::compressed) {
      if (!compression_name(segment.compression) || end != file.size()) return "compressed data is not";
      continue;
    }
    const std::string broken = broken_archive(file, segment);
    if (!broken.empty()) return broken;
  }
  return {};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes file(data, size);
  const auto segments = read_initramfs(file);
  std::string broken;
  if (segments)
    broken = broken_invariant(file, *segments);
  else if (segments.error().what.empty() || segments.error().offset.value_or(0) > size)
    broken = "an error says nothing, or points outside";
  if (broken.empty()) return 0;
  std::fprintf(stderr, "%s\n", broken.c_str());
  std::abort();
}
