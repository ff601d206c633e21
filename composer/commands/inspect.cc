// Says what is in a file.
#include "composer/inspect.h"

#include "composer/command.h"
#include "composer/command_line.h"
#include "formats/printable.h"

namespace tintype {

namespace {

constexpr char kUsage[] = "FILE [--json]";

Result<Action> parse(int argc, const char* const* argv) {
  const CommandSpec spec = {
      .name = "inspect",
      .summary = "Say what is in a snapshot or an IGVM file.",
      .usage = kUsage,
      .groups =
          {{.title = "",
            .options = {{.name = "json",
                         .help = "print JSON: sizes and file offsets as numbers, addresses and registers as "
                                 "hexadecimal strings"}}}},
      .operands = {"file to inspect"},
  };
  const auto parsed = TRY(parse_command_line(spec, argc, argv));
  if (const auto* text = std::get_if<PrintOptions>(&parsed)) return print(text->text);
  const auto& line = std::get<CommandLine>(parsed);
  return [options = InspectOptions{line.operands()[0], line.has("json")}]() -> Result<Done> {
    TextSource text = TRY(inspect(options));
    Done done;
    if (options.json)
      done.long_text = std::move(text);
    else
      done.long_text = [text = std::move(text)](const TextOutput& output) {
        text([&](std::string_view lines) { output(printable(lines)); });  // pieces are whole lines
      };
    return done;
  };
}

}  // namespace

extern const Command command_inspect;
const Command command_inspect = {
    .name = "inspect",
    .summary = "say what is in a snapshot, or in anyone's IGVM file",
    .usage = kUsage,
    .rank = 1,
    .parse = parse,
};

}  // namespace tintype
