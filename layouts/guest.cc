#include "layouts/guest.h"

namespace tintype {

namespace {

// Linux Documentation/driver-api/early-userspace/buffer-format.rst: archives start at a multiple of this.
constexpr std::uint64_t kArchiveAlignment = 4;
// Segments this far apart are regions of their own; nearer ones are one, with zeroes between.
constexpr std::uint64_t kSegmentGap = 4 * kMiB;

// Segments [first, last) as one piece of memory.
void emit_segments(const std::vector<KernelSegment>& segments, std::size_t first, std::size_t last,
                   ByteSink& sink) {
  std::uint64_t gpa = segments[first].gpa;
  for (std::size_t i = first; i < last; ++i) {
    sink.zeros(segments[i].gpa - gpa);
    sink.borrow(segments[i].data);
    gpa = segments[i].gpa + segments[i].data.size();
  }
}

void emit_initrd(const std::vector<Bytes>& archives, ByteSink& sink) {
  for (const Bytes& archive : archives) {
    sink.zeros(*align_up(sink.size(), kArchiveAlignment) - sink.size());
    sink.borrow(archive);
  }
}

}  // namespace

std::uint64_t Inputs::initrd_size() const {
  Counter counter;
  emit_initrd(initrd, counter);
  return counter.size();
}

bool has_word(std::string_view cmdline, std::string_view word) {
  const auto separates = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  for (std::size_t at = cmdline.find(word); at != cmdline.npos; at = cmdline.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || separates(cmdline[at - 1])) && (end == cmdline.size() || separates(cmdline[end])))
      return true;
  }
  return false;
}

void add_kernel(const Kernel& kernel, std::uint64_t base, LayoutPlan& plan) {
  const auto& segments = kernel.segments;
  std::size_t first = 0;
  for (std::size_t next = 1; next <= segments.size(); ++next) {
    const KernelSegment& last = segments[next - 1];
    const std::uint64_t end = last.gpa + last.memory_size;
    // What a segment only claims in memory is never emitted, unless it is less than the gap.
    if (next < segments.size() && segments[next].gpa - (last.gpa + last.data.size()) < kSegmentGap) continue;
    plan.add({.name = first == 0 ? "kernel" : fmt::format("kernel.{}", first),
              .fixed = base + segments[first].gpa,
              .reserve = end - segments[first].gpa,
              .emit = [&segments, first, next](const Addresses&, ByteSink& sink) {
                emit_segments(segments, first, next, sink);
              }});
    first = next;
  }
}

std::uint64_t end_of(const Kernel& kernel) {
  const KernelSegment& last = kernel.segments.back();
  return last.gpa + last.memory_size;
}

void add_initrd_region(const Inputs& inputs, std::vector<GpaRange> windows, LayoutPlan& plan) {
  if (inputs.initrd.empty()) return;
  plan.add({.name = "initrd",
            .windows = std::move(windows),
            .alignment = kInitrdAlignment,
            .emit = [&inputs](const Addresses&, ByteSink& sink) { emit_initrd(inputs.initrd, sink); },
            .remedy = "use a smaller initrd"});
}

}  // namespace tintype
