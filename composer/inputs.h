// Every input of a compose, opened: the files, what is in a unified kernel image, what is made of
// directories.
#pragma once

#include <list>
#include <optional>
#include <string>
#include <vector>

#include "composer/files.h"
#include "composer/options.h"
#include "formats/machine.h"
#include "formats/uki.h"
#include "layouts/protocol.h"

namespace tintype {

// Bytes with what messages and reports call them.
struct NamedBytes {
  std::string role;  // "kernel", "initrd", "ucode", "module", "dtb", "fdt-overlay", "acpi-table"
  std::string name;  // "vmlinuz", "linux.efi: section .initrd"
  Bytes bytes;
  std::string format = {};   // what it is, where probe() could not tell
  std::uint64_t offset = 0;  // of a section, in its file
};

// `result` of reading `input`, its error with the input's name and with offsets in the file that was given.
template <typename T>
Result<T> of_input(Result<T> result, const NamedBytes& input) {
  return with_context(with_base(std::move(result), input.offset), input.name);
}

class InputFiles {
 public:
  // Opens everything that `options` name and checks what does not depend on the kernel. Errors: a file that
  // cannot be read or that is the output too, a damaged unified kernel image, device tree or ACPI table.
  static Result<InputFiles> open(const BuildOptions& options);

  // The file with the kernel in it: bzImage, ELF.
  const NamedBytes& kernel() const { return kernel_; }
  // Everything that goes into the snapshot, the kernel and the unified kernel image around it first.
  std::vector<NamedBytes> components() const;
  // Whether there is a device tree or an overlay among them.
  bool has_device_tree() const { return dtb_.has_value() || !overlays_.empty(); }
  // The path of every file and directory that was read and has a time and a name for others: a pipe has none.
  const std::vector<std::string>& paths() const { return paths_; }
  // What a unified kernel image says of itself and of its kernel; empty if there is none.
  std::string version_of_image() const { return uki_ ? uki_->os : ""; }
  std::string version_of_kernel() const { return uki_ ? uki_->uname : ""; }

  // What layouts start from, for `kernel` entered by `protocol`; the machine's components and the kernel's
  // place are the caller's to add. Errors: a file that this kernel would not take for an initrd.
  Result<Inputs> gather(const BuildOptions& options, const Kernel& kernel, std::string_view protocol) const;

 private:
  InputFiles() = default;
  // Maps a file, which lives as long as this.
  Result<Bytes> map(const std::string& path, const BuildOptions& options);
  void add_path(const std::string& path);
  Result<void> open_kernel(const BuildOptions& options);
  Result<void> open_initrds(const BuildOptions& options);
  Result<void> open_tables(const BuildOptions& options);
  // The device tree and its overlays, with what messages call them; inputs.machine is known.
  Result<void> add_trees(const BuildOptions& options, Inputs& inputs) const;
  Result<std::vector<Bytes>> arrange_initrds(const Kernel& kernel) const;

  std::list<InputFile> files_;
  std::vector<std::string> paths_;
  std::list<std::vector<std::uint8_t>> made_;
  NamedBytes image_;  // the unified kernel image, if there is one
  NamedBytes kernel_;
  std::optional<Uki> uki_;
  std::vector<NamedBytes> initrds_;  // a unified kernel image's first
  std::vector<NamedBytes> modules_;
  std::vector<NamedBytes> tables_;
  std::vector<ImportedTable> imported_;
  std::optional<NamedBytes> dtb_;
  std::vector<NamedBytes> overlays_;
};

}  // namespace tintype
