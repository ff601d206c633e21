// Files in and out: inputs mapped read-only, outputs that appear whole or not at all.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "formats/container.h"
#include "formats/wire.h"

namespace tintype {

// Mapped memory, until the end of its owner.
class Mapping {
 public:
  Mapping() = default;
  Mapping(void* memory, std::size_t size) : bytes_(static_cast<std::uint8_t*>(memory), size) {}
  // Memory of zeroes, which costs nothing before it is written to. `size` is not 0. Errors: no memory.
  static Result<Mapping> anonymous(std::uint64_t size);
  ~Mapping();
  Mapping(Mapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  // What it has stays without being copied, but may move. Only for anonymous(). Errors: no memory.
  Result<void> resize(std::uint64_t size);
  // To be written to only if it is of anonymous().
  std::span<std::uint8_t> bytes() const { return bytes_; }

 private:
  std::span<std::uint8_t> bytes_;
};

// The most that is read of what is no regular file, which must end there.
struct InputLimit {
  std::uint64_t bytes;
  std::string_view what;  // that is no longer: "a recipe"
};
// IGVM's offsets have 32 bits, and whatever becomes a part of a snapshot is no longer either.
inline constexpr InputLimit kSnapshotLimit = {4 * kGiB, "a snapshot"};

// A file's bytes. A regular file is mapped; anything else (a pipe) is read to its end.
class InputFile {
 public:
  // Errors: the file cannot be opened or read, or is a directory; more than `limit` come out of a pipe. The
  // path is in the message.
  static Result<InputFile> open(const std::string& path, InputLimit limit = kSnapshotLimit);
  // The same for a snapshot: one that travels compressed (formats/container.h) is unpacked. A pipe is refused
  // by its first bytes where they are neither. Errors: also those of unpacking it.
  static Result<InputFile> open_snapshot(const std::string& path);

  Bytes bytes() const { return mapping_.bytes(); }
  // Takes the whole pages of `part` out of memory; who reads them later gets them from the file again. Does
  // nothing for bytes that are not mapped, or not this file's. Any thread may, while others read.
  void release(Bytes part) const;
  // Whether writing an output to `path` would replace this very file, by whatever name: the output itself, or
  // the temporary file that becomes it.
  bool is_replaced_by(const std::string& path) const;

 private:
  InputFile() = default;
  std::optional<std::pair<dev_t, ino_t>> identity_;  // of a regular file
  Mapping mapping_;
  bool own_ = false;  // `mapping_` is memory of our own
  Result<void> unpack();
  // The first bytes of a pipe to the limit for all of it.
  using Start = Result<InputLimit> (*)(Bytes);
  static Result<InputFile> open(const std::string& path, InputLimit limit, Start start);
  Result<void> read(int fd, InputLimit limit, Start start);
};

// Ends the process with a sentence, and `status`, when a mapped input is truncated by someone else while it
// is read.
void report_truncated_inputs(const char* program, int status = 1);

// An output file that takes its name only when it is complete: bytes go to "PATH.tmp" beside it, commit()
// syncs and renames. A compose that dies leaves at most the temporary file, which the next one overwrites.
// "-" is standard output, and a path that names something other than a regular file (a pipe, /dev/null) is
// written directly.
class OutputFile {
 public:
  // Errors: the place is not writable, another process is writing it, or standard output is a terminal.
  static Result<OutputFile> create(const std::string& path);
  ~OutputFile();  // removes the temporary file of an output that was not committed
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;

  Result<void> write(Bytes bytes);
  // Everything written so far, read back from the file; empty for outputs that cannot be read back.
  Result<std::optional<InputFile>> read_back() const;
  Result<void> sync();
  Result<void> commit();

 private:
  OutputFile() = default;
  std::string path_;       // as the user gave it, for messages
  std::string target_;     // what the temporary file becomes
  std::string temporary_;  // empty for direct outputs
  int fd_ = -1;
};

// What is written of a snapshot, on its way to `output`: compressed if `path` ends with ".zst".
class SnapshotWriter {
 public:
  SnapshotWriter(OutputFile& output, const std::string& path);
  Result<void> write(Bytes bytes);
  // Call once, after everything was written and before `output` is read back or committed.
  Result<void> finish();

 private:
  OutputFile& output_;
  std::optional<ContainerWriter> container_;
};

}  // namespace tintype
