// run-snapshot: maps a boot snapshot into a KVM virtual machine and starts it.
#include <unistd.h>

#include <exception>

#include "runner/machine_run.h"
#include "runner/output.h"
#include "runner/signals.h"

namespace {

int print(const std::string& text) {
  const auto written = tintype::write_all(STDOUT_FILENO, text, [] { return false; });
  if (written) return 0;
  tintype::complain("standard output: " + written.error().message());
  return tintype::kStatusHost;
}

int run(const tintype::RunOptions& options) {
  const tintype::Outcome outcome = tintype::run_machine(options);
  if (!outcome.message.empty()) tintype::complain(outcome.message);
  return outcome.status;
}

int run(const tintype::PrintOptions& options) {
  return print(options.text);
}

int start(int argc, char** argv) {
  const auto options = tintype::parse_options(argc, argv);
  if (options) return std::visit([](const auto& chosen) { return run(chosen); }, *options);
  tintype::complain(options.error().message());
  return tintype::kStatusUsage;
}

}  // namespace

int main(int argc, char** argv) {
  tintype::ensure_standard_descriptors();
  tintype::ignore_closed_pipes();
  try {
    // Everything is written out by now, and the system-call filter may not allow what exit handlers do.
    ::_exit(start(argc, argv));
  } catch (const std::exception& error) {
    tintype::complain(error.what());  // out of memory
    ::_exit(tintype::kStatusHost);
  }
}
