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

// What is done with settings that are known.
Result<Action> action_of(const Settings& settings, const CommandLine& line) {
  const bool print_recipe = line.has("print-recipe");
  BuildOptions options = TRY(build_options(settings, !print_recipe));
  options.depfile = line.find("depfile").value_or("");
  options.recipe = line.find("recipe").value_or("");
  if (print_recipe) return print(TRY(recipe_text(build_spec(), settings)));
  return [options] { return run(options); };
}

// A recipe is an input, not the command line: what is wrong in it is found when the work begins.
Result<Done> run_recipe(const CommandLine& line) {
  const Settings settings = TRY(settings_of(build_spec(), line));
  return TRY(with_origin(action_of(settings, line), settings))();
}

Result<Action> parse(int argc, const char* const* argv) {
  const auto parsed = TRY(parse_command_line(build_spec(), argc, argv));
  if (const auto* text = std::get_if<PrintOptions>(&parsed)) return print(text->text);
  const auto& line = std::get<CommandLine>(parsed);
  if (line.has("recipe")) return [line] { return run_recipe(line); };
  if (line.has("variant")) return fail("--variant chooses in a recipe, and none is given: add --recipe FILE");
  return action_of(TRY(settings_of(build_spec(), line)), line);
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
