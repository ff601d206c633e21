#include "runner/terminal.h"

#include <unistd.h>

namespace tintype {

Terminal::Terminal(int fd) : fd_(fd) {
  if (::isatty(fd) == 0 || ::tcgetpgrp(fd) != ::getpgrp() || ::tcgetattr(fd, &saved_) != 0) return;
  termios raw = saved_;
  raw.c_iflag &= ~static_cast<tcflag_t>(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
  raw.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
  // Output processing stays: a guest that ends its lines with a bare line feed reads well, and so do our
  // messages.
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  raw_ = ::tcsetattr(fd, TCSANOW, &raw) == 0;
}

void Terminal::restore() const {
  if (raw_) ::tcsetattr(fd_, TCSANOW, &saved_);
}

bool KeyFilter::filter(Bytes typed, std::string& passed) {
  constexpr std::uint8_t kCtrlA = 1;
  for (const std::uint8_t key : typed) {
    if (!escaped_ && key == kCtrlA) {
      escaped_ = true;
      continue;
    }
    if (escaped_ && (key == 'x' || key == 'X')) return true;
    if (!escaped_ || key == kCtrlA) passed.push_back(static_cast<char>(key));
    escaped_ = false;
  }
  return false;
}

}  // namespace tintype
