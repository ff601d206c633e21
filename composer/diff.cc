#include "composer/diff.h"

#include <algorithm>

#include "formats/machine_tree.h"

namespace tintype {

namespace {

// The platforms to compare memory under: those that both files declare, or, if there is none, the first of
// each.
std::vector<MaskPair> masks_of(const DiffSide& a, const DiffSide& b, std::optional<LaunchPlatform> only) {
  if (only && a.only && b.only) return {{std::string(launch_platform_name(*only)), *a.only, *b.only}};
  std::vector<MaskPair> pairs;
  for (std::size_t i = 0; i < a.file.platforms.size(); ++i) {
    const auto& x = a.file.platforms[i];
    for (const auto& y : b.file.platforms)
      if (x.platform_type == y.platform_type)
        pairs.push_back({a.headers.platforms[i].what, x.compatibility_mask, y.compatibility_mask});
  }
  if (pairs.empty() && !a.file.platforms.empty() && !b.file.platforms.empty())
    pairs.push_back({"", a.file.platforms[0].compatibility_mask, b.file.platforms[0].compatibility_mask});
  return pairs;
}

void compare_all_memory(const DiffSide& a, const DiffSide& b, std::optional<LaunchPlatform> only,
                        DiffReport& report) {
  for (const MaskPair& masks : masks_of(a, b, only)) {
    if (masks.name.empty())
      report.notes.push_back(fmt::format(
          "the files declare no platform in common: memory is compared as platform {} finds it in "
          "{} and platform {} in {}",
          a.headers.platforms[0].what, a.name, b.headers.platforms[0].what, b.name));
    compare_regions(a, b, masks, report);
  }
}

void compare_all_digests(const DiffSide& a, const DiffSide& b, const DiffOptions& options,
                         DiffReport& report) {
  bool any = false;
  for (const LaunchPlatform platform : declared_platforms(a.file)) {
    if ((options.platform && *options.platform != platform) || !launch_mask(b.file, platform)) continue;
    compare_digests(a, b, platform, options.host, report);
    any = true;
  }
  if (!any)
    report.notes.emplace_back("no digests are compared: no platform that has one is declared by both files");
}

// What the comparison by meaning does not tell apart, such as the order of headers.
void compare_rest(const DiffSide& a, const DiffSide& b, DiffReport& report) {
  if (!report.equal()) return;
  const bool same_bytes = std::equal(a.bytes.begin(), a.bytes.end(), b.bytes.begin(), b.bytes.end());
  if (same_bytes) return;
  const auto same = igvm::same(a.file, b.file);
  if (!same && a.only) {
    report.notes.push_back("the files differ in what other platforms get, or in the order of headers: " +
                           same.error().message());
    return;
  }
  if (!same) {
    Difference difference{.category = "header", .name = "headers"};
    difference.values.push_back({"difference", same.error().message(), ""});
    report.differences.push_back(std::move(difference));
    return;
  }
  report.notes.push_back(
      "the files differ in bytes that mean nothing: where data lies, or how headers are padded");
}

}  // namespace

bool DiffReport::equal() const {
  return differences.empty() &&
         std::all_of(digests.begin(), digests.end(), [](const auto& digest) { return digest.a == digest.b; });
}

Result<DiffSide> open_side(const std::string& name, Bytes bytes) {
  DiffSide side{.name = name, .bytes = bytes, .file = {}, .headers = {}};
  side.headers = TRY(with_context(gather_headers(name, bytes, side.file), name));
  return side;
}

void add_difference(Difference found, const std::string& platform, DiffReport& report) {
  const auto [known, added] =
      report.by_text.emplace(difference_text(found, report.files), report.differences.size());
  if (added) report.differences.push_back(std::move(found));
  if (!platform.empty()) report.differences[known->second].platforms.push_back(platform);
}

Result<DiffReport> gather_diff(const DiffOptions& options, Bytes a_bytes, Bytes b_bytes) {
  DiffSide a = TRY(open_side(options.a, a_bytes));
  DiffSide b = TRY(open_side(options.b, b_bytes));
  if (options.platform)
    for (DiffSide* side : {&a, &b})
      side->only = TRY(said_of(side->name, launch_mask(side->file, *options.platform)));
  DiffReport report{.files = {options.a, options.b},
                    .sizes = {a_bytes.size(), b_bytes.size()},
                    .differences = {},
                    .digests = {},
                    .by_text = {},
                    .notes = {}};
  compare_headers(a, b, report);
  compare_machines(a, b, report);
  compare_all_memory(a, b, options.platform, report);
  compare_all_digests(a, b, options, report);
  compare_rest(a, b, report);
  return report;
}

}  // namespace tintype
