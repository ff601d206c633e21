// What differs between two IGVM files: between the machines they describe, between what their guests find
// when they start, and between their launch digests.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "composer/diff_fields.h"
#include "composer/diff_memory.h"
#include "composer/inspect.h"
#include "composer/launch_operations.h"

namespace tintype {

// A value that differs: its name, and what it is in each file ("none" where there is none).
struct ValueChange {
  std::string name, a, b;
};

// Something that both files have and that differs, or that one of them has.
struct Difference {
  enum class Kind : std::uint8_t { changed, only_a, only_b };
  std::string
      category;  // "header", "machine", "component", "device", "region", "memory", "registers", "parameter"
  std::string name;  // "region 'cmdline'", "vCPU 0 native"
  Kind kind = Kind::changed;
  std::vector<ValueChange> values = {};
  std::optional<GpaRange> range_a = {}, range_b = {};  // of memory
  std::optional<MemoryDifference> memory = {};
  std::optional<Excerpt> excerpt = {};  // at memory->first
  std::optional<StructureChange> structure = {};
  std::vector<std::string> platforms = {};  // for which it holds; empty: for the file
  std::string digests = {};                 // "snp digest parts at operation 412" if it does so here
};

// Two digests of one platform.
struct DigestDifference {
  LaunchPlatform platform = LaunchPlatform::native;
  LaunchDigest a, b;
  std::size_t operations_a = 0, operations_b = 0;
  std::optional<std::size_t> parts_at;   // the first operation that differs, from 1
  std::string operation_a, operation_b;  // what it is in each file; empty past the last
  std::optional<GpaRange> page_a, page_b;
  Json host_a, host_b;  // the options that each depends on: host_json()
};

struct DiffReport {
  std::array<std::string, 2> files;
  std::array<std::uint64_t, 2> sizes{};
  std::vector<Difference> differences;
  std::vector<DigestDifference> digests;
  std::map<std::string, std::size_t> by_text;  // the differences, by what is said of them
  std::vector<std::string> notes;  // sentences about what could not be compared, or makes no difference
  bool equal() const;
};

struct DiffOptions {
  std::string a, b;
  std::optional<LaunchPlatform> platform = {};  // none: every one that both files declare
  HostOptions host = {};
  bool json = false;
};

// One of the two files, opened.
struct DiffSide {
  std::string name;
  Bytes bytes;
  igvm::File file;
  InspectReport headers;
  std::optional<std::uint32_t> only = {};  // the mask of the platform that is compared; none: all of them
  const std::optional<Machine>& machine() const { return headers.machine; }
};

// Errors: not an IGVM file that the reference accepts, or a damaged machine description.
Result<DiffSide> open_side(const std::string& name, Bytes bytes);

// `a` and `b` outlive nothing but the call. Errors: those of open_side(), and a platform of the options that
// a file does not declare.
Result<DiffReport> gather_diff(const DiffOptions& options, Bytes a, Bytes b);

// The parts of it, each adding to `report`.
void compare_headers(const DiffSide& a, const DiffSide& b, DiffReport& report);
void compare_machines(const DiffSide& a, const DiffSide& b, DiffReport& report);
// Memory and registers under a platform of each file, which `name` names; equal findings of several platforms
// become one.
struct MaskPair {
  std::string name;
  std::uint32_t a = 0, b = 0;
};
void compare_regions(const DiffSide& a, const DiffSide& b, const MaskPair& masks, DiffReport& report);
void compare_digests(const DiffSide& a, const DiffSide& b, LaunchPlatform platform, const HostOptions& host,
                     DiffReport& report);

// Adds `found` for a platform, or the platform to an equal finding of another.
void add_difference(Difference found, const std::string& platform, DiffReport& report);

std::string render_text(const DiffReport& report);
std::string render_json(const DiffReport& report);
// One finding, without the line's end.
std::string difference_text(const Difference& difference, const std::array<std::string, 2>& files);

}  // namespace tintype
