// Who goes where. Protocols, tables and platforms add named Regions to a LayoutPlan; place() gives every
// region an address; realize() runs the same emitters again, now with addresses, and yields the bytes.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/gpa.h"
#include "formats/result.h"
#include "formats/wire.h"
#include "layouts/memory_map.h"

namespace tintype {

// What the loader must do with a region's pages.
enum class PageKind : std::uint8_t { normal, unmeasured, shared, cpuid, secrets };

// "normal", "unmeasured", ...
std::string_view page_kind_name(PageKind kind);

// Where regions are, by name. While sizes are being counted, every address and size is 0; so an emitter's
// length may not depend on an address (give the region a `reserve` where it does).
class Addresses {
 public:
  // First byte of the region; 0 while counting. A name that no region has is a bug in the caller and asserts.
  std::uint64_t of(std::string_view region) const;
  // The region's range, bytes as emitted (not rounded to pages).
  GpaRange range(std::string_view region) const;
  bool has(std::string_view region) const;
  bool counting() const { return ranges_.empty(); }
  // The final memory map; empty while counting.
  const MemoryMap& memory() const { return memory_; }
  void set(std::string_view region, GpaRange range);
  void set_memory(MemoryMap memory) { memory_ = std::move(memory); }

 private:
  std::map<std::string, GpaRange, std::less<>> ranges_;
  MemoryMap memory_;
};

// Writes a region's bytes. Called twice; must be a pure function of its arguments.
using Emit = std::function<void(const Addresses&, ByteSink&)>;

// A named, contiguous piece of guest-physical memory with one purpose.
struct Region {
  std::string name;
  PageKind kind = PageKind::normal;
  // How the memory map reports what the region occupies, in whole pages where that is RAM. A region with
  // windows shares no such page with a region of another type.
  MemoryType memory = MemoryType::ram;
  // Ranges that the machine's map has as reserved stay reserved.
  // Where it may lie. `fixed` wins; otherwise the lowest aligned address in the first of `windows` that has
  // room.
  std::optional<std::uint64_t> fixed = std::nullopt;
  std::vector<GpaRange> windows = {};
  std::uint64_t alignment = kPageSize;  // power of two
  // Guest memory it takes when that is more than what it emits (a kernel's .bss, a stack), in bytes.
  std::uint64_t reserve = 0;
  Emit emit = {};
  // What would help when no amount of memory does ("give fewer --cpus"); may be empty.
  std::string remedy = {};
};

// A region with its address and its bytes. `pieces` are concatenated; borrowed ones point into input files.
struct PlacedRegion {
  std::string name;
  PageKind kind = PageKind::normal;
  MemoryType memory = MemoryType::ram;
  GpaRange range;          // memory occupied, `reserve` included
  std::uint64_t size = 0;  // bytes emitted; the rest of the range is zero
  std::vector<Bytes> pieces;
};

// Owns bytes that others borrow.
using Arena = std::vector<std::vector<std::uint8_t>>;

class LayoutPlan {
 public:
  // `memory` is the machine's map; `largest` is what it would be with the most RAM the machine can have, and
  // serves to say how much --memory a layout needs.
  LayoutPlan(MemoryMap memory, MemoryMap largest)
      : memory_(std::move(memory)), largest_(std::move(largest)) {}
  // With the maps of `machine`.
  explicit LayoutPlan(const Machine& machine);

  // Adds a region. Placement does not depend on the order of calls, except that regions with windows are
  // placed in it, after all fixed ones.
  void add(Region region) { regions_.push_back(std::move(region)); }

  // Gives every region an address. Errors: a region that overlaps another or lies outside memory, one that
  // fits in none of its windows (with its size, the room there is, and the option that would help).
  Result<void> place();

  // After place(). The memory map in it has the regions' types.
  const Addresses& addresses() const { return addresses_; }
  // Emits every region at its address, ascending by address. `arena` owns the bytes that emitters made.
  // Asserts that each emitter's length is what it was when counted (or at most `reserve`).
  std::vector<PlacedRegion> realize(Arena& arena) const;

 private:
  // A region's size in guest memory, and where it went.
  struct Slot {
    const Region* region;
    std::uint64_t emitted;
    GpaRange range;
  };
  // What could not be placed, and whose remedy would help.
  struct Misfit {
    const Region* region;
    Error error;
  };
  tl::expected<std::vector<Slot>, Misfit> place_in(const MemoryMap& memory) const;
  static std::vector<GpaRange> taken_for(const Region& region, const MemoryMap& memory,
                                         const std::vector<Slot>& slots);
  static Result<GpaRange> fixed_place(const Region& region, std::uint64_t size, const MemoryMap& memory,
                                      const std::vector<Slot>& slots);

  std::vector<Region> regions_;
  MemoryMap memory_;
  MemoryMap largest_;
  Arch arch_ = Arch::x86_64;
  std::vector<Slot> slots_;  // ascending by address, after place()
  Addresses addresses_;
};

}  // namespace tintype
