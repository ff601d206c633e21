// Says what a launch digest is made of.
#include "composer/explain.h"

#include "composer/command.h"
#include "composer/command_line.h"
#include "formats/printable.h"

namespace tintype {

namespace {

constexpr char kUsage[] = "FILE [--platform native|vbs|snp|tdx|all] [--pages | --json] [OPTION...]";

CommandSpec spec() {
  CommandSpec spec{
      .name = "explain",
      .summary = "Say what a launch digest is made of: each operation in order, and what the digest covers.",
      .usage = kUsage,
      .groups = {{.title = "",
                  .options = {{.name = "platform",
                               .value = "PLATFORM",
                               .help = "native, vbs, snp, tdx, or all that the file declares (the default)"},
                              {.name = "pages",
                               .help = "a line for each operation, with whole digests, instead of one for "
                                       "each run of pages"},
                              {.name = "json", .help = "print JSON, with every operation"}}}},
      .operands = {"file to explain"},
      .epilogue =
          "The table at the end says of each field that the guest or a verifier sees whether the digest\n"
          "covers it: 'measured' (another value is another digest), 'unmeasured' (in the file or put in\n"
          "by the platform, and not in the digest), 'host' (the host chooses it at launch, and it is not\n"
          "in the digest), 'fixed' (by the platform), 'none' (there is no such thing) or 'unknown' (the\n"
          "file does not tell), with the specification that says so. What the host chooses and the digest\n"
          "takes in is 'measured', with what was assumed and the option that says otherwise.\n",
  };
  for (OptionGroup& group : host_option_groups()) spec.groups.push_back(std::move(group));
  return spec;
}

Result<ExplainOptions> options_of(const CommandLine& line) {
  ExplainOptions options{.file = line.operands()[0], .json = line.has("json"), .pages = line.has("pages")};
  if (options.json && options.pages)
    return fail("--pages and --json exclude each other: JSON has every operation");
  const LaunchChoice choice = TRY(parse_launch_choice(line));
  options.platform = choice.platform ? choice.platform : choice.wanted;
  options.host = choice.host;
  return options;
}

Result<Action> parse(int argc, const char* const* argv) {
  const auto parsed = TRY(parse_command_line(spec(), argc, argv));
  if (const auto* text = std::get_if<PrintOptions>(&parsed)) return print(text->text);
  return [options = TRY(options_of(std::get<CommandLine>(parsed)))]() -> Result<Done> {
    std::string text = TRY(explain(options));
    return Done{.text = options.json ? std::move(text) : printable(text)};
  };
}

}  // namespace

extern const Command command_explain;
const Command command_explain = {
    .name = "explain",
    .summary = "say what a launch digest is made of, and what it covers",
    .usage = kUsage,
    .rank = 3,
    .parse = parse,
};

}  // namespace tintype
