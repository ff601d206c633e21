// Checks a file against a manifest or digests.
#include "composer/verify.h"

#include <algorithm>

#include "composer/command.h"
#include "composer/command_line.h"
#include "formats/digest_text.h"
#include "formats/printable.h"

namespace tintype {

namespace {

constexpr char kUsage[] = "FILE [--manifest FILE] [--digest PLATFORM=HEX]... [OPTION...]";

CommandSpec spec() {
  CommandSpec spec{
      .name = "verify",
      .summary = "Check that a snapshot or an IGVM file is the one that is expected.",
      .usage = kUsage,
      .groups = {{.title = "",
                  .options = {{.name = "manifest",
                               .value = "FILE",
                               .help = "what 'build --manifest' wrote: digests, machine and components",
                               .file = true},
                              {.name = "digest",
                               .value = "PLATFORM=HEX",
                               .help = "the launch digest on a platform: native, vbs, snp or tdx; "
                                       "may be given for each",
                               .repeatable = true}}}},
      .operands = {"file to verify"},
      .epilogue =
          "\nHEX may have its algorithm before it: sha384:HEX. Exit status: 0 everything is as\n"
          "expected, 1 it is not, or the file cannot be read, 2 the command line is wrong.\n",
  };
  for (OptionGroup& group : host_option_groups()) spec.groups.push_back(std::move(group));
  return spec;
}

Result<VerifyOptions> options_of(const CommandLine& line) {
  VerifyOptions options{.file = line.operands()[0], .manifest = line.find("manifest"), .digests = {}};
  for (const std::string& text : line.values("digest")) {
    LaunchDigest digest = TRY(with_context(parse_launch_digest(text), "--digest"));
    const bool twice =
        std::any_of(options.digests.begin(), options.digests.end(),
                    [&](const LaunchDigest& other) { return other.platform == digest.platform; });
    if (twice)
      return fail("--digest is given twice for {}: give it once", launch_platform_name(digest.platform));
    options.digests.push_back(std::move(digest));
  }
  if (options.digests.empty() && !options.manifest)
    return fail("verify has nothing to hold the file against: give --manifest FILE or --digest PLATFORM=HEX");
  const LaunchChoice choice = TRY(parse_launch_choice(line));
  options.about = choice.wanted;
  options.host = choice.host;
  // What a manifest expects is known when it is read.
  if (!options.manifest) TRY(check_about(options.about, options.digests));
  return options;
}

Result<Action> parse(int argc, const char* const* argv) {
  const auto parsed = TRY(parse_command_line(spec(), argc, argv));
  if (const auto* text = std::get_if<PrintOptions>(&parsed)) return print(text->text);
  return [options = TRY(options_of(std::get<CommandLine>(parsed)))]() -> Result<Done> {
    return Done{.text = printable(TRY(verify(options)))};
  };
}

}  // namespace

extern const Command command_verify;
const Command command_verify = {
    .name = "verify",
    .summary = "check a snapshot against its manifest, or against launch digests",
    .usage = kUsage,
    .rank = 5,
    .parse = parse,
};

}  // namespace tintype
