// Guest memory, region by region where the files name regions and address by address elsewhere.
#include <algorithm>
#include <map>

#include "composer/diff.h"

namespace tintype {

namespace {

// More than this is no structure whose fields anyone named.
constexpr std::uint64_t kMostStructure = 256 * kKiB;

// What is around the first byte that differs, as far as both pieces go.
Excerpt excerpt_at(const MemoryView& a, GpaRange in_a, const MemoryView& b, GpaRange in_b,
                   std::uint64_t first) {
  constexpr std::uint64_t kAround = 64;
  const std::uint64_t start = first > kAround ? first - kAround : 0;
  const auto bytes = [&](const MemoryView& view, GpaRange range) {
    return view.read(range.start + start, std::min(first + kAround, range.size()) - start);
  };
  return excerpt_of(bytes(a, in_a), bytes(b, in_b), static_cast<std::size_t>(first - start));
}

std::optional<StructureChange> structure_at(const std::string& name, const MemoryView& a, GpaRange in_a,
                                            const MemoryView& b, GpaRange in_b) {
  if (in_a.size() > kMostStructure || in_b.size() > kMostStructure) return std::nullopt;
  return compare_structures(name, a.read(in_a.start, in_a.size()), b.read(in_b.start, in_b.size()));
}

class Regions {
 public:
  Regions(const DiffSide& a, const DiffSide& b, const MaskPair& masks, DiffReport& report)
      : a_(a),
        b_(b),
        platform_(masks.name),
        view_a_(a.file, masks.a),
        view_b_(b.file, masks.b),
        report_(report) {}

  void compare() {
    if (a_.machine() && b_.machine()) compare_labels(a_.machine()->labels, b_.machine()->labels);
    compare_unnamed();
  }

 private:
  // Regions of one name belong together in their order.
  void compare_labels(const std::vector<RegionLabel>& a, const std::vector<RegionLabel>& b) {
    std::multimap<std::string_view, const RegionLabel*> left;
    for (const RegionLabel& label : b) left.emplace(label.name, &label);
    for (const RegionLabel& label : a) {
      const auto other = left.lower_bound(label.name);
      if (other == left.end() || other->first != label.name) {
        add({.category = "region",
             .name = label.name,
             .kind = Difference::Kind::only_a,
             .range_a = label.range});
        continue;
      }
      compare_region(label, *other->second);
      left.erase(other);
    }
    for (const RegionLabel& label : b) {
      const auto [first, last] = left.equal_range(label.name);
      if (std::any_of(first, last, [&](const auto& other) { return other.second == &label; }))
        add({.category = "region",
             .name = label.name,
             .kind = Difference::Kind::only_b,
             .range_b = label.range});
    }
  }

  void compare_region(const RegionLabel& a, const RegionLabel& b) {
    const std::uint64_t common = std::min(a.range.size(), b.range.size());
    const MemoryDifference memory = compare_memory(view_a_, a.range.start, view_b_, b.range.start, common);
    if (a.range == b.range && !memory.any()) return;
    Difference difference{
        .category = "region", .name = a.name, .range_a = a.range, .range_b = b.range, .memory = memory};
    if (memory.first) difference.excerpt = excerpt_at(view_a_, a.range, view_b_, b.range, *memory.first);
    if (memory.bytes > 0 || a.range.size() != b.range.size())
      difference.structure = structure_at(a.name, view_a_, a.range, view_b_, b.range);
    add(std::move(difference));
  }

  // Pages that neither file names, or of which only one file says what they are.
  void compare_unnamed() {
    static const std::optional<Machine> kNobody;
    const bool named = a_.machine() && b_.machine();
    std::vector<GpaRange> parts;
    const auto gather = [&](const DiffSide& side, const MemoryView& view) {
      for (const MemoryExtent& extent : view.extents()) {
        const auto size = checked_mul(extent.pages, kPageSize);
        const auto end = size ? checked_add(extent.page * kPageSize, *size) : std::nullopt;
        const GpaRange range = {extent.page * kPageSize, end.value_or(~std::uint64_t{0})};
        const std::vector<GpaRange> outside = outside_labels(range, named ? side.machine() : kNobody);
        parts.insert(parts.end(), outside.begin(), outside.end());
      }
    };
    gather(a_, view_a_);
    gather(b_, view_b_);
    parts = joined(std::move(parts));
    for (const GpaRange& range : parts) compare_range(range);
    if (named) compare_padding(parts);
  }

  // What is left of a page beside its regions, but for pages that were compared whole.
  void compare_padding(const std::vector<GpaRange>& compared) {
    std::vector<GpaRange> parts;
    for (const DiffSide* side : {&a_, &b_})
      for (const RegionLabel& label : side->machine()->labels) {
        const GpaRange pages = label.range.to_pages();
        for (const GpaRange& beside :
             {GpaRange{pages.start, label.range.start}, GpaRange{label.range.end, pages.end}})
          for (const GpaRange& part : outside_labels(beside, a_.machine(), Labels::bytes)) {
            const auto both = outside_labels(part, b_.machine(), Labels::bytes);
            parts.insert(parts.end(), both.begin(), both.end());
          }
      }
    for (const GpaRange& part : joined(std::move(parts))) {
      // Both ascend, and there may be ten thousand of these and a million of those.
      const auto whole =
          std::lower_bound(compared.begin(), compared.end(), part.start,
                           [](const GpaRange& candidate, std::uint64_t gpa) { return candidate.end <= gpa; });
      const bool known = whole != compared.end() && whole->overlaps(part);
      const auto differing = [&] {
        return compare_memory(view_a_, part.start, view_b_, part.start, part.size()).bytes > 0;
      };
      if (!known && differing()) compare_range(part);
    }
  }

  // Sorted, with those that touch as one.
  static std::vector<GpaRange> joined(std::vector<GpaRange> parts) {
    std::sort(parts.begin(), parts.end());
    std::vector<GpaRange> result;
    for (const GpaRange& part : parts) {
      if (!result.empty() && part.start <= result.back().end)
        result.back().end = std::max(result.back().end, part.end);
      else
        result.push_back(part);
    }
    return result;
  }

  void compare_range(GpaRange range) {
    const MemoryDifference memory = compare_memory(view_a_, range.start, view_b_, range.start, range.size());
    if (!memory.any()) return;
    Difference difference{
        .category = "memory", .name = names_in(range), .range_a = range, .range_b = range, .memory = memory};
    const bool none_in_a = view_a_.kind_in(range).empty();
    const bool none_in_b = view_b_.kind_in(range).empty();
    if (none_in_a) difference.kind = Difference::Kind::only_b;
    if (none_in_b) difference.kind = Difference::Kind::only_a;
    if (memory.first) difference.excerpt = excerpt_at(view_a_, range, view_b_, range, *memory.first);
    add(std::move(difference));
  }

  // What the one file that names regions calls the memory, if there is one.
  std::string names_in(GpaRange range) const {
    if (a_.machine().has_value() == b_.machine().has_value()) return "";
    return tintype::joined(region_names(a_.machine() ? a_.machine() : b_.machine(), range));
  }

  void add(Difference difference) { add_difference(std::move(difference), platform_, report_); }

  const DiffSide& a_;
  const DiffSide& b_;
  std::string platform_;
  MemoryView view_a_, view_b_;
  DiffReport& report_;
};

}  // namespace

void compare_regions(const DiffSide& a, const DiffSide& b, const MaskPair& masks, DiffReport& report) {
  Regions(a, b, masks, report).compare();
}

}  // namespace tintype
