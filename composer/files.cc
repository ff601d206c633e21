#include "composer/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "formats/gpa.h"
#include "formats/igvm.h"
#include "formats/ordered_work.h"

namespace tintype {

namespace {

// What an output's name has behind it while it is written.
constexpr std::string_view kTemporary = ".tmp";
// What a pipe is read into at first, and how much of a snapshot tells how it goes on.
constexpr std::uint64_t kFirstRoom = 64 * kKiB, kStart = sizeof(IGVM_FIXED_HEADER);

std::string reason() {
  return std::strerror(errno);
}

// What an output named `path` replaces: a symbolic link is written through, and what it names may not be
// there yet.
std::string target_of(const std::string& path) {
  constexpr int kMostLinks = 40;  // as Linux follows
  std::filesystem::path target = path;
  std::error_code none;
  for (int links = 0; links < kMostLinks; ++links) {
    if (char* resolved = ::realpath(target.c_str(), nullptr)) {
      target = resolved;
      std::free(resolved);
      return target;
    }
    const std::filesystem::path next = std::filesystem::read_symlink(target, none);
    if (none) break;
    target = target.parent_path() / next;
  }
  return target;
}

Result<InputLimit> snapshot_limit(Bytes start) {
  if (is_container(start)) return kSnapshotLimit;
  const std::uint64_t size = TRY(igvm::stated_size(start));
  return InputLimit{size, "the snapshot that it starts with"};
}

const char* truncated_program = "";
int truncated_status = 1;

extern "C" void on_sigbus(int) {
  // Only async-signal-safe calls here.
  static constexpr char kText[] = ": an input file was truncated while it was being read: run again\n";
  [[maybe_unused]] ssize_t ignored = ::write(2, truncated_program, std::strlen(truncated_program));
  ignored = ::write(2, kText, sizeof kText - 1);
  ::_exit(truncated_status);
}

}  // namespace

void report_truncated_inputs(const char* program, int status) {
  truncated_program = program;
  truncated_status = status;
  struct sigaction action {};
  action.sa_handler = on_sigbus;
  ::sigaction(SIGBUS, &action, nullptr);
}

Result<Mapping> Mapping::anonymous(std::uint64_t size) {
  void* memory =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return fail("there is no memory to hold it: {}", reason());
  return Mapping(memory, size);
}

Mapping::~Mapping() {
  if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

Result<void> Mapping::resize(std::uint64_t size) {
  if (size == 0) {
    *this = {};
    return {};
  }
  void* memory = ::mremap(bytes_.data(), bytes_.size(), size, MREMAP_MAYMOVE);
  if (memory == MAP_FAILED) return fail("there is no memory to hold it: {}", reason());
  bytes_ = {static_cast<std::uint8_t*>(memory), static_cast<std::size_t>(size)};
  return {};
}

// Reads until the end of a pipe or terminal.
Result<void> InputFile::read(int fd, InputLimit limit, Start start) {
  mapping_ = TRY(Mapping::anonymous(kFirstRoom));
  own_ = true;
  std::uint64_t filled = 0;
  while (filled <= limit.bytes) {
    if (start && filled >= kStart) {
      limit = TRY(start(bytes().first(filled)));
      start = nullptr;
      continue;
    }
    if (filled == bytes().size()) TRY(mapping_.resize(2 * filled));
    const std::uint64_t most = std::min(bytes().size(), limit.bytes + 1) - filled;
    const ssize_t count = ::read(fd, mapping_.bytes().data() + filled, most);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail("{}", reason());
    if (count == 0) return mapping_.resize(filled);
    filled += static_cast<std::uint64_t>(count);
  }
  return fail("more than {} bytes come out of it, and {} has no more: give a file", limit.bytes, limit.what);
}

Result<InputFile> InputFile::open(const std::string& path, InputLimit limit) {
  return open(path, limit, nullptr);
}

Result<InputFile> InputFile::open(const std::string& path, InputLimit limit, Start start) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail("{}: {}", path, reason());
  InputFile file;
  struct stat status {};
  Result<void> result;
  if (::fstat(fd, &status) != 0) {
    result = fail("{}: {}", path, reason());
  } else if (S_ISDIR(status.st_mode)) {
    result = fail("{}: is a directory: give a file", path);
  } else if (S_ISREG(status.st_mode) && status.st_size > 0) {
    const auto size = static_cast<std::size_t>(status.st_size);
    void* mapping = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (mapping == MAP_FAILED) {
      result = fail("{}: {}", path, reason());
    } else {
      file.mapping_ = Mapping(mapping, size);
      file.identity_ = {status.st_dev, status.st_ino};
    }
  } else {
    result = with_context(file.read(fd, limit, start), path);
  }
  ::close(fd);
  if (!result) return tl::unexpected(result.error());
  return file;
}

void InputFile::release(Bytes part) const {
  const std::span<std::uint8_t> all = mapping_.bytes();
  const bool inside = part.data() >= all.data() && part.size() <= all.size() &&
                      part.data() <= all.data() + (all.size() - part.size());
  if (own_ || part.empty() || !inside) return;
  const auto offset = static_cast<std::uint64_t>(part.data() - all.data());
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::uint64_t start = (offset + page - 1) / page * page, end = (offset + part.size()) / page * page;
  if (start < end) ::madvise(all.data() + start, end - start, MADV_DONTNEED);
}

Result<void> InputFile::unpack() {
  const Container container = TRY(read_container(bytes()));
  const std::uint64_t stated = TRY(snapshot_size(container));
  Mapping room = TRY(Mapping::anonymous(stated));
  const std::uint64_t size = TRY(unpack_container(container, room.bytes(), usable_threads()));
  TRY(room.resize(size));
  mapping_ = std::move(room);
  own_ = true;
  return {};
}

Result<InputFile> InputFile::open_snapshot(const std::string& path) {
  InputFile file = TRY(open(path, kSnapshotLimit, snapshot_limit));
  if (is_container(file.bytes())) TRY(with_context(file.unpack(), path));
  return file;
}

bool InputFile::is_replaced_by(const std::string& path) const {
  const std::string target = target_of(path);
  for (const std::string& name : {target, target + std::string(kTemporary)}) {
    struct stat status {};
    if (identity_ && ::stat(name.c_str(), &status) == 0 &&
        identity_ == std::pair(status.st_dev, status.st_ino))
      return true;
  }
  return false;
}

namespace {

// Opens and locks the temporary file. A compose that renames it between our open and our lock would have us
// truncate its finished output, so the name must still be the file that was locked.
Result<int> open_temporary(const std::string& temporary, const std::string& path) {
  while (true) {
    const int fd = ::open(temporary.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) return fail("{}: cannot create {}: {}", path, temporary, reason());
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      ::close(fd);
      return fail("{}: another compose is writing it: wait for that one or choose another output", path);
    }
    struct stat locked {
    }, named{};
    if (::fstat(fd, &locked) == 0 && ::stat(temporary.c_str(), &named) == 0 &&
        locked.st_ino == named.st_ino && locked.st_dev == named.st_dev) {
      if (!S_ISREG(locked.st_mode) || ::ftruncate(fd, 0) != 0) {
        ::close(fd);
        return fail("{}: {} is in the way: remove it", path, temporary);
      }
      return fd;
    }
    ::close(fd);
  }
}

}  // namespace

