#include "support/acpica.h"

#include <stdlib.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "support/test_main.h"

namespace fs = std::filesystem;

namespace {

// A directory of its own that goes away with its contents.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (fs::temp_directory_path() / "acpica-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TemporaryDirectory() { fs::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// Runs `command` in `directory`; its output, both streams. A table that is wrong enough, with a length of 0
// for one, makes iasl write without end: it gets 20 seconds, 16 MiB of files (ulimit counts 512 bytes) and of
// output.
std::string run(const fs::path& directory, const std::string& command) {
  const std::string line = "cd '" + directory.string() + "' && ulimit -f 32768 && timeout 20 " + command +
                           " 2>&1 < /dev/null | head -c 16777216";
  FILE* const pipe = popen(line.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string output;
  char block[4096];
  for (std::size_t count; (count = fread(block, 1, sizeof(block), pipe)) > 0;) output.append(block, count);
  pclose(pipe);
  return output;
}

void write_file(const fs::path& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  REQUIRE(file.good());
}

std::string_view text_of(tintype::Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Recompiled compile_in(const fs::path& directory) {
  Recompiled result;
  result.source = read_file(directory / "table.dsl");
  result.log = run(directory, "iasl -p compiled table.dsl");
  const std::string bytes = read_file(directory / "compiled.aml");
  result.table.assign(bytes.begin(), bytes.end());
  return result;
}

}  // namespace

bool have_acpica() {
  if (std::system("iasl -v > /dev/null 2>&1 && acpiexec -v > /dev/null 2>&1") == 0) return true;
  skip_test("iasl and acpiexec are not here: apt-get install acpica-tools");
  return false;
}

Recompiled recompile(tintype::Bytes table) {
  const TemporaryDirectory directory;
  write_file(directory.path() / "table.aml", text_of(table));
  const std::string log = run(directory.path(), "iasl -d table.aml");
  Recompiled result = compile_in(directory.path());
  result.log = log + result.log;
  return result;
}

Recompiled compile(std::string_view source) {
  const TemporaryDirectory directory;
  write_file(directory.path() / "table.dsl", source);
  return compile_in(directory.path());
}

std::string execute(tintype::Bytes dsdt, std::string_view command, const std::vector<tintype::Bytes>& ssdts) {
  const TemporaryDirectory directory;
  write_file(directory.path() / "dsdt.aml", text_of(dsdt));
  std::string files = " dsdt.aml";
  for (std::size_t i = 0; i < ssdts.size(); ++i) {
    const std::string name = "ssdt" + std::to_string(i) + ".aml";
    write_file(directory.path() / name, text_of(ssdts[i]));
    files += " " + name;
  }
  return run(directory.path(), "acpiexec -b '" + std::string(command) + "'" + files);
}
