// The parts of device trees that tests write again and again.
#pragma once

#include "formats/fdt.h"

namespace tintype::tiny {

// /cpus with one processor, as a child of the node that is open.
inline void write_processor(FdtWriter& tree) {
  tree.begin("cpus");
  tree.begin("cpu@0");
  tree.end();
  tree.end();
}

}  // namespace tintype::tiny
