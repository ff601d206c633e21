// What a launch digest is a digest of: every operation of a launch, and what of that which the guest or a
// verifier sees the digest covers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "composer/launch_operations.h"

namespace tintype {

// What a launch digest says of one field.
enum class Coverage : std::uint8_t {
  measured,    // another value is another digest
  unmeasured,  // in the file, or put in by the platform; the digest stays what it is
  host,        // chosen by the host when it launches; the digest stays what it is
  fixed,       // the platform leaves no choice
  absent,      // there is none
  unknown,     // the file does not tell whether there is one
};

// "measured", "unmeasured", "host", "fixed", "none", "unknown"
std::string_view coverage_name(Coverage coverage);

// One field that the guest or a verifier sees.
struct FieldReport {
  std::string field;  // "RAM size", "region 'kernel' 0x100000"
  Coverage coverage = Coverage::measured;
  std::string why;     // a sentence without a full stop
  std::string source;  // the specification
};

// A file on one platform.
struct LaunchReport {
  Launch launch;
  std::vector<FieldReport> fields;
};

struct ExplainReport {
  std::string file;
  std::optional<Machine> machine;
  std::vector<LaunchReport> launches;
};

struct ExplainOptions {
  std::string file;
  std::optional<LaunchPlatform> platform = {};  // none: every one that the file declares
  HostOptions host = {};
  bool json = false;
  bool pages = false;  // the text has a line for each operation
};

// Reads `options.file` and renders what its launch digests are made of. Errors: the file cannot be read, is
// no IGVM file, does not declare the platform or cannot be launched on it.
Result<std::string> explain(const ExplainOptions& options);

// `bytes` outlive the report. Errors name the file.
Result<ExplainReport> gather_launches(const ExplainOptions& options, Bytes bytes);

// What the digest of `launch` covers, of everything that matters to a guest or a verifier.
std::vector<FieldReport> fields_of(const Launch& launch, const igvm::File& file,
                                   const std::optional<Machine>& machine);

std::string render_text(const ExplainReport& report, bool pages);
std::string render_json(const ExplainReport& report);

}  // namespace tintype
