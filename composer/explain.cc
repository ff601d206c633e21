#include "composer/explain.h"

#include "composer/files.h"
#include "formats/machine_tree.h"

namespace tintype {

Result<ExplainReport> gather_launches(const ExplainOptions& options, Bytes bytes) {
  ExplainReport report{.file = options.file, .machine = {}, .launches = {}};
  const igvm::File file = TRY(igvm::read(bytes));
  report.machine = TRY(read_machine(bytes));
  std::vector<LaunchPlatform> platforms = declared_platforms(file);
  if (options.platform) {
    TRY(launch_mask(file, *options.platform));
    platforms = {*options.platform};
  }
  if (platforms.empty())
    return fail("declares no platform whose digest is known: those are native, vbs, snp and tdx");
  for (const LaunchPlatform platform : platforms) {
    LaunchReport launch;
    launch.launch = TRY(observe_launch(file, report.machine, platform, options.host));
    launch.fields = fields_of(launch.launch, file, report.machine);
    report.launches.push_back(std::move(launch));
  }
  return report;
}

Result<std::string> explain(const ExplainOptions& options) {
  const InputFile file = TRY(InputFile::open_snapshot(options.file));
  const ExplainReport report = TRY(with_context(gather_launches(options, file.bytes()), options.file));
  return options.json ? render_json(report) : render_text(report, options.pages);
}

}  // namespace tintype
