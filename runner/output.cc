#include "runner/output.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "formats/printable.h"

namespace tintype {

Result<void> write_all(int fd, std::string_view text, const std::function<bool()>& give_up) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count >= 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      pollfd room = {.fd = fd, .events = POLLOUT, .revents = 0};
      if (::poll(&room, 1, -1) >= 0) continue;
    }
    if (errno != EINTR) return fail("{}", std::strerror(errno));
    if (give_up()) return {};
  }
  return {};
}

void complain(std::string_view text) {
  const std::string line = fmt::format("run-snapshot: {}\n", printable(text));
  [[maybe_unused]] const auto written = write_all(STDERR_FILENO, line, [] { return false; });
}

}  // namespace tintype
