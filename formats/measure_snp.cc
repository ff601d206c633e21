#include <algorithm>
#include <cassert>

#include "formats/measure.h"
#include "formats/ordered_work.h"

namespace tintype {

namespace {

using Kind = LaunchStep::Kind;

// AMD SEV-SNP Firmware ABI (56860, 1.55), table 67: PAGE_INFO
struct PageInfo {
  Sha384 DIGEST_CUR;         // 0x00
  Sha384 CONTENTS;           // 0x30
  le16 LENGTH;               // 0x60: of this structure
  std::uint8_t PAGE_TYPE;    // 0x62
  std::uint8_t IMI_PAGE;     // 0x63: bit 0
  std::uint8_t reserved;     // 0x64
  std::uint8_t VMPL1_PERMS;  // 0x65
  std::uint8_t VMPL2_PERMS;  // 0x66
  std::uint8_t VMPL3_PERMS;  // 0x67
  le64 GPA;                  // 0x68
};
static_assert(sizeof(PageInfo) == 0x70 && Wire<PageInfo>);

// The same, table 65: PAGE_TYPE
constexpr std::uint8_t kPageNormal = 1, kPageVmsa = 2, kPageZero = 3, kPageUnmeasured = 4, kPageSecrets = 5,
                       kPageCpuid = 6;

bool is_zero_type(const LaunchStep& step, const MeasureOptions& options) {
  return options.snp_zero_type && step.kind == Kind::page && step.data.empty();
}

std::uint8_t page_type(const LaunchStep& step, const MeasureOptions& options) {
  switch (step.kind) {
    case Kind::page:
      return is_zero_type(step, options) ? kPageZero : kPageNormal;
    case Kind::vmsa:
      return kPageVmsa;
    case Kind::secrets:
      return kPageSecrets;
    case Kind::cpuid:
      return kPageCpuid;
    default:
      return kPageUnmeasured;
  }
}

bool has_contents(const LaunchStep& step, const MeasureOptions& options) {
  return (step.kind == Kind::page && !is_zero_type(step, options)) || step.kind == Kind::vmsa;
}

// What the firmware is not told of.
bool is_silent(Kind kind) {
  return kind == Kind::shared || kind == Kind::error_range || kind == Kind::registers;
}

// A page of the launch, found by its rank among all.
struct Place {
  const LaunchStep* step;
  std::uint64_t page;
};

class Pages {
 public:
  explicit Pages(const std::vector<LaunchStep>& steps) {
    for (const LaunchStep& step : steps) {
      if (is_silent(step.kind) || step.pages == 0) continue;
      steps_.push_back(&step);
      ends_.push_back(count() + step.pages);
    }
  }
  std::uint64_t count() const { return ends_.empty() ? 0 : ends_.back(); }
  Place at(std::uint64_t rank) const {
    const auto end = std::upper_bound(ends_.begin(), ends_.end(), rank);
    const auto index = static_cast<std::size_t>(end - ends_.begin());
    return {steps_[index], rank - (*end - steps_[index]->pages)};
  }

 private:
  std::vector<const LaunchStep*> steps_;
  std::vector<std::uint64_t> ends_;  // of each step, as a rank
};

// A digest each: enough that handing blocks out costs nothing beside hashing 4 MiB.
constexpr std::uint64_t kBlockPages = 1024;

}  // namespace

LaunchDigest measure_snp(const std::vector<LaunchStep>& steps, const MeasureOptions& options) {
  const Pages pages(steps);
  const std::uint64_t blocks = (pages.count() + kBlockPages - 1) / kBlockPages;
  const unsigned threads = std::max(options.threads, 1u);
  const Sha384 zero_page = sha384(LaunchStep{}.contents(0));
  std::vector<std::vector<Sha384>> contents(threads, std::vector<Sha384>(kBlockPages));
  Sha384 digest = options.snp_start;

  const auto pages_of = [&](std::uint64_t block) {
    return std::min(kBlockPages, pages.count() - block * kBlockPages);
  };
  const auto hash = [&](std::uint64_t block, unsigned slot) {
    for (std::uint64_t i = 0; i < pages_of(block); ++i) {
      const auto [step, page] = pages.at(block * kBlockPages + i);
      Sha384& hashed = contents[slot][i];
      if (!has_contents(*step, options))
        hashed = {};
      else
        hashed = step->data.empty() ? zero_page : sha384(step->contents(page));
    }
  };
  const auto chain = [&](std::uint64_t block, unsigned slot) {
    for (std::uint64_t i = 0; i < pages_of(block); ++i) {
      const auto [step, page] = pages.at(block * kBlockPages + i);
      const PageInfo info{.DIGEST_CUR = digest,
                          .CONTENTS = contents[slot][i],
                          .LENGTH = std::uint16_t{sizeof(PageInfo)},
                          .PAGE_TYPE = page_type(*step, options),
                          .IMI_PAGE = 0,
                          .reserved = 0,
                          .VMPL1_PERMS = 0,
                          .VMPL2_PERMS = 0,
                          .VMPL3_PERMS = 0,
                          .GPA = step->gpa + page * kPageSize};
      digest = sha384(bytes_of(info));
      if (options.observe) options.observe(*step, page, digest);
      if (options.done && !step->data.empty()) options.done(step->contents(page));
    }
  };
  in_order(blocks, threads, hash, chain);
  return {LaunchPlatform::snp, {digest.begin(), digest.end()}};
}

}  // namespace tintype
