#include "composer/decode.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "formats/acpi.h"

extern char** environ;

namespace tintype {

namespace {

// Devicetree Specification 0.4, 5.2.
constexpr std::uint32_t kFdtMagic = 0xD00DFEED;

// A folder of its own that is gone afterwards, with all that is in it.
class ScratchFolder {
 public:
  static Result<ScratchFolder> make() {
    std::error_code ignored;
    const std::filesystem::path parent = std::filesystem::temp_directory_path(ignored);
    std::string path = (parent.empty() ? std::filesystem::path("/tmp") : parent) / "compose-snapshot-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr)
      return fail("a temporary folder {} cannot be made: {}", path, std::strerror(errno));
    return ScratchFolder(path);
  }
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

struct Tool {
  std::string_view program, package, takes;  // "iasl", "acpica-tools", "an ACPI table"
};
constexpr Tool kIasl = {"iasl", "acpica-tools", "ACPI table"};
constexpr Tool kDtc = {"dtc", "device-tree-compiler", "device tree"};

// Runs the tool without a shell and without input; what it says is not ours to print.
Result<void> run(const Tool& tool, std::vector<std::string> arguments) {
  std::vector<char*> words;
  for (std::string& argument : arguments) words.push_back(argument.data());
  words.push_back(nullptr);
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, words[0], &files, nullptr, words.data(), environ);
  ::posix_spawn_file_actions_destroy(&files);
  if (error == ENOENT)
    return fail("--decode needs {}, which is not installed: apt-get install {}, or leave --decode out",
                tool.program, tool.package);
  if (error != 0) return fail("{} cannot be started: {}", tool.program, std::strerror(error));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return fail("{} cannot be waited for: {}", tool.program, std::strerror(errno));
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return fail("{} takes this for no sound {}: leave --decode out to look at its bytes", tool.program,
                tool.takes);
  return {};
}

Result<std::string> convert(const Tool& tool, const ScratchFolder& folder, Bytes bytes,
                            std::string_view source, std::vector<std::string> arguments) {
  std::ofstream input(folder / "table.bin", std::ios::binary);
  input.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  input.close();
  if (!input) return fail("the temporary file for {} cannot be written", tool.program);
  arguments.push_back(folder / "table.bin");
  TRY(run(tool, std::move(arguments)));
  std::ifstream output(folder / source, std::ios::binary);
  if (!output) return fail("{} wrote nothing: leave --decode out to look at the bytes", tool.program);
  return std::string{std::istreambuf_iterator<char>(output), {}};
}

// iasl starts with a comment that names the temporary file and the time.
std::string without_first_comment(const std::string& source) {
  const std::size_t end = source.find("*/");
  if (!source.starts_with("/*") || end == std::string::npos) return source;
  const std::size_t text = source.find_first_not_of("\r\n", end + 2);
  return text == std::string::npos ? std::string() : source.substr(text);
}

// The whole table if one starts here.
std::optional<Bytes> acpi_table_at(Bytes bytes) {
  const auto header = read_at<acpi::Header>(bytes, 0, "");
  if (!header || header->Length < sizeof(acpi::Header) || header->Length > bytes.size()) return std::nullopt;
  const auto& name = header->Signature;
  const bool letters = std::all_of(name.begin(), name.end(), [](std::uint8_t c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
  if (!letters) return std::nullopt;
  return bytes.first(header->Length);
}

}  // namespace

Result<std::string> decode(Bytes bytes) {
  const ScratchFolder folder = TRY(ScratchFolder::make());
  const auto magic = read_at<be32>(bytes, 0, "");
  const auto size = read_at<be32>(bytes, 4, "");
  if (magic && size && *magic == kFdtMagic) {
    if (*size > bytes.size())
      return fail("the device tree there says that it has {} bytes, and only {} are extracted", size->value(),
                  bytes.size());
    return convert(kDtc, folder, bytes.first(*size), "table.dts",
                   {"dtc", "-q", "-I", "dtb", "-O", "dts", "-o", folder / "table.dts"});
  }
  if (const auto table = acpi_table_at(bytes))
    return without_first_comment(
        TRY(convert(kIasl, folder, *table, "table.dsl", {"iasl", "-p", folder / "table", "-d"})));
  return fail("has neither an ACPI table nor a device tree there: leave --decode out");
}

}  // namespace tintype
