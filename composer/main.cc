// compose-snapshot: composes boot snapshots, and says what is in them.
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include "composer/command.h"
#include "composer/files.h"

namespace {

constexpr int kRefused = 1;
constexpr int kUsage = 2;

// Messages quote files, and those may hold what a terminal obeys: control characters, U+0080 to U+009F among
// them.
std::string printable(std::string text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool c1 = byte >= 0x80 && byte < 0xA0 && i > 0 && text[i - 1] == '\xC2';
    if (c1) text[i - 1] = '?';
    if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F || c1) text[i] = '?';
  }
  return text;
}

int report(const tintype::Error& error, int status) {
  std::fprintf(stderr, "compose-snapshot: %s\n", printable(error.message()).c_str());
  return status;
}

int finish(const tintype::Done& done) {
  const std::string& text = done.text;
  const bool whole =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!whole) return report({"standard output: the text could not be written"}, done.trouble);
  if (!done.note.empty()) std::fprintf(stderr, "%s\n", printable(done.note).c_str());
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
