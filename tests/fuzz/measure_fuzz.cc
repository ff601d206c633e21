// Any IGVM file is refused or measured on each platform that it declares, in every way that a host may
// launch it: with any number of threads alike, and with the last operation that explain lists at the digest.
#include "composer/diff.h"
#include "composer/explain.h"
#include "composer/measure_file.h"
#include "formats/machine_tree.h"
#include "fuzz/fuzz.h"

namespace {

using namespace tintype;

// A header of 16 bytes can claim a terabyte, and each of its pages is an operation.
constexpr std::uint64_t kMostPages = 2048;

bool is_small(const std::vector<LaunchStep>& steps) {
  std::uint64_t pages = 0;
  for (const LaunchStep& step : steps) {
    if (step.pages > kMostPages) return false;
    pages += step.pages;
  }
  return pages <= kMostPages;
}

void require_fields(const std::vector<FieldReport>& fields) {
  require(!fields.empty());
  for (const FieldReport& field : fields) require(!field.field.empty() && !field.why.empty());
}

void measure(const igvm::File& file, const std::optional<Machine>& machine, LaunchPlatform platform,
             const HostOptions& host) {
  const auto launch = host_launch(file, machine, platform, host);
  if (!launch) {
    require(!launch.error().message().empty());
    return;
  }
  if (!is_small(launch->steps())) return;
  const LaunchDigest one = measure_launch(*launch, {.threads = 1});
  require(measure_launch(*launch, {.threads = 2}) == one);
  const auto observed = observe_launch(file, machine, platform, host);
  require(observed.has_value() && observed->digest == one);
  if (!observed->operations.empty()) {
    const Bytes last = observed->digest_after(observed->operations.back());
    // An SNP or VBS digest is the last link of a chain; others are finished after the last operation.
    if (platform == LaunchPlatform::snp || platform == LaunchPlatform::vbs)
      require(std::equal(last.begin(), last.end(), one.value.begin(), one.value.end()));
  }
  ExplainReport report{.file = "file", .machine = machine, .launches = {}};
  report.launches.push_back({*observed, fields_of(*observed, file, machine)});
  require_fields(report.launches[0].fields);
  require(!render_text(report, true).empty() && !render_json(report).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> bytes(data, data + size);
  make_plausible(bytes);
  const Result<igvm::File> file = igvm::read(bytes);
  if (!file) return 0;
  const auto machine = read_machine(bytes);
  if (!machine) return 0;
  for (const LaunchPlatform platform : declared_platforms(*file)) {
    measure(*file, *machine, platform, {});
    if (platform == LaunchPlatform::tdx)
      measure(*file, *machine, platform, {.tdx_order = TdxOrder::two_pass});
    if (platform != LaunchPlatform::snp) continue;
    measure(*file, *machine, platform, {.snp_zero_type = true});
    measure(*file, *machine, platform, {.snp_launch = SnpLaunch::kvm, .cpus = 3});
    measure(*file, *machine, platform, {.snp_launch = SnpLaunch::kvm_bsp});
  }
  const auto same = gather_diff({.a = "a", .b = "b"}, bytes, bytes);
  require(same.has_value() && same->equal());
  return 0;
}
