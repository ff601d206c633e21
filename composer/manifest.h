// The manifest of a snapshot: formats/MANIFEST.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "composer/inspect.h"
#include "composer/json.h"
#include "formats/measure.h"

namespace tintype {

inline constexpr std::uint64_t kManifestVersion = 1;
// The longest manifest that is read, in bytes: that of a snapshot whose description is as large as it can be
// is shorter.
inline constexpr std::uint64_t kMaxManifest = 16 << 20;

struct Manifest {
  std::string tool_version;
  std::vector<LaunchDigest> digests;  // native, vbs, snp, tdx: those that the snapshot declares
  Machine machine;                    // its components included, its labels not
  std::vector<RegionReport> regions;  // name, range, kind and sha256; the range as long as the region
  Json recipe;                        // as recipe_json(), with roles for files
};

// The digests of `file` on every platform that it declares and that has one. Errors: those of launch_steps().
Result<std::vector<LaunchDigest>> declared_digests(const igvm::File& file,
                                                   const std::optional<Machine>& machine, unsigned threads);

// What a manifest says of `file`, but for the recipe.
Result<Manifest> describe(const igvm::File& file, const Machine& machine);

std::string manifest_text(const Manifest& manifest);

// Reads a manifest, whoever wrote it. The recipe is read as it is. Errors: not JSON, more than kMaxManifest,
// another version, a member that is missing or is not what MANIFEST.md says; they name the member
// ("regions[3].sha256"), and are one line whatever the file has in it.
Result<Manifest> read_manifest(Bytes text);

}  // namespace tintype
