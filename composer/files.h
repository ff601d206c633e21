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

// A file's bytes. A regular file is mapped; anything else (a pipe) is read to its end.
class InputFile {
 public:
  // Errors: the file cannot be opened or read, or is a directory. The path is in the message.
  static Result<InputFile> open(const std::string& path);
  // The same for a snapshot: one that travels compressed (formats/container.h) is unpacked. Errors: also
  // those of unpacking it.
  static Result<InputFile> open_snapshot(const std::string& path);
  ~InputFile();
  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&& other) noexcept;

  Bytes bytes() const { return bytes_; }
  // Takes the whole pages of `part` out of memory; who reads them later gets them from the file again. Does
  // nothing for bytes that are not mapped, or not this file's. Any thread may, while others read.
  void release(Bytes part) const;
  // Whether writing an output to `path` would replace this very file, by whatever name: the output itself, or
  // the temporary file that becomes it.
  bool is_replaced_by(const std::string& path) const;

 private:
  InputFile() = default;
  std::pair<dev_t, ino_t> identity_{};  // of a mapped file
  std::vector<std::uint8_t> read_;
  void* mapping_ = nullptr;
  bool unpacked_ = false;  // `mapping_` is memory of our own
  Bytes bytes_;
  Result<void> unpack();
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
