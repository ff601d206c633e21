// What is in a snapshot or in anyone's IGVM file: gathered once, printed as text or JSON.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "composer/text_output.h"
#include "formats/igvm.h"
#include "formats/machine.h"
#include "layouts/memory_map.h"

namespace tintype {

// A contiguous piece of guest memory that the file fills.
struct RegionReport {
  std::string name;  // empty in files that name nothing
  GpaRange range;    // a region of ours may end in memory that the file says nothing about, and that is zero
  std::string kind;  // "normal", "unmeasured", "shared", "cpuid", "cpuid_xf", "secrets"
  std::uint32_t compatibility_mask = 0;
  std::uint64_t file_bytes = 0;              // stored in the file; the rest is zero
  std::optional<std::uint64_t> file_offset;  // of its first byte that is stored
  std::optional<Sha256> sha256;              // of what the file says the memory holds, if it says anything
};

using Fields = std::vector<std::pair<std::string, std::string>>;

// One header that is not page data.
struct HeaderReport {
  std::string what;  // "parameter VP_COUNT", "vp-context native_x64"
  Fields fields;     // in the order to print
};

struct InspectReport {
  std::string file;
  std::uint64_t size = 0;
  igvm::FileLayout layout;
  std::uint32_t format_version = 1;
  Arch arch = Arch::x86_64;
  std::uint64_t header_count = 0;
  std::vector<HeaderReport> platforms;
  std::vector<HeaderReport> initializations;
  std::optional<Machine> machine;
  std::vector<MemoryMapEntry> memory_map;  // as the guest is told, by e820 or EFI; empty if it is not
  std::vector<RegionReport> regions;
  std::vector<HeaderReport> required_memory;
  std::vector<HeaderReport> parameters;
  std::vector<HeaderReport> contexts;
  std::vector<HeaderReport> others;
  std::vector<std::string> warnings;
};

struct InspectOptions {
  std::string file;
  bool json = false;
};

// Reads `options.file`, and returns what renders it. Errors: the file cannot be read, or is not an IGVM file
// the reference accepts.
Result<TextSource> inspect(const InspectOptions& options);

// Every page of the file under the names that the machine description gives, ascending by address.
std::vector<RegionReport> regions_in(const igvm::File& file, const std::optional<Machine>& machine);

// Everything of a file but its regions and the memory map, so without hashing what it holds. `file` becomes
// what was read.
Result<InspectReport> gather_headers(const std::string& name, Bytes bytes, igvm::File& file);
Result<InspectReport> gather_report(const std::string& name, Bytes bytes);
void render_text(const InspectReport& report, const TextOutput& output);
void render_json(const InspectReport& report, const TextOutput& output);

}  // namespace tintype
