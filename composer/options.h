// The options of compose-snapshot build, as values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "composer/command_line.h"
#include "composer/numa_options.h"
#include "composer/recipe.h"
#include "composer/smbios_options.h"
#include "formats/machine.h"
#include "formats/result.h"

namespace tintype {

// A file or directory that is, or becomes, a part of the initrd.
struct InitrdOption {
  std::string path;
  bool is_directory = false;
};

struct ModuleOption {
  std::string path;
  std::string cmdline;
};

struct BuildOptions {
  std::string output;
  std::string manifest;  // empty: none
  std::string depfile;   // empty: none; no setting, since it says nothing of the snapshot
  std::string recipe;    // empty: none; for the depfile
  std::string kernel;
  bool keep_compressed = false;
  std::optional<unsigned> profile;      // of a unified kernel image
  std::vector<InitrdOption> initrds;    // in the order given
  bool initrd_zstd = false;             // compress what is made of directories
  std::string initrd_cmdline;           // of PVH's first module
  std::vector<ModuleOption> modules;    // of PVH
  std::optional<std::string> cmdline;   // none: the unified kernel image's, or an empty one
  std::string append;                   // goes after it
  std::uint64_t memory = 512ull << 20;  // bytes
  std::uint32_t cpus = 1;
  NumaOptions numa;
  std::optional<std::string> protocol;  // none: the kernel's default
  std::optional<Gic> gic;               // of an AArch64 guest
  bool its = false;
  bool acpi = true;
  std::vector<std::string> acpi_tables;
  SmbiosInputs smbios;
  std::optional<std::string> dtb;
  std::vector<std::string> overlays;     // of the device tree, in the order given
  std::vector<std::uint8_t> rng_seed;    // empty: none
  std::vector<std::uint8_t> kaslr_seed;  // empty: the kernel stays where it was linked
  bool timings = false;
  bool quiet = false;
  Settings given;  // all of the above as it was set, for the manifest
};

// Every option of `build`: of command lines, help and recipes.
CommandSpec build_spec();

// What `settings` say. Errors: an option that must be there is not, a value is none of its option's, options
// contradict each other. Without `complete` it is a recipe to be finished later, and output and kernel may
// lack.
Result<BuildOptions> build_options(const Settings& settings, bool complete = true);

}  // namespace tintype
