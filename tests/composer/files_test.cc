#include "composer/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "formats/igvm_defs.h"
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

// What comes of `content` out of a pipe, and how much of it was taken.
struct Piped {
  Result<InputFile> file;
  std::size_t taken;
};
template <typename F>
Piped piped(F open, const std::string& content, std::size_t step) {
  const TemporaryFolder folder;
  const std::string path = folder / "pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  std::size_t taken = 0;
  std::thread writer([&] {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    while (taken < content.size()) {
      const ssize_t count = ::write(fd, content.data() + taken, std::min(step, content.size() - taken));
      if (count <= 0) break;
      taken += static_cast<std::size_t>(count);
    }
    ::close(fd);
  });
  Result<InputFile> file = open(path);
  writer.join();
  return {std::move(file), taken};
}

TEST_CASE("a pipe gives no more than its limit") {
  std::signal(SIGPIPE, SIG_IGN);
  const auto limited = [](const std::string& path) { return InputFile::open(path, {100000, "a recipe"}); };
  const auto most = piped(limited, std::string(100000, 'p'), 777);
  REQUIRE_OK(most.file);
  CHECK(most.file->bytes().size() == 100000);
  const auto more = piped(limited, std::string(100001, 'p'), 777);
  REQUIRE_FALSE(more.file.has_value());
  CHECK(more.file.error().message().find(
            "pipe: more than 100000 bytes come out of it, and a recipe has no more: give a file") !=
        std::string::npos);
  const auto endless = piped(limited, std::string(8 << 20, 'p'), 65536);
  CHECK_FALSE(endless.file.has_value());
  CHECK(endless.taken < 1 << 20);
}

TEST_CASE("a pipe that no snapshot comes out of is left after its first bytes") {
  std::signal(SIGPIPE, SIG_IGN);
  const auto zeroes = piped(InputFile::open_snapshot, std::string(8 << 20, '\0'), 65536);
  REQUIRE_FALSE(zeroes.file.has_value());
  CHECK(zeroes.file.error().message().find("this is not an IGVM file: it begins with 0x00000000") !=
        std::string::npos);
  CHECK(zeroes.taken < 1 << 20);
  const IGVM_FIXED_HEADER header{.magic = IGVM_MAGIC_VALUE, .format_version = 1, .total_file_size = 300000};
  std::string snapshot(300000, 's');
  std::memcpy(snapshot.data(), &header, sizeof(header));
  for (const std::size_t step : {std::size_t{1}, snapshot.size()}) {
    const auto whole = piped(InputFile::open_snapshot, snapshot, step);
    REQUIRE_OK(whole.file);
    CHECK(std::string(whole.file->bytes().begin(), whole.file->bytes().end()) == snapshot);
  }
  const auto longer = piped(InputFile::open_snapshot, snapshot + std::string(8 << 20, 's'), 65536);
  REQUIRE_FALSE(longer.file.has_value());
  CHECK(longer.file.error().message().find(
            "more than 300000 bytes come out of it, and the snapshot that it starts with has no more") !=
        std::string::npos);
  CHECK(longer.taken < 2 << 20);
  // Shorter than any header: whoever reads it says so.
  CHECK(piped(InputFile::open_snapshot, "IGVM", 1).file->bytes().size() == 4);
}

}  // namespace
}  // namespace tintype
