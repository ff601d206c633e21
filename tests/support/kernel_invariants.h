// What holds for every Kernel that load_kernel() returns, whatever the file was.
#pragma once

#include <algorithm>
#include <string>

#include "formats/kernel.h"

namespace tintype {

// The invariant that `loaded`, read from `file`, breaks; empty if none.
inline std::string broken_invariant(const LoadedKernel& loaded, Bytes file) {
  const Kernel& kernel = loaded.kernel;
  const Bytes source = loaded.unpacked.empty() ? file : Bytes(loaded.unpacked);
  if (kernel.segments.empty()) return "there are no segments";
  std::uint64_t end = 0;
  int entered = 0;
  for (const KernelSegment& segment : kernel.segments) {
    if (segment.memory_size == 0) return "a segment is empty";
    if (segment.memory_size < segment.data.size()) return "a segment has more bytes than memory";
    if (segment.gpa < end) return "segments overlap or are not in order";
    if (segment.gpa + segment.memory_size < segment.gpa) return "a segment wraps around";
    end = segment.gpa + segment.memory_size;
    const bool inside =
        segment.data.empty() || (segment.data.data() >= source.data() &&
                                 segment.data.data() + segment.data.size() <= source.data() + source.size());
    if (!inside) return "a segment borrows from elsewhere";
    for (const auto& entry : {kernel.entry, kernel.pvh_entry})
      if (entry && *entry >= segment.gpa && *entry - segment.gpa < segment.data.size()) ++entered;
  }
  if (!kernel.entry && !kernel.pvh_entry) return "there is no way in";
  if (entered != int{kernel.entry.has_value()} + int{kernel.pvh_entry.has_value()})
    return "an entry point is in no segment";
  if (kernel.arm64) {
    const Arm64ImageFacts& facts = *kernel.arm64;
    if (kernel.arch != Arch::aarch64) return "an Image is for another architecture than AArch64";
    if (kernel.entry != 0 || kernel.segments.front().gpa != 0) return "an Image does not begin at its start";
    if (facts.text_offset >= 2 * kMiB || facts.text_offset % kPageSize != 0) return "text_offset is odd";
    if (end != facts.image_size || end > kGiB) return "an Image has other memory than it asks for";
  }
  if (end > kPhysicalEnd) return "a segment is past the end of memory";
  if (kernel.arch == Arch::aarch64 && (kernel.setup || kernel.pvh_entry || !kernel.after_elf.empty()))
    return "an AArch64 kernel has what only x86 ones have";
  const auto printable = [](char c) { return c >= 0x20 && c <= 0x7E; };
  if (!std::all_of(kernel.version.begin(), kernel.version.end(), printable))
    return "the version is not printable";
  if (kernel.setup && kernel.setup->setup_header.size() < 0x268 - 0x1F1)
    return "the setup header is too short";
  return {};
}

}  // namespace tintype
