// The user's terminal: raw while a guest has it, and put back whatever happens. And the keys that are the
// runner's.
#pragma once

#include <termios.h>

#include <string>

#include "formats/wire.h"

namespace tintype {

class Terminal {
 public:
  // Makes `fd` pass on every key unchanged, if it is a terminal and this process is in its foreground.
  explicit Terminal(int fd);
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() { restore(); }

  bool raw() const { return raw_; }
  // Gives the terminal its modes back. Safe in a signal handler, any number of times.
  void restore() const;

 private:
  int fd_ = -1;
  bool raw_ = false;
  termios saved_ = {};
};

// Finds the escape key in what is typed: Ctrl-A X quits, Ctrl-A Ctrl-A is a Ctrl-A for the guest, and Ctrl-A
// with anything else is nothing.
class KeyFilter {
 public:
  // What of `typed` is for the guest is appended to `passed`. True if the user wants to quit.
  bool filter(Bytes typed, std::string& passed);

 private:
  bool escaped_ = false;
};

}  // namespace tintype
