#include "layouts/plan.h"

#include <algorithm>
#include <cassert>

#include "formats/machine.h"

namespace tintype {

std::string_view page_kind_name(PageKind kind) {
  switch (kind) {
    case PageKind::normal:
      return "normal";
    case PageKind::unmeasured:
      return "unmeasured";
    case PageKind::shared:
      return "shared";
    case PageKind::cpuid:
      return "cpuid";
    case PageKind::secrets:
      return "secrets";
  }
  return "unknown";
}

std::uint64_t Addresses::of(std::string_view region) const {
  return range(region).start;
}

GpaRange Addresses::range(std::string_view region) const {
  if (counting()) return {};
  const auto found = ranges_.find(region);
  assert(found != ranges_.end() && "an emitter asked for a region that nobody added");
  return found->second;
}

bool Addresses::has(std::string_view region) const {
  return ranges_.find(region) != ranges_.end();
}

void Addresses::set(std::string_view region, GpaRange range) {
  ranges_.emplace(region, range);
}

namespace {

// Collects what an emitter writes, borrowed bytes by reference and the rest in buffers of its own.
class Rope final : public ByteSink {
 public:
  explicit Rope(Arena& arena) : arena_(arena) {}

  void write(Bytes bytes) override {
    own_.insert(own_.end(), bytes.begin(), bytes.end());
    size_ += bytes.size();
  }
  void borrow(Bytes bytes) override {
    if (bytes.size() < kPageSize) return write(bytes);  // a span's bookkeeping would outweigh the copy
    flush();
    pieces_.push_back(bytes);
    size_ += bytes.size();
  }
  std::uint64_t size() const override { return size_; }
  std::vector<Bytes> finish() {
    flush();
    return std::move(pieces_);
  }

 private:
  void flush() {
    if (own_.empty()) return;
    arena_.push_back(std::move(own_));
    pieces_.push_back(arena_.back());
    own_.clear();
  }

