#include "composer/options.h"

#include <initializer_list>
#include <vector>

#include "composer/command.h"
#include "formats/gpa.h"
#include "support/test_main.h"

namespace tintype {
namespace {

// The options of `build`, `words` with that name in front.
Result<BuildOptions> parse(const std::vector<const char*>& words) {
  const auto line = TRY(parse_command_line(build_spec(), static_cast<int>(words.size()), words.data()));
  return build_options(TRY(settings_of(build_spec(), std::get<CommandLine>(line))));
}

// What is wrong with a whole command line.
std::string error_of(std::initializer_list<const char*> words) {
  std::vector<const char*> argv = {"compose-snapshot"};
  argv.insert(argv.end(), words);
  const auto action = parse_program(static_cast<int>(argv.size()), argv.data());
  return action ? "" : action.error().message();
}

// What a command line prints.
std::string text_of(std::initializer_list<const char*> words) {
  std::vector<const char*> argv = {"compose-snapshot"};
  argv.insert(argv.end(), words);
  const auto action = parse_program(static_cast<int>(argv.size()), argv.data());
  REQUIRE_OK(action);
  const auto done = (*action)();
  REQUIRE_OK(done);
  return done->text;
}

TEST_CASE("a build takes its options, and has the documented defaults") {
  const auto plain = parse({"build", "-o", "out", "--kernel", "vmlinuz"});
  REQUIRE_OK(plain);
  const auto& defaults = *plain;
  CHECK(defaults.output == "out");
  CHECK(defaults.kernel == "vmlinuz");
  CHECK(defaults.initrds.empty());
  CHECK(defaults.acpi);
  CHECK_FALSE(defaults.cmdline.has_value());
  CHECK(defaults.memory == 512 * kMiB);
  CHECK(defaults.cpus == 1);
  CHECK_FALSE(defaults.protocol.has_value());

  const auto full =
      parse({"build", "--output=-", "--kernel", "k", "--initrd", "i,j", "--cmdline", "a=b --kernal x",
             "--memory", "2G", "--cpus", "4", "--protocol", "linux-x86_64", "--timings", "-q"});
  REQUIRE_OK(full);
  const auto& options = *full;
  CHECK(options.output == "-");
  REQUIRE(options.initrds.size() == 1);
  CHECK(options.initrds[0].path == "i,j");
  CHECK_FALSE(options.initrds[0].is_directory);
  CHECK(options.cmdline == "a=b --kernal x");
  CHECK(options.memory == 2 * kGiB);
  CHECK(options.cpus == 4);
  CHECK(options.protocol == "linux-x86_64");
  CHECK(options.timings);
  CHECK(options.quiet);
}

TEST_CASE("values that start with a dash and empty ones are values") {
  const auto dashed = parse({"build", "-o", "out", "--kernel", "k", "--cmdline", "--memory"});
  REQUIRE_OK(dashed);
  CHECK(dashed->cmdline == "--memory");
  const auto empty = parse({"build", "-o", "out", "--kernel", "k", "--cmdline", ""});
  REQUIRE_OK(empty);
  CHECK(empty->cmdline == "");
}

TEST_CASE("mistakes are named, with what was probably meant") {
  CHECK(error_of({}) == "no command is given: try compose-snapshot --help");
  CHECK(error_of({"biuld"}) ==
        "unknown command 'biuld' (did you mean 'build'?): try compose-snapshot --help");
  CHECK(error_of({"build", "--kernel", "k"}) == "no output is given: add -o FILE");
  CHECK(error_of({"build", "-o", "out"}) == "no kernel is given: add --kernel FILE");
  CHECK(error_of({"build", "-o", "out", "--kernal", "k"}) ==
        "unknown option '--kernal' (did you mean '--kernel'?): see compose-snapshot build --help");
  CHECK(error_of({"build", "-o", "out", "--kernel", "k", "--memroy=1G"}) ==
        "unknown option '--memroy' (did you mean '--memory'?): see compose-snapshot build --help");
  CHECK(error_of({"build", "-o", "out", "--kernel", "k", "--protocol", "linux-x86-64"})
            .find("--protocol 'linux-x86-64' is unknown (did you mean 'linux-x86_64'?)") == 0);
  CHECK(error_of({"build", "-o", "out", "--kernel", "k", "--kernel", "l"}) ==
        "option '--kernel' is given 2 times: give it once");
  CHECK(error_of({"build", "-o", "out", "--kernel", "k", "stray"}).find("'stray' is one argument too many") ==
        0);
  CHECK(error_of({"build", "-o", "out", "--kernel"}).find("kernel") != std::string::npos);
  CHECK(error_of({"inspect"}) == "inspect takes one file, and none are given");
  CHECK(error_of({"inspect", "a", "b"}) == "inspect takes one file, and several are given");
  CHECK(error_of({"inspect", "--jsn", "a"}) ==
        "unknown option '--jsn' (did you mean '--json'?): see compose-snapshot inspect --help");
}

TEST_CASE("options of AArch64 guests") {
  const auto parsed = parse({"build", "-o", "o", "--kernel", "k", "--device-tree", "--gic", "v2",
                             "--fdt-overlay", "a,b.dtbo", "--fdt-overlay", "c.dtbo", "--fdt", "board.dtb"});
  REQUIRE_OK(parsed);
  const auto& options = *parsed;
  CHECK(options.protocol == "linux-arm64-dt");
  CHECK(options.gic == Gic::v2);
  CHECK_FALSE(options.its);
  CHECK(options.dtb == "board.dtb");
  CHECK(options.overlays == std::vector<std::string>{"a,b.dtbo", "c.dtbo"});
  const auto refused = [](std::initializer_list<const char*> words) {
    std::vector<const char*> argv = {"build", "-o", "o", "--kernel", "k"};
    argv.insert(argv.end(), words);
    const auto result = parse(argv);
    return result ? "" : result.error().message();
  };
  CHECK(refused({"--gic", "v4"}) == "--gic 'v4' is neither v2 nor v3");
  CHECK(refused({"--its", "--gic", "v2"}) ==
        "--its is a part of GICv3, and --gic v2 has none: leave one of them out");
  CHECK(refused({"--device-tree", "--protocol", "pvh"}) ==
        "--device-tree and --protocol pvh contradict each other: leave one of them out");
  CHECK(refused({"--fdt", "a", "--dtb", "b"}) == "--fdt and --dtb are one option: give it once");
  CHECK(refused({"--fdt", ""}) == "option '--fdt' has an empty name: name a file, or leave it out");
}

TEST_CASE("numbers are checked against their ranges") {
  for (const char* cpus : {"0", "1025", "-1", "two", "1 ", "", "99999999999"})
    CHECK(error_of({"build", "-o", "o", "--kernel", "k", "--cpus", cpus})
              .find("is not a number from 1 to 1024") != std::string::npos);
  for (const char* memory : {"0", "512K", "2T", "1024G1"})
    CHECK_FALSE(parse({"build", "-o", "o", "--kernel", "k", "--memory", memory}).has_value());
  REQUIRE_OK(parse({"build", "-o", "o", "--kernel", "k", "--memory", "1T", "--cpus", "1024"}));
}

TEST_CASE("help and version are texts, and help names every protocol and option") {
  const std::string help = text_of({"build", "--help"});
  for (const char* word : {"--output", "--kernel", "--initrd", "--cmdline", "--memory", "--cpus",
                           "--protocol", "linux-x86_64", "Examples:"})
    CHECK(help.find(word) != std::string::npos);
  const std::string program = text_of({"--help"});
  for (const Command* command : commands()) {
    CHECK(program.find(fmt::format("  compose-snapshot {} {}\n", command->name, command->usage)) !=
          std::string::npos);
    CHECK(text_of({std::string(command->name).c_str(), "--help"}).find("Usage:") != std::string::npos);
  }
  CHECK(text_of({"--version"}).find("compose-snapshot ") == 0);
}

}  // namespace
}  // namespace tintype
