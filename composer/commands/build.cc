// Composes a snapshot.
#include "composer/command.h"
#include "composer/compose.h"
#include "composer/options.h"

namespace tintype {

namespace {

Result<Done> run(const BuildOptions& options) {
  Progress progress("compose-snapshot");
  const auto summary = compose(options, progress);
  progress.finish();
  if (!summary) return tl::unexpected(summary.error());
  Done done;
  if (options.timings)
    for (const auto& [step, milliseconds] : progress.steps())
      done.note += fmt::format("{:<14} {:9.1f} ms\n", step, milliseconds);
  if (!options.quiet) done.note += *summary;
  return done;
}

Result<Action> parse(int argc, const char* const* argv) {
  auto options = TRY(parse_build(argc, argv));
  if (const auto* text = std::get_if<PrintOptions>(&options)) return print(text->text);
  return [chosen = std::get<BuildOptions>(std::move(options))] { return run(chosen); };
}

}  // namespace

extern const Command command_build;
const Command command_build = {
    .name = "build",
    .summary =
        "lay out a kernel, initrd, firmware tables and registers in guest memory\n"
        "and write them to one reproducible file that run-snapshot maps",
    .usage = "-o FILE --kernel KERNEL [OPTION...]",
    .rank = 0,
    .parse = parse,
};

}  // namespace tintype
