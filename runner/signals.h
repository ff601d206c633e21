// Signals as events: what asks the runner to stop arrives on a descriptor, vCPUs are interrupted by a signal
// of their own, and a file that shrinks under its mapping ends the run with a sentence.
#pragma once

#include <string>

#include "formats/result.h"
#include "runner/fd.h"
#include "runner/terminal.h"

namespace tintype {

// From here on writing to a pipe that nobody reads any more is an error and not the end of the process.
void ignore_closed_pipes();

// Blocks the signals that end a process by default, for this thread and those it will start, and gives a
// descriptor that reads them. Those that were ignored (nohup) stay so.
Result<Fd> take_signals();
// The number of the next signal on `fd`, 0 if there is none.
int next_signal(int fd);
// "SIGTERM"
std::string signal_name(int number);

// The signal that interrupts a vCPU's thread, with a handler that does nothing.
int vcpu_signal();
void handle_vcpu_signal();

// What is left to do when a mapped page can no longer be read.
struct LastWords {
  std::string text;  // with its line feed
  const Terminal* terminal = nullptr;
};
// As long as it lives: on SIGBUS (and, with a raw terminal, on whatever else kills a process for its
// mistakes) the terminal is restored; on SIGBUS `words.text` is said and the exit status kStatusFile. One at
// a time counts, the last; `words` outlives it.
class BusErrorGuard {
 public:
  explicit BusErrorGuard(const LastWords& words);
  BusErrorGuard(const BusErrorGuard&) = delete;
  BusErrorGuard& operator=(const BusErrorGuard&) = delete;
  ~BusErrorGuard();

 private:
  const LastWords* before_;
};

}  // namespace tintype
