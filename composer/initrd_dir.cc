#include "composer/initrd_dir.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <new>
#include <span>
#include <utility>

#include "formats/cpio.h"

namespace tintype {

namespace {

// Bytes per archive_write_data(). The same for every file, however read() splits it, since the compressor
// sees these pieces.
constexpr std::size_t kBlock = 1 << 20;

// Of 94 MB of programs and libraries, 9 makes 33.7 MB in 1.8 s and 19 makes 29.4 MB in 36 s. Windows grow
// with the level, to 8 MiB at 19; Linux takes up to 128 MiB (lib/decompress_unzstd.c). libarchive compresses
// in one thread unless told otherwise, so the bytes do not depend on the machine's processors.
constexpr char kZstdLevel[] = "9";

std::string reason() {
  return std::strerror(errno);
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// Something in the tree.
struct Node {
  std::string path;  // relative to the root
  struct stat status {};

  bool is(mode_t type) const { return (status.st_mode & S_IFMT) == type; }
  std::pair<dev_t, ino_t> identity() const { return {status.st_dev, status.st_ino}; }
};

struct Tree {
  std::string root;  // as the user gave it
  Descriptor fd;     // of the root
  dev_t device;
  std::vector<Node> nodes;

  std::string name_of(const std::string& path) const {
    return root.ends_with('/') ? root + path : root + "/" + path;
  }
};

std::string_view type_name(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return "a regular file";
    case S_IFBLK:
      return "a block device";
    case S_IFCHR:
      return "a character device";
    case S_IFIFO:
      return "a FIFO";
    case S_IFSOCK:
      return "a socket";
    default:
      return "something else";
  }
}

Result<Tree> open_tree(const std::string& path) {
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat status {};
  if (fd.get() < 0) {
    const int why = errno;
    if (why != ENOTDIR || ::stat(path.c_str(), &status) != 0) return fail("{}: {}", path, std::strerror(why));
    return fail("{}: is {}, not a directory: give a directory here, and a finished initrd with --initrd",
                path, type_name(status.st_mode));
  }
  if (::fstat(fd.get(), &status) != 0) return fail("{}: {}", path, reason());
  return Tree{.root = path, .fd = std::move(fd), .device = status.st_dev, .nodes = {}};
}

// The names in the directory `path` of the tree ("" for the root), sorted.
Result<std::vector<std::string>> list(const Tree& tree, const std::string& path) {
  Descriptor fd(::openat(tree.fd.get(), path.empty() ? "." : path.c_str(),
                         O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (fd.get() < 0) return fail("{}: {}", tree.name_of(path), reason());
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(fd.get()), ::closedir);
  if (!directory) return fail("{}: {}", tree.name_of(path), reason());
  fd.release();
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* const entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    errno = 0;
  }
  if (errno != 0) return fail("{}: {}", tree.name_of(path), reason());
  std::sort(names.begin(), names.end());
  return names;
}

Result<Node> look_at(const Tree& tree, std::string path) {
  // The name's NUL counts.
  if (path.size() >= kCpioMaxName)
    return fail("{}: its path in the initrd has {} bytes, more than the {} that Linux reads: shorten it",
                tree.name_of(path), path.size(), kCpioMaxName - 1);
  if (path == kCpioTrailer)
    return fail("{}: a cpio archive ends at this name: rename it", tree.name_of(path));
  Node node{.path = std::move(path)};
  if (::fstatat(tree.fd.get(), node.path.c_str(), &node.status, AT_SYMLINK_NOFOLLOW) != 0)
    return fail("{}: {}", tree.name_of(node.path), reason());
  // Only directories: overlayfs gives its files the device numbers of their layers.
  if (node.is(S_IFDIR) && node.status.st_dev != tree.device)
    return fail("{}: another file system is mounted there: unmount it, or give a copy of the tree",
                tree.name_of(node.path));
  return node;
}

// Fills tree.nodes: everything below the root, sorted by path. A directory's path starts those of its
// contents, so it comes before them.
Result<void> collect(Tree& tree) {
  std::vector<std::string> pending{""};
  while (!pending.empty()) {
    const std::string folder = std::move(pending.back());
    pending.pop_back();
    const std::string prefix = folder.empty() ? "" : folder + "/";
    for (const std::string& name : TRY(list(tree, folder))) {
      tree.nodes.push_back(TRY(look_at(tree, prefix + name)));
      if (tree.nodes.back().is(S_IFDIR)) pending.push_back(tree.nodes.back().path);
    }
  }
  std::sort(tree.nodes.begin(), tree.nodes.end(),
            [](const Node& a, const Node& b) { return a.path < b.path; });
  return {};
}

// One file, under all the names it has in the tree.
struct Links {
  std::uint32_t count = 0;
  std::uint32_t written = 0;
  std::uint32_t ino = 0;
};
using LinkTable = std::map<std::pair<dev_t, ino_t>, Links>;

// Linux links everything but directories and symbolic links (maybe_link() of init/initramfs.c); a symbolic
// link with several names is written once for each.
bool may_link(const Node& node) {
  return !node.is(S_IFDIR) && !node.is(S_IFLNK);
}

// Takes the archive's bytes from libarchive, whose C code no exception may cross.
extern "C" la_ssize_t append_bytes(archive* writer, void* output, const void* bytes, std::size_t size) {
  auto& all = *static_cast<std::vector<std::uint8_t>*>(output);
  const auto* const first = static_cast<const std::uint8_t*>(bytes);
  try {
    all.insert(all.end(), first, first + size);
  } catch (const std::bad_alloc&) {
    archive_set_error(writer, ENOMEM, "not enough memory for the initrd");
    return -1;
  }
  return static_cast<la_ssize_t>(size);
}

class Writer {
 public:
  explicit Writer(const Tree& tree) : tree_(tree), archive_(archive_write_new(), archive_write_free) {}

