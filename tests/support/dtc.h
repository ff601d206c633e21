// dtc as an independent judge of our device trees, and to make users' trees and overlays from source.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/wire.h"

// Whether dtc can be run; if not, the running test is reported as skipped.
bool have_dtc();

// A tree as source, and every warning that dtc has for it.
struct TreeSource {
  std::string source;
  std::string log;
};
TreeSource tree_source(tintype::Bytes blob);

// A tree from source, which may leave "/dts-v1/;" out, with every label in __symbols__. The source has to
// compile.
std::vector<std::uint8_t> compile_tree(std::string_view source);
// The same for the fragments of an overlay.
std::vector<std::uint8_t> compile_overlay(std::string_view source);
