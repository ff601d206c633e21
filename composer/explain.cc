#include "composer/explain.h"

#include "composer/files.h"
#include "formats/machine_tree.h"

namespace tintype {

namespace {

Result<std::vector<LaunchPlatform>> platforms_of(const igvm::File& file,
                                                 std::optional<LaunchPlatform> wanted) {
  if (wanted) {
    TRY(launch_mask(file, *wanted));
    return std::vector{*wanted};
  }
  std::vector<LaunchPlatform> declared = declared_platforms(file);
  if (declared.empty())
    return fail("declares no platform whose digest is known: those are native, vbs, snp and tdx");
  return declared;
}

}  // namespace

Result<ExplainReport> gather_launches(const ExplainOptions& options, Bytes bytes) {
  ExplainReport report{.file = options.file, .machine = {}, .launches = {}};
  const igvm::File file = TRY(with_context(igvm::read(bytes), options.file));
  report.machine = TRY(with_context(read_machine(bytes), options.file));
  for (const LaunchPlatform platform : TRY(said_of(options.file, platforms_of(file, options.platform)))) {
    LaunchReport launch;
    launch.launch = TRY(said_of(options.file, observe_launch(file, report.machine, platform, options.host)));
    launch.fields = fields_of(launch.launch, file, report.machine);
    report.launches.push_back(std::move(launch));
  }
  return report;
}

Result<std::string> explain(const ExplainOptions& options) {
  const InputFile file = TRY(InputFile::open_snapshot(options.file));
  const ExplainReport report = TRY(gather_launches(options, file.bytes()));
  return options.json ? render_json(report) : render_text(report, options.pages);
}

}  // namespace tintype
