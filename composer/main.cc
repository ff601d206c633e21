// compose-snapshot: composes boot snapshots, and says what is in them.
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include "composer/command.h"
#include "composer/files.h"
#include "formats/printable.h"

namespace {

constexpr int kRefused = 1;
constexpr int kUsage = 2;

int report(const tintype::Error& error, int status) {
  std::fprintf(stderr, "compose-snapshot: %s\n", tintype::printable(error.message()).c_str());
  return status;
}

int finish(const tintype::Done& done) {
  const tintype::TextOutput put = [](std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
  };
  put(done.text);
  if (done.long_text) done.long_text(put);
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    return report({"standard output: the text could not be written"}, done.trouble);
  if (!done.note.empty()) std::fprintf(stderr, "%s\n", tintype::printable(done.note).c_str());
  return done.status;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto action = tintype::parse_program(argc, argv);
    if (!action) return report(action.error(), kUsage);
    // A limit on file sizes is an error of write(), and no death that leaves the temporary file behind.
    std::signal(SIGXFSZ, SIG_IGN);
    tintype::report_truncated_inputs("compose-snapshot");
    const auto done = (*action)();
    return done ? finish(*done) : report(done.error(), kRefused);
  } catch (const std::exception& error) {
    return report({error.what()}, kRefused);  // out of memory
  }
}
