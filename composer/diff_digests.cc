#include <algorithm>

#include "composer/diff.h"

namespace tintype {

namespace {

// "page 0x20000 (cmdline)", "registers: vCPU 0 rip=0x1000000"
std::string operation_text(const Launch& launch, const std::optional<Machine>& machine, std::size_t index) {
  if (index >= launch.operations.size()) return "";
  const LaunchOperation& operation = launch.operations[index];
  std::string text(launch.kind_of(operation));
  if (operation.kind == LaunchOperation::Kind::add) text += " added";
  if (operation.kind == LaunchOperation::Kind::extend) text += " measured";
  if (const auto page = launch.page_of(operation)) {
    text += fmt::format(" {:#x}", page->start);
    if (const std::string names = joined(region_names(machine, *page)); !names.empty())
      text += fmt::format(" ({})", names);
  }
  const std::string detail = launch.detail_of(operation);
  return detail.empty() ? text : text + ": " + detail;
}

std::optional<GpaRange> page_at(const Launch& launch, std::size_t index) {
  return index < launch.operations.size() ? launch.page_of(launch.operations[index]) : std::nullopt;
}

// Tells the first region or piece of memory that differs in the page of the operation that this is why.
void attribute(const DigestDifference& digest, DiffReport& report) {
  for (Difference& difference : report.differences) {
    const bool here = (digest.page_a && difference.range_a && difference.range_a->overlaps(*digest.page_a)) ||
                      (digest.page_b && difference.range_b && difference.range_b->overlaps(*digest.page_b));
    if (!here) continue;
    difference.digests +=
        fmt::format("{}{} digest parts at operation {}", difference.digests.empty() ? "" : ", ",
                    launch_platform_name(digest.platform), *digest.parts_at);
    return;
  }
}

}  // namespace

void compare_digests(const DiffSide& a, const DiffSide& b, LaunchPlatform platform, const HostOptions& host,
                     DiffReport& report) {
  const auto x = observe_launch(a.file, a.machine(), platform, host);
  const auto y = observe_launch(b.file, b.machine(), platform, host);
  for (const auto& [side, launch] : {std::pair(&a, &x), std::pair(&b, &y)})
    if (!*launch)
      report.notes.push_back(fmt::format("the {} digests are not compared: {} {}",
                                         launch_platform_name(platform), side->name,
                                         launch->error().message()));
  if (!x || !y) return;
  for (const auto& [side, launch] : {std::pair(&a, &x), std::pair(&b, &y)})
    if ((*launch)->assumption) report.notes.push_back(side->name + ": " + *(*launch)->assumption);
  DigestDifference digest{.platform = platform,
                          .a = x->digest,
                          .b = y->digest,
                          .operations_a = x->operations.size(),
                          .operations_b = y->operations.size(),
                          .parts_at = {},
                          .operation_a = {},
                          .operation_b = {},
                          .page_a = {},
                          .page_b = {},
                          .host_a = host_json(*x),
                          .host_b = host_json(*y)};
  if (!(x->digest == y->digest)) {
    const auto at =
        std::mismatch(x->operations.begin(), x->operations.end(), y->operations.begin(), y->operations.end(),
                      [](const auto& m, const auto& n) { return m.digest == n.digest; });
    const auto index = static_cast<std::size_t>(at.first - x->operations.begin());
    digest.parts_at = index + 1;
    digest.operation_a = operation_text(*x, a.machine(), index);
    digest.operation_b = operation_text(*y, b.machine(), index);
    digest.page_a = page_at(*x, index);
    digest.page_b = page_at(*y, index);
    attribute(digest, report);
  }
  report.digests.push_back(std::move(digest));
}

}  // namespace tintype
