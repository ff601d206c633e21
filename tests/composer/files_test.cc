#include "composer/files.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "support/temporary_folder.h"

namespace tintype {
namespace {

TEST_CASE("an output appears whole, under its name, only when committed") {
  const TemporaryFolder folder;
  const std::string path = folder / "image.bin";
  std::ofstream(path) << "old";
  {
    auto output = OutputFile::create(path);
    REQUIRE_OK(output);
    REQUIRE_OK(output->write(bytes_of("new content")));
    CHECK(text_of(path) == "old");
    CHECK(output->read_back().value()->bytes().size() == 11);
    REQUIRE_OK(output->commit());
  }
  CHECK(text_of(path) == "new content");
  CHECK_FALSE(std::filesystem::exists(path + ".tmp"));
}

TEST_CASE("an output that is not committed leaves everything as it was") {
  const TemporaryFolder folder;
  const std::string path = folder / "image.bin";
  std::ofstream(path) << "old";
  {
    auto output = OutputFile::create(path);
    REQUIRE_OK(output);
    REQUIRE_OK(output->write(bytes_of("half")));
  }
  CHECK(text_of(path) == "old");
  CHECK_FALSE(std::filesystem::exists(path + ".tmp"));
}

TEST_CASE("a leftover temporary file is overwritten") {
  const TemporaryFolder folder;
  const std::string path = folder / "image.bin";
  std::ofstream(path + ".tmp") << "left over by a compose that was killed";
  auto output = OutputFile::create(path);
  REQUIRE_OK(output);
  REQUIRE_OK(output->write(bytes_of("x")));
  REQUIRE_OK(output->commit());
  CHECK(text_of(path) == "x");
}

TEST_CASE("two composes of one output do not mix") {
  const TemporaryFolder folder;
  const std::string path = folder / "image.bin";
  const auto first = OutputFile::create(path);
  REQUIRE_OK(first);
  const auto second = OutputFile::create(path);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().message().find("another compose is writing it") != std::string::npos);
}

TEST_CASE("an output behind a symbolic link is written through it") {
  const TemporaryFolder folder;
  std::ofstream(folder / "real") << "old";
  std::filesystem::create_symlink("real", folder / "link");
  auto output = OutputFile::create(folder / "link");
  REQUIRE_OK(output);
  REQUIRE_OK(output->write(bytes_of("new")));
  REQUIRE_OK(output->commit());
  CHECK(text_of(folder / "real") == "new");
  CHECK(std::filesystem::is_symlink(folder / "link"));
}

TEST_CASE("a symbolic link to what is not there yet is written through") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "sub");
  std::filesystem::create_symlink("sub/next", folder / "link");
  std::filesystem::create_symlink("../new", folder / "sub/next");
  auto output = OutputFile::create(folder / "link");
  REQUIRE_OK(output);
  REQUIRE_OK(output->write(bytes_of("new")));
  REQUIRE_OK(output->commit());
  CHECK(text_of(folder / "new") == "new");
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(std::filesystem::is_symlink(folder / "sub/next"));
  // Links in a circle lead nowhere.
  std::filesystem::create_symlink("circle", folder / "circle");
  CHECK_FALSE(OutputFile::create(folder / "circle").has_value());
}

TEST_CASE("a device is written directly") {
  auto output = OutputFile::create("/dev/null");
  REQUIRE_OK(output);
  REQUIRE_OK(output->write(bytes_of("gone")));
  CHECK_FALSE(output->read_back().value().has_value());
  REQUIRE_OK(output->commit());
}

TEST_CASE("places that cannot be written or read are named") {
  const TemporaryFolder folder;
  CHECK(OutputFile::create(folder.path.string()).error().message().find("is a directory: give a file name") !=
        std::string::npos);
  CHECK(OutputFile::create(folder / "no/such/folder").error().message().find("No such file or directory") !=
        std::string::npos);
  CHECK(InputFile::open(folder / "absent").error().message() ==
        (folder / "absent") + ": No such file or directory");
  CHECK(InputFile::open(folder.path.string()).error().message().find("is a directory: give a file") !=
        std::string::npos);
}

TEST_CASE("an empty file and a pipe are inputs like any other") {
  const TemporaryFolder folder;
  std::ofstream(folder / "empty").close();
  CHECK(InputFile::open(folder / "empty").value().bytes().empty());
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  const std::string content(300000, 'p');
  std::thread writer([&] { std::ofstream(folder / "pipe") << content; });
  const auto piped = InputFile::open(folder / "pipe");
  writer.join();
  REQUIRE_OK(piped);
  CHECK(std::string(piped->bytes().begin(), piped->bytes().end()) == content);
}

}  // namespace
}  // namespace tintype