Result<OutputFile> OutputFile::create(const std::string& path) {
  OutputFile file;
  file.path_ = path;
  if (path == "-") {
    if (::isatty(STDOUT_FILENO)) return fail("standard output is a terminal: redirect it, or give -o FILE");
    file.path_ = "standard output";
    file.fd_ = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (file.fd_ < 0) return fail("standard output: {}", reason());
    return file;
  }
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return fail("{}: is a directory: give a file name", path);
    if (!S_ISREG(status.st_mode)) {
      file.fd_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
      if (file.fd_ < 0) return fail("{}: {}", path, reason());
      return file;
    }
  } else if (errno == ELOOP) {
    return fail("{}: {}", path, reason());
  }
  file.target_ = target_of(path);
  const std::string temporary = file.target_ + std::string(kTemporary);
  file.fd_ = TRY(open_temporary(temporary, path));
  file.temporary_ = temporary;
  return file;
}

OutputFile::~OutputFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  if (fd_ >= 0) ::close(fd_);
}
OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      target_(std::move(other.target_)),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::exchange(other.fd_, -1)) {}

Result<void> OutputFile::write(Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return with_context(Result<void>(fail("{}", reason())), path_);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<std::optional<InputFile>> OutputFile::read_back() const {
  if (temporary_.empty()) return std::nullopt;
  return TRY(InputFile::open_snapshot(temporary_));
}

Result<void> OutputFile::sync() {
  if (!temporary_.empty() && ::fsync(fd_) != 0) return fail("{}: {}", path_, reason());
  return {};
}

Result<void> OutputFile::commit() {
  if (temporary_.empty()) return {};
  TRY(sync());
  if (::rename(temporary_.c_str(), target_.c_str()) != 0)
    return fail("{}: cannot rename {}: {}", path_, temporary_, reason());
  temporary_.clear();
  // The rename itself must survive a power failure too.
  const std::size_t slash = target_.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : target_.substr(0, slash + 1);
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    ::fsync(fd);
    ::close(fd);
  }
  return {};
}

SnapshotWriter::SnapshotWriter(OutputFile& output, const std::string& path) : output_(output) {
  if (path.ends_with(kContainerSuffix))
    container_.emplace([&output](Bytes bytes) { return output.write(bytes); }, usable_threads());
}

Result<void> SnapshotWriter::write(Bytes bytes) {
  return container_ ? container_->write(bytes) : output_.write(bytes);
}

Result<void> SnapshotWriter::finish() {
  if (!container_) return {};
  return container_->finish();
}

}  // namespace tintype