  Arena& arena_;
  std::vector<std::uint8_t> own_;
  std::vector<Bytes> pieces_;
  std::uint64_t size_ = 0;
};

// Calls `found` with each aligned piece of the region's windows that is memory and free, in the order in
// which regions take them, until it says that it has what it wants. `taken` is sorted and disjoint.
template <typename Found>
void for_each_free(const Region& region, const MemoryMap& memory, const std::vector<GpaRange>& taken,
                   const Found& found) {
  for (const GpaRange& window : region.windows) {
    for (const MemoryMapEntry& entry : memory.entries()) {
      const std::uint64_t end = std::min(window.end, entry.range.end);
      auto blocker = taken.begin();
      for (std::uint64_t from = std::max(window.start, entry.range.start); from < end;) {
        const auto start = align_up(from, region.alignment);
        if (!start || *start >= end) break;
        blocker = std::lower_bound(blocker, taken.end(), *start,
                                   [](const GpaRange& range, std::uint64_t gpa) { return range.end <= gpa; });
        const std::uint64_t stop = blocker == taken.end() ? end : std::clamp(blocker->start, *start, end);
        if (stop > *start && found(GpaRange{*start, stop})) return;
        if (blocker == taken.end()) break;
        from = std::max(blocker->end, *start);
      }
    }
  }
}

std::uint64_t largest_free(const Region& region, const MemoryMap& memory,
                           const std::vector<GpaRange>& taken) {
  std::uint64_t largest = 0;
  for_each_free(region, memory, taken, [&](GpaRange free) {
    largest = std::max(largest, free.size());
    return false;
  });
  return largest;
}

bool is_memory(const MemoryMap& memory, GpaRange range) {
  return std::any_of(memory.entries().begin(), memory.entries().end(),
                     [&](const MemoryMapEntry& entry) { return entry.range.contains(range); });
}

std::string range_text(GpaRange range) {
  return fmt::format("{:#x}-{:#x}", range.start, range.last());
}

std::uint64_t end_of_ram(const MemoryMap& memory) {
  std::uint64_t end = 0;
  for (const MemoryMapEntry& entry : memory.entries())
    if (entry.type == MemoryType::ram) end = entry.range.end;
  return end;
}

// Why a region that must lie at `range` cannot.
tl::unexpected<Error> no_memory(const Region& region, GpaRange range, const MemoryMap& memory) {
  const std::uint64_t end = end_of_ram(memory);
  if (range.end > end)
    return fail("region '{}' {} does not fit RAM, which ends at {:#x}, {} bytes short", region.name,
                range_text(range), end - 1, range.end - end);
  std::uint64_t hole = range.start;
  for (const MemoryMapEntry& entry : memory.entries())
    if (entry.range.contains({hole, hole + 1})) hole = entry.range.end;
  return fail("region '{}' {} has to lie where this machine has no RAM, at {:#x}: link it at another address",
              region.name, range_text(range), hole);
}

// The lowest place for `size` bytes in the region's windows.
Result<GpaRange> windowed_place(const Region& region, std::uint64_t size, const MemoryMap& memory,
                                const std::vector<GpaRange>& taken) {
  std::optional<GpaRange> fit;
  for_each_free(region, memory, taken, [&](GpaRange free) {
    if (free.size() >= size) fit = {free.start, free.start + size};
    return fit.has_value();
  });
  if (fit) return *fit;
  std::string windows;
  for (const GpaRange& window : region.windows)
    windows += (windows.empty() ? "" : " and ") + range_text(window);
  const std::uint64_t room = largest_free(region, memory, taken);
  return fail("region '{}' of {} bytes does not fit: {} has {} bytes free in one piece, {} short",
              region.name, size, windows, room, size - room);
}

std::uint64_t emitted_size(const Region& region) {
  Counter counter;
  region.emit(Addresses{}, counter);
  return counter.size();
}

}  // namespace

LayoutPlan::LayoutPlan(const Machine& machine) : memory_(memory_map_of(machine)), arch_(machine.arch) {
  Machine largest = machine;
  largest.memory = kMaxMemory;
  largest_ = memory_map_of(largest);
}

// Where `region` has to lie, if it may lie there.
Result<GpaRange> LayoutPlan::fixed_place(const Region& region, std::uint64_t size, const MemoryMap& memory,
                                         const std::vector<Slot>& slots) {
  const auto range = GpaRange::of_size(*region.fixed, size);
  if (!range)
    return fail("region '{}' at {:#x} of {} bytes ends past 2^64", region.name, *region.fixed, size);
  for (const Slot& other : slots)
    if (other.range.overlaps(*range))
      return fail("region '{}' {} overlaps region '{}' {}", region.name, range_text(*range),
                  other.region->name, range_text(other.range));
  if (!is_memory(memory, *range)) return no_memory(region, *range, memory);
  return *range;
}

// What `region` has to keep clear of, sorted and disjoint. The memory map says one thing of a page, so a page
// of RAM that a region reports as something else is that region's and its like's alone.
std::vector<GpaRange> LayoutPlan::taken_for(const Region& region, const MemoryMap& memory,
                                            const std::vector<Slot>& slots) {
  std::vector<GpaRange> taken;
  for (const Slot& slot : slots) {
    const bool alike = slot.region->memory == region.memory || !memory.covers(slot.range, MemoryType::ram);
    taken.push_back(alike ? slot.range : slot.range.to_pages());
  }
  std::sort(taken.begin(), taken.end());
  std::vector<GpaRange> joined;
  for (const GpaRange& range : taken) {
    if (!joined.empty() && joined.back().overlaps(range))
      joined.back().end = std::max(joined.back().end, range.end);
    else
      joined.push_back(range);
  }
  return joined;
}

tl::expected<std::vector<LayoutPlan::Slot>, LayoutPlan::Misfit> LayoutPlan::place_in(
    const MemoryMap& memory) const {
  std::vector<Slot> slots;
  for (const bool fixed : {true, false}) {
    for (const Region& region : regions_) {
      if (region.fixed.has_value() != fixed) continue;
      const std::uint64_t emitted = emitted_size(region);
      const std::uint64_t size = std::max(emitted, region.reserve);
      const auto range = fixed ? fixed_place(region, size, memory, slots)
                               : windowed_place(region, size, memory, taken_for(region, memory, slots));
      if (!range) return tl::unexpected(Misfit{&region, range.error()});
      slots.push_back({&region, emitted, *range});
    }
  }
  std::sort(slots.begin(), slots.end(), [](const Slot& a, const Slot& b) { return a.range < b.range; });
  return slots;
}

Result<void> LayoutPlan::place() {
  auto placed = place_in(memory_);
  if (!placed) {
    // With the most RAM there can be, where would everything have gone? That tells how much would do.
    const auto roomy = place_in(largest_);
    Error error = roomy ? placed.error().error : roomy.error().error;
    if (!roomy) {
      const std::string& remedy = roomy.error().region->remedy;
      if (!remedy.empty()) error.what += ": " + remedy;
      return tl::unexpected(error);
    }
    const std::uint64_t end = roomy->back().range.end;
    error.what += fmt::format(": give --memory at least {}M", (memory_up_to(arch_, end) + kMiB - 1) / kMiB);
    return tl::unexpected(error);
  }
  slots_ = std::move(*placed);
  MemoryMap map = memory_;
  for (const Slot& slot : slots_) {
    addresses_.set(slot.region->name, {slot.range.start, slot.range.start + slot.emitted});
    // Asked of the machine's map: of this one, a neighbour may have taken the first page.
    if (slot.region->memory != MemoryType::ram && memory_.covers(slot.range, MemoryType::ram))
      map.set(slot.range.to_pages(), slot.region->memory);
  }
  addresses_.set_memory(std::move(map));
  return {};
}

std::vector<PlacedRegion> LayoutPlan::realize(Arena& arena) const {
  std::vector<PlacedRegion> placed;
  for (const Slot& slot : slots_) {
    Rope rope(arena);
    slot.region->emit(addresses_, rope);
    const std::uint64_t size = rope.size();
    assert(size == slot.emitted && "an emitter's length depends on addresses");
    placed.push_back(
        {slot.region->name, slot.region->kind, slot.region->memory, slot.range, size, rope.finish()});
  }
  return placed;
}

}  // namespace tintype
