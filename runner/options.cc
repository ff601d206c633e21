#include "runner/options.h"

#include <getopt.h>

#include <array>
#include <charconv>
#include <span>
#include <utility>
#include <vector>

#include "formats/size.h"
#include "formats/suggest.h"
#include "runner/expect.h"
#include "version.h"

namespace tintype {

namespace {

constexpr char kHelp[] = R"(run-snapshot - run a boot snapshot in a KVM virtual machine

Usage:
  run-snapshot [OPTION...] IMAGE

IMAGE is a file that compose-snapshot wrote, or an IGVM file for machines
without isolation (NATIVE; on AArch64 VSM_ISOLATION with VTL 0 alone), and for
the architecture of this host. The guest's serial console is standard input and
output; on a terminal, Ctrl-A X quits and Ctrl-A Ctrl-A types a Ctrl-A.

A snapshot may be compressed with zstd.

Options:
  --expect native=HEX  run only what has this launch digest, status 126 if it
                     has another; costs a copy of the file in memory
  --timeout SECONDS  stop after so long, with status 124 (fractions are fine)
  --memory SIZE      RAM of an IGVM file that does not say it (default: 256M)
  --cpus N           vCPUs of such a file (default: 1)
  --no-seccomp       leave out the system-call filter, to debug the runner
  -h, --help         print this help
  --version          print the version

A snapshot brings its memory size and number of vCPUs with it. SIZE is a number
of bytes, or has a suffix K, M, G or T (powers of 1024).

Exit status:
  0      the guest powered off     0-119  it wrote this code to port 0x501,
                                          on AArch64 to address 0x9080000
  120    it reset the machine      121    it crashed or panicked
  124    time ran out              125    the host or the runner could not
  126    the file is damaged, of another architecture, or asks for too much
  2      wrong usage               128+N  stopped by signal N

SIGTERM presses the power button; a second one, or five seconds, stops the
machine (143). On a terminal, Ctrl-A X stops it with 130.
)";

constexpr option kOptions[] = {
    {"timeout", required_argument, nullptr, 't'}, {"memory", required_argument, nullptr, 'm'},
    {"cpus", required_argument, nullptr, 'c'},    {"expect", required_argument, nullptr, 'e'},
    {"no-seccomp", no_argument, nullptr, 's'},    {"help", no_argument, nullptr, 'h'},
    {"version", no_argument, nullptr, 'v'},       {nullptr, 0, nullptr, 0},
};

// Whatever getopt refuses: an unknown option, one that lacks its value or has one too many.
tl::unexpected<Error> bad_option(std::string_view word) {
  if (!word.starts_with("--")) return fail("unknown option '{}': see run-snapshot --help", word);
  const std::string_view name = word.substr(0, word.find('='));
  std::vector<std::string> names;
  for (const option& known : std::span(kOptions).first(std::size(kOptions) - 1)) {
    if (name.substr(2) != known.name) {
      names.push_back(std::string("--") + known.name);
      continue;
    }
    if (known.has_arg == no_argument) return fail("option '{}' takes no value", name);
    return fail("option '{}' needs a value: see run-snapshot --help", name);
  }
  return fail("unknown option '{}'{}: see run-snapshot --help", word,
              did_you_mean(name, std::vector<std::string_view>(names.begin(), names.end())));
}

Result<void> take_option(int letter, std::string_view value, RunOptions& options) {
  switch (letter) {
    case 't':
      options.timeout = TRY(parse_timeout(value));
      break;
    case 'm':
      options.wishes.memory = TRY(parse_memory(value));
      break;
    case 'c':
      options.wishes.cpus = TRY(parse_number("--cpus", value, 1, x86::kMaxCpus));
      break;
    case 'e':
      options.expect = TRY(parse_expected(value));
      break;
    case 's':
      options.seccomp = false;
      break;
  }
  return {};
}

}  // namespace

Result<std::uint64_t> parse_memory(std::string_view text) {
  const std::uint64_t bytes = TRY(with_context(parse_size(text), "--memory"));
  if (bytes < kMiB || bytes > kMaxMemory) return fail("--memory '{}' is not between 1M and 1T", text);
  return bytes;
}

Result<std::chrono::nanoseconds> parse_timeout(std::string_view text) {
  double seconds = 0;
  const auto [end, status] =
      std::from_chars(text.data(), text.data() + text.size(), seconds, std::chars_format::fixed);
  const auto most = static_cast<double>(kMaxTimeout.count());
  // Written so that what is not a number is refused too.
  if (status != std::errc() || end != text.data() + text.size() || !(seconds >= 0 && seconds <= most))
    return fail("--timeout '{}' is not a number of seconds from 0 to {}, like 10 or 0.5", text,
                kMaxTimeout.count());
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds));
}

// getopt_long(3) rather than the library that compose-snapshot uses: its 0.1 ms would be a tenth of a start.
Result<std::variant<RunOptions, PrintOptions>> parse_options(int argc, const char* const* argv) {
  // It sorts the words, and not the characters in them.
  std::vector<char*> words;
  for (int i = 0; i < argc; ++i) words.push_back(const_cast<char*>(argv[i]));
  words.push_back(nullptr);
  RunOptions options;
  std::array<bool, 128> given{};
  optind = 0;  // from the start, whoever used it before
  opterr = 0;  // and quietly
  int index = 0;
  for (int letter = 0; (letter = getopt_long(argc, words.data(), ":h", kOptions, &index)) != -1;) {
    if (letter == '?' || letter == ':') return bad_option(words[static_cast<std::size_t>(optind - 1)]);
    if (letter == 'h') return PrintOptions{kHelp};
    if (letter == 'v') return PrintOptions{fmt::format("run-snapshot {}\n", kVersion)};
    if (std::exchange(given[static_cast<std::size_t>(letter)], true))
      return fail("option '--{}' is given twice: give it once", kOptions[index].name);
    TRY(take_option(letter, optarg == nullptr ? "" : optarg, options));
  }
  if (optind == argc) return fail("no image is given: see run-snapshot --help");
  options.image = words[static_cast<std::size_t>(optind)];
  if (optind + 1 < argc)
    return fail("'{}' is one image too many: one is run at a time",
                words[static_cast<std::size_t>(optind + 1)]);
  return options;
}

}  // namespace tintype
