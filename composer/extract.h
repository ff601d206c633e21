// Pieces of guest memory out of a snapshot.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "formats/gpa.h"
#include "formats/igvm.h"

namespace tintype {

struct ExtractOptions {
  std::string file;
  std::optional<std::string> region;  // the name of one, or
  std::optional<GpaRange> range;      // addresses; not empty
  std::string output;                 // a file, or "-"
  bool decode = false;                // as source of an ACPI table or a device tree
};

// The most bytes that are extracted at once.
inline constexpr std::uint64_t kMaxExtracted = 4 * kGiB;
// The most in which a table is looked for.
inline constexpr std::uint64_t kMaxDecoded = 64 * kMiB;

// "0x1000-0x1fff", the last address included, or "0x1000+4096" or "0x1000+4K". Errors: something else, or
// more than kMaxExtracted.
Result<GpaRange> parse_gpa_range(std::string_view text);

// Writes the bytes that the guest finds there when it starts without isolation, or on the first platform of a
// file without such: what the file says of them, and otherwise zeroes. What a loader fills in reads as the
// file initialises it. Errors: no such region, or several of that name; memory that the file says nothing
// about; more than kMaxDecoded to decode; output that cannot be written.
Result<void> extract(const ExtractOptions& options);

// Those bytes of one file, in pieces. The range is at most kMaxExtracted.
Result<void> guest_bytes(const igvm::File& file, GpaRange range, const igvm::Output& output);

}  // namespace tintype
