// The system calls that are left once a guest runs.
#pragma once

#include "formats/result.h"

namespace tintype {

// From here on every thread of this process may do only what the run loop, the supervisor and the end of a
// run need: no open, no exec, no sockets, no mapping of files, and of ioctl the few requests that they use.
// Anything else kills the process. Allows lseek on `image` alone. Threads must exist before.
Result<void> allow_only_the_run_loop(int image);

}  // namespace tintype
