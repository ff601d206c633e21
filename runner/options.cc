#include "runner/options.h"

#include <charconv>
#include <cxxopts.hpp>
#include <vector>

#include "formats/suggest.h"
#include "version.h"

namespace tintype {

namespace {

constexpr char kHelp[] = R"(run-snapshot - run a boot snapshot in a KVM virtual machine

Usage:
  run-snapshot [OPTION...] IMAGE

IMAGE is a file that compose-snapshot wrote, or an IGVM file for machines
without isolation (NATIVE). The guest's serial console is standard input and
output; on a terminal, Ctrl-A X quits and Ctrl-A Ctrl-A types a Ctrl-A.

Options:
  --timeout SECONDS  stop after so long, with status 124 (fractions are fine)
  --memory SIZE      RAM of an IGVM file that does not say it (default: 256M)
  --cpus N           vCPUs of such a file (default: 1)
  --no-seccomp       leave out the system-call filter, to debug the runner
  -h, --help         print this help
  --version          print the version

A snapshot brings its memory size and number of vCPUs with it. SIZE is a number
of bytes, or has a suffix K, M, G or T (powers of 1024).

Exit status:
  0      the guest powered off     0-119  it wrote this code to port 0x501
  120    it reset the machine      121    it crashed or panicked
  124    time ran out              125    the host or the runner could not
  126    the file is damaged, of another architecture, or asks for too much
  2      wrong usage               128+N  stopped by signal N

SIGTERM presses the power button; a second one, or five seconds, stops the
machine (143). On a terminal, Ctrl-A X stops it with 130.
)";

constexpr std::string_view kNames[] = {"timeout", "memory", "cpus", "no-seccomp", "help", "version"};

cxxopts::Options parser() {
  cxxopts::Options options("run-snapshot");
  // clang-format off
  options.add_options()
      ("timeout", "", cxxopts::value<std::string>())
      ("memory", "", cxxopts::value<std::string>())
      ("cpus", "", cxxopts::value<std::string>())
      ("no-seccomp", "")
      ("h,help", "")
      ("version", "")
      ("image", "", cxxopts::value<std::vector<std::string>>());
  // clang-format on
  options.parse_positional({"image"});
  options.allow_unrecognised_options();
  return options;
}

tl::unexpected<Error> unknown_option(std::string_view word) {
  const std::string_view name = word.substr(std::min(word.find_first_not_of('-'), word.size()));
  const std::string_view bare = name.substr(0, name.find('='));
  return fail("unknown option '{}'{}: see run-snapshot --help", word, did_you_mean(bare, kNames));
}

Result<std::uint32_t> parse_cpus(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size() || value < 1 || value > x86::kMaxCpus)
    return fail("--cpus '{}' is not a number from 1 to {}", text, x86::kMaxCpus);
  return value;
}

// What cxxopts says, with plain quotes.
std::string plain(std::string text) {
  for (const std::string_view quote : {"\u2018", "\u2019"})
    for (std::size_t at = text.find(quote); at != std::string::npos; at = text.find(quote))
      text.replace(at, quote.size(), "'");
  return text;
}

Result<std::variant<RunOptions, PrintOptions>> from_parsed(const cxxopts::ParseResult& parsed) {
  for (const std::string_view name : kNames)
    if (const std::size_t count = parsed.count(std::string(name)); count > 1)
      return fail("option '--{}' is given {} times: give it once", name, count);
  if (!parsed.unmatched().empty()) return unknown_option(parsed.unmatched().front());
  if (parsed.count("help") > 0) return PrintOptions{kHelp};
  if (parsed.count("version") > 0) return PrintOptions{fmt::format("run-snapshot {}\n", kVersion)};
  const auto text = [&](const char* name) { return parsed[name].as<std::string>(); };
  RunOptions options;
  if (parsed.count("timeout") > 0) options.timeout = TRY(parse_timeout(text("timeout")));
  if (parsed.count("memory") > 0) options.wishes.memory = TRY(parse_memory(text("memory")));
  if (parsed.count("cpus") > 0) options.wishes.cpus = TRY(parse_cpus(text("cpus")));
  options.seccomp = parsed.count("no-seccomp") == 0;
  if (parsed.count("image") == 0) return fail("no image is given: see run-snapshot --help");
  const auto images = parsed["image"].as<std::vector<std::string>>();
  if (images.size() > 1) return fail("'{}' is one image too many: one is run at a time", images[1]);
  options.image = images[0];
  return options;
}

}  // namespace

Result<std::uint64_t> parse_memory(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view suffix(end, static_cast<std::size_t>(text.data() + text.size() - end));
  std::uint64_t unit = suffix.empty() ? 1 : 0;
  if (suffix == "K" || suffix == "k") unit = kKiB;
  if (suffix == "M" || suffix == "m") unit = kMiB;
  if (suffix == "G" || suffix == "g") unit = kGiB;
  if (suffix == "T" || suffix == "t") unit = kTiB;
  const auto bytes = checked_mul(value, unit);
  if (status != std::errc() || unit == 0 || !bytes)
    return fail("--memory '{}' is not a size: write a number of bytes, or one with K, M, G or T, like 512M",
                text);
  if (!is_aligned(*bytes, kPageSize) || *bytes < kMiB || *bytes > x86::kMaxMemory)
    return fail("--memory '{}' is not a multiple of 4096 bytes between 1M and 1T", text);
  return *bytes;
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

Result<std::variant<RunOptions, PrintOptions>> parse_options(int argc, const char* const* argv) {
  try {
    return from_parsed(parser().parse(argc, argv));
  } catch (const std::exception& error) {
    return fail("{}: see run-snapshot --help", plain(error.what()));
  }
}

}  // namespace tintype
