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
  const InputFile input = TRY(InputFile::open(path));
  Manifest manifest = TRY(with_context(read_manifest(input.bytes()), path));
  if (manifest.digests.empty()) return fail("{}: has no digests to hold a file against", path);
  return manifest;
}

}  // namespace

Result<void> check_digest(const igvm::File& file, const std::optional<Machine>& machine,
                          const LaunchDigest& expected, const HostOptions& host) {
  const HostLaunch launch = TRY(host_launch(file, machine, expected.platform, host));
  return expect_digest(measure_launch(launch, {.threads = usable_threads()}), expected);
}

Result<std::string> verify(const VerifyOptions& options) {
  const InputFile input = TRY(InputFile::open_snapshot(options.file));
  const igvm::File file = TRY(with_context(igvm::read(input.bytes()), options.file));
  const std::optional<Machine> machine = TRY(with_context(read_machine(input.bytes()), options.file));
  std::string found;
  const auto check = [&](const LaunchDigest& expected) -> Result<void> {
    TRY(with_context(check_digest(file, machine, expected, options.host), options.file));
    found += fmt::format("{}{}", found.empty() ? "" : ", ", expected.text());
    return {};
  };
  for (const LaunchDigest& expected : options.digests) TRY(check(expected));
  if (options.manifest) {
    const Manifest manifest = TRY(open_manifest(*options.manifest));
    if (!machine)
      return fail("{}: has no machine description, so it is not what {} is of", options.file,
                  *options.manifest);
    TRY(with_context(check_machine(*machine, manifest.machine), options.file));
    for (const LaunchDigest& expected : manifest.digests)
      if (std::find(options.digests.begin(), options.digests.end(), expected) == options.digests.end())
        TRY(check(expected));
  }
  return fmt::format("{}: as expected: {}\n", options.file, found);
}

}  // namespace tintype
