// Says what a launch digest is made of.
#include "composer/explain.h"

#include "composer/command.h"
#include "composer/command_line.h"

namespace tintype {

namespace {

constexpr char kUsage[] = "FILE [--platform PLATFORM] [--pages | --json]";

CommandSpec spec() {
  return {
      .name = "explain",
      .summary = "Say what a launch digest is made of: each operation in order, and what the digest covers.",
      .usage = kUsage,
      .groups = {{.title = "",
                  .options = {{.name = "platform",
                               .value = "PLATFORM",
                               .help = "native, vbs, snp or tdx (default: all that the file declares)"},
                              {.name = "tdx-order",
                               .value = "ORDER",
                               .help = "per-page (default), or two-pass: all pages of a run are added and "
                                       "then measured"},
                              {.name = "pages",
                               .help = "a line for each operation, with whole digests, instead of one for "
                                       "each run of pages"},
                              {.name = "json", .help = "print JSON, with every operation"}}}},
      .operands = {"file to explain"},
      .epilogue =
          "The table at the end says of each field that the guest or a verifier sees whether the digest\n"
          "covers it: 'measured' (another value is another digest), 'unmeasured' (in the file or put in\n"
          "by the platform, and not in the digest), 'host' (the host chooses it at launch), 'fixed' (by\n"
          "the platform) or 'none' (there is no such thing), with the specification that says so.\n",
  };
}

Result<ExplainOptions> options_of(const CommandLine& line) {
  ExplainOptions options{.file = line.operands()[0], .json = line.has("json"), .pages = line.has("pages")};
  if (options.json && options.pages)
    return fail("--pages and --json exclude each other: JSON has every operation");
  if (const auto name = line.find("platform")) options.platform = TRY(platform_of_name(*name));
  if (const auto order = line.find("tdx-order")) {
    if (*order != "per-page" && *order != "two-pass")
      return fail("--tdx-order '{}' is not per-page or two-pass", *order);
    options.tdx_order = *order == "two-pass" ? TdxOrder::two_pass : TdxOrder::per_page;
  }
  return options;
}

Result<Action> parse(int argc, const char* const* argv) {
  const auto parsed = TRY(parse_command_line(spec(), argc, argv));
  if (const auto* text = std::get_if<PrintOptions>(&parsed)) return print(text->text);
  return [options = TRY(options_of(std::get<CommandLine>(parsed)))]() -> Result<Done> {
    return Done{.text = TRY(explain(options))};
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
