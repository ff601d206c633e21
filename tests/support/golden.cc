#include "support/golden.h"

#include <fmt/core.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "support/test_main.h"

namespace {

// The first line of `text`, which loses it.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  return line;
}

std::string first_difference(std::string_view expected, std::string_view actual) {
  for (int number = 1; !expected.empty() || !actual.empty(); ++number) {
    const bool both = !expected.empty() && !actual.empty();
    const std::string_view old_line = take_line(expected);
    const std::string_view new_line = take_line(actual);
    if (!both || old_line != new_line)
      return fmt::format("line {}\n  - {}\n  + {}", number, old_line, new_line);
  }
  return "the end of the last line";
}

}  // namespace

void check_golden(std::string_view name, std::string_view text) {
  const std::filesystem::path path = std::filesystem::path(TINTYPE_TESTS_DIR) / "golden" / name;
  const char* const update = std::getenv("UPDATE_GOLDEN");
  if (update != nullptr && std::string_view(update) == "1") {
    std::ofstream file(path, std::ios::binary);
    file << text;
    file.close();
    REQUIRE_MESSAGE(file.good(), "cannot write " << path.string());
    return;
  }
  std::ifstream file(path, std::ios::binary);
  REQUIRE_MESSAGE(file.good(), path.string()
                                   << " does not exist: run with UPDATE_GOLDEN=1, and review what it wrote");
  const std::string expected{std::istreambuf_iterator<char>(file), {}};
  CHECK_MESSAGE(expected == text, name << " differs at " << first_difference(expected, text)
                                       << "\nif that is right, run with UPDATE_GOLDEN=1");
}
