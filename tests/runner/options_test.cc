#include "runner/options.h"

#include "support/test_main.h"

using namespace tintype;

namespace {

Result<std::variant<RunOptions, PrintOptions>> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "run-snapshot");
  words.push_back(nullptr);
  return parse_options(static_cast<int>(words.size() - 1), words.data());
}

std::string error_of(const std::vector<const char*>& words) {
  const auto result = parse(words);
  return result ? "" : result.error().message();
}

}  // namespace

TEST_CASE("an image alone has the defaults") {
  const auto result = parse({"image.bin"});
  REQUIRE_OK(result);
  const RunOptions& options = std::get<RunOptions>(*result);
  CHECK(options.image == "image.bin");
  CHECK(options.seccomp);
  CHECK_FALSE(options.timeout);
  CHECK_FALSE(options.wishes.memory);
  CHECK_FALSE(options.wishes.cpus);
}

TEST_CASE("every option, in either form, before or after the image") {
  for (const auto& words :
       {std::vector<const char*>{"--timeout", "0.5", "--memory", "64M", "--cpus", "2", "--no-seccomp", "x"},
        {"x", "--timeout=0.5", "--memory=64M", "--cpus=2", "--no-seccomp"}}) {
    const auto result = parse(words);
    REQUIRE_OK(result);
    const RunOptions& options = std::get<RunOptions>(*result);
    CHECK(options.image == "x");
    CHECK(*options.timeout == std::chrono::milliseconds(500));
    CHECK(*options.wishes.memory == 64 * kMiB);
    CHECK(*options.wishes.cpus == 2);
    CHECK_FALSE(options.seccomp);
  }
}

TEST_CASE("help and version are text") {
  for (const char* word : {"--help", "-h", "--version"}) {
    const auto result = parse({word});
    REQUIRE_OK(result);
    CHECK(std::get<PrintOptions>(*result).text.starts_with("run-snapshot "));
  }
  // Every option that there is has its line.
  const std::string help = std::get<PrintOptions>(*parse({"--help"})).text;
  for (const char* name : {"--timeout", "--memory", "--cpus", "--no-seccomp", "--help", "--version"})
    CHECK(help.find(name) != std::string::npos);
}

TEST_CASE("a wrong command line says what is wrong") {
  CHECK(error_of({}).find("no image") != std::string::npos);
  CHECK(error_of({"a", "b"}).find("'b' is one image too many") != std::string::npos);
  CHECK(error_of({"--timeot", "3", "a"}).find("did you mean '--timeout'") != std::string::npos);
  CHECK(error_of({"--timeot=3", "a"}).find("did you mean '--timeout'") != std::string::npos);
  CHECK(error_of({"-z", "a"}).find("unknown option '-z'") != std::string::npos);
  CHECK(error_of({"a", "--timeout"}) == "option '--timeout' needs a value: see run-snapshot --help");
  CHECK(error_of({"a", "--no-seccomp=1"}) == "option '--no-seccomp' takes no value");
  CHECK(error_of({"a", "--cpus", "1", "--cpus", "2"}).find("given twice") != std::string::npos);
  CHECK(error_of({"a", "--cpus", "0"}).find("1 to 1024") != std::string::npos);
  CHECK(error_of({"a", "--cpus", "1025"}).find("1 to 1024") != std::string::npos);
  CHECK(error_of({"a", "--cpus", "two"}).find("'two'") != std::string::npos);
}

TEST_CASE("sizes of memory") {
  CHECK(*parse_memory("1M") == kMiB);
  CHECK(*parse_memory("1024k") == kMiB);
  CHECK(*parse_memory("1T") == kTiB);
  CHECK(*parse_memory("268435456") == 256 * kMiB);
  for (const char* text :
       {"", "M", "1X", "1MB", "-1M", "1.5G", "4095", "2T", "99999999999999999999", "16777216T", "0"})
    CHECK_FALSE_MESSAGE(parse_memory(text).has_value(), text);
}

TEST_CASE("time limits") {
  CHECK(*parse_timeout("5") == std::chrono::seconds(5));
  CHECK(*parse_timeout("0.25") == std::chrono::milliseconds(250));
  CHECK(*parse_timeout("0") == std::chrono::nanoseconds(0));
  for (const char* text : {"", "x", "1s", "-1", "nan", "inf", "1e3", "1000000000000"})
    CHECK_FALSE_MESSAGE(parse_timeout(text).has_value(), text);
}