  Result<void> open(const InitrdDirOptions& options);
  Result<void> add(const Node& node, Links& links);
  Result<std::vector<std::uint8_t>> close();

 private:
  Result<void> add_header(const Node& node, const Links& links, std::uint64_t size);
  Result<void> add_file(const Node& node, const Links& links);
  Result<void> copy(int fd, const std::string& name, std::uint64_t size);
  Result<std::string> target_of(const Node& node) const;
  // Anything but ARCHIVE_OK: a warning means that what was asked for was not done.
  Result<void> check(int status) const {
    if (status == ARCHIVE_OK) return {};
    const char* const why = archive_error_string(archive_.get());
    return fail("libarchive cannot write the archive: {}", why ? why : "it does not say why");
  }

  const Tree& tree_;
  std::vector<std::uint8_t> bytes_;  // outlives archive_, which may write as it goes
  std::unique_ptr<archive, int (*)(archive*)> archive_;
  std::vector<std::uint8_t> block_;
};

Result<void> Writer::open(const InitrdDirOptions& options) {
  if (!archive_) return fail("not enough memory for the initrd");
  archive* const writer = archive_.get();
  TRY(check(archive_write_set_format_cpio_newc(writer)));
  if (options.zstd) {
    // A warning would mean that libarchive pipes the data through whatever `zstd` is installed.
    TRY(check(archive_write_add_filter_zstd(writer)));
    TRY(check(archive_write_set_filter_option(writer, "zstd", "compression-level", kZstdLevel)));
  }
  // No padding to a tape's block.
  TRY(check(archive_write_set_bytes_per_block(writer, 0)));
  TRY(check(archive_write_set_bytes_in_last_block(writer, 1)));
  return check(archive_write_open(writer, &bytes_, nullptr, append_bytes, nullptr));
}

Result<std::string> Writer::target_of(const Node& node) const {
  std::string target(kCpioMaxName, '\0');
  const ssize_t count = ::readlinkat(tree_.fd.get(), node.path.c_str(), target.data(), target.size());
  if (count < 0) return fail("{}: {}", tree_.name_of(node.path), reason());
  target.resize(static_cast<std::size_t>(count));
  return target;
}

Result<void> Writer::add_header(const Node& node, const Links& links, std::uint64_t size) {
  const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(),
                                                                       archive_entry_free);
  if (!entry) return fail("not enough memory for the initrd");
  archive_entry_copy_pathname(entry.get(), node.path.c_str());
  archive_entry_set_mode(entry.get(), node.status.st_mode);
  archive_entry_set_ino64(entry.get(), links.ino);
  // A directory's count depends on the file system, and nothing reads it: as gen_init_cpio has it.
  archive_entry_set_nlink(entry.get(), node.is(S_IFDIR) ? 2 : links.count);
  archive_entry_set_uid(entry.get(), 0);
  archive_entry_set_gid(entry.get(), 0);
  archive_entry_set_mtime(entry.get(), 0, 0);
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
  if (node.is(S_IFLNK)) archive_entry_copy_symlink(entry.get(), TRY(target_of(node)).c_str());
  if (node.is(S_IFCHR) || node.is(S_IFBLK)) {
    archive_entry_set_rdevmajor(entry.get(), major(node.status.st_rdev));
    archive_entry_set_rdevminor(entry.get(), minor(node.status.st_rdev));
  }
  return with_context(check(archive_write_header(archive_.get(), entry.get())), tree_.name_of(node.path));
}

// Writes `size` bytes of the open file `name`, which is expected to have just so many.
Result<void> Writer::copy(int fd, const std::string& name, std::uint64_t size) {
  block_.resize(kBlock);
  std::uint64_t done = 0;
  while (true) {
    std::size_t filled = 0;
    while (filled < block_.size()) {
      const ssize_t count = ::read(fd, block_.data() + filled, block_.size() - filled);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return fail("{}: {}", name, reason());
      if (count == 0) break;
      filled += static_cast<std::size_t>(count);
    }
    if (filled > size - done)
      return fail("{}: grew past its {} bytes while it was read: run again when nothing writes to it", name,
                  size);
    if (filled == 0) break;
    const la_ssize_t written = archive_write_data(archive_.get(), block_.data(), filled);
    if (written != static_cast<la_ssize_t>(filled)) return with_context(check(ARCHIVE_FATAL), name);
    done += filled;
  }
  if (done != size)
    return fail("{}: has {} bytes, but only {} could be read: run again when nothing writes to it", name,
                size, done);
  return {};
}

Result<void> Writer::add_file(const Node& node, const Links& links) {
  const std::string name = tree_.name_of(node.path);
  // Not blocking, should a FIFO have taken the file's place.
  const Descriptor fd(
      ::openat(tree_.fd.get(), node.path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  Node now{.path = node.path};
  if (fd.get() < 0 || ::fstat(fd.get(), &now.status) != 0) return fail("{}: {}", name, reason());
  if (now.identity() != node.identity() || now.status.st_mode != node.status.st_mode)
    return fail("{}: was replaced while the directory was read: run again when nothing writes to it", name);
  const auto size = static_cast<std::uint64_t>(now.status.st_size);
  if (size > std::numeric_limits<std::uint32_t>::max())
    return fail("{}: has {} bytes, more than the {} that an initrd can hold of a file: leave it out", name,
                size, std::numeric_limits<std::uint32_t>::max());
  TRY(add_header(node, links, size));
  TRY(copy(fd.get(), name, size));
  struct stat after {};
  if (::fstat(fd.get(), &after) != 0) return fail("{}: {}", name, reason());
  if (after.st_mtim.tv_sec != now.status.st_mtim.tv_sec ||
      after.st_mtim.tv_nsec != now.status.st_mtim.tv_nsec)
    return fail("{}: was changed while it was read: run again when nothing writes to it", name);
  return {};
}

Result<void> Writer::add(const Node& node, Links& links) {
  ++links.written;
  if (node.is(S_IFREG) && links.written == links.count) return add_file(node, links);
  return add_header(node, links, 0);
}

Result<std::vector<std::uint8_t>> Writer::close() {
  TRY(check(archive_write_close(archive_.get())));
  return std::move(bytes_);
}

}  // namespace

Result<std::vector<std::uint8_t>> initrd_from_directory(const std::string& path,
                                                        const InitrdDirOptions& options,
                                                        std::vector<std::string>* read) {
  Tree tree = TRY(open_tree(path));
  TRY(collect(tree));
  if (read) {
    read->push_back(path);
    for (const Node& node : tree.nodes)
      if (node.is(S_IFDIR) || node.is(S_IFREG)) read->push_back(tree.name_of(node.path));
  }
  LinkTable table;
  for (const Node& node : tree.nodes)
    if (may_link(node)) ++table[node.identity()].count;

  Writer writer(tree);
  TRY(writer.open(options));
  std::uint32_t last_ino = 0;
  for (const Node& node : tree.nodes) {
    Links single{.count = 1};
    Links& links = may_link(node) ? table[node.identity()] : single;
    if (links.ino == 0) links.ino = ++last_ino;
    TRY(writer.add(node, links));
  }
  return writer.close();
}

}  // namespace tintype
