// The launch digests of a file, as `compose-snapshot measure` prints them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "composer/files.h"
#include "composer/host_launch.h"

namespace tintype {

struct MeasureFileOptions {
  std::string file;
  std::optional<LaunchPlatform> platform = std::nullopt;  // none: all that the file declares
  // What some option is about: without it there would be no reason to give that.
  std::optional<LaunchPlatform> wanted = std::nullopt;
  HostOptions host = {};
  bool json = false;
  unsigned threads = 1;
};

struct FileDigests {
  std::vector<LaunchDigest> digests;  // native, vbs, snp, tdx
  Json host = Json::object();         // host_json() of all their launches
  std::vector<std::string>
      notes;  // sentences: what was taken for granted; what the file expects, and is not so
};

// The digests that `options` ask for of the file `input`. Errors name the file.
Result<FileDigests> measure_file(const InputFile& input, const MeasureFileOptions& options);

// A line each: "snp sha384:588be15a...".
std::string measure_text(const FileDigests& measured);
// The same as an object, with what the digests depend on besides the file.
std::string measure_json(const FileDigests& measured, const std::string& file);

}  // namespace tintype
