#include <cstring>

#include "formats/measure.h"

namespace tintype {

namespace {

using Kind = LaunchStep::Kind;

// Intel TDX Module ABI Reference (348551), TDH.MEM.PAGE.ADD and TDH.MR.EXTEND: what each adds to MRTD. The
// second is followed by the 256 bytes it is about.
struct MrtdUpdate {
  std::array<std::uint8_t, 16> operation;  // 0: its name and NULs
  le64 gpa;                                // 16
  std::array<std::uint8_t, 104> reserved;  // 24
};
static_assert(sizeof(MrtdUpdate) == 128 && Wire<MrtdUpdate>);
constexpr std::uint64_t kChunk = 256, kChunks = kPageSize / kChunk;
struct MrExtend {
  MrtdUpdate update;                          // 0
  std::array<std::uint8_t, kChunk> contents;  // 128
};
static_assert(sizeof(MrExtend) == 384 && Wire<MrExtend>);

constexpr std::array<std::uint8_t, 16> operation(std::string_view name) {
  std::array<std::uint8_t, 16> text{};
  for (std::size_t i = 0; i < name.size(); ++i) text[i] = static_cast<std::uint8_t>(name[i]);
  return text;
}

class Mrtd {
 public:
  explicit Mrtd(const MeasureOptions& options) : options_(options) {
    for (MrExtend& extend : extends_) extend.update = {operation("MR.EXTEND"), std::uint64_t{0}, {}};
  }

  void add(const LaunchStep& step, std::uint64_t page) {
    stream_.update(bytes_of(MrtdUpdate{operation("MEM.PAGE.ADD"), step.gpa + page * kPageSize, {}}));
    if (options_.observe) options_.observe(step, page, stream_.digest());
  }
  void extend(const LaunchStep& step, std::uint64_t page) {
    const Bytes bytes = step.contents(page);
    for (std::uint64_t i = 0; i < kChunks; ++i) {
      extends_[i].update.gpa = step.gpa + page * kPageSize + i * kChunk;
      std::memcpy(extends_[i].contents.data(), bytes.data() + i * kChunk, kChunk);
    }
    stream_.update(bytes_of(extends_));
    if (options_.observe) options_.observe(step, page, stream_.digest());
    if (options_.done && !step.data.empty()) options_.done(bytes);
  }
  Sha384 digest() const { return stream_.digest(); }

 private:
  const MeasureOptions& options_;
  Sha384Stream stream_;
  // A page's sixteen operations side by side: hashing them in one call is a fifth faster than in 32.
  std::array<MrExtend, kChunks> extends_{};
};

// The module knows private pages only; an error range is no memory yet, and registers are fixed.
bool is_added(Kind kind) {
  return kind == Kind::page || kind == Kind::unmeasured || kind == Kind::parameter;
}

// The end of the maximal run of measured pages, following each other in the guest, that starts with `first`.
std::size_t end_of_run(const std::vector<LaunchStep>& steps, std::size_t first) {
  std::size_t next = first + 1;
  while (next < steps.size() && steps[next].kind == Kind::page &&
         steps[next].gpa == steps[next - 1].gpa + steps[next - 1].pages * kPageSize)
    ++next;
  return next;
}

void measure_run(const std::vector<LaunchStep>& steps, std::size_t first, std::size_t last, Mrtd& mrtd) {
  for (std::size_t i = first; i < last; ++i)
    for (std::uint64_t page = 0; page < steps[i].pages; ++page) mrtd.add(steps[i], page);
  for (std::size_t i = first; i < last; ++i)
    for (std::uint64_t page = 0; page < steps[i].pages; ++page) mrtd.extend(steps[i], page);
}

}  // namespace

LaunchDigest measure_tdx(const std::vector<LaunchStep>& steps, const MeasureOptions& options) {
  Mrtd mrtd(options);
  for (std::size_t i = 0; i < steps.size();) {
    const LaunchStep& step = steps[i];
    if (step.kind == Kind::page && options.tdx_order == TdxOrder::two_pass) {
      const std::size_t last = end_of_run(steps, i);
      measure_run(steps, i, last, mrtd);
      i = last;
      continue;
    }
    for (std::uint64_t page = 0; is_added(step.kind) && page < step.pages; ++page) {
      mrtd.add(step, page);
      if (step.kind == Kind::page) mrtd.extend(step, page);
    }
    ++i;
  }
  const Sha384 digest = mrtd.digest();
  return {LaunchPlatform::tdx, {digest.begin(), digest.end()}};
}

}  // namespace tintype
