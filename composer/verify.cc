#include "composer/verify.h"

#include <algorithm>

#include "composer/files.h"
#include "composer/manifest.h"
#include "formats/digest_text.h"
#include "formats/machine_tree.h"
#include "formats/ordered_work.h"

namespace tintype {

namespace {

Result<Manifest> open_manifest(const std::string& path) {
  const InputFile input = TRY(InputFile::open(path, {kMaxManifest, "a manifest"}));
  Manifest manifest = TRY(with_context(read_manifest(input.bytes()), path));
  if (manifest.digests.empty()) return fail("{}: has no digests to hold a file against", path);
  return manifest;
}

}  // namespace

Result<void> check_about(std::optional<LaunchPlatform> about, const std::vector<LaunchDigest>& digests) {
  const bool expected = std::any_of(digests.begin(), digests.end(),
                                    [&](const LaunchDigest& digest) { return digest.platform == about; });
  if (!about || expected) return {};
  return fail(
      "there are options about {}, and no digest of it is expected: add --digest {}=HEX, or leave them out",
      launch_platform_name(*about), launch_platform_name(*about));
}

Result<std::string> verify(const VerifyOptions& options) {
  const InputFile input = TRY(InputFile::open_snapshot(options.file));
  const igvm::File file = TRY(with_context(igvm::read(input.bytes()), options.file));
  const std::optional<Machine> machine = TRY(with_context(read_machine(input.bytes()), options.file));
  std::string found;
  const auto check = [&](const LaunchDigest& expected) -> Result<void> {
    const auto launch = said_of(options.file, host_launch(file, machine, expected.platform, options.host));
    if (!launch) return fail("{}, and {} is expected", launch.error().message(), expected.text());
    const LaunchDigest digest = measure_launch(*launch, {.threads = usable_threads()});
    TRY(with_context(expect_digest(digest, expected), options.file));
    found += fmt::format("{}{}", found.empty() ? "" : ", ", expected.text());
    return {};
  };
  std::vector<LaunchDigest> digests = options.digests;
  std::optional<Manifest> manifest;
  if (options.manifest) {
    manifest = TRY(open_manifest(*options.manifest));
    for (const LaunchDigest& expected : manifest->digests)
      if (std::find(digests.begin(), digests.end(), expected) == digests.end()) digests.push_back(expected);
    if (!machine)
      return fail("{}: has no machine description, so it is not what {} is of", options.file,
                  *options.manifest);
    TRY(with_context(check_machine(*machine, manifest->machine), options.file));
  }
  TRY(check_about(options.about, digests));
  for (const LaunchDigest& expected : digests) TRY(check(expected));
  if (manifest) TRY(with_context(check_regions(regions_in(file, machine), manifest->regions), options.file));
  return fmt::format("{}: as expected: {}\n", options.file, found);
}

}  // namespace tintype
