// Copies guest memory out of a file.
#include "composer/extract.h"

#include "composer/command.h"
#include "composer/command_line.h"

namespace tintype {

namespace {

constexpr char kUsage[] = "FILE --region NAME|--gpa RANGE -o OUT [--decode]";

CommandSpec spec() {
  return {
      .name = "extract",
      .summary = "Write what a guest finds in a piece of its memory when it starts.",
      .usage = kUsage,
      .groups = {{.title = "",
                  .options = {{.name = "region",
                               .value = "NAME",
                               .help = "a region of a snapshot, as 'compose-snapshot inspect' names it"},
                              {.name = "gpa",
                               .value = "RANGE",
                               .help = "guest addresses: 0x1000-0x1fff or 0x1000+4096"},
                              {.name = "output",
                               .letter = 'o',
                               .value = "OUT",
                               .help = "the file to write; '-' is standard output",
                               .file = true},
                              {.name = "decode",
                               .help = "write the source of an ACPI table (iasl) or a device tree (dtc)"}}}},
      .operands = {"file to extract from"},
      .epilogue = "\nMemory that the file says nothing about is zero.\n",
  };
}

Result<ExtractOptions> options_of(const CommandLine& line) {
  ExtractOptions options{.file = line.operands()[0],
                         .region = line.find("region"),
                         .range = std::nullopt,
                         .output = line.find("output").value_or(""),
                         .decode = line.has("decode")};
  if (const auto text = line.find("gpa")) options.range = TRY(parse_gpa_range(*text));
  if (options.region && options.range)
    return fail("--region and --gpa both say what to extract: give one of them");
  if (!options.region && !options.range)
    return fail("nothing says what to extract: give --region NAME or --gpa RANGE");
  if (options.output.empty()) return fail("no output is given: give -o FILE, or -o - for standard output");
  return options;
}

Result<Action> parse(int argc, const char* const* argv) {
  const auto parsed = TRY(parse_command_line(spec(), argc, argv));
  if (const auto* text = std::get_if<PrintOptions>(&parsed)) return print(text->text);
  return [options = TRY(options_of(std::get<CommandLine>(parsed)))]() -> Result<Done> {
    TRY(extract(options));
    return Done{};
  };
}

}  // namespace

extern const Command command_extract;
const Command command_extract = {
    .name = "extract",
    .summary = "write a region of guest memory, or an ACPI table's source, to a file",
    .usage = kUsage,
    .rank = 6,
    .parse = parse,
};

}  // namespace tintype
