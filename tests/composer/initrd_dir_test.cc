#include "composer/initrd_dir.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <thread>

#include "formats/cpio.h"
#include "formats/unpack.h"
#include "support/temporary_folder.h"
#include "support/test_main.h"

using namespace tintype;
namespace fs = std::filesystem;
using File = std::vector<std::uint8_t>;

namespace {

void write_text(const fs::path& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  REQUIRE(file.good());
}

// Runs `command` in `folder`, which has no quote in its name.
bool shell(const fs::path& folder, const std::string& command) {
  return std::system(("cd '" + folder.string() + "' && { " + command + "; } > /dev/null 2>&1").c_str()) == 0;
}

bool have(const std::string& program) {
  if (std::system((program + " --version > /dev/null 2>&1").c_str()) == 0) return true;
  skip_test(program + " is not installed: apt-get install " + program);
  return false;
}

File pack(const fs::path& folder, const InitrdDirOptions& options = {}) {
  auto archive = initrd_from_directory(folder.string(), options);
  REQUIRE_OK(archive);
  return std::move(*archive);
}

std::string refusal(const fs::path& folder) {
  const auto archive = initrd_from_directory(folder.string(), {});
  REQUIRE_FALSE(archive.has_value());
  return archive.error().message();
}

std::vector<CpioEntry> entries_of(const File& archive) {
  std::vector<CpioEntry> entries;
  REQUIRE_OK(for_each_entry(archive, [&](const CpioEntry& entry) -> Result<void> {
    entries.push_back(entry);
    return {};
  }));
  return entries;
}

std::map<std::string, CpioEntry> by_name(const File& archive) {
  std::map<std::string, CpioEntry> entries;
  for (const CpioEntry& entry : entries_of(archive)) entries[entry.name] = entry;
  return entries;
}

std::string string_of(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

// Entries borrow from the archive.
std::vector<CpioEntry> entries_of(File&&) = delete;
std::map<std::string, CpioEntry> by_name(File&&) = delete;

void set_mode(const fs::path& path, mode_t mode) {
  REQUIRE(::chmod(path.c_str(), mode) == 0);
}

// A tree with every kind of entry but devices, its parts made in the given order.
void make_tree(const fs::path& root, bool reversed) {
  std::vector<std::string> files{"init",    "bin/tool",  "bin.d",       "bin-x",
                                 "lib/a/b", "z\xFF\xFE", "with space\n"};
  if (reversed) std::reverse(files.begin(), files.end());
  const auto make_links = [&] {
    fs::create_symlink("../init", root / "bin/link");
    fs::create_symlink("nowhere", root / "broken");
    fs::create_symlink("lib", root / "folder-link");
  };
  fs::create_directories(root / (reversed ? "empty" : "bin"));
  fs::create_directories(root / (reversed ? "bin" : "empty"));
  fs::create_directories(root / "lib/a");
  if (reversed) make_links();
  for (const std::string& name : files) write_text(root / name, "contents of " + name);
  if (!reversed) make_links();
  // Twice the block that files are read in, and a bit.
  write_text(root / "big", std::string((2 << 20) + 7, 'b'));
  write_text(root / "nothing", "");
  const std::string linked = reversed ? "lib/a/linked" : "bin/linked";
  write_text(root / linked, "shared");
  for (const char* const name : {"bin/linked", "lib/a/linked", "zlinked"})
    if (name != linked) fs::create_hard_link(root / linked, root / name);
  REQUIRE(::mkfifo((root / "fifo").c_str(), 0600) == 0);
  for (const auto& entry : fs::recursive_directory_iterator(root))
    if (!entry.is_symlink()) set_mode(entry.path(), entry.is_directory() ? 0755 : 0644);
  set_mode(root / "init", 04755);
  set_mode(root / "empty", 01777);
  set_mode(root / "fifo", 0620);
}

constexpr std::size_t kTreeEntries = 20;

struct stat status_of(const fs::path& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status;
}

std::vector<std::string> paths_in(const fs::path& root) {
  std::vector<std::string> paths;
  for (const auto& entry : fs::recursive_directory_iterator(root))
    paths.push_back(entry.path().lexically_relative(root).string());
  std::sort(paths.begin(), paths.end());
  return paths;
}

// Both trees have the same things in them, linked in the same way. Times and owners aside.
void check_equal(const fs::path& a, const fs::path& b) {
  const std::vector<std::string> paths = paths_in(a);
  REQUIRE(paths == paths_in(b));
  std::map<ino_t, ino_t> inodes;
  for (const std::string& path : paths) {
    CAPTURE(path);
    const struct stat left = status_of(a / path);
    const struct stat right = status_of(b / path);
    CHECK(left.st_mode == right.st_mode);
    if (!S_ISDIR(left.st_mode)) CHECK(left.st_nlink == right.st_nlink);
    CHECK(inodes.try_emplace(left.st_ino, right.st_ino).first->second == right.st_ino);
    if (S_ISREG(left.st_mode)) CHECK(text_of((a / path).string()) == text_of((b / path).string()));
    if (S_ISLNK(left.st_mode)) CHECK(fs::read_symlink(a / path) == fs::read_symlink(b / path));
    if (S_ISCHR(left.st_mode) || S_ISBLK(left.st_mode)) CHECK(left.st_rdev == right.st_rdev);
  }
}

// Unpacks with GNU cpio, which must find nothing to complain about.
void extract(const TemporaryFolder& folder, const File& archive) {
  folder.write("archive", archive);
  REQUIRE(shell(folder.path, "mkdir out && cd out && cpio -idm --quiet < ../archive 2> ../messages"));
  CHECK(text_of(folder / "messages") == "");
}

}  // namespace

TEST_CASE(
    "our own reader finds the tree, sorted by the bytes of its paths, without owners, times and devices") {
  const TemporaryFolder folder;
  make_tree(folder.path, false);
  const File archive = pack(folder.path);
  const auto segments = read_initramfs(archive);
  REQUIRE_OK(segments);
  REQUIRE(segments->size() == 1);
  CHECK(segments->front().size == archive.size());
  CHECK(archive.size() % 4 == 0);

  const std::vector<CpioEntry> entries = entries_of(archive);
  std::vector<std::string> names;
  std::uint32_t last_ino = 0;
  for (const CpioEntry& entry : entries) {
    CAPTURE(entry.name);
    names.push_back(entry.name);
    CHECK(entry.uid == 0);
    CHECK(entry.gid == 0);
    CHECK(entry.mtime == 0);
    CHECK(entry.dev_major == 0);
    CHECK(entry.dev_minor == 0);
    CHECK(entry.rdev_major == 0);
    CHECK(entry.rdev_minor == 0);
    CHECK(entry.mode == status_of(folder.path / entry.name).st_mode);
    // In the order of the archive; a further link has its first one's.
    CHECK(entry.ino <= last_ino + 1);
    last_ino = std::max(last_ino, entry.ino);
  }
  CHECK(names == paths_in(folder.path));
  CHECK(names.size() == kTreeEntries);
  CHECK(last_ino == kTreeEntries - 2);
  // '-' and '.' come before '/'.
  const auto at = [&](const char* name) {
    return std::find(names.begin(), names.end(), name) - names.begin();
  };
  CHECK(at("bin") < at("bin-x"));
  CHECK(at("bin-x") < at("bin.d"));
  CHECK(at("bin.d") < at("bin/link"));
}

TEST_CASE("hard links share an inode number, and the last of them has the data") {
  const TemporaryFolder folder;
  make_tree(folder.path / "tree", false);
  // A link from outside does not count.
  fs::create_hard_link(folder.path / "tree/zlinked", folder.path / "outside");
  fs::create_hard_link(folder.path / "tree/init", folder.path / "outside-init");
  const File archive = pack(folder.path / "tree");
  const auto entries = by_name(archive);
  for (const char* const name : {"bin/linked", "lib/a/linked", "zlinked"}) {
    CAPTURE(name);
    CHECK(entries.at(name).nlink == 3);
    CHECK(entries.at(name).ino == entries.at("bin/linked").ino);
  }
  CHECK(entries.at("bin/linked").data.empty());
  CHECK(entries.at("lib/a/linked").data.empty());
  CHECK(string_of(entries.at("zlinked").data) == "shared");
  CHECK(entries.at("init").nlink == 1);
  CHECK(string_of(entries.at("init").data) == "contents of init");
}

TEST_CASE("GNU cpio lists and unpacks the archive to an equal tree") {
  if (!have("cpio")) return;
  const TemporaryFolder folder;
  make_tree(folder.path / "tree", false);
  extract(folder, pack(folder.path / "tree"));
  check_equal(folder.path / "tree", folder.path / "out");
  REQUIRE(shell(folder.path, "cpio -it --quiet < archive > list"));
  const std::string list = text_of(folder / "list");
  CHECK(static_cast<std::size_t>(std::count(list.begin(), list.end(), '\n')) == kTreeEntries + 1);
  CHECK(list.starts_with("big\nbin\nbin-x\nbin.d\nbin/link\nbin/linked\nbin/tool\nbroken\nempty\nfifo\n"));
}

TEST_CASE("links of symbolic links, FIFOs and empty files") {
  if (!have("cpio")) return;
  const TemporaryFolder folder;
  const fs::path tree = folder.path / "tree";
  fs::create_directory(tree);
  fs::create_symlink("target", tree / "s1");
  REQUIRE(::linkat(AT_FDCWD, (tree / "s1").c_str(), AT_FDCWD, (tree / "s2").c_str(), 0) == 0);
  REQUIRE(::mkfifo((tree / "f1").c_str(), 0600) == 0);
  fs::create_hard_link(tree / "f1", tree / "f2");
  write_text(tree / "e1", "");
  fs::create_hard_link(tree / "e1", tree / "e2");
  const File archive = pack(tree);
  const auto entries = by_name(archive);
  CHECK(entries.at("f1").ino == entries.at("f2").ino);
  CHECK(entries.at("f2").nlink == 2);
  CHECK(entries.at("e1").ino == entries.at("e2").ino);
  // Linux makes each symbolic link from its own entry.
  CHECK(entries.at("s1").ino != entries.at("s2").ino);
  CHECK(entries.at("s1").nlink == 1);
  CHECK(string_of(entries.at("s1").data) == "target");
  CHECK(string_of(entries.at("s2").data) == "target");

  extract(folder, archive);
  CHECK(status_of(folder.path / "out/f1").st_ino == status_of(folder.path / "out/f2").st_ino);
  CHECK(status_of(folder.path / "out/e1").st_ino == status_of(folder.path / "out/e2").st_ino);
  CHECK(fs::read_symlink(folder.path / "out/s2") == "target");
}

TEST_CASE("device nodes keep their numbers") {
  if (!have("cpio")) return;
  const TemporaryFolder folder;
  const fs::path tree = folder.path / "tree";
  fs::create_directory(tree);
  if (::mknod((tree / "console").c_str(), S_IFCHR | 0600, makedev(5, 1)) != 0 ||
      ::mknod((tree / "disk").c_str(), S_IFBLK | 0660, makedev(259, 70000)) != 0) {
    skip_test("this user may not make device nodes");
    return;
  }
  fs::create_hard_link(tree / "console", tree / "tty");
  set_mode(tree / "disk", 0660);
  const File archive = pack(tree);
  const auto entries = by_name(archive);
  CHECK(entries.at("console").mode == (S_IFCHR | 0600));
  CHECK(entries.at("console").rdev_major == 5);
  CHECK(entries.at("console").rdev_minor == 1);
  CHECK(entries.at("console").nlink == 2);
  CHECK(entries.at("tty").ino == entries.at("console").ino);
  CHECK(entries.at("disk").mode == (S_IFBLK | 0660));
  CHECK(entries.at("disk").rdev_major == 259);
  CHECK(entries.at("disk").rdev_minor == 70000);
  extract(folder, archive);
  check_equal(tree, folder.path / "out");
}

TEST_CASE("a socket is an entry, as with cpio") {
  const TemporaryFolder folder;
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(fd >= 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folder / "socket";
  REQUIRE(path.size() < sizeof(address.sun_path));
  std::copy(path.begin(), path.end(), address.sun_path);
  const int bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  ::close(fd);
  REQUIRE(bound == 0);
  set_mode(path, 0755);
  const File archive = pack(folder.path);
  const auto entries = by_name(archive);
  CHECK(entries.at("socket").mode == (S_IFSOCK | 0755));
  CHECK(entries.at("socket").data.empty());
}

TEST_CASE("the same tree gives the same bytes, whatever order, times, umask and place it was made with") {
  const TemporaryFolder a;
  const TemporaryFolder b;
  make_tree(a.path / "tree", false);
  const mode_t mask = ::umask(077);
  make_tree(b.path / "another/tree", true);
  ::umask(0);
  REQUIRE(shell(b.path, "find . -exec touch -h -d @1234567890 {} +"));
  const File first = pack(a.path / "tree");
  // The root's own mode has no place in the archive.
  set_mode(a.path / "tree", 0700);
  CHECK(first == pack(a.path / "tree"));
  CHECK(first == pack(b.path / "another/tree"));
  CHECK(first == pack(b.path / "another/tree/"));
  fs::create_directory_symlink("another/tree", b.path / "by-link");
  CHECK(first == pack(b.path / "by-link"));
  CHECK(pack(a.path / "tree", {.zstd = true}) == pack(b.path / "another/tree", {.zstd = true}));
  ::umask(mask);
  // And a difference shows.
  set_mode(a.path / "tree/init", 0755);
  CHECK_FALSE(first == pack(a.path / "tree"));
}

TEST_CASE("with zstd it is one frame of the same archive, with a window that Linux has memory for") {
  const TemporaryFolder folder;
  make_tree(folder.path / "tree", false);
  const File plain = pack(folder.path / "tree");
  const File packed = pack(folder.path / "tree", {.zstd = true});
  CHECK(packed.size() < plain.size() / 10);
  const auto segments = read_initramfs(packed);
  REQUIRE_OK(segments);
  REQUIRE(segments->size() == 1);
  CHECK(segments->front().compression == FileKind::zstd);
  // It refuses a second frame, and windows over 128 MiB.
  const auto unpacked = unpack_zstd(packed, {});
  REQUIRE_OK(unpacked);
  CHECK(*unpacked == plain);
  if (!have("zstd")) return;
  folder.write("packed", packed);
  REQUIRE(shell(folder.path, "zstd -dc < packed > plain"));
  const std::string text = text_of(folder / "plain");
  CHECK(File(text.begin(), text.end()) == plain);
}

TEST_CASE("an empty directory makes an archive with only the trailer") {
  const TemporaryFolder folder;
  const File archive = pack(folder.path);
  CHECK(archive.size() == 124);
  const auto segments = read_initramfs(archive);
  REQUIRE_OK(segments);
  CHECK(segments->front().entries == 0);
  if (!have("cpio")) return;
  folder.write("archive", archive);
  CHECK(shell(folder.path, "cpio -it --quiet < archive > list && test ! -s list"));
}

TEST_CASE("what is no directory is named") {
  const TemporaryFolder folder;
  write_text(folder.path / "file", "x");
  CHECK(
      refusal(folder.path / "file") ==
      folder / "file" +
          ": is a regular file, not a directory: give a directory here, and a finished initrd with --initrd");
  REQUIRE(::mkfifo((folder.path / "fifo").c_str(), 0600) == 0);
  CHECK(refusal(folder.path / "fifo").find(": is a FIFO, not a directory") != std::string::npos);
  CHECK(refusal("/dev/null").find("/dev/null: is a character device, not a directory") != std::string::npos);
  CHECK(refusal(folder.path / "absent") == folder / "absent" + ": No such file or directory");
}

TEST_CASE("what cannot be read is named") {
  const TemporaryFolder folder;
  fs::create_directory(folder.path / "tree");
  write_text(folder.path / "tree/secret", "x");
  set_mode(folder.path / "tree/secret", 0);
  set_mode(folder.path, 0755);
  set_mode(folder.path / "tree", 0755);
  // Root reads everything, so be someone else.
  const uid_t user = ::geteuid();
  if (user == 0) REQUIRE(::seteuid(65534) == 0);
  const auto file = initrd_from_directory(folder / "tree", {});
  if (user == 0) REQUIRE(::seteuid(0) == 0);
  set_mode(folder.path / "tree/secret", 0644);
  fs::create_directory(folder.path / "tree/locked");
  set_mode(folder.path / "tree/locked", 0);
  if (user == 0) REQUIRE(::seteuid(65534) == 0);
  const auto directory = initrd_from_directory(folder / "tree", {});
  if (user == 0) REQUIRE(::seteuid(0) == 0);
  set_mode(folder.path / "tree/locked", 0755);
  REQUIRE_FALSE(file.has_value());
  CHECK(file.error().message() == folder / "tree/secret" + ": Permission denied");
  REQUIRE_FALSE(directory.has_value());
  CHECK(directory.error().message() == folder / "tree/locked" + ": Permission denied");
}

TEST_CASE("names that newc or Linux cannot take") {
  const TemporaryFolder folder;
  fs::create_directories(folder.path / "tree/sub");
  write_text(folder.path / "tree/sub/TRAILER!!!", "fine here");
  const File archive = pack(folder.path / "tree");
  CHECK(entries_of(archive).size() == 2);
  write_text(folder.path / "tree/TRAILER!!!", "not here");
  CHECK(refusal(folder.path / "tree") ==
        folder / "tree/TRAILER!!!" + ": a cpio archive ends at this name: rename it");
}

TEST_CASE("paths of 4095 bytes are the longest that Linux reads") {
  const TemporaryFolder folder;
  fs::create_directory(folder.path / "tree");
  int fd = ::open((folder / "tree").c_str(), O_RDONLY | O_DIRECTORY);
  REQUIRE(fd >= 0);
  // 16 times 255 and a slash, less the last.
  const std::string name(255, 'n');
  for (int i = 0; i < 15; ++i) {
    REQUIRE(::mkdirat(fd, name.c_str(), 0755) == 0);
    const int next = ::openat(fd, name.c_str(), O_RDONLY | O_DIRECTORY);
    REQUIRE(next >= 0);
    ::close(fd);
    fd = next;
  }
  REQUIRE(::mkdirat(fd, name.c_str(), 0755) == 0);
  const File archive = pack(folder.path / "tree");
  const auto entries = entries_of(archive);
  REQUIRE(entries.size() == 16);
  CHECK(entries.back().name.size() == 4095);
  REQUIRE(::mkdirat(fd, (name + "/d").c_str(), 0755) == 0);
  ::close(fd);
  const std::string message = refusal(folder.path / "tree");
  CHECK(message.ends_with(
      ": its path in the initrd has 4097 bytes, more than the 4095 that Linux reads: shorten it"));
}

TEST_CASE("a file of 4 GiB does not fit newc") {
  const TemporaryFolder folder;
  write_text(folder.path / "huge", "");
  if (::truncate((folder / "huge").c_str(), std::int64_t{1} << 32) != 0) {
    skip_test("this file system has no files of 4 GiB");
    return;
  }
  CHECK(refusal(folder.path) ==
        folder / "huge" +
            ": has 4294967296 bytes, more than the 4294967295 that an initrd can hold of "
            "a file: leave it out");
}

TEST_CASE("a file that has more than it says is refused") {
  // Files of procfs say 0 bytes.
  if (::access("/proc/sys/kernel/random/boot_id", R_OK) != 0) {
    skip_test("there is no /proc/sys/kernel/random");
    return;
  }
  CHECK(refusal("/proc/sys/kernel/random") ==
        "/proc/sys/kernel/random/boot_id: grew past its 0 bytes while it was read: run again when nothing "
        "writes "
        "to it");
}

TEST_CASE("a file that has less than it says is refused") {
  // Files of sysfs say a page.
  const std::string folder = "/sys/kernel/mm/transparent_hugepage";
  if (::access((folder + "/defrag").c_str(), R_OK) != 0) {
    skip_test("there is no " + folder);
    return;
  }
  CHECK(refusal(folder).find(": has 4096 bytes, but only ") != std::string::npos);
}

TEST_CASE("a file that is written meanwhile is refused") {
  const TemporaryFolder folder;
  write_text(folder.path / "file", std::string(32 << 20, 'x'));
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    timespec times[2]{};
    while (!stop) {
      ++times[0].tv_sec;
      ++times[1].tv_sec;
      ::utimensat(AT_FDCWD, (folder / "file").c_str(), times, 0);
    }
  });
  // The writer may get no time on a busy machine; then there is nothing to see yet.
  std::string message;
  for (int i = 0; i < 100 && message.empty(); ++i) {
    const auto archive = initrd_from_directory(folder.path.string(), {});
    if (!archive) message = archive.error().message();
  }
  stop = true;
  writer.join();
  CHECK(message == folder / "file" + ": was changed while it was read: run again when nothing writes to it");
}

TEST_CASE("mount points are refused") {
  struct stat dev {};
  struct stat pts {};
  if (::stat("/dev", &dev) != 0 || ::stat("/dev/pts", &pts) != 0 || dev.st_dev == pts.st_dev) {
    skip_test("nothing is mounted on /dev/pts");
    return;
  }
  const std::string message = refusal("/dev");
  CHECK(message.starts_with("/dev/"));
  CHECK(message.ends_with(": another file system is mounted there: unmount it, or give a copy of the tree"));
}
