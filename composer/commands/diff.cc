// Says what differs between two files.
#include "composer/diff.h"

#include <exception>

#include "composer/command.h"
#include "composer/command_line.h"
#include "composer/files.h"
#include "formats/printable.h"

namespace tintype {

namespace {

constexpr char kUsage[] = "A B [--platform native|vbs|snp|tdx|all] [--json] [OPTION...]";
constexpr int kDifferent = 1;
constexpr int kTrouble = 2;

CommandSpec spec() {
  CommandSpec spec{
      .name = "diff",
      .summary = "Say what differs between two snapshots, or anyone's IGVM files.",
      .usage = kUsage,
      .groups = {{.title = "",
                  .options = {{.name = "platform",
                               .value = "PLATFORM",
                               .help = "compare what native, vbs, snp or tdx gets, or all platforms that "
                                       "both files declare (the default)"},
                              {.name = "json", .help = "print JSON, with hashes in full and every field"}}}},
      .operands = {"first file", "second file"},
      .epilogue = "\nExit status: 0 the files do not differ, 1 they do, 2 there was trouble.\n",
  };
  for (OptionGroup& group : host_option_groups()) spec.groups.push_back(std::move(group));
  return spec;
}

Result<Done> diff(const DiffOptions& options) {
  const InputFile a = TRY(InputFile::open_snapshot(options.a));
  const InputFile b = TRY(InputFile::open_snapshot(options.b));
  const DiffReport report = TRY(gather_diff(options, a.bytes(), b.bytes()));
  return Done{.text = options.json ? render_json(report) : printable(render_text(report)),
              .status = report.equal() ? 0 : kDifferent,
              .trouble = kTrouble};
}

// Status 1 says that the files differ, so trouble has another.
Result<Done> diff_or_trouble(const DiffOptions& options) {
  const auto trouble = [](const std::string& what) {
    return Done{.note = "compose-snapshot: " + what, .status = kTrouble};
  };
  report_truncated_inputs("compose-snapshot", kTrouble);
  try {
    const Result<Done> done = diff(options);
    return done ? *done : trouble(done.error().message());
  } catch (const std::exception& error) {
    return trouble(error.what());  // out of memory
  }
}

Result<Action> parse(int argc, const char* const* argv) {
  const auto parsed = TRY(parse_command_line(spec(), argc, argv));
  if (const auto* text = std::get_if<PrintOptions>(&parsed)) return print(text->text);
  const auto& line = std::get<CommandLine>(parsed);
  DiffOptions options{.a = line.operands()[0], .b = line.operands()[1], .json = line.has("json")};
  const LaunchChoice choice = TRY(parse_launch_choice(line));
  options.platform = choice.platform ? choice.platform : choice.wanted;
  options.host = choice.host;
  return [options]() { return diff_or_trouble(options); };
}

}  // namespace

extern const Command command_diff;
const Command command_diff = {
    .name = "diff",
    .summary = "say what differs between two snapshots, and where their digests part",
    .usage = kUsage,
    .rank = 4,
    .parse = parse,
};

}  // namespace tintype
