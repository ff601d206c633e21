// compose-snapshot: composes boot snapshots, and says what is in them.
#include <csignal>
#include <cstdio>
#include <exception>

#include "composer/compose.h"
#include "composer/files.h"
#include "composer/inspect.h"
#include "composer/options.h"

namespace {

constexpr int kRefused = 1;
constexpr int kUsage = 2;

int report(const tintype::Error& error, int status) {
  std::fprintf(stderr, "compose-snapshot: %s\n", error.message().c_str());
  return status;
}

int print(const std::string& text) {
  const bool whole =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return whole ? 0 : report({"standard output: the text could not be written"}, kRefused);
}

int run(const tintype::PrintOptions& options) {
  return print(options.text);
}

int run(const tintype::BuildOptions& options) {
  tintype::Progress progress("compose-snapshot");
  const auto summary = tintype::compose(options, progress);
  progress.finish();
  if (!summary) return report(summary.error(), kRefused);
  if (options.timings)
    for (const auto& [step, milliseconds] : progress.steps())
      std::fprintf(stderr, "%-14s %9.1f ms\n", step.c_str(), milliseconds);
  if (!options.quiet) std::fprintf(stderr, "%s\n", summary->c_str());
  return 0;
}

int run(const tintype::InspectOptions& options) {
  const auto text = tintype::inspect(options);
  return text ? print(*text) : report(text.error(), kRefused);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto options = tintype::parse_options(argc, argv);
    if (!options) return report(options.error(), kUsage);
    // A limit on file sizes is an error of write(), and no death that leaves the temporary file behind.
    std::signal(SIGXFSZ, SIG_IGN);
    tintype::report_truncated_inputs("compose-snapshot");
    return std::visit([](const auto& chosen) { return run(chosen); }, *options);
  } catch (const std::exception& error) {
    return report({error.what()}, kRefused);  // out of memory
  }
}
